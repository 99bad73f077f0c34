import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import type { CertificateFacts } from './certificate.js';
import { olderRoot, rootStanding } from './api-gateway-cas.js';

/** What is wrong with a server's own certificate in the eyes of API Gateway. */
export type ServerChainProblem =
  | 'expired'
  | 'notYetValid'
  | 'wrongHost'
  /** Its extended key usage is for clients, not for servers. */
  | 'notForServers'
  | 'selfSigned'
  /** The chain ends before a root: the server does not send its intermediate certificates, or its CA is private. */
  | 'unknownIssuer'
  /** The chain ends in a public root that is not on AWS's list. */
  | 'rootNotListed'
  | 'unreadable';

export interface ServerChain {
  /** As sent, the server's own certificate first. */
  certificates: Pick<CertificateFacts, 'subject' | 'issuer' | 'notBefore' | 'notAfter'>[];
  /** Whose root ends the chain, where one does. */
  root?: string;
  /** For `rootNotListed`: the root on the list to which the same CA offers a chain, where one is known. */
  olderRoot?: string;
  /** AWS's list has an earlier certificate of this root, of the same name. */
  isRootReissued: boolean;
  /** Empty when API Gateway accepts it, as far as can be told from here. */
  problems: ServerChainProblem[];
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USE = '2.5.29.37.0';

const oneLine = (name: string): string => name.trimEnd().split('\n').join(', ');

const commonName = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? '';

function isIssuer(certificate: X509Certificate, candidate: X509Certificate): boolean {
  try {
    return candidate.ca && certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
  } catch {
    return false;
  }
}

/** A certificate at which a client may stop, and how it stands to AWS's list. */
interface Anchor {
  certificate: X509Certificate;
  standing: 'listed' | 'reissued' | 'notListed';
}

interface Path {
  /** From the server's own certificate on, the root left out. */
  certificates: X509Certificate[];
  root?: Anchor;
}

const BEST_FIRST = ['listed', 'reissued', 'notListed'] as const;

/**
 * Goes from issuer to issuer in whatever order they were sent, as Java does, and through each of several for one issuer:
 * of a CA's root and its cross-signed twin one may be accepted. Each certificate is looked at once.
 */
function bestPath(leaf: X509Certificate, sent: readonly X509Certificate[], anchors: readonly Anchor[]): Path {
  const paths: Path[] = [{ certificates: [leaf] }];
  const rest = new Set(sent);
  for (const { certificates } of paths) {
    const last = certificates.at(-1) ?? leaf;
    for (const candidate of rest) {
      if (!isIssuer(last, candidate)) continue;
      rest.delete(candidate);
      paths.push({ certificates: [...certificates, candidate] });
    }
  }
  const ending = paths.flatMap(({ certificates }) =>
    anchors
      .filter(({ certificate }) => {
        const last = certificates.at(-1) ?? leaf;
        return certificate.fingerprint256 === last.fingerprint256 || isIssuer(last, certificate);
      })
      .map((root): Path => ({ certificates, root })),
  );
  for (const standing of BEST_FIRST) {
    const found = ending.find(({ root }) => root?.standing === standing);
    if (found) return found;
  }
  return paths.at(-1) ?? { certificates: [leaf] };
}

/** More than any chain that makes sense. */
const MOST_CERTIFICATES = 10;

/** @param extraAnchors PEM, taken for accepted by API Gateway */
function anchorsOf(sent: readonly X509Certificate[], extraAnchors: readonly string[]): Anchor[] {
  const standing = (certificate: X509Certificate): Anchor => ({
    certificate,
    standing: rootStanding(certificate.fingerprint256, commonName(certificate)),
  });
  return [
    ...extraAnchors.map((pem): Anchor => ({ certificate: new X509Certificate(pem), standing: 'listed' })),
    // AWS lists roots that are in no store any more: known where the server sends them.
    ...sent.map(standing).filter((anchor) => anchor.standing === 'listed'),
    ...rootCertificates.map((pem) => standing(new X509Certificate(pem))),
  ];
}

function chainProblem({ certificates, root }: Path): ServerChainProblem[] {
  if (root) return root.standing === 'notListed' ? ['rootNotListed'] : [];
  const [leaf] = certificates;
  return [certificates.length === 1 && leaf?.checkIssued(leaf) === true ? 'selfSigned' : 'unknownIssuer'];
}

/**
 * Judges a server's certificate as API Gateway does: dates, host name, use, and a root of the list that AWS publishes.
 * The content of a root comes from the server or from Mozilla's list, which Node.js carries.
 *
 * @param certificates DER, as the server sent them
 * @param extraAnchors PEM of private CAs that API Gateway is to be taken to accept
 */
export function serverChain(
  certificates: readonly Uint8Array[],
  { host, extraAnchors, now }: { host: string; extraAnchors: readonly string[]; now: Date },
): ServerChain {
  const unreadable: ServerChain = { certificates: [], isRootReissued: false, problems: ['unreadable'] };
  let sent: X509Certificate[];
  try {
    sent = certificates.slice(0, MOST_CERTIFICATES).map((der) => new X509Certificate(der));
  } catch {
    return unreadable;
  }
  const [leaf] = sent;
  if (!leaf) return unreadable;
  const path = bestPath(leaf, sent.slice(1), anchorsOf(sent.slice(1), extraAnchors));
  const { root } = path;
  const matches = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host);
  // Declared as always there, and absent for a certificate without the extension.
  const uses = leaf.keyUsage as string[] | undefined;
  const problems: ServerChainProblem[] = [
    ...(path.certificates.some(({ validTo }) => new Date(validTo) <= now) ? (['expired'] as const) : []),
    ...(path.certificates.some(({ validFrom }) => new Date(validFrom) > now)
      ? (['notYetValid'] as const)
      : []),
    ...(matches === undefined ? (['wrongHost'] as const) : []),
    ...(uses === undefined || uses.includes(SERVER_AUTH) || uses.includes(ANY_USE)
      ? []
      : (['notForServers'] as const)),
    ...chainProblem(path),
  ];
  const older = root?.standing === 'notListed' ? olderRoot(commonName(root.certificate)) : undefined;
  return {
    certificates: sent.map(({ subject, issuer, validFrom, validTo }) => ({
      subject: oneLine(subject),
      issuer: oneLine(issuer),
      notBefore: new Date(validFrom),
      notAfter: new Date(validTo),
    })),
    ...(root ? { root: oneLine(root.certificate.subject) } : {}),
    ...(older === undefined ? {} : { olderRoot: older }),
    isRootReissued: root?.standing === 'reissued',
    problems,
  };
}
