import type { ExpiryStatus } from '../certificates/expiry.js';

/**
 * How bad a finding is, mildest first, in the order of the Monitoring Plugins' own `max_state_alt`: `info` is only for
 * information, and `unknown`, which is something that could not be determined, never hides something critical. It is the
 * only scale; formats translate it where they write.
 */
export const SEVERITIES = ['info', 'warning', 'unknown', 'critical'] as const;

export type Severity = (typeof SEVERITIES)[number];

/** What a finding counts as: the four states of the Monitoring Plugins guidelines. One that does not count is `ok`. */
export type CheckLevel = 'ok' | Exclude<Severity, 'info'>;

const MILDEST_FIRST: readonly (Severity | CheckLevel)[] = ['ok', ...SEVERITIES];

const rank = (severity: Severity | CheckLevel): number => MILDEST_FIRST.indexOf(severity);

/** Sorts the worst first; equal ones keep their order. */
export const worstFirst = (a: { severity: Severity }, b: { severity: Severity }): number =>
  rank(b.severity) - rank(a.severity);

export const isAtLeast = (severity: Severity, least: Severity): boolean => rank(severity) >= rank(least);

/** The worst of the levels, `ok` when there are none. */
export function worstLevel(levels: readonly CheckLevel[]): CheckLevel {
  return levels.reduce((worst, level) => (rank(level) > rank(worst) ? level : worst), 'ok');
}

/** What a finding counts as where nothing else is asked for. */
export const levelOfSeverity = (severity: Severity): CheckLevel => (severity === 'info' ? 'ok' : severity);

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

/** The exit codes of `check-expiry` (Monitoring Plugins Development Guidelines, "Plugin Return Codes"). */
export const CHECK_EXIT = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const satisfies Record<
  CheckLevel,
  number
>;

/** SARIF 2.1.0 section 3.27.10. */
export const SARIF_LEVEL = {
  info: 'note',
  warning: 'warning',
  unknown: 'error',
  critical: 'error',
} as const satisfies Record<Severity, string>;

/** Workflow commands of GitHub Actions. */
export const GITHUB_COMMAND = {
  ok: 'notice',
  warning: 'warning',
  unknown: 'error',
  critical: 'error',
} as const satisfies Record<CheckLevel, string>;

/** `error`: it could not be determined; `failure`: it was determined, and is not as it should be. */
export const JUNIT_TAG = {
  ok: 'failure',
  warning: 'failure',
  unknown: 'error',
  critical: 'failure',
} as const satisfies Record<CheckLevel, string>;

/** Colours of a terminal. */
export const SEVERITY_COLOUR = {
  info: 'blue',
  warning: 'yellow',
  unknown: 'magenta',
  critical: 'red',
} as const satisfies Record<Severity, string>;
