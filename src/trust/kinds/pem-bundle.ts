import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../platform/errors.js';
import { documentTrustStore } from '../document-store.js';
import { fileDocument } from '../file-document.js';
import { knownReader } from '../known-readers.js';
import { pemFormat } from '../pem-format.js';
import { commandSchema, reloadCommand, timeoutSchema } from '../run-command.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('pem-bundle'),
    file: z
      .string()
      .check(z.minLength(1), z.describe('a PEM file with the exact certificates that are accepted')),
    reload: z.optional(commandSchema).check(z.describe('makes the program read the file again')),
    timeout: z.optional(timeoutSchema),
    consumer: z
      .optional(z.enum(['exact-list', 'openssl-ca-bundle']))
      .check(
        z.describe('how the program reads the file; openssl-ca-bundle is refused, since it cannot work'),
      ),
  })
  .check(
    z.describe(
      'a PEM file for programs that accept each certificate in it: Node (apigw-cert/node), Java, Go, Python with partial chains',
    ),
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

/** A PEM file that is read as a list of exact certificates. Refused where it is known to be an OpenSSL CA bundle. */
export const pemBundle = defineKind({
  name: 'pem-bundle',
  schema,
  options: { file: 'path', consumer: 'name', reload: 'command', timeout: 'name' },
  flag: { option: 'file' },
  format: pemFormat,
  servers: [
    {
      name: 'node',
      template: 'node',
      authority: 'trustFile',
      reload: 'nothing to do: the program follows the file; no request is dropped',
      expired: 'answers 403',
      proved: 'Node.js 20, 22 and 24 with OpenSSL 3.0 and 3.5',
    },
    {
      name: 'express',
      template: 'express',
      authority: 'trustFile',
      reload: 'nothing to do: the program follows the file; no request is dropped',
      expired: 'answers 403',
      proved: 'Node.js 20, 22 and 24 with OpenSSL 3.0 and 3.5',
    },
    {
      name: 'java',
      template: 'java',
      authority: 'trustFile',
      reload: 'nothing to do: the program reads the file again when it has changed; no request is dropped',
      expired:
        'refuses it in the TLS handshake, since the trust manager here checks the dates: Java’s own accepts it',
      proved: 'OpenJDK 17 (SunJSSE)',
    },
    {
      name: 'python',
      template: 'python',
      authority: 'trustFile',
      reload:
        'kill -HUP: a new TLS context for new connections, and a new list for kept ones; no request is dropped',
      expired: 'refuses it in the TLS handshake, and on a kept connection with 403',
      proved: 'Python 3.11 and 3.13 with OpenSSL 3.0',
    },
    {
      name: 'go',
      template: 'go',
      authority: 'trustFile',
      reload: 'nothing to do: the program reads the file again when it has changed; no request is dropped',
      expired: 'refuses it in the TLS handshake, and on a kept connection with 403',
      proved: 'Go 1.19 (crypto/tls)',
    },
  ],
  document: {
    written:
      'PEM, with a comment line for each certificate, for programs that accept every certificate in the file',
    applied: 'none',
    proved: 'contract suite',
  },
  open({ file, consumer, reload, timeout }, { caBundleReaders }) {
    const name = `pem-bundle:${file}`;
    if (consumer === 'openssl-ca-bundle') throw unsuitable(name, 'it is said to be an OpenSSL CA bundle');
    return documentTrustStore({
      name,
      document: fileDocument(file),
      format: pemFormat,
      suits: async () => {
        // Whoever says how it is read knows better than a look at the configurations of this host.
        const reader = consumer === undefined ? await knownReader(resolve(file), caBundleReaders) : undefined;
        if (reader) {
          throw unsuitable(
            name,
            `${reader.kind} reads it as a CA bundle (${reader.configuration}, line ${reader.line})`,
          );
        }
      },
      makeLive: reloadCommand(reload, timeout),
    });
  },
});
