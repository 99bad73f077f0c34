import * as z from 'zod';
import { fingerprintOfPem, lineFormat } from './line-format.js';
import { serverFile, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const apacheSchema = z
  .strictObject({ kind: z.literal('apache'), ...serverFileOptions })
  .describe('a Require block that compares the whole certificate with each that is trusted');

/**
 * A block of `Require` directives. The certificate stands in the configuration itself, as the base64 of the PEM in
 * which Apache has it: a file of its own for each (`file('…')`) could be emptied or lost apart from the list.
 */
export const apacheFormat = lineFormat({
  head: ['<RequireAll>', '  Require expr "-n %{SSL_CLIENT_CERT}"', '  <RequireAny>'],
  tail: ['  </RequireAny>', '</RequireAll>'],
  indent: '    ',
  write: ({ pem }) =>
    `Require expr "base64(%{SSL_CLIENT_CERT}) == '${Buffer.from(pem, 'ascii').toString('base64')}'"`,
  read: (line) => {
    const base64 = /^Require expr "base64\(%\{SSL_CLIENT_CERT\}\) == '([A-Za-z0-9+/=]+)'"$/.exec(line)?.[1];
    return base64 === undefined
      ? undefined
      : fingerprintOfPem(Buffer.from(base64, 'base64').toString('latin1'));
  },
  refuse: (line) =>
    /^Require\s+(?:all\s+granted|expr\s+"?true\b)/i.test(line) ? 'it lets everybody in' : undefined,
  appendable: true,
});

/** A file that a `<Location>` of Apache includes. */
export function apache(config: z.infer<typeof apacheSchema>): DescribedTrustStore {
  return serverFile(config, apacheFormat, {
    check: ['apachectl', 'configtest'],
    reload: ['apachectl', 'graceful'],
  });
}
