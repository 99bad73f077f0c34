import type { CertificateFacts } from './certificate.js';
import { formatDuration, formatThreshold, thresholdMs, type Threshold } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';

/** How near its end a certificate is. `notYetValid` usually means that a clock is wrong. */
export type ExpiryStatus = 'ok' | 'warning' | 'critical' | 'expired' | 'notYetValid';

export type Validity = Pick<CertificateFacts, 'notBefore' | 'notAfter'>;

/** From how long before the end a certificate is `warning`, and `critical`. */
export interface ExpiryThresholds {
  warning: Threshold;
  critical: Threshold;
}

/** Every certificate that API Gateway generates lives 365 days (API Gateway developer guide). */
export const GATEWAY_LIFETIME_MS = 365 * 86_400_000;

/** A third of the lifetime: the default of `--renew-before`. */
export const DEFAULT_RENEW_BEFORE: Threshold = { kind: 'share', percent: 33 };

const lifetimeMs = ({ notBefore, notAfter }: Validity): number => notAfter.getTime() - notBefore.getTime();

/**
 * Refuses thresholds that are upside down. A length of time is compared with a share on API Gateway's own lifetime.
 * @throws AppError `Usage`
 */
export function assertThresholdOrder({ warning, critical }: ExpiryThresholds): void {
  if (thresholdMs(critical, GATEWAY_LIFETIME_MS) <= thresholdMs(warning, GATEWAY_LIFETIME_MS)) return;
  throw new AppError(
    'Usage',
    `the critical threshold (${formatThreshold(critical)}) lies before the warning one (${formatThreshold(warning)})`,
    { hint: 'the warning threshold must be at least as long as the critical one, for example 30d and 7d' },
  );
}

/**
 * The status at `now`. A certificate is in a threshold's range from exactly that long before its end, and expired at
 * `notAfter` itself, where OpenSSL refuses it although RFC 5280 section 4.1.2.5 still includes that second.
 */
export function expiryStatus(validity: Validity, thresholds: ExpiryThresholds, now: Date): ExpiryStatus {
  const leftMs = validity.notAfter.getTime() - now.getTime();
  if (leftMs <= 0) return 'expired';
  if (now < validity.notBefore) return 'notYetValid';
  if (leftMs <= thresholdMs(thresholds.critical, lifetimeMs(validity))) return 'critical';
  if (leftMs <= thresholdMs(thresholds.warning, lifetimeMs(validity))) return 'warning';
  return 'ok';
}

/**
 * When the renewal window opens.
 * @throws AppError `Usage` when the window is as long as the whole life: a new certificate would be due at once, and
 * every run would rotate
 */
export function dueAt(validity: Validity, renewBefore: Threshold): Date {
  const window = thresholdMs(renewBefore, lifetimeMs(validity));
  if (window >= lifetimeMs(validity)) {
    throw new AppError(
      'Usage',
      `a renewal window of ${formatThreshold(renewBefore)} covers the certificate's whole life of ` +
        formatDuration(lifetimeMs(validity)),
      { hint: 'choose a shorter one, such as 33% or 30d; to rotate now whatever the date, use --force' },
    );
  }
  return new Date(validity.notAfter.getTime() - window);
}

/**
 * Whether the certificate is within its renewal window.
 * @throws AppError `Usage` as {@link dueAt}
 */
export function isDue(validity: Validity, renewBefore: Threshold, now: Date): boolean {
  return now >= dueAt(validity, renewBefore);
}

/** Dates this near each other, in ms, are the same: both sides count in whole seconds. */
const SAME_DATE_MS = 1_000;

/** Whether the API reports another expiry than the certificate itself. */
export function datesDiffer({ expirationDate, notAfter }: { expirationDate: Date; notAfter: Date }): boolean {
  return Math.abs(expirationDate.getTime() - notAfter.getTime()) > SAME_DATE_MS;
}
