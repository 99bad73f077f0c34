import type { ExpiryStatus } from './expiry.js';

/** What a monitor is told: the four states of the Monitoring Plugins guidelines. */
export type CheckLevel = 'ok' | 'warning' | 'critical' | 'unknown';

/** The exit codes of `check-expiry` (Monitoring Plugins Development Guidelines, "Plugin Return Codes"). */
export const CHECK_EXIT = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const satisfies Record<
  CheckLevel,
  number
>;

/** The order of the Monitoring Plugins' own `max_state_alt`: nothing hides something critical. `info` never counts. */
const MILDEST_FIRST: readonly (CheckLevel | 'info')[] = ['ok', 'info', 'warning', 'unknown', 'critical'];

/** How bad a level or a severity of `check-expiry` is; of two, the larger is worse. */
export const badness = (level: CheckLevel | 'info'): number => MILDEST_FIRST.indexOf(level);

const LEVEL_OF_STATUS = {
  ok: 'ok',
  warning: 'warning',
  critical: 'critical',
  expired: 'critical',
  // Seconds after a generate a monitor whose clock is slow sees this: worth a look, no reason to wake anybody.
  notYetValid: 'warning',
} as const satisfies Record<ExpiryStatus, CheckLevel>;

export function levelOf(status: ExpiryStatus): CheckLevel {
  return LEVEL_OF_STATUS[status];
}

/** The worst of the levels, `ok` when there are none. */
export function worstLevel(levels: readonly CheckLevel[]): CheckLevel {
  return levels.reduce((worst, level) => (badness(level) > badness(worst) ? level : worst), 'ok');
}

/** Dates this near each other, in ms, are the same: both sides count in whole seconds. */
const SAME_DATE_MS = 1_000;

/** Whether the API tells another end than the certificate itself. */
export function datesDiffer({ expirationDate, notAfter }: { expirationDate: Date; notAfter: Date }): boolean {
  return Math.abs(expirationDate.getTime() - notAfter.getTime()) > SAME_DATE_MS;
}
