import tls from 'node:tls';

/**
 * What kind of failure API Gateway makes of it. Its `configuration` errors come with 500, network errors and time-outs
 * with 504.
 */
export type FailureKind = 'configuration' | 'network' | 'timeout';

/** A backend that could not be reached, or that refused to be spoken to. */
export class BackendFailure extends Error {
  readonly kind: FailureKind;
  /** A kept connection turned out to be closed by the backend, before it had answered anything. */
  readonly staleSocket: boolean;

  /** @param message the cause, in the words of API Gateway's log, for a configuration error */
  constructor(kind: FailureKind, message: string, staleSocket = false, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.staleSocket = staleSocket;
  }
}

const ANSWERS: Readonly<Record<FailureKind, { status: number; message: string }>> = {
  configuration: { status: 500, message: 'Internal server error' },
  network: { status: 504, message: 'Network error communicating with endpoint' },
  timeout: { status: 504, message: 'Endpoint request timed out' },
};

/** What the caller of an API is answered when its backend cannot be used. */
export function failureAnswer({ kind }: BackendFailure): { status: number; body: { message: string } } {
  const { status, message } = ANSWERS[kind];
  return { status, body: { message } };
}

/** The line of the execution log, worded as recorded answers of API Gateway are. */
export function failureLine({ kind, message }: BackendFailure): string {
  switch (kind) {
    case 'configuration':
      return `Execution failed due to configuration error: ${message}`;
    case 'network':
      return 'Execution failed due to a network error communicating with endpoint';
    case 'timeout':
      return 'Execution failed due to a timeout error';
  }
}

/** The TLS alerts a handshake ends with, by number (RFC 8446 section 6, RFC 5246 section 7.2). */
const ALERTS: Readonly<Record<string, string>> = {
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  48: 'unknown_ca',
  49: 'access_denied',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  112: 'unrecognized_name',
  116: 'certificate_required',
};

/** Reasons to distrust a chain that `insecureSkipVerification` overlooks; dates and host names still count. */
const CHAIN_ERRORS = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const VALIDITY_ERRORS = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/** The connection broke off, which on a kept one usually means that the backend had closed it before. */
export function isStaleSocket(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

/** Java's words for what is wrong with a server certificate, by OpenSSL's code for it. */
function certificateCause(code: string): string | undefined {
  if (CHAIN_ERRORS.has(code)) {
    return 'PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target';
  }
  if (VALIDITY_ERRORS.has(code)) {
    return 'PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed';
  }
  return code === 'INVALID_PURPOSE'
    ? 'Extended key usage does not permit use for TLS server authentication'
    : undefined;
}

/** A subject as Java prints it, the most specific part first: `CN=b.example, O=Company, C=US`. */
function javaName(subject: object): string {
  return Object.entries(subject)
    .reverse()
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ');
}

function nameCause(error: Error): string | undefined {
  if (codeOf(error) !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined;
  const { host, cert } = error as Error & { host: string; cert: tls.PeerCertificate };
  return `Host name '${host}' does not match the certificate subject provided by the peer (${javaName(cert.subject)})`;
}

/** The cause of a configuration error; `undefined` for an error of the network. */
function configurationCause(error: Error): string | undefined {
  const code = codeOf(error);
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  if (alert !== undefined) return `Received fatal alert: ${ALERTS[alert] ?? alert}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Invalid endpoint address';
  return certificateCause(code) ?? nameCause(error);
}

/** Words an error of the connection as the execution log shows it. */
export function failureOf(error: Error, staleSocket: boolean): BackendFailure {
  if (error instanceof BackendFailure) return error;
  const cause = configurationCause(error);
  return cause === undefined
    ? new BackendFailure('network', error.message, staleSocket, error)
    : new BackendFailure('configuration', cause, staleSocket, error);
}

/** What is wrong with the backend's certificate even where its issuer need not be known. */
export function tlsTrustFailure(socket: tls.TLSSocket, hostname: string): BackendFailure | undefined {
  // Declared as an Error, but Node stores the code alone for what OpenSSL finds.
  const problem: unknown = socket.authorizationError;
  const code = problem instanceof Error ? codeOf(problem) : String(problem);
  const error =
    socket.authorized || CHAIN_ERRORS.has(code)
      ? tls.checkServerIdentity(hostname.replace(/^\[|\]$/g, ''), socket.getPeerCertificate())
      : Object.assign(new Error(code), { code });
  return error && failureOf(error, false);
}
