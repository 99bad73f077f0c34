import type { AcmDetails } from '../control-plane/acm-details.js';
import { counted } from '../platform/counted.js';
import { printable } from '../platform/printable.js';

const ORIGINS = {
  imported: 'imported, not renewed by ACM',
  privateCa: 'from a private CA, renewed by ACM',
  public: 'public',
} as const;

/** What becomes of a renewal, in words; nothing where there is nothing to say. */
export function renewalText({ origin, renewal, renewalEligibility }: AcmDetails): string | undefined {
  if (renewal !== undefined) {
    return [renewal.status, ...(renewal.reason === undefined ? [] : [`(${renewal.reason})`])].join(' ');
  }
  return origin === 'imported' || renewalEligibility === undefined ? undefined : renewalEligibility;
}

/** What ACM says of a certificate, on one line. */
export function acmText(acm: AcmDetails): string {
  const { origin, acmStatus, keyType, chain } = acm;
  const renewal = renewalText(acm);
  return [
    ORIGINS[origin],
    ...(acmStatus === 'ISSUED' ? [] : [`status ${printable(acmStatus)}`]),
    ...(keyType === undefined ? [] : [keyType]),
    chain.length === 0 ? 'no chain' : `${counted(chain.length, 'certificate')} in its chain`,
    ...(renewal === undefined ? [] : [`renewal ${printable(renewal)}`]),
  ].join('; ');
}
