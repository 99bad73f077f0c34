import * as z from 'zod';
import { fingerprintOfPem, hexOfFingerprint, lineFormat } from './line-format.js';
import { serverFile, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const nginxSchema = z
  .strictObject({ kind: z.literal('nginx'), ...serverFileOptions })
  .describe('a map of whole certificates that nginx compares $ssl_client_escaped_cert with');

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return '';
  }
}

/** Lines of an nginx `map`: the certificate as nginx escapes its PEM (RFC 3986), and its SHA-256 as the value. */
export const nginxFormat = lineFormat({
  head: [],
  tail: [],
  indent: '',
  write: ({ pem, fingerprintSha256 }) =>
    `"${encodeURIComponent(pem)}" ${hexOfFingerprint(fingerprintSha256)};`,
  read: (line) => {
    const key = /^"?(-----BEGIN%20CERTIFICATE-----[^\s"]*)"?\s+[^\s;]+;/.exec(line)?.[1];
    return key === undefined ? undefined : fingerprintOfPem(decoded(key));
  },
  refuse: (line) =>
    /^(?:""|'')\s/.test(line)
      ? 'an empty key, which lets in every client that presents no certificate'
      : /^default\s+(?!""|'')\S/.test(line)
        ? 'a default that is not empty, which lets everybody in'
        : undefined,
  appendable: true,
});

/** A file that an nginx `map $ssl_client_escaped_cert` block includes. */
export function nginx(config: z.infer<typeof nginxSchema>): DescribedTrustStore {
  return serverFile(config, nginxFormat, { check: ['nginx', '-t'], reload: ['nginx', '-s', 'reload'] });
}
