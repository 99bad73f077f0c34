import type { CheckedCertificate } from '../../check-expiry.js';
import type { CheckLevel } from '../../severity.js';
import type { Threshold } from '../../../platform/duration.js';
import { isDue, type ExpiryStatus } from '../../../certificates/expiry.js';

/** How the report judges a certificate: as `check-expiry` does, and `due` for one whose renewal window is open. */
export type Standing = ExpiryStatus | 'due';

/** What people read for each. */
export const STANDING_WORDS = {
  ok: 'ok',
  due: 'renewal due',
  warning: 'warning',
  critical: 'critical',
  expired: 'expired',
  notYetValid: 'not yet valid',
} as const satisfies Record<Standing, string>;

/** The standing of a certificate. One that no stage presents is never due: nothing has to be renewed. */
export function standingOf(item: CheckedCertificate, renewBefore: Threshold, now: Date): Standing {
  if (item.status !== 'ok' || item.usedBy?.length === 0) return item.status;
  return isDue(item, renewBefore, now) ? 'due' : 'ok';
}

/** How a certificate is drawn: by its standing, and as `unused` when no stage presents it. */
export type Look = 'ok' | 'due' | 'warning' | 'critical' | 'unused';

export function lookOf({ usedBy }: CheckedCertificate, standing: Standing): Look {
  if (usedBy?.length === 0) return 'unused';
  if (standing === 'notYetValid') return 'warning';
  return standing === 'expired' ? 'critical' : standing;
}

/** What each look is called, and the sign that tells it without colours. */
export const LOOKS = {
  ok: { sign: '✓', words: 'ok' },
  due: { sign: '↻', words: 'renewal due' },
  warning: { sign: '!', words: 'warning' },
  critical: { sign: '‼', words: 'critical or expired' },
  unused: { sign: '–', words: 'not in use' },
} as const satisfies Record<Look, { sign: string; words: string }>;

/** The level of a whole page. */
export type PageLevel = CheckLevel | 'due';

/** A fleet where all is well but renewals are due is not plainly `ok`. */
export const pageLevel = (level: CheckLevel, due: number): PageLevel =>
  level === 'ok' && due > 0 ? 'due' : level;
