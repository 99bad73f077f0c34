/** Where the id of the certificate in use is published, as flags and the file say it. */
import { resolve } from 'node:path';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';

/** A command as users write it: a list of arguments is run as it is, a text is a line for the shell. */
type Command = string | string[];

/** One place that the id is written to. */
export type PublicationSettings =
  /** A String parameter of AWS Systems Manager; by default in the account and Region of the stage. */
  | { kind: 'ssm'; parameter: string; region?: string; profile?: string; endpointUrl?: string }
  | { kind: 'file'; file: string }
  /** `set` is run with the id on its standard input; `observe` prints what is published. */
  | { kind: 'command'; set: Command; observe?: Command; timeout?: string };

/** Whether a service of AWS holds what is published, so that it can be changed from anywhere. */
export const isServicePublication = ({ kind }: PublicationSettings): boolean => kind === 'ssm';

/** What AWS takes as the name of a parameter: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
export const PARAMETER_NAME = /^(?=.{1,1011}$)\/?[\w.-]+(\/[\w.-]+)*$/;

/** The short forms, in words. */
export const SHORT_FORMS = 'ssm:NAME or file:PATH';

/** Reads a short form; `undefined` where it is none. */
export function readShortForm(text: string): PublicationSettings | undefined {
  const [, kind, value = ''] = /^(ssm|file):(.+)$/s.exec(text) ?? [];
  if (kind === 'ssm') return PARAMETER_NAME.test(value) ? { kind, parameter: value } : undefined;
  return kind === 'file' ? { kind, file: value } : undefined;
}

/**
 * Reads the values of `--publish`.
 * @throws AppError `Usage`
 */
export const publicationsFromFlags = (texts: readonly string[]): PublicationSettings[] =>
  texts.map((text) => {
    const found = readShortForm(text);
    // A file goes by its path, also in the journal, which a later run reads from another folder.
    if (found) return found.kind === 'file' ? { ...found, file: resolve(found.file) } : found;
    throw new AppError('Usage', `--publish ${JSON.stringify(printable(text.slice(0, 80)))} cannot be read`, {
      hint: `specify ${SHORT_FORMS}, such as --publish ssm:/orders/prod/client-certificate-id; commands are described in apigw-cert.yaml (docs/publish.md)`,
    });
  });
