import type { ChalkInstance } from 'chalk';
import type { ExpiryStatus } from '../../certificates/expiry.js';
import { counted } from '../../platform/counted.js';

export const STATUS_COLOURS = {
  ok: 'green',
  warning: 'yellow',
  critical: 'red',
  expired: 'red',
  notYetValid: 'yellow',
} as const satisfies Record<ExpiryStatus, keyof ChalkInstance>;

/** A status in its colour. */
export function statusText(status: ExpiryStatus, style: ChalkInstance): string {
  return style[STATUS_COLOURS[status]](status);
}

/** A certificate's status, and how long it has. */
export function lifeText(
  { status, daysLeft }: { status: ExpiryStatus; daysLeft: number },
  style: ChalkInstance,
): string {
  return statusText(status, style) + (status === 'expired' ? '' : `, ${counted(daysLeft, 'day')} left`);
}

/** An instant as it stands everywhere: ISO 8601, UTC, to the second. */
export function timeText(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
