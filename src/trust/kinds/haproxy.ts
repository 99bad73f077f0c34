import * as z from 'zod/mini';
import { fingerprints } from '../format.js';
import { syncAcl } from '../haproxy-runtime.js';
import { fingerprintOfHex, hexOfFingerprint, lineFormat } from '../line-format.js';
import { serverFile, serverFileOptions, serverFileRoles } from '../server-file.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('haproxy'),
    ...serverFileOptions,
    socket: z
      .optional(z.string().check(z.minLength(1)))
      .check(
        z.describe('the runtime API (a socket’s path, or host:port, level admin): used instead of a reload'),
      ),
    acl: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe('the list’s name in haproxy.cfg, where it is not the path of the file')),
  })
  .check(
    z.refine(({ socket, reload }) => socket === undefined || reload === undefined, {
      message: 'give a socket or a reload command, not both',
    }),
    z.describe('a list of SHA-256 values that HAProxy compares with ssl_c_der,sha2(256),hex,lower'),
  );

/** A pattern file of an ACL: lower-case hex of each certificate's SHA-256, comments on lines of their own. */
const format = lineFormat({
  head: [],
  tail: [],
  indent: '',
  write: ({ fingerprintSha256 }) => hexOfFingerprint(fingerprintSha256),
  read: (line) => (/^[0-9a-f]{64}$/.test(line) ? fingerprintOfHex(line) : undefined),
  appendable: true,
});

/** A pattern file that HAProxy reads at its start, kept in step with the running process. */
export const haproxy = defineKind({
  name: 'haproxy',
  schema,
  options: { ...serverFileRoles, socket: 'name', acl: 'name' },
  flag: { option: 'file' },
  format,
  servers: [
    {
      name: 'haproxy',
      template: 'haproxy',
      authority: {
        template: 'haproxyAuthority',
        compares: 'subject',
        caFile: 'rootAndList',
      },
      reload:
        'through the runtime API without a reload (option socket), or systemctl reload haproxy; no request is dropped',
      expired: 'refuses it in the TLS handshake',
      proved: 'HAProxy 2.6.12 with OpenSSL 3.0',
    },
  ],
  caBundle: { folders: ['/etc/haproxy'], directive: /\bca-file\s/ },
  document: {
    written: 'one SHA-256 per line',
    applied:
      '`haproxy -c -f /etc/haproxy/haproxy.cfg`, `systemctl reload haproxy`; with `socket` the runtime API instead of a reload',
  },
  open(config) {
    const { socket, file, acl = file } = config;
    return serverFile(
      config,
      format,
      {
        check: ['haproxy', '-c', '-f', '/etc/haproxy/haproxy.cfg'],
        reload: ['systemctl', 'reload', 'haproxy'],
      },
      socket === undefined
        ? undefined
        : (text, beforeEffect) =>
            syncAcl(socket, acl, fingerprints(format, text).map(hexOfFingerprint), beforeEffect),
    );
  },
});
