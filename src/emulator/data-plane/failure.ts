import tls from 'node:tls';

/** A backend that could not be reached, or that refused to be spoken to. */
export class BackendFailure extends Error {
  readonly kind: 'configuration' | 'timeout';
  /** A kept connection turned out to be closed by the backend, before it had answered anything. */
  readonly staleSocket: boolean;

  constructor(kind: BackendFailure['kind'], message: string, staleSocket = false, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.staleSocket = staleSocket;
  }
}

/** What the caller of an API is answered when its backend cannot be used. */
export function failureAnswer({ kind, message }: BackendFailure): {
  status: number;
  body: { message: string };
} {
  return kind === 'timeout'
    ? { status: 504, body: { message } }
    : { status: 500, body: { message: 'Internal server error' } };
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

const CERTIFICATE_ERRORS = new Set([
  ...CHAIN_ERRORS,
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/** The connection broke off, which on a kept one usually means that the backend had closed it before. */
export function isStaleSocket(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

function describe(error: Error): string {
  const code = codeOf(error);
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  if (alert !== undefined) return `Received fatal alert: ${ALERTS[alert] ?? alert}`;
  if (isStaleSocket(error)) return 'The endpoint closed the connection without an answer';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Invalid endpoint address';
  if (CERTIFICATE_ERRORS.has(code)) {
    return `The certificate of the endpoint is not accepted: ${error.message}`;
  }
  return `Network error communicating with endpoint: ${code === '' ? error.message : code}`;
}

/** Words an error of the connection as the execution log shows it. */
export function failureOf(error: Error, staleSocket: boolean): BackendFailure {
  if (error instanceof BackendFailure) return error;
  return new BackendFailure('configuration', describe(error), staleSocket, error);
}

/** What is wrong with the backend's certificate even where its issuer need not be known. */
export function tlsTrustFailure(socket: tls.TLSSocket, hostname: string): BackendFailure | undefined {
  // Declared as an Error, but Node stores the code alone for what OpenSSL finds.
  const problem: unknown = socket.authorizationError;
  const code = problem instanceof Error ? codeOf(problem) : String(problem);
  const error =
    socket.authorized || CHAIN_ERRORS.has(code)
      ? tls.checkServerIdentity(hostname.replace(/^\[|\]$/g, ''), socket.getPeerCertificate())
      : new Error(code);
  return (
    error &&
    new BackendFailure('configuration', `The certificate of the endpoint is not accepted: ${error.message}`)
  );
}
