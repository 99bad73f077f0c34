/** What is wrong with a certificate of ACM on a stage, or will be. Its expiry is judged like that of any other certificate. */
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import type { AcmReading } from '../../control-plane/acm-view.js';
import { chainFaults, useFaults, type AcmFault } from '../../control-plane/acm-faults.js';
import { daysLeft } from '../../certificates/certificate.js';
import { finding, type Finding, type FindingCode, type Where } from '../finding.js';

export const ACM_CODES = [
  'AcmAuthorityExpiresFirst',
  'AcmCertificateElsewhere',
  'AcmCertificateImported',
  'AcmCertificateUnknown',
  'AcmChainEmpty',
  'AcmChainIncomplete',
  'AcmChainTooLong',
  'AcmChainUnordered',
  'AcmClientAuthMissing',
  'AcmNotIssued',
  'AcmPublicIssuer',
  'AcmRenewalDenied',
  'AcmRenewalFailed',
  'AcmRenewalIneligible',
  'AcmRenewalOverdue',
] as const satisfies readonly FindingCode[];

export type AcmFinding = Finding<(typeof ACM_CODES)[number]>;

/** ACM starts to renew 60 days before the expiry, and to send events 45 days before it. */
const RENEWED_BY_DAYS = 45;

/** What becomes of its renewal, where ACM would renew it. */
function renewalFindings({ details, trusted }: AcmCertificate, where: Where, now: Date): AcmFinding[] {
  const { origin, renewal, renewalEligibility, inUseBy, certificateAuthorityArn: authorityArn } = details;
  const left = daysLeft(trusted.notAfter, now);
  if (origin === 'imported') return [finding('AcmCertificateImported', where, {})];
  if (renewal?.status === 'FAILED') {
    const { reason } = renewal;
    return [
      reason === 'PCA_ACCESS_DENIED' && authorityArn !== undefined
        ? finding('AcmRenewalDenied', where, { reason, authorityArn })
        : finding('AcmRenewalFailed', where, reason === undefined ? {} : { reason }),
    ];
  }
  if (renewalEligibility === 'INELIGIBLE') {
    return [finding('AcmRenewalIneligible', where, { isInUse: inUseBy.length > 0 })];
  }
  if (left < 0 || left >= RENEWED_BY_DAYS) return [];
  const status = renewal?.status;
  return [
    finding('AcmRenewalOverdue', where, { daysLeft: left, ...(status === undefined ? {} : { status }) }),
  ];
}

const ofFault = ({ code, args }: AcmFault, where: Where): AcmFinding => finding(code, where, args as never);

/** Everything about one certificate of ACM but its expiry. @param where of it, with its ARN */
export function acmFindings(reading: AcmReading, where: Where, now: Date): AcmFinding[] {
  if (reading.state === 'elsewhere') {
    const { accountId, region } = reading;
    return [finding('AcmCertificateElsewhere', where, { accountId, region })];
  }
  if (reading.state === 'unknown') {
    const { reason, hint } = reading;
    return [finding('AcmCertificateUnknown', where, { reason, ...(hint === undefined ? {} : { hint }) })];
  }
  const { certificate } = reading;
  return [
    ...useFaults(certificate).map((fault) => ofFault(fault, where)),
    ...renewalFindings(certificate, where, now),
    ...chainFaults(certificate).map((fault) => ofFault(fault, where)),
  ];
}
