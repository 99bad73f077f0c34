import type { ChalkInstance } from 'chalk';
import type { FindingSeverity } from '../core/severity.js';

const COLOURS = { error: 'red', warning: 'yellow', note: 'blue' } as const;

export function severityText(severity: FindingSeverity, style: ChalkInstance): string {
  return style[COLOURS[severity]](severity);
}

/** `2 errors, 1 warning`; `no findings` where there are none. */
export function countText(severities: readonly FindingSeverity[]): string {
  const counts = (['error', 'warning', 'note'] as const)
    .map((severity) => [severities.filter((each) => each === severity).length, severity] as const)
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}${count === 1 ? '' : 's'}`);
  return counts.length === 0 ? 'no findings' : counts.join(', ');
}
