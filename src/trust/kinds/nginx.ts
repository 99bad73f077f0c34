import * as z from 'zod/mini';
import { fingerprintOfPem, hexOfFingerprint, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({ kind: z.literal('nginx'), ...serverFileOptions })
  .check(z.describe('a map of whole certificates that nginx compares $ssl_client_escaped_cert with'));

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return '';
  }
}

const ENTRY = /^(?:"(~\^)?|(?=-))(-----BEGIN%20CERTIFICATE-----[\w%.-]*)\$?"?(\s+[^\s;]+;)/;

/**
 * Lines of an nginx `map`: the certificate as nginx escapes its PEM (RFC 3986), and its SHA-256 as the value. The key is a
 * regular expression, since nginx compares a string without regard to case: of the 2^280 certificates that differ from one in the
 * case of their base64 alone, somebody finds one whose key is easily factored in seconds.
 */
const format = lineFormat({
  head: [],
  tail: [],
  indent: '',
  write: ({ pem, fingerprintSha256 }) =>
    `"~^${encodeURIComponent(pem)}$" ${hexOfFingerprint(fingerprintSha256)};`,
  read: (line) => {
    const key = ENTRY.exec(line)?.[2];
    return key === undefined ? undefined : fingerprintOfPem(decoded(key));
  },
  renew: (line) => {
    const [, isExact, key = '', value = ''] = ENTRY.exec(line) ?? [];
    return isExact === undefined && key !== '' ? `"~^${key}$"${value}` : line;
  },
  refuse: (line) =>
    /^(?:""|'')\s/.test(line)
      ? 'an empty key, which accepts every client that presents no certificate'
      : /^default\s+(?!""|'')\S/.test(line)
        ? 'a default that is not empty, which accepts any caller'
        : undefined,
  appendable: true,
});

/** A file that an nginx `map $ssl_client_escaped_cert` block includes. */
export const nginx = defineKind({
  name: 'nginx',
  schema,
  options: { ...serverFileRoles },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'nginx',
      template: 'nginx',
      authority: {
        template: 'nginxAuthority',
        compares: 'subject',
        caFile: 'rootAndList',
      },
      reload: 'nginx -t && nginx -s reload; requests in flight are finished, idle connections are closed',
      expired: 'answers 400 (nginx lets OpenSSL check the dates)',
      proved: 'nginx 1.22.1 with OpenSSL 3.0',
    },
  ],
  caBundle: { folders: ['/etc/nginx'], directive: /\bssl_(?:client|trusted)_certificate\s/ },
  document: {
    written: 'map of URL-escaped PEM to SHA-256',
    applied: '`nginx -t`, `nginx -s reload`',
  },
  open: (config) => serverFile(config, format, { check: ['nginx', '-t'], reload: ['nginx', '-s', 'reload'] }),
});
