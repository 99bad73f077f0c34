import * as z from 'zod/mini';
import { fingerprintOfPem, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({ kind: z.literal('traefik'), ...serverFileOptions })
  .check(z.describe('a file of Traefik’s dynamic configuration with the TLS options "apigw"'));

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return '';
  }
}

/** Traefik's TLS options `apigw` in YAML; `caFiles` takes a certificate's content in place of a path. */
const format = lineFormat({
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
export const traefik = defineKind({
  name: 'traefik',
  schema,
  options: { ...serverFileRoles },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'traefik',
      template: 'traefik',
      reload: 'nothing to do: the file provider watches its folder',
      expired: 'refuses it in the TLS handshake, as Go does',
      proved: 'unproven',
    },
  ],

  document: {
    written: 'TLS options `apigw` with the PEM in `caFiles`',
    applied: 'none (the file provider watches the file)',
    proved: '**untested**: no Traefik in Debian 12 or npm',
  },
  open: (config) => serverFile(config, format, {}),
});
