import * as z from 'zod';
import { fingerprints } from './format.js';
import { syncAcl } from './haproxy-runtime.js';
import { fingerprintOfHex, hexOfFingerprint, lineFormat } from './line-format.js';
import { serverFile, type ServerDefaults, serverFileOptions } from './server-file.js';
import type { DescribedTrustStore } from './trust-store.js';

export const haproxySchema = z
  .strictObject({
    kind: z.literal('haproxy'),
    ...serverFileOptions,
    socket: z
      .string()
      .min(1)
      .optional()
      .describe('the runtime API (a socket’s path, or host:port, level admin): used instead of a reload'),
    acl: z
      .string()
      .min(1)
      .optional()
      .describe('the list’s name in haproxy.cfg, where it is not the path of the file'),
  })
  .refine(({ socket, reload }) => socket === undefined || reload === undefined, {
    message: 'give a socket or a reload command, not both',
  })
  .describe('a list of SHA-256 values that HAProxy compares with ssl_c_der,sha2(256),hex,lower');

/** A pattern file of an ACL: lower-case hex of each certificate's SHA-256, comments on lines of their own. */
export const haproxyFormat = lineFormat({
  head: [],
  tail: [],
  indent: '',
  write: ({ fingerprintSha256 }) => hexOfFingerprint(fingerprintSha256),
  read: (line) => (/^[0-9a-f]{64}$/.test(line) ? fingerprintOfHex(line) : undefined),
  appendable: true,
});

const DEFAULTS: ServerDefaults = {
  check: ['haproxy', '-c', '-f', '/etc/haproxy/haproxy.cfg'],
  reload: ['systemctl', 'reload', 'haproxy'],
};

/** A pattern file that HAProxy reads at its start, kept in step with the running process. */
export function haproxy(config: z.infer<typeof haproxySchema>): DescribedTrustStore {
  const { socket, file, acl = file } = config;
  return serverFile(
    config,
    haproxyFormat,
    DEFAULTS,
    socket === undefined
      ? undefined
      : (text, beforeEffect) =>
          syncAcl(socket, acl, fingerprints(haproxyFormat, text).map(hexOfFingerprint), beforeEffect),
  );
}
