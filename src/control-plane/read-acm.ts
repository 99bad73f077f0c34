import { AppError } from '../platform/errors.js';
import type { ExpiryThresholds } from '../certificates/expiry.js';
import { placeOfArn } from './acm-certificate.js';
import { acmView, type AcmReading } from './acm-view.js';
import type { ControlPlane } from './control-plane.js';

/** Where certificates of ACM can be read. */
export interface AcmPlace {
  controlPlane: Pick<ControlPlane, 'region' | 'getAcmCertificate'>;
  /** Twelve digits, where the credentials tell. */
  accountId?: string | undefined;
}

/**
 * Reads the certificate of ACM that an ARN names. What ACM does not tell is unknown, and no error.
 * @param now by which it is judged
 */
export async function readAcm(
  { controlPlane, accountId }: AcmPlace,
  arn: string,
  now: Date,
  thresholds?: ExpiryThresholds,
): Promise<AcmReading> {
  const place = placeOfArn(arn);
  if (place === undefined)
    return { state: 'unknown', arn, reason: 'this is not the ARN of an ACM certificate' };
  if (place.region !== controlPlane.region || (accountId !== undefined && accountId !== place.accountId)) {
    return { state: 'elsewhere', arn, ...place };
  }
  try {
    const certificate = await controlPlane.getAcmCertificate(arn);
    return { state: 'read', arn, certificate, view: acmView(certificate, now, thresholds) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { message: reason, hint } = error;
    return { state: 'unknown', arn, reason, ...(hint === undefined ? {} : { hint }) };
  }
}
