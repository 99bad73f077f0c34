import type { ClientCertificate } from '../core/api-gateway.js';
import { certificateView, type CertificateView } from '../core/certificate-view.js';
import { datesDiffer, levelOf, worstLevel, type CheckLevel } from '../core/check-level.js';
import { AppError, type ErrorCode } from '../core/errors.js';
import { assertThresholdOrder, type ExpiryThresholds } from '../core/expiry.js';
import { inventory } from '../core/inventory.js';
import type { Gateway } from '../gateway/gateway.js';
import { certificateFacts } from '../x509/certificate.js';
import { allStages } from './stages.js';

export interface CheckedCertificate extends CertificateView {
  level: CheckLevel;
  /** The API's expirationDate is not the certificate's own notAfter. */
  datesDiffer: boolean;
}

/** A certificate that could not be judged, and why. */
export interface UnknownCertificate {
  clientCertificateId: string;
  code: ErrorCode;
  message: string;
}

export interface ExpiryReport {
  /** The worst of all, those that could not be judged included. */
  level: CheckLevel;
  region: string;
  /** Every certificate that was looked at, soonest expiry first. */
  items: CheckedCertificate[];
  /** Ids left out since no stage presents them. */
  unused: string[];
  unknown: UnknownCertificate[];
}

export interface ExpiryQuestion {
  /** Ids; all certificates of the account and Region when there are none. */
  ids: readonly string[];
  /** Leaves out what no stage presents: costs one call more, and one an API. */
  inUse: boolean;
  thresholds: ExpiryThresholds;
}

/**
 * Judges certificates by their own end.
 * @throws AppError `Usage` for thresholds upside down, and what the gateway throws
 */
export async function checkExpiry(
  gateway: Gateway,
  { ids, inUse, thresholds }: ExpiryQuestion,
  now: () => Date,
): Promise<ExpiryReport> {
  assertThresholdOrder(thresholds);
  const [{ certificates: found, unknown }, stages] = await Promise.all([
    find(gateway, [...new Set(ids)]),
    inUse ? allStages(gateway) : undefined,
  ]);
  const unused = stages === undefined ? [] : inventory({ certificates: found, ...stages }).unused;
  const certificates = found.filter(({ clientCertificateId }) => !unused.includes(clientCertificateId));
  const at = now();
  const items: CheckedCertificate[] = [];
  for (const certificate of certificates) {
    try {
      items.push(check(certificate, thresholds, at));
    } catch (error) {
      unknown.push(toUnknown(certificate.clientCertificateId, error));
    }
  }
  items.sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  const level = worstLevel([...items.map((item) => item.level), ...unknown.map(() => 'unknown' as const)]);
  return { level, region: gateway.region, items, unused: [...unused], unknown };
}

/** One call, however many are asked for: a page of a listing holds more than an account may have. */
async function find(
  gateway: Gateway,
  ids: readonly string[],
): Promise<{ certificates: ClientCertificate[]; unknown: UnknownCertificate[] }> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) {
    try {
      return { certificates: [await gateway.getClientCertificate(only)], unknown: [] };
    } catch (error) {
      if (error instanceof AppError && error.code === 'CertificateNotFound') {
        return { certificates: [], unknown: [toUnknown(only, error)] };
      }
      throw error;
    }
  }
  const all = await gateway.getClientCertificates();
  if (ids.length === 0) return { certificates: all, unknown: [] };
  const byId = new Map(all.map((certificate) => [certificate.clientCertificateId, certificate]));
  return {
    certificates: ids.flatMap((id) => byId.get(id) ?? []),
    unknown: ids
      .filter((id) => !byId.has(id))
      .map((id) => ({
        clientCertificateId: id,
        code: 'CertificateNotFound',
        message: `there is no client certificate ${id} in this account and Region`,
      })),
  };
}

function check(certificate: ClientCertificate, thresholds: ExpiryThresholds, now: Date): CheckedCertificate {
  const facts = certificateFacts(certificate.pemEncodedCertificate);
  const view = certificateView(certificate, facts, now, thresholds);
  const differ = datesDiffer(view);
  const level = worstLevel([levelOf(view.status), differ ? 'warning' : 'ok']);
  return { ...view, level, datesDiffer: differ };
}

function toUnknown(clientCertificateId: string, error: unknown): UnknownCertificate {
  if (!(error instanceof AppError)) throw error;
  return { clientCertificateId, code: error.code, message: error.message };
}
