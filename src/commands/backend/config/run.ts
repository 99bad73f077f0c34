import type { TrustedCertificate } from '../../../certificates/certificate.js';
import type { TrustedAuthority } from '../../../certificates/trust-entry.js';
import { AppError } from '../../../platform/errors.js';
import {
  authorityConfiguration,
  caFileOf,
  serverConfiguration,
  type ServerOptions,
  trustFileOf,
} from '../../../trust/server-configuration.js';
import { BACKEND_SERVERS } from '../../../trust/servers.js';

/** A configuration and the file of certificates that it reads. */
export interface BackendConfig {
  server: string;
  configuration: string;
  trust: {
    /** Whatever keeps `file` in step: an entry of `--trust`. */
    trustStore: string;
    file: string;
    content: string;
  };
  /** The file with the root of a CA, where certificates of one are accepted by their name and the server reads it. */
  ca?: { file: string; content: string };
  reload: string;
  expired: string;
  proved: string;
}

/**
 * The configuration of a server that accepts these certificates and nobody else.
 * @param named a root, whose certificates with the name beside it are accepted too, and the file for it
 * @param name one of {@link BACKEND_SERVERS}
 * @throws AppError `Usage` for words that no configuration can hold
 */
export async function backendConfig(
  name: string,
  options: ServerOptions,
  certificates: readonly TrustedCertificate[],
  named?: { caFile: string; entry: TrustedAuthority },
): Promise<BackendConfig> {
  const server = BACKEND_SERVERS.find((each) => each.name === name);
  if (!server) throw new Error(`there is no configuration for ${name}`);
  const { kind, format, authority, reload, expired, proved } = server;
  const { trustFile: file } = options;
  if (named !== undefined && authority === undefined) {
    throw new AppError(
      'Usage',
      `there is no configuration of ${name} that compares the name of a certificate`,
      {
        hint: 'use nginx, haproxy, apache, caddy, node, express, java, python or go, or see docs/acm.md',
      },
    );
  }
  const isInList = named !== undefined && authority === 'trustFile';
  const inFile = named !== undefined && authority !== 'trustFile' ? authority : undefined;
  const entries = isInList ? [...certificates, named.entry] : certificates;
  return {
    server: name,
    configuration:
      named !== undefined && inFile !== undefined
        ? await authorityConfiguration(server, options, named)
        : await serverConfiguration(server, options),
    trust: { trustStore: `${kind}:${file}`, file, content: trustFileOf(format, entries) },
    ...(named !== undefined && inFile !== undefined
      ? { ca: { file: named.caFile, content: caFileOf(inFile, named.entry, certificates) } }
      : {}),
    reload,
    expired,
    proved,
  };
}
