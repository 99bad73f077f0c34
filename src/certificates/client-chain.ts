import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { keyUsagesOf } from './der.js';
import { keyTypeOf, type KeyType } from './key-type.js';
import { isIssuer, wayUp } from './way-up.js';

/** Of id-kp-clientAuth and anyExtendedKeyUsage (RFC 5280 section 4.2.1.12). */
const FOR_CLIENTS = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/** More than any chain that makes sense. */
const MOST_CERTIFICATES = 20;

/** One of the certificates above a client's own. */
export interface ChainCertificate {
  /** RFC 4514-like, in the certificate's own order. */
  subject: string;
  issuer: string;
  notAfter: Date;
  /** SHA-256 of the DER, colon-separated upper-case hex. */
  fingerprintSha256: string;
}

/** What a client's certificate says of its use, and what is presented with it. */
export interface ClientChain {
  /** As given, the client's own certificate left out. */
  certificates: readonly ChainCertificate[];
  /**
   * Where following the issuers from the client's own certificate ends: at a certificate that is its own issuer (`root`),
   * at one whose issuer was not given although others were used on the way (`belowRoot`), or at the client's own certificate:
   * no chain was given (`none`), or none of it is its issuer (`stranger`).
   */
  end: 'root' | 'belowRoot' | 'none' | 'stranger';
  /** Subjects of certificates given that are not on the way. */
  unused: readonly string[];
  /** Whether each certificate is followed by its issuer, as TLS 1.2 demands (RFC 5246 section 7.4.2). */
  isOrdered: boolean;
  /** Of the certificates on the way, the first to expire. */
  firstToExpire?: ChainCertificate;
  /** Whether the extended key usage is absent or allows clients. */
  isForClients: boolean;
  /** Whether the key usage is absent or allows a client's signature. */
  maySign: boolean;
  /** In ACM's words; nothing for another. */
  keyType?: KeyType;
  /** PEM of the certificate of the chain that is its own issuer and that the way ends at. */
  rootPem?: string;
  /** The public root, one of those that Node.js carries, to which the certificate leads. */
  publicRoot?: string;
}

const oneLine = (name: string): string => name.trimEnd().split('\n').join(', ');

const described = ({ subject, issuer, validTo, fingerprint256 }: X509Certificate): ChainCertificate => ({
  subject: oneLine(subject),
  issuer: oneLine(issuer),
  notAfter: new Date(validTo),
  fingerprintSha256: fingerprint256,
});

const pemOf = (certificate: X509Certificate): string =>
  `${certificate.toString().replaceAll('\r', '').trimEnd()}\n`;

function endOf(last: X509Certificate, way: number, given: number): ClientChain['end'] {
  if (isIssuer(last, last)) return 'root';
  if (way > 0) return 'belowRoot';
  return given === 0 ? 'none' : 'stranger';
}

let publicRoots: readonly X509Certificate[] | undefined;

function publicRootOf(last: X509Certificate): string | undefined {
  publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem));
  const found = publicRoots.find(
    (root) => root.fingerprint256 === last.fingerprint256 || isIssuer(last, root),
  );
  return found && oneLine(found.subject);
}

/**
 * Looks at a client's certificate and the chain that is presented with it, as a backend that trusts the root meets them.
 * @param leaf PEM or DER of the client's own certificate
 * @param chain PEM or DER of what is presented with it, in that order; of more than 20, the first 20
 * @throws Error of node:crypto for what cannot be read
 */
export function clientChain(leaf: Uint8Array | string, chain: readonly (Uint8Array | string)[]): ClientChain {
  const own = new X509Certificate(leaf);
  const given = chain.slice(0, MOST_CERTIFICATES).map((each) => new X509Certificate(each));
  const way = wayUp(own, given);
  const last = way.at(-1) ?? own;
  // Declared as always there, and absent for a certificate without the extension.
  const purposes = own.keyUsage as string[] | undefined;
  const usages = keyUsagesOf(own.raw);
  const keyType = keyTypeOf(own.publicKey);
  const publicRoot = publicRootOf(last);
  const [firstToExpire] = way.map(described).sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  return {
    certificates: given.map(described),
    end: endOf(last, way.length, given.length),
    unused: given.filter((each) => !way.includes(each)).map(({ subject }) => oneLine(subject)),
    isOrdered: way.every((each, index) => given[index] === each),
    ...(firstToExpire === undefined ? {} : { firstToExpire }),
    isForClients: purposes === undefined || FOR_CLIENTS.some((purpose) => purposes.includes(purpose)),
    maySign: usages?.some((usage) => usage === 'DIGITAL_SIGNATURE' || usage === 'KEY_AGREEMENT') !== false,
    ...(keyType === undefined ? {} : { keyType }),
    ...(way.length > 0 && isIssuer(last, last) ? { rootPem: pemOf(last) } : {}),
    ...(publicRoot === undefined ? {} : { publicRoot }),
  };
}
