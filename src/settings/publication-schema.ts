/** An entry of `publish:` in `apigw-cert.yaml`. */
import * as z from 'zod/mini';
import { command, region, text, timeout, url } from './fields.js';
import { PARAMETER_NAME, readShortForm, SHORT_FORMS, type PublicationSettings } from './publication.js';

const publicationForms = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('ssm'),
      parameter: z.string().check(
        z.regex(PARAMETER_NAME, {
          error: 'the name of a parameter, such as "/orders/prod/certificate-id"',
        }),
        z.describe('The name of a String parameter of AWS Systems Manager'),
      ),
      region: z.exactOptional(region('The Region of the parameter (default: that of the stage)')),
      profile: z.exactOptional(
        text('A profile of the shared AWS configuration (default: that of the target)'),
      ),
      endpointUrl: z.exactOptional(url('Another endpoint, for emulators')),
    })
    .check(z.describe('A parameter of AWS Systems Manager')),
  z
    .strictObject({ kind: z.literal('file'), file: text('A file that holds the id alone') })
    .check(z.describe('A file')),
  z
    .strictObject({
      kind: z.literal('command'),
      set: command('Publishes the id on its standard input; run again, it changes nothing'),
      observe: z.exactOptional(command('Prints the id that is published now, or nothing')),
      timeout: z.exactOptional(timeout('How long each command may take (default: 60s)')),
    })
    .check(z.describe('Your own commands')),
]);

/** In its short form or as a mapping. */
export const publicationSchema = z
  .union(
    [
      z.pipe(
        z
          .string()
          .check(z.regex(/^(ssm|file):./), z.describe('ssm:NAME of a parameter, or file:PATH of a file')),
        z.transform((value, { issues }): PublicationSettings => {
          const found = readShortForm(value);
          if (found) return found;
          issues.push({ code: 'custom', input: value, message: `specify ${SHORT_FORMS}` });
          return z.NEVER;
        }),
      ),
      publicationForms,
    ],
    { error: `${SHORT_FORMS}, or a mapping with kind: ssm, file or command and its keys` },
  )
  .check(z.describe('Where the id of the certificate in use is written to'));
