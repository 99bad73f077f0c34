import type { TrustedCertificate } from '../../../certificates/certificate.js';
import { serverConfiguration, type ServerOptions, trustFileOf } from '../../../trust/server-configuration.js';
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
  reload: string;
  expired: string;
  proved: string;
}

/**
 * The configuration of a server that accepts these certificates and nobody else.
 * @param name one of {@link BACKEND_SERVERS}
 * @throws AppError `Usage` for words that no configuration can hold
 */
export function backendConfig(
  name: string,
  options: ServerOptions,
  certificates: readonly TrustedCertificate[],
): BackendConfig {
  const server = BACKEND_SERVERS.find((each) => each.name === name);
  if (!server) throw new Error(`there is no configuration for ${name}`);
  const { kind, format, reload, expired, proved } = server;
  const { trustFile: file } = options;
  return {
    server: name,
    configuration: serverConfiguration(server, options),
    trust: { trustStore: `${kind}:${file}`, file, content: trustFileOf(format, certificates) },
    reload,
    expired,
    proved,
  };
}
