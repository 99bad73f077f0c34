/** Whether the trust stores of a stage hold what its backends need to accept its certificate; a rule of `doctor`. */
import { X509Certificate } from 'node:crypto';
import { readBundle } from '../../certificates/bundle.js';
import { nameText, subjectOf } from '../../certificates/caller-name.js';
import type { TrustedCertificate } from '../../certificates/certificate.js';
import type { TrustedAuthority, TrustEntry } from '../../certificates/trust-entry.js';
import { isIssuer, wayUp } from '../../certificates/way-up.js';
import { acmTrust, hasNameFor, isOfRoot } from '../../control-plane/acm-authority.js';
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import { finding, type Where } from '../finding.js';
import type { DoctorFinding } from './doctor.js';

/** A trust store as it was seen. */
export type SeenStore = {
  /** What messages call it. */
  trustStore: string;
  /** How `backend add` takes it, such as `--target orders`. */
  option: string;
} & (
  | {
      state: 'known' | 'unfinished';
      /** Exact certificates, by their SHA-256. */
      fingerprints: readonly string[];
      /** Of these the ones of CAs, where the store has whole certificates. */
      cas?: readonly TrustedCertificate[];
      authorities?: readonly TrustedAuthority[];
      /** Why it cannot hold an entry; nothing where it can. */
      objection: (entry: TrustEntry) => string | undefined;
      /** Why its server may not have loaded it. */
      reason?: string;
      since?: string;
    }
  | {
      state: 'unknown';
      reason: string;
      hint?: string;
      /** Whether reading it failed; otherwise it is one that nobody can read. */
      hasFailed: boolean;
    }
);

type ReadStore = Extract<SeenStore, { state: 'known' | 'unfinished' }>;

/**
 * What a store holds of the certificate of the stage: the certificate itself, the root of its CA with its name, a CA of it
 * without a name.
 */
export type Held = 'certificate' | 'rootWithName' | 'caWithoutName';

/** A trust store as the report of `doctor` has it. */
export interface StoreVerdict {
  trustStore: string;
  state: SeenStore['state'];
  /** Empty where it holds nothing of the certificate; absent where that is not known. */
  holds?: Held[];
}

/** The certificate that the stage presents, and how its backends answered. */
export interface Presented {
  trusted: TrustedCertificate;
  /** Where it is one of ACM. */
  acm?: AcmCertificate;
  /** Whether all backends that were called with it accepted it. */
  isAccepted: boolean;
  where: Where;
  now: Date;
}

const DAY_MS = 86_400_000;

/** ACM begins to renew 60 days before the expiry (ACM user guide, "Managed certificate renewal"). */
const RENEWAL_MS = 60 * DAY_MS;

/** From so long before the next certificate on, a store that will refuse it is critical. */
const URGENT_MS = 30 * DAY_MS;

/** The CAs above a certificate of ACM that a store holds without a name, by their subjects. */
function unnamedCas({ trusted, chainPem }: AcmCertificate, { cas = [], fingerprints }: ReadStore): string[] {
  const own = new X509Certificate(trusted.pem);
  const chain = readBundle(Buffer.from(chainPem)).certificates.map(({ certificate }) => certificate);
  const above = wayUp(
    own,
    chain.map(({ pem }) => new X509Certificate(pem)),
  );
  const isAbove = ({ pem }: TrustedCertificate): boolean => {
    const ca = new X509Certificate(pem);
    return [own, ...above].some((each) => isIssuer(each, ca));
  };
  const ofChain = chain.filter(
    ({ fingerprintSha256: one }) =>
      fingerprints.includes(one) && above.some(({ fingerprint256 }) => fingerprint256 === one),
  );
  const found = [...cas.filter(isAbove), ...ofChain];
  return [...new Map(found.map((each) => [each.fingerprintSha256, each.subject])).values()];
}

/** When ACM begins to renew it; nothing for an imported one. */
const renewalOf = ({ details, trusted }: AcmCertificate): Date | undefined =>
  details.origin === 'imported' ? undefined : new Date(trusted.notAfter.getTime() - RENEWAL_MS);

/** What a store holds of an ACM certificate that is trusted by its root. */
function ofAcm(
  acm: AcmCertificate,
  store: ReadStore,
  { isAccepted, where, now }: Presented,
): { holds: Held[]; findings: DoctorFinding[] } {
  const { trustStore, option, authorities = [], fingerprints } = store;
  const roots = authorities.filter((authority) => isOfRoot(acm, authority));
  const isCovered = roots.some((name) => hasNameFor(acm, name));
  const isPinned = fingerprints.includes(acm.trusted.fingerprintSha256);
  const cas = unnamedCas(acm, store);
  const subject = subjectOf(new X509Certificate(acm.trusted.pem).raw);
  const { authority } = acmTrust(acm, 'subject', roots.map(({ ca }) => ca.pem).join(''));
  const canHoldRoot = store.objection(authority ?? { ca: acm.trusted }) === undefined;
  const need = { subject, canHoldRoot };
  const about = { trustStore, option, ...need };

  const findings: DoctorFinding[] = cas.map((ca) =>
    finding('CaHeldWithoutName', where, { ...about, authority: ca, isCovered }),
  );
  if (isPinned) {
    const renewal = renewalOf(acm);
    const isUrgent = (renewal ?? acm.trusted.notAfter).getTime() - now.getTime() <= URGENT_MS;
    const args = { ...about, ...(renewal === undefined ? {} : { renewal }), isCovered };
    const severity = isUrgent && !isCovered ? 'critical' : 'warning';
    findings.push(finding('AcmCertificatePinned', where, args, severity));
  }
  if (!isCovered && !isPinned && cas.length === 0) {
    const otherNames = roots.map(nameText);
    findings.push(
      finding(
        'TrustStoreLacksCertificate',
        where,
        { trustStore, option, acm: { ...need, otherNames }, isAccepted },
        isAccepted || !canHoldRoot ? 'warning' : 'critical',
      ),
    );
  }
  return {
    holds: [
      ...(isPinned ? ['certificate' as const] : []),
      ...(isCovered ? ['rootWithName' as const] : []),
      ...(cas.length > 0 ? ['caWithoutName' as const] : []),
    ],
    findings,
  };
}

/** What a store holds of a certificate that is trusted as it is. */
function ofExact(
  { trustStore, option, fingerprints }: ReadStore,
  { trusted, isAccepted, where }: Presented,
): { holds: Held[]; findings: DoctorFinding[] } {
  if (fingerprints.includes(trusted.fingerprintSha256)) return { holds: ['certificate'], findings: [] };
  const severity = isAccepted ? 'warning' : 'critical';
  return {
    holds: [],
    findings: [finding('TrustStoreLacksCertificate', where, { trustStore, option, isAccepted }, severity)],
  };
}

/** Whether a certificate of ACM is its own issuer, so that there is no root to trust. */
function isOwnIssuer(acm: AcmCertificate): boolean {
  const { authority, problem } = acmTrust(acm, 'subject', '');
  return authority === undefined && problem === undefined;
}

/** Judges one store. */
export function judgeStore(
  store: SeenStore,
  presented: Presented,
): { verdict: StoreVerdict; findings: DoctorFinding[] } {
  const { trustStore, option, state } = store;
  const { acm, where } = presented;
  if (store.state === 'unknown') {
    const { reason, hint, hasFailed } = store;
    const args = { trustStore, option, reason, ...(hint === undefined ? {} : { hint }) };
    return {
      verdict: { trustStore, state },
      findings: [finding('TrustStoreUnknown', where, args, hasFailed ? 'unknown' : 'info')],
    };
  }
  const { reason = '', since } = store;
  const unfinished: DoctorFinding[] =
    state === 'unfinished'
      ? [
          finding('TrustStoreUnfinished', where, {
            trustStore,
            option,
            reason,
            ...(since === undefined ? {} : { since }),
          }),
        ]
      : [];
  const { holds, findings } =
    acm === undefined || isOwnIssuer(acm) ? ofExact(store, presented) : ofAcm(acm, store, presented);
  return { verdict: { trustStore, state, holds }, findings: [...findings, ...unfinished] };
}
