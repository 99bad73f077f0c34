import * as z from 'zod';
import { fingerprintOfHex, hexOfFingerprint, lineFormat } from './line-format.js';
import { serverFile, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const envoySchema = z
  .strictObject({ kind: z.literal('envoy'), ...serverFileOptions })
  .describe('a secret (SDS from a file) whose verify_certificate_hash lists each certificate');

/** An Envoy v3 `Secret` named `apigw` in YAML, with one SHA-256 a line. */
export const envoyFormat = lineFormat({
  head: [
    'resources:',
    '  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    '    name: apigw',
    '    validation_context:',
    '      verify_certificate_hash:',
  ],
  tail: [],
  indent: '        ',
  write: ({ fingerprintSha256 }) => `- "${hexOfFingerprint(fingerprintSha256)}"`,
  read: (line) => {
    const hex = /^- "?((?:[0-9a-f]{2}:?){32})"?$/i.exec(line)?.[1];
    return hex === undefined ? undefined : fingerprintOfHex(hex.replaceAll(':', ''));
  },
  appendable: false,
});

/** A file that Envoy watches: it takes a renamed file over by itself, so that no reload is needed. */
export function envoy(config: z.infer<typeof envoySchema>): DescribedTrustStore {
  return serverFile(config, envoyFormat, {});
}
