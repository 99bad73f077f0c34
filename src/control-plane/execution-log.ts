/**
 * What API Gateway's execution log says about a call to a backend: the log of TestInvokeMethod, and line for line that of
 * CloudWatch. The shape of the log decides first: did the call leave, and did the backend answer, which it can only do
 * over a finished handshake. Words count after that, and words that are not known are quoted as they are: AWS documents
 * none of them, and how a refused client certificate is worded is recorded nowhere. Those known here are from recorded
 * answers of API Gateway, and from Java's TLS (JSSE) and Apache HttpClient, whose words these answers are.
 */
import { withoutCredentials } from '../platform/uri.js';
import { printable } from '../platform/printable.js';

/** How far a call got. `unknown`: the log is empty or not one of API Gateway's, as with some emulators. */
export type CallProgress = 'notSent' | 'unanswered' | 'answered' | 'unknown';

/** Whose fault a failed call is, as far as the log tells. */
export type Fault =
  /** The backend's own server certificate, or the chain that it sends. */
  | 'backendCertificate'
  /** The host name in the integration's URI, or the backend's certificate for it. */
  | 'backendName'
  | 'network'
  /** The client certificate, or the way in which the backend asks for it. */
  | 'clientCertificate'
  /** The integration's definition, permissions or mapping. */
  | 'integration'
  /** The application behind a finished handshake. */
  | 'application'
  | 'unknown';

/** A cause of the catalogue. */
interface CauseEntry {
  fault: Fault;
  /** What the line means, as a clause without a full stop. */
  meaning: string;
  /** What to do next. */
  remedy: string;
}

const CHECK_CLIENT_CERTIFICATE =
  'check that the backend trusts this certificate (apigw-cert backend show), and which CA names it announces (apigw-cert backend verify URL)';

/** Every cause that a log can show: whose fault it is, what it means, and what to do. */
export const LOG_CAUSES = {
  BackendCertificateExpired: {
    fault: 'backendCertificate',
    meaning: "the backend's own server certificate has expired or is not valid yet",
    remedy: "renew the backend's server certificate and reload the server",
  },
  BackendCertificateUnsuitable: {
    fault: 'backendCertificate',
    meaning: "the backend's own server certificate may not be used by a server",
    remedy: 'issue a server certificate whose extended key usage includes serverAuth',
  },
  BackendCertificateUntrusted: {
    fault: 'backendCertificate',
    meaning:
      "API Gateway does not accept the backend's own server certificate: its CA is not on AWS's list, it is self-signed, or the backend does not send its intermediate certificates",
    remedy:
      'send the whole chain, from a CA on the list (check it with apigw-cert backend verify URL); for a private CA set insecureSkipVerification on the integration',
  },
  BackendNameMismatch: {
    fault: 'backendName',
    meaning: "the host name in the integration's URI is not in the backend's server certificate",
    remedy:
      "use a host name in the certificate for the integration's URI, or add the name to the certificate; with a VPC link, the URI's host counts, not the name of the load balancer",
  },
  ServerNameUnknown: {
    fault: 'backendName',
    meaning: 'the backend has no server for the name in the TLS handshake (SNI)',
    remedy: "configure the backend for the host name in the integration's URI, or correct the URI",
  },
  EndpointAddressInvalid: {
    fault: 'backendName',
    meaning: "the host in the integration's URI does not resolve, or is private and there is no VPC link",
    remedy:
      "correct the integration's URI, and check that the stage variables it uses are set; a private address needs a VPC link",
  },
  NetworkError: {
    fault: 'network',
    meaning:
      'the connection was refused or closed without an answer: nothing is listening there, it does not speak TLS, or it closed the handshake without a reason',
    remedy:
      'check that the backend is listening and speaks TLS on this port; some servers refuse a client certificate in this way: compare with a call that presents none, and see what the backend logs',
  },
  TimedOut: {
    fault: 'network',
    meaning: "the backend did not answer within the integration's timeout",
    remedy: 'check security groups and firewalls, and whether the backend is overloaded',
  },
  VpcLinkError: {
    fault: 'network',
    meaning: 'the VPC link could not deliver the call',
    remedy: "check the VPC link's status, its target's health checks, the port, and the security groups",
  },
  InternalError: {
    fault: 'unknown',
    meaning: 'API Gateway reports an internal error, for example for an unhealthy VPC link',
    remedy: 'with a VPC link, check its target; otherwise try again, then contact AWS Support',
  },
  ClientCertificateRefused: {
    fault: 'clientCertificate',
    meaning: 'the backend refused the client certificate in the TLS handshake',
    remedy: CHECK_CLIENT_CERTIFICATE,
  },
  ClientCertificateExpired: {
    fault: 'clientCertificate',
    meaning: 'the backend refused the client certificate as expired',
    remedy: 'rotate it: apigw-cert rotate; check the clock of the backend if it has not expired',
  },
  ClientCertificateMissing: {
    fault: 'clientCertificate',
    meaning: 'the backend received no client certificate',
    remedy:
      'if the call should have presented one, API Gateway withheld it, as it does when the backend announces CA names without C=US, L=Seattle, CN=ApiGateway: apigw-cert backend verify URL shows them',
  },
  ClientCertificateRejected: {
    fault: 'clientCertificate',
    meaning: 'the backend received the client certificate and does not accept it',
    remedy: CHECK_CLIENT_CERTIFICATE,
  },
  AnnouncedNamesTooLarge: {
    fault: 'clientCertificate',
    meaning:
      'the backend announces so many CA names that its handshake message exceeds the 32768 bytes that Java accepts',
    remedy:
      'announce fewer CA names: give the server a client CA file with only the certificates of API Gateway, not the bundle of the system',
  },
  HandshakeRefused: {
    fault: 'unknown',
    meaning:
      'the backend closed the TLS handshake: it did not receive the client certificate that it requires, or has no TLS version and cipher in common',
    remedy: `see what the backend logs; ${CHECK_CLIENT_CERTIFICATE}`,
  },
  TlsVersionRefused: {
    fault: 'network',
    meaning: 'the backend and API Gateway have no TLS version or cipher in common',
    remedy: 'allow TLS 1.2 with ECDHE and AES-GCM on the backend',
  },
  TlsFailed: {
    fault: 'unknown',
    meaning: 'the TLS handshake failed; the log does not say why',
    remedy: `check the backend's own certificate (apigw-cert backend verify URL), then ${CHECK_CLIENT_CERTIFICATE}`,
  },
  RoleNotAssumable: {
    fault: 'integration',
    meaning: 'API Gateway may not assume the role of the integration',
    remedy: "correct the role's trust policy; the cause is not a certificate",
  },
  LambdaPermission: {
    fault: 'integration',
    meaning: 'API Gateway may not invoke the Lambda function of the integration',
    remedy: "correct the function's resource policy; the cause is not a certificate",
  },
  ResponseUnusable: {
    fault: 'integration',
    meaning: "API Gateway cannot map the backend's answer to a response",
    remedy: "correct the integration's responses; the cause is not a certificate",
  },
  NotSent: {
    fault: 'integration',
    meaning: 'API Gateway answered the request itself and called no backend, as with a mock integration',
    remedy: 'specify a call whose integration is of type HTTP or HTTP_PROXY with an https URI',
  },
  AccessRefused: {
    fault: 'clientCertificate',
    meaning:
      'the backend denied access; servers that check client certificates answer like this, and so do applications that require a key or a login',
    remedy: `${CHECK_CLIENT_CERTIFICATE}; if the path requires something else, specify one that does not`,
  },
  ApplicationFailed: {
    fault: 'application',
    meaning: 'the backend answered with an error of its own, after a complete TLS handshake',
    remedy: 'see what the backend logs; if the call itself is wrong, specify another',
  },
  Unrecognized: {
    fault: 'unknown',
    meaning: 'this message is not recognized',
    remedy: 'see what the backend logs at that time',
  },
} as const satisfies Record<string, CauseEntry>;

export type LogCauseCode = keyof typeof LOG_CAUSES;

/** Alerts by which a backend refuses a client certificate (RFC 8446 section 6.2). */
const ALERT_CAUSES: Readonly<Record<string, LogCauseCode>> = {
  access_denied: 'ClientCertificateRefused',
  bad_certificate: 'ClientCertificateRefused',
  certificate_expired: 'ClientCertificateExpired',
  certificate_required: 'ClientCertificateMissing',
  certificate_revoked: 'ClientCertificateRefused',
  certificate_unknown: 'ClientCertificateRefused',
  decrypt_error: 'ClientCertificateRefused',
  handshake_failure: 'HandshakeRefused',
  insufficient_security: 'TlsVersionRefused',
  protocol_version: 'TlsVersionRefused',
  unknown_ca: 'ClientCertificateRefused',
  unrecognized_name: 'ServerNameUnknown',
  unsupported_certificate: 'ClientCertificateRefused',
};

/** Words of a failed call that got no answer, the more telling first. */
const WORDS: readonly (readonly [words: RegExp, code: LogCauseCode])[] = [
  [/PKIX path building failed/i, 'BackendCertificateUntrusted'],
  [/validity check failed|NotAfter:|NotBefore:/i, 'BackendCertificateExpired'],
  [/Extended key usage does not permit/i, 'BackendCertificateUnsuitable'],
  [/PKIX path validation failed/i, 'BackendCertificateUntrusted'],
  [
    /Host name '.*' does not match|doesn't match any of the subject alternative names|No subject alternative (?:DNS )?names? /i,
    'BackendNameMismatch',
  ],
  [/size of the handshake message .* exceeds/i, 'AnnouncedNamesTooLarge'],
  [/Invalid endpoint address/i, 'EndpointAddressInvalid'],
  [/vpc ?link error/i, 'VpcLinkError'],
  [/timeout error|Endpoint request timed out/i, 'TimedOut'],
  [/network error communicating with endpoint/i, 'NetworkError'],
  [/General SSLEngine problem/i, 'TlsFailed'],
  [
    /Remote host terminated the handshake|failed to respond|Connection (?:is closed|reset|refused)/i,
    'NetworkError',
  ],
  [/does not have permission to assume/i, 'RoleNotAssumable'],
  [/Invalid permissions on Lambda function/i, 'LambdaPermission'],
  [/internal error while executing/i, 'InternalError'],
];

/** Statuses by which servers refuse a client certificate: nginx 400, 495, 496; Apache and HAProxy 403; applications 401, 403. */
export const REFUSING_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 495, 496]);

/** The parts of a log that decide. */
export interface LogReading {
  progress: CallProgress;
  /** The HTTP status that the backend answered, before any mapping. */
  backendStatus?: number;
  /** What a failed call's log gives as the reason, without the time before it; not yet fit for a terminal. */
  failure?: string;
  /** The beginning of the backend's answer. */
  body?: string;
}

/** `Thu Nov 26 09:30:00 UTC 2026 : ` of TestInvokeMethod, `(b3c…) ` of CloudWatch. */
const LINE_PREFIX = /^(?:\w{3} \w{3} +\d{1,2} [\d:]{8} \w+ \d{4} : |\([\w-]+\) )/;

/**
 * Reads the shape of an execution log. Bodies are part of a log, so that a backend can write lines into it: what comes
 * after an answer of the backend cannot turn it into something else.
 */
export function readExecutionLog(log: string): LogReading {
  const lines = log.split('\n').map((line) => line.trimEnd().replace(LINE_PREFIX, ''));
  const sent = lines.findIndex((line) => line.startsWith('Sending request to '));
  const answered = lines.findIndex(
    (line, at) => at > sent && /^Received response\. Status: \d{3}/.test(line),
  );
  const failure = lines.findLast((line) => /^Execution failed|internal error while executing/i.test(line));
  if (sent !== -1 && answered !== -1) {
    const status = Number(/Status: (\d{3})/.exec(lines[answered] ?? '')?.[1]);
    const body = lines.findIndex(
      (line, at) => at > answered && line.startsWith('Endpoint response body before transformations: '),
    );
    return {
      progress: 'answered',
      backendStatus: status,
      ...(failure === undefined ? {} : { failure }),
      ...(body === -1 ? {} : { body: lines.slice(body).join('\n').slice(0, 4_000) }),
    };
  }
  const isLog = lines.some((line) => /^(?:Execution log for request|Starting execution)/.test(line));
  const reason = failure ?? (isLog ? undefined : lines.findLast((line) => line !== ''));
  return {
    progress: sent !== -1 ? 'unanswered' : isLog ? 'notSent' : 'unknown',
    ...(reason === undefined ? {} : { failure: reason }),
  };
}

/** A failed call explained. */
export interface CallFailure extends CauseEntry {
  code: LogCauseCode;
  progress: CallProgress;
  /** The HTTP status that the backend answered, where it did. */
  backendStatus?: number;
  /** What the log says, on one line and fit for a terminal. */
  quote?: string;
}

/** What a call through API Gateway came to, for the client certificate that it presented. */
export interface CallOutcome {
  /**
   * `accepted`: the backend answered below 400. `refused`: it refuses the client certificate, or the caller by a status
   * that such servers use. `unknown`: anything else, of which `failure` says the reason.
   */
  outcome: 'accepted' | 'refused' | 'unknown';
  /** Absent when accepted. */
  failure?: CallFailure;
}

const LONGEST_QUOTE = 300;

const quoted = (text: string): string => printable(withoutCredentials(text.trim())).slice(0, LONGEST_QUOTE);

/** nginx's own pages for a client certificate that it wants. */
const NGINX_PAGES: readonly (readonly [title: string, code: LogCauseCode])[] = [
  ['No required SSL certificate was sent', 'ClientCertificateMissing'],
  ['The SSL certificate error', 'ClientCertificateRejected'],
];

function answeredCause(status: number, body: string): Cause {
  const page = status === 400 ? NGINX_PAGES.find(([title]) => body.includes(title)) : undefined;
  if (page) return { code: page[1], quote: page[0] };
  if (status === 496) return { code: 'ClientCertificateMissing' };
  if (status === 495) return { code: 'ClientCertificateRejected' };
  return { code: REFUSING_STATUSES.has(status) ? 'AccessRefused' : 'ApplicationFailed' };
}

function wordedCause(failure: string): LogCauseCode {
  const alert = /Received fatal alert: (\w+)/i.exec(failure)?.[1]?.toLowerCase();
  if (alert !== undefined) return ALERT_CAUSES[alert] ?? 'TlsFailed';
  return WORDS.find(([words]) => words.test(failure))?.[1] ?? 'Unrecognized';
}

const REFUSED = new Set<LogCauseCode>([
  'AccessRefused',
  'ClientCertificateExpired',
  'ClientCertificateMissing',
  'ClientCertificateRefused',
  'ClientCertificateRejected',
]);

/**
 * Says what a call through API Gateway came to.
 * @param status what TestInvokeMethod gives as the status of the method's response
 * @param log its log, as it came
 */
export function judgeCall({ status, log }: { status: number; log: string }): CallOutcome {
  const reading = readExecutionLog(log);
  const { progress, backendStatus } = reading;
  // A method without a mapping gives 200 for anything, so the backend's own status counts where it is known.
  const answer = backendStatus ?? (progress === 'unknown' ? status : undefined);
  if (answer !== undefined && answer < 400 && status < 400) return { outcome: 'accepted' };
  const { code, quote } = causeOf(reading, status, answer);
  return {
    outcome: REFUSED.has(code) ? 'refused' : 'unknown',
    failure: {
      code,
      ...LOG_CAUSES[code],
      progress,
      ...(backendStatus === undefined ? {} : { backendStatus }),
      ...(quote === undefined ? {} : { quote: quoted(quote) }),
    },
  };
}

interface Cause {
  code: LogCauseCode;
  quote?: string;
}

function causeOf({ progress, failure, body = '' }: LogReading, status: number, answer?: number): Cause {
  const quote = failure === undefined ? {} : { quote: failure };
  if (answer !== undefined && (progress === 'answered' || answer < 500)) {
    return answer < 400 ? { code: 'ResponseUnusable', ...quote } : answeredCause(answer, body);
  }
  if (failure !== undefined) return { code: wordedCause(failure), ...quote };
  return { code: status < 400 ? 'NotSent' : 'Unrecognized' };
}
