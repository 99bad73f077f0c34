import { judgeBackend, type Admission, type Verdict, type VerdictReason } from '../core/backend-verdict.js';
import { daysLeft } from '../core/certificate.js';
import { AppError } from '../core/errors.js';
import { tlsProbe } from '../verify/tls-probe.js';
import { readBundle } from '../x509/bundle.js';
import { mintClientCertificate } from '../x509/mint.js';
import { nameText } from '../x509/name.js';
import { serverChain, type ServerChain } from '../x509/server-chain.js';

/** What two connections from here tell about a backend. */
export interface BackendReport {
  url: string;
  verdict: Verdict;
  reason: VerdictReason;
  /** Whether the server asks for a certificate in the handshake; `null` when that could not be read. */
  asksForCertificate: boolean | null;
  /** The authorities whose certificates it says to accept, in its order. */
  caNames: string[];
  withoutCertificate: Admission;
  /** With a certificate of API Gateway's subject and a key of its own. */
  withImpostor: Admission;
  /** As OpenSSL names it; `null` when no handshake was completed. */
  protocol: string | null;
  server: ServerChain & {
    /** Whether API Gateway would connect without insecureSkipVerification. */
    acceptedByApiGateway: boolean;
    /** Of the certificate in the chain that ends first. */
    daysLeft: number | null;
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
    throw new AppError('Usage', 'a URL with a password in it is not used', {
      hint: 'leave the user and the password away: the answer to a stranger is what counts',
    });
  }
  throw new AppError('Usage', `"${text}" is not an https URL`, {
    hint: 'write it as in https://orders.example.com/health',
  });
}

function authorities(file: Uint8Array): string[] {
  const { certificates } = readBundle(file);
  if (certificates.length > 0) return certificates.map(({ certificate }) => certificate.pem);
  throw new AppError('CertificateUnreadable', 'the file of --backend-ca holds no certificate', {
    hint: 'name a PEM file with the certificates of the authorities',
  });
}

/**
 * Calls a backend twice, without a certificate and as an impostor of API Gateway, and judges whether it lets in
 * nobody but those whom it trusts. Whether it lets API Gateway itself in only `test-invoke` and `doctor` can tell:
 * the private key never leaves AWS.
 *
 * @param backendCas files of private authorities that API Gateway is to be taken to trust, PEM
 * @throws AppError `Usage`, `BackendUnreachable`, `CertificateUnreadable`
 */
export async function verifyBackend(
  address: string,
  { backendCas }: { backendCas: readonly Uint8Array[] },
  now: () => Date,
): Promise<BackendReport> {
  const url = parseUrl(address);
  const extraAnchors = backendCas.flatMap(authorities);
  const started = performance.now();
  const [without, impostor] = await Promise.all([
    tlsProbe(url, { timeoutMs: TIMEOUT_MS }),
    mintClientCertificate({ notBefore: new Date(now().getTime() - HOUR_MS) }).then((identity) =>
      tlsProbe(url, { identity, timeoutMs: TIMEOUT_MS }),
    ),
  ]);
  const flight = without.flight ?? impostor.flight;
  const asks = flight === undefined ? undefined : flight.certificateRequest !== undefined;
  const chain = serverChain(flight?.certificates ?? [], {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    extraAnchors,
    now: now(),
  });
  const ends = chain.certificates.map(({ notAfter }) => notAfter.getTime());
  return {
    url: url.href,
    ...judgeBackend({
      asks,
      withoutCertificate: without.admission,
      withImpostor: impostor.admission,
    }),
    asksForCertificate: asks ?? null,
    caNames: (flight?.certificateRequest?.caNames ?? []).map(nameText),
    withoutCertificate: without.admission,
    withImpostor: impostor.admission,
    protocol: without.protocol ?? impostor.protocol ?? null,
    server: {
      ...chain,
      acceptedByApiGateway: chain.problems.length === 0,
      daysLeft: ends.length === 0 ? null : daysLeft(new Date(Math.min(...ends)), now()),
    },
    took: Math.round(performance.now() - started),
  };
}
