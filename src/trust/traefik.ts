import * as z from 'zod';
import { fingerprintOfPem, lineFormat } from './line-format.js';
import { serverFile, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const traefikSchema = z
  .strictObject({ kind: z.literal('traefik'), ...serverFileOptions })
  .describe('a file of Traefik’s dynamic configuration with the TLS options "apigw"');

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return '';
  }
}

/** Traefik's TLS options `apigw` in YAML; `caFiles` takes a certificate's content in place of a path. */
export const traefikFormat = lineFormat({
  head: [
    'tls:',
    '  options:',
    '    apigw:',
    '      clientAuth:',
    '        clientAuthType: RequireAndVerifyClientCert',
    '        caFiles:',
  ],
  tail: [],
  indent: '          ',
  write: ({ pem }) => `- ${JSON.stringify(pem)}`,
  read: (line) => {
    const json = /^- ("-----BEGIN CERTIFICATE-----.*")$/.exec(line)?.[1];
    return json === undefined ? undefined : fingerprintOfPem(unquoted(json));
  },
  appendable: false,
});

/** A file in the folder that Traefik's file provider watches: no reload is needed. */
export function traefik(config: z.infer<typeof traefikSchema>): DescribedTrustStore {
  return serverFile(config, traefikFormat, {});
}
