import { AppError } from '../platform/errors.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import type { TrustFormat } from './format.js';

/** A server that accepts the old and the new certificate and nobody else, when it is configured as its template says. */
export interface BackendServer {
  /** As it is written after `backend config`. */
  name: string;
  /** Its configuration or source, from `templates/`, with `{{placeholders}}`; see {@link serverConfiguration}. */
  template: string;
  /** How a change is applied. */
  reload: string;
  /** What happens to a certificate that is in the list and has expired. */
  expired: string;
  /** The versions and TLS libraries that handshakes were made with; `unproven` where there were none. */
  proved: string;
}

/** What a server's configuration needs to know. Paths are absolute. */
export interface ServerOptions {
  /** Where it listens, as `address:port`. */
  listen: string;
  /** The host name that the API's integrations call. */
  serverName: string;
  /** Its own certificate with the chain, PEM. */
  certificateFile: string;
  /** That certificate's key, PEM; HAProxy reads it beside the certificate, as `<certificateFile>.key`. */
  privateKeyFile: string;
  /** The file that the trust store of the same kind keeps. */
  trustFile: string;
  /** The application behind it, as `host:port`, spoken to in plain HTTP. */
  upstream: string;
}

function split(text: string): [host: string, port: string] {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * Fills a template in.
 * @throws AppError `Usage` for what could end a string or a line in some configuration language; nothing here needs it
 */
export function serverConfiguration({ template }: BackendServer, options: ServerOptions): string {
  for (const [name, value] of Object.entries(options) as [string, string][]) {
    if (!/^[\w./:@*[\]+-]+$/.test(value)) {
      throw new AppError('Usage', `${name} holds characters that a server’s configuration cannot hold`, {
        hint: 'use letters, digits and . / : @ * [ ] + - _',
      });
    }
  }
  const [address, port] = split(options.listen);
  const [upstreamAddress, upstreamPort] = split(options.upstream);
  const values: Readonly<Record<string, string>> = {
    ...options,
    address,
    port,
    upstreamAddress,
    upstreamPort,
    // An IPv6 address as programs take it, without the brackets that URLs need.
    host: address.replace(/^\[|\]$/g, ''),
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`a template has the unknown placeholder ${name}`);
    return value;
  });
}

/** The content of a trust file that makes these certificates trusted. */
export function trustFileOf(format: TrustFormat, certificates: readonly TrustedCertificate[]): string {
  return certificates.reduce((text, certificate) => format.insert(text, certificate), '');
}
