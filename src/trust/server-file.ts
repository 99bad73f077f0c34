import * as z from 'zod/mini';
import { type DocumentStore, documentTrustStore } from './document-store.js';
import { fileDocument } from './file-document.js';
import type { TrustFormat } from './format.js';
import { checkCommand, type Command, commandSchema, reloadCommand, timeoutSchema } from './run-command.js';
import type { DescribedTrustStore } from './trust-store.js';

/** The options that all file kinds of a server share. */
export const serverFileOptions = {
  file: z
    .string()
    .check(
      z.minLength(1),
      z.describe('the file that the server’s configuration includes; for apigw-cert alone'),
    ),
  check: z.optional(commandSchema).check(z.describe('tests the server’s configuration before each reload')),
  reload: z
    .optional(commandSchema)
    .check(z.describe('makes the server read its configuration without dropping a request')),
  timeout: z.optional(timeoutSchema),
};

/** The roles of these options. */
export const serverFileRoles = {
  file: 'path',
  check: 'command',
  reload: 'command',
  timeout: 'name',
} as const;

export interface ServerFile {
  kind: string;
  file: string;
  check?: Command | undefined;
  reload?: Command | undefined;
  timeout?: string | undefined;
}

/** How a server is checked and told of a change when the user does not say otherwise; absent where it needs neither. */
export interface ServerDefaults {
  check?: Command;
  reload?: Command;
}

/**
 * A trust store in a file of a server, checked by the server itself before it is told to take it over.
 * @param makeLive used in place of a reload command
 */
export function serverFile(
  config: ServerFile,
  format: TrustFormat,
  defaults: ServerDefaults,
  makeLive?: DocumentStore['makeLive'],
): DescribedTrustStore {
  return documentTrustStore({
    name: `${config.kind}:${config.file}`,
    document: fileDocument(config.file),
    format,
    check: checkCommand(config.check ?? defaults.check, config.timeout),
    makeLive: makeLive ?? reloadCommand(config.reload ?? defaults.reload, config.timeout),
  });
}
