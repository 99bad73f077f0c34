import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';

/** What is wrong with a server's own certificate in the eyes of a client that verifies. */
export type ServerChainProblem =
  | 'expired'
  | 'notYetValid'
  | 'wrongHost'
  | 'selfSigned'
  /** An intermediate is not sent, or its root is nobody's whom the client trusts. */
  | 'unknownIssuer'
  | 'unreadable';

export interface ServerChainCertificate {
  subject: string;
  issuer: string;
  notBefore: Date;
  notAfter: Date;
}

export interface ServerChain {
  /** As sent, the server's own certificate first. */
  certificates: ServerChainCertificate[];
  /** Whose root ends the chain, where one does. */
  root?: string;
  /** Empty when a client that verifies accepts it. */
  problems: ServerChainProblem[];
}

const oneLine = (name: string): string => name.trimEnd().split('\n').join(', ');

function isIssuer(certificate: X509Certificate, candidate: X509Certificate): boolean {
  try {
    return candidate.ca && certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
  } catch {
    return false;
  }
}

/** Goes from issuer to issuer until an anchor. */
function rootOf(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): X509Certificate | undefined {
  let current = leaf;
  for (let step = 0; step <= sent.length; step++) {
    const anchor = anchors.find(
      (candidate) => candidate.fingerprint256 === current.fingerprint256 || isIssuer(current, candidate),
    );
    if (anchor) return anchor;
    const issuer = sent.find((candidate) => candidate !== current && isIssuer(current, candidate));
    if (!issuer) return undefined;
    current = issuer;
  }
  return undefined;
}

/**
 * Judges a server's certificate by what API Gateway documents to check: the end, the host name, and a root that it
 * knows. Its list of roots is its own; Mozilla's, which Node carries, stands in for it.
 *
 * @param certificates DER, as the server sent them
 * @param extraAnchors PEM, trusted beside the public roots
 */
export function serverChain(
  certificates: readonly Uint8Array[],
  { host, extraAnchors, now }: { host: string; extraAnchors: readonly string[]; now: Date },
): ServerChain {
  let sent: X509Certificate[];
  try {
    sent = certificates.map((der) => new X509Certificate(der));
  } catch {
    return { certificates: [], problems: ['unreadable'] };
  }
  const [leaf] = sent;
  if (!leaf) return { certificates: [], problems: ['unreadable'] };
  const anchors = [...extraAnchors, ...rootCertificates].map((pem) => new X509Certificate(pem));
  const root = rootOf(leaf, sent, anchors);
  const matches = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host);
  const problems: ServerChainProblem[] = [
    ...(sent.some(({ validTo }) => new Date(validTo) <= now) ? (['expired'] as const) : []),
    ...(sent.some(({ validFrom }) => new Date(validFrom) > now) ? (['notYetValid'] as const) : []),
    ...(matches === undefined ? (['wrongHost'] as const) : []),
    ...(root ? [] : [leaf.checkIssued(leaf) ? ('selfSigned' as const) : ('unknownIssuer' as const)]),
  ];
  return {
    certificates: sent.map(({ subject, issuer, validFrom, validTo }) => ({
      subject: oneLine(subject),
      issuer: oneLine(issuer),
      notBefore: new Date(validFrom),
      notAfter: new Date(validTo),
    })),
    ...(root ? { root: oneLine(root.subject) } : {}),
    problems,
  };
}
