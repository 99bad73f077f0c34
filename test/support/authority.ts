import {
  issueCertificate,
  makeAuthority,
  type Identity,
  type LeafOptions,
} from '../../src/certificates/issue.js';
import { type CallerName } from '../../src/certificates/caller-name.js';
import { trustedAuthority, type TrustedAuthority } from '../../src/certificates/trust-entry.js';

/** A private CA: a root and one authority below it that issues. */
export interface TestAuthority {
  root: Identity;
  issuing: Identity;
  /** A certificate of that subject (RFC 4514) that is valid now, with what is presented with it: the issuing authority's. */
  issue: (subject: string, more?: Partial<LeafOptions>) => Promise<Identity & { chainPem: string }>;
  /** The root with a name, as trust stores hold it. */
  entry: (name: CallerName) => TrustedAuthority;
}

const DAY_MS = 86_400_000;

/** @param name of the root; two of one name have different keys */
export async function mintAuthority(name = 'CN=Example Root,O=Example'): Promise<TestAuthority> {
  const notBefore = new Date(Math.floor((Date.now() - 30 * DAY_MS) / 1000) * 1000);
  const root = await makeAuthority({ subject: name, notBefore, days: 3650 });
  const issuing = await makeAuthority({
    subject: 'CN=Example Issuing,O=Example',
    notBefore,
    days: 1825,
    issuer: root,
  });
  return {
    root,
    issuing,
    async issue(subject, more = {}) {
      const leaf = await issueCertificate({
        // The generator writes the parts in the order of the text, RFC 4514 the last one first.
        subject: subject
          .split(/(?<!\\),/)
          .toReversed()
          .join(','),
        issuer: issuing,
        notBefore: new Date(notBefore.getTime() + DAY_MS),
        days: 395,
        purposes: ['clientAuth'],
        ...more,
      });
      return { ...leaf, chainPem: `${leaf.pem}${issuing.pem}` };
    },
    entry: (entryName) => trustedAuthority(root.pem, entryName),
  };
}
