import { resolve } from 'node:path';
import * as z from 'zod';
import { AppError } from '../core/errors.js';
import { documentTrustStore } from './document-store.js';
import { fileDocument } from './file-document.js';
import { knownReader } from './known-readers.js';
import { pemFormat } from './pem-format.js';
import { commandSchema, reloadCommand, timeoutSchema } from './run-command.js';
import type { DescribedTrustStore } from './trust-store.js';

export const pemBundleSchema = z
  .strictObject({
    kind: z.literal('pem-bundle'),
    file: z.string().min(1).describe('a PEM file with the exact certificates that are accepted'),
    reload: commandSchema.optional().describe('makes the program read the file again'),
    timeout: timeoutSchema.optional(),
    consumer: z
      .enum(['exact-list', 'openssl-ca-bundle'])
      .optional()
      .describe('how the program reads the file; openssl-ca-bundle is refused, since it cannot work'),
  })
  .describe(
    'a PEM file for programs that accept each certificate in it: Node (apigw-cert/node), Java, Go, Python with partial chains',
  );

function unsuitable(name: string, why: string): AppError {
  return new AppError(
    'TrustStoreUnsuitable',
    `${name}: ${why}; OpenSSL accepts only the first of two certificates with one subject, and all of API Gateway's have the same`,
    {
      hint: 'use the kind of your server (nginx, haproxy, apache, caddy); "apigw-cert backend config" prints its configuration',
    },
  );
}

/**
 * A PEM file that is read as a list of exact certificates.
 * @throws AppError `TrustStoreUnsuitable` when the file is said to be an OpenSSL CA bundle
 */
export function pemBundle(config: z.infer<typeof pemBundleSchema>): DescribedTrustStore {
  const { file, reload, timeout } = config;
  const name = `pem-bundle:${file}`;
  if (config.consumer === 'openssl-ca-bundle')
    throw unsuitable(name, 'it is said to be an OpenSSL CA bundle');
  return documentTrustStore({
    name,
    document: fileDocument(file),
    format: pemFormat,
    suits: async () => {
      // Whoever says how it is read knows better than a look at the configurations of this host.
      const reader = config.consumer === undefined ? await knownReader(resolve(file)) : undefined;
      if (reader) {
        throw unsuitable(
          name,
          `${reader.kind} reads it as a CA bundle (${reader.configuration}, line ${reader.line})`,
        );
      }
    },
    makeLive: reloadCommand(reload, timeout),
  });
}
