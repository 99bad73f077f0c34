import * as z from 'zod/mini';
import { fingerprintOfPem, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({ kind: z.literal('apache'), ...serverFileOptions })
  .check(z.describe('a Require block that compares the whole certificate with each that is trusted'));

/**
 * A block of `Require` directives. The certificate stands in the configuration itself, as the base64 of the PEM in
 * which Apache has it: a file of its own for each (`file('…')`) could be emptied or lost apart from the list.
 */
const format = lineFormat({
  head: ['<RequireAll>', '  Require expr "-n %{SSL_CLIENT_CERT}"', '  <RequireAny>'],
  tail: ['  </RequireAny>', '</RequireAll>'],
  indent: '    ',
  write: ({ pem }) =>
    `Require expr "base64(%{SSL_CLIENT_CERT}) == '${Buffer.from(pem, 'ascii').toString('base64')}'"`,
  read: (line) => {
    const base64 = /^Require expr "base64\(%\{SSL_CLIENT_CERT\}\) == '([A-Za-z0-9+/=]+)'"$/.exec(line)?.[1];
    return base64 === undefined
      ? undefined
      : fingerprintOfPem(Buffer.from(base64, 'base64').toString('latin1'));
  },
  refuse: (line) =>
    /^Require\s+(?:all\s+granted|expr\s+"?true\b)/i.test(line) ? 'it accepts any caller' : undefined,
  appendable: true,
});

/** A file that a `<Location>` of Apache includes. */
export const apache = defineKind({
  name: 'apache',
  schema,
  options: { ...serverFileRoles },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'apache',
      template: 'apache',
      authority: {
        template: 'apacheAuthority',
        compares: 'subject',
        caFile: 'rootAndList',
      },
      reload:
        'apachectl configtest && apachectl graceful; requests in flight are finished, idle connections are closed',
      expired: 'refuses it in the TLS handshake',
      proved: 'Apache 2.4.71 with OpenSSL 3.0',
    },
  ],
  caBundle: { folders: ['/etc/apache2', '/etc/httpd'], directive: /\bSSLCACertificateFile\s/i },
  document: {
    written: '`Require` block with the base64 of each PEM',
    applied: '`apachectl configtest`, `apachectl graceful`',
  },
  open: (config) =>
    serverFile(config, format, {
      check: ['apachectl', 'configtest'],
      reload: ['apachectl', 'graceful'],
    }),
});
