import type { JavaClientProblem } from '../java-client.js';
import { about, type CatalogueEntry, type Subject } from '../entry.js';

/** How each server is configured to announce the names of API Gateway's certificates, or none. */
export const ANNOUNCE: readonly (readonly [server: string, remedy: string])[] = [
  [
    'nginx',
    'ssl_client_certificate with the certificates of API Gateway, together with ssl_verify_client optional_no_ca',
  ],
  [
    'Apache',
    'SSLCADNRequestFile with a certificate of API Gateway, or no SSLCACertificateFile where whole certificates are compared',
  ],
  ['HAProxy', 'no-ca-names on the bind line, or ca-file with the certificates of API Gateway'],
  ['Caddy', 'trusted_ca_cert_file with the certificates of API Gateway, one line each'],
  ['Node.js', 'ca: [] where whole certificates are compared, else the certificates of API Gateway'],
];

export interface AtServer extends Subject {
  /** The kind of server, in lower case, where it is known. */
  server?: string;
}

/** What to do, with how where the kind of server is known. */
const announce =
  (what: string) =>
  ({ server }: AtServer): string => {
    const how = ANNOUNCE.find(([name]) => name.toLowerCase() === server)?.[1];
    return how === undefined ? what : `${what}: ${how}`;
  };

/** Where API Gateway's kind of client fails although others succeed. */
export const JAVA_CLIENT_FINDINGS = {
  CertificateWithheld: about<AtServer>(
    'critical',
    'API Gateway withholds its certificate: its Java client presents one only to a backend that announces no CA names, or includes the issuer C=US, L=Seattle, CN=ApiGateway, in exactly this order. curl and OpenSSL still present theirs',
    announce('announce the names of the API Gateway certificates, or none'),
  ),
  CaNamesTooLarge: about<AtServer>(
    'critical',
    'API Gateway closes the handshake: the backend announces so many CA names that its request exceeds the 32768 bytes that Java accepts',
    announce(
      'announce only the names of the API Gateway certificates, or none, not those of the system’s CA bundle',
    ),
  ),
  LateRequest: about<AtServer>(
    'critical',
    'the backend requests a certificate only after it has read the path. With TLS 1.3, which it negotiates, the Java client cannot answer and is refused',
    'request it in the handshake, for the whole host: in Apache, SSLVerifyClient in the VirtualHost, not in a Location; or allow only TLS 1.2',
  ),
  LateRequestTls12: about<AtServer>(
    'warning',
    'the backend requests a certificate only after it has read the path, by renegotiation: bodies of more than about 128 kB fail with 413, and every request fails once TLS 1.3 is allowed',
    'request it in the handshake, for the whole host: in Apache, SSLVerifyClient in the VirtualHost, not in a Location',
  ),
  ServerNameNotSent: about<AtServer>(
    'warning',
    'a Java client sends no server name (SNI) for a host name without a dot, so the backend answers with the certificate and settings of its default server',
    "use a host name with a dot in the integration's URI, or make this server the default one",
  ),
} satisfies Record<JavaClientProblem, CatalogueEntry<AtServer>>;
