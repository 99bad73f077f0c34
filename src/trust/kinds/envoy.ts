import * as z from 'zod/mini';
import { fingerprintOfHex, hexOfFingerprint, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({ kind: z.literal('envoy'), ...serverFileOptions })
  .check(z.describe('a secret (SDS from a file) whose verify_certificate_hash lists each certificate'));

/** An Envoy v3 `Secret` named `apigw` in YAML, with one SHA-256 a line. */
const format = lineFormat({
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
export const envoy = defineKind({
  name: 'envoy',
  schema,
  options: { ...serverFileRoles },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'envoy',
      template: 'envoy',
      reload: 'nothing to do: Envoy takes a renamed file over',
      expired: 'not known: verify that Envoy refuses it before you rely on this',
      proved: 'unproven',
    },
  ],

  document: {
    written: 'SDS secret `apigw` with `verify_certificate_hash`',
    applied: 'none (Envoy watches for renames)',
    proved:
      '**untested**: no Envoy in Debian 12 or npm; it is not known whether Envoy refuses an expired certificate in the list',
  },
  open: (config) => serverFile(config, format, {}),
});
