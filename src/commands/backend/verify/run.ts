import { judgeBackend, type Verdict, type VerdictReason } from './rules.js';
import { daysLeft } from '../../../certificates/certificate.js';
import { AppError } from '../../../platform/errors.js';
import { API_GATEWAY_CAS_DATE } from '../../../certificates/api-gateway-cas.js';
import { answersToCaNames, javaClientProblems } from '../../../findings/java-client.js';
import { finding, reported, type ReportedFinding } from '../../../findings/finding.js';
import { tlsProbe, type Admission, type TlsAttempt, type TlsProbeOptions } from '../../../net/tls-probe.js';
import { readBundle } from '../../../certificates/bundle.js';
import { clientIdentity, type IdentityFiles } from '../../../certificates/client-identity.js';
import { mintClientCertificate } from '../../../certificates/mint.js';
import { nameText } from '../../../certificates/name.js';
import { serverChain, type ServerChain } from '../../../certificates/server-chain.js';

/** What connections from here tell about a backend. */
export interface BackendReport {
  url: string;
  verdict: Verdict;
  reason: VerdictReason;
  /** Whether the server asks for a certificate in the handshake; absent when that could not be read. */
  asksForCertificate?: boolean;
  /** The authorities whose certificates it says to accept, in its order. */
  caNames: string[];
  withoutCertificate: Admission;
  /** With a certificate of API Gateway's subject and a key of its own. */
  withImpostor: Admission;
  /** With the certificate that was given to prove acceptance with; absent when none was. */
  withCertificate?: Admission;
  /** What API Gateway's kind of client, Java's TLS, makes of the request for a certificate. */
  javaClient: {
    /** Whether it would present its certificate; absent when the server does not ask, or that could not be read. */
    answers?: boolean;
  };
  /** Where API Gateway's kind of client fails, or may fail, although others succeed. */
  findings: ReportedFinding[];
  /** As OpenSSL names it; absent when no handshake was completed. */
  protocol?: string;
  server: ServerChain & {
    /** Whether API Gateway would connect without insecureSkipVerification. */
    acceptedByApiGateway: boolean;
    /** When AWS's list of CAs was read, by which the root is judged. */
    listDate: string;
    /** Of the certificate in the chain that expires first; absent where the server sent none that can be read. */
    daysLeft?: number;
  };
  /** Milliseconds. */
  took: number;
}

const TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;

/** @throws AppError `Usage` */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.hostname !== '') {
    if (url.username === '' && url.password === '') return url;
    throw new AppError('Usage', 'the URL must not contain a user or a password', {
      hint: 'omit them: the check is about callers without credentials',
    });
  }
  throw new AppError('Usage', `"${text}" is not an https URL`, {
    hint: 'specify a URL such as https://orders.example.com/health',
  });
}

function authorities(file: Uint8Array): string[] {
  const { certificates } = readBundle(file);
  if (certificates.length > 0) return certificates.map(({ certificate }) => certificate.pem);
  throw new AppError('CertificateUnreadable', 'the file of --backend-ca contains no certificate', {
    hint: 'specify a PEM file with the certificates of the CAs',
  });
}

export interface VerifyOptions {
  /** Files of private CAs that API Gateway is to be taken to accept, PEM. */
  backendCas: readonly Uint8Array[];
  /** To prove with that the backend accepts it: a ACM certificate, or of a lab. */
  own?: IdentityFiles | undefined;
}

/** A connection that TLS 1.2 may be too old for. */
async function tlsProbe12(url: URL, options: TlsProbeOptions): Promise<TlsAttempt | undefined> {
  try {
    return await tlsProbe(url, { ...options, maxVersion: 'TLSv1.2' });
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/**
 * Calls a backend without a certificate, as an impostor of API Gateway and with one's own certificate where that is
 * given, and judges whether it lets in nobody but those whom it trusts, and whether API Gateway's kind of client could
 * present its certificate at all. That it lets API Gateway itself in only `test-invoke` and `doctor` can tell: the
 * private key never leaves AWS.
 *
 * @throws AppError `Usage`, `BackendUnreachable`, `CertificateUnreadable`
 */
export async function verifyBackend(
  address: string,
  { backendCas, own }: VerifyOptions,
  now: () => Date,
): Promise<BackendReport> {
  const url = parseUrl(address);
  const extraAnchors = backendCas.flatMap(authorities);
  const identity = own && clientIdentity(own);
  const started = performance.now();
  const options = { timeoutMs: TIMEOUT_MS };
  const [without, older, impostor, accepted] = await Promise.all([
    tlsProbe(url, options),
    tlsProbe12(url, options),
    mintClientCertificate({ notBefore: new Date(now().getTime() - HOUR_MS) }).then((minted) =>
      tlsProbe(url, { ...options, identity: minted }),
    ),
    identity && tlsProbe(url, { ...options, identity }),
  ]);
  const attempts = [without, impostor, older].flatMap((attempt) => attempt ?? []);
  const flight = attempts.find((attempt) => attempt.flight !== undefined)?.flight;
  const asks = flight === undefined ? undefined : flight.certificateRequest !== undefined;
  const asksLate = attempts.some((attempt) => attempt.asksLate);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const requests = attempts.flatMap((attempt) => attempt.flight?.certificateRequest ?? []);
  const caNames = requests.map((request) => request.caNames.map(nameText));
  const chain = serverChain(flight?.certificates ?? [], { host, extraAnchors, now: now() });
  const protocol = without.protocol ?? impostor.protocol;
  const expiries = chain.certificates.map(({ notAfter }) => notAfter.getTime());
  return {
    url: url.href,
    ...judgeBackend({
      asks,
      asksLate,
      withoutCertificate: without.admission,
      withImpostor: impostor.admission,
    }),
    ...(asks === undefined ? {} : { asksForCertificate: asks }),
    caNames: caNames[0] ?? [],
    withoutCertificate: without.admission,
    withImpostor: impostor.admission,
    ...(accepted ? { withCertificate: accepted.admission } : {}),
    javaClient: {
      ...(requests.length === 0
        ? {}
        : { answers: caNames.every((names) => answersToCaNames(names, identity?.issuers)) }),
    },
    findings: javaClientProblems({
      caNames,
      largestRequest: Math.max(0, ...requests.map(({ size }) => size)),
      isLate: asks !== true && asksLate,
      tls13: attempts.some(({ protocol }) => protocol === 'TLSv1.3'),
      host,
      issuers: identity?.issuers,
    }).map((problem) => reported(finding(problem, {}, {}))),
    ...(protocol === undefined ? {} : { protocol }),
    server: {
      ...chain,
      acceptedByApiGateway: chain.problems.length === 0,
      listDate: API_GATEWAY_CAS_DATE,
      ...(expiries.length === 0 ? {} : { daysLeft: daysLeft(new Date(Math.min(...expiries)), now()) }),
    },
    took: Math.round(performance.now() - started),
  };
}
