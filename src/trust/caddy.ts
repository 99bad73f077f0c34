import * as z from 'zod';
import { base64OfPem, fingerprintOfBase64, lineFormat } from './line-format.js';
import { serverFile, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const caddySchema = z
  .strictObject({ kind: z.literal('caddy'), ...serverFileOptions })
  .describe('a snippet with one trusted_ca_cert line for each certificate');

/**
 * Lines inside Caddy's `client_auth`: each certificate by itself, as the base64 of its DER, since of a file with
 * several (`trusted_ca_cert_file`) Caddy 2.6 loads the first alone.
 */
export const caddyFormat = lineFormat({
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
export function caddy(config: z.infer<typeof caddySchema>): DescribedTrustStore {
  return serverFile(config, caddyFormat, {
    check: ['caddy', 'validate', '--config', '/etc/caddy/Caddyfile'],
    reload: ['caddy', 'reload', '--config', '/etc/caddy/Caddyfile'],
  });
}
