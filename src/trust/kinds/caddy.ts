import * as z from 'zod/mini';
import { base64OfPem, fingerprintOfBase64, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({ kind: z.literal('caddy'), ...serverFileOptions })
  .check(z.describe('a snippet with one trusted_ca_cert line for each certificate'));

/**
 * Lines inside Caddy's `client_auth`: each certificate by itself, as the base64 of its DER, since of a file with
 * several (`trusted_ca_cert_file`) Caddy 2.6 loads the first alone.
 */
const format = lineFormat({
  head: [],
  tail: [],
  indent: '',
  write: ({ pem }) => `trusted_ca_cert ${base64OfPem(pem)}`,
  read: (line) => {
    const base64 = /^trusted_ca_cert\s+([A-Za-z0-9+/=]+)$/.exec(line)?.[1];
    return base64 === undefined ? undefined : fingerprintOfBase64(base64);
  },
  appendable: true,
});

/** A file that a `client_auth` block of a Caddyfile imports. */
export const caddy = defineKind({
  name: 'caddy',
  schema,
  options: { ...serverFileRoles },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'caddy',
      template: 'caddy',
      authority: {
        template: 'caddyAuthority',
        compares: 'dnsName',
        caFile: 'root',
      },
      reload: 'caddy validate && caddy reload; requests in flight are finished, idle connections are closed',
      expired: 'refuses it in the TLS handshake',
      proved: 'Caddy 2.6.2 with Go 1.19',
    },
  ],

  document: {
    written: 'one `trusted_ca_cert` line per certificate',
    applied: '`caddy validate`, `caddy reload` with `/etc/caddy/Caddyfile`',
  },
  open: (config) =>
    serverFile(config, format, {
      check: ['caddy', 'validate', '--config', '/etc/caddy/Caddyfile'],
      reload: ['caddy', 'reload', '--config', '/etc/caddy/Caddyfile'],
    }),
});
