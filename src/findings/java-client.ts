/**
 * What API Gateway's kind of client, Java's TLS (JSSE), does with a server's request for a certificate. Measured with
 * OpenJDK 17 and 25: it presents a certificate only to a server that names no CA, or its issuer among them. OpenSSL,
 * and with it curl and Node.js, presents whatever it has.
 */
import { API_GATEWAY_SUBJECT } from '../certificates/certificate.js';

/** The largest handshake message that Java accepts, bytes (`jdk.tls.maxHandshakeMessageSize`). */
export const LARGEST_HANDSHAKE_MESSAGE = 32_768;

/** Java compares names without regard to case, string types and repeated spaces, but in their order. */
const canonical = (name: string): string => name.trim().toLowerCase().replace(/\s+/g, ' ');

/**
 * Whether a Java client presents its certificate to a server that announces these CA names.
 * @param names subjects as OpenSSL and Node.js print them, `C=US, L=Seattle, CN=ApiGateway`; empty for none announced
 * @param issuers of the certificate and its chain
 */
export function answersToCaNames(
  names: readonly string[],
  issuers: readonly string[] = [API_GATEWAY_SUBJECT],
): boolean {
  const known = new Set(issuers.map(canonical));
  return names.length === 0 || names.some((name) => known.has(canonical(name)));
}

/** Java sends the server's name in the handshake (SNI) only where it has a dot. */
export function isNameWithoutDot(host: string): boolean {
  return !host.includes(':') && !host.replace(/\.$/, '').includes('.');
}

/** How a server asks for a client certificate. */
export interface CertificateAsking {
  /** The CA names of each request that was seen, under whatever TLS version. */
  caNames: readonly (readonly string[])[];
  /** The size of the largest request, bytes. */
  largestRequest: number;
  /** Asked after the handshake, once it has seen the path of a request. */
  isLate: boolean;
  /** Whether TLS 1.3 was agreed on. */
  tls13: boolean;
  host: string;
  /** Issuers of the certificate that is to be presented; absent for those that API Gateway generates. */
  issuers?: readonly string[] | undefined;
}

/** Why a Java client fails, or may fail, where OpenSSL does not. */
export type JavaClientProblem =
  'CertificateWithheld' | 'CaNamesTooLarge' | 'LateRequest' | 'LateRequestTls12' | 'ServerNameNotSent';

/** Everything at which API Gateway's kind of client fails although others succeed. */
export function javaClientProblems(asking: CertificateAsking): JavaClientProblem[] {
  const { caNames, largestRequest, isLate, tls13, host, issuers } = asking;
  return [
    ...(caNames.every((names) => answersToCaNames(names, issuers)) ? [] : (['CertificateWithheld'] as const)),
    ...(largestRequest > LARGEST_HANDSHAKE_MESSAGE ? (['CaNamesTooLarge'] as const) : []),
    ...(isLate ? [tls13 ? ('LateRequest' as const) : ('LateRequestTls12' as const)] : []),
    ...(isNameWithoutDot(host) ? (['ServerNameNotSent'] as const) : []),
  ];
}
