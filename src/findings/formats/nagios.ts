import { printable } from '../../platform/printable.js';
import type { FindingsReport } from './report.js';

/** A bar begins performance data, wherever it stands. */
const plain = (text: string): string => printable(text).replaceAll('|', '/');

/** Performance data beside the counts of findings. */
export interface NagiosData {
  /** For the first line: `certificates=3;;;0`. */
  counts: readonly string[];
  /** For the lines after the details. */
  details: readonly string[];
}

/** Single quotes hold a label together; neither they nor an equals sign may be in it. */
export const nagiosLabel = (text: string): string => `'${printable(text).replace(/['=|]/g, '_')}'`;

/**
 * A plugin's answer (Monitoring Plugins Development Guidelines): the state and a summary, then details, then
 * performance data.
 */
export function nagiosFormat(
  { level, summary, findings }: FindingsReport,
  { counts, details: data }: NagiosData = { counts: [], details: [] },
): string {
  const levels = (['critical', 'warning', 'unknown'] as const).map(
    (each) => `${each}=${findings.filter((found) => found.level === each).length};;;0`,
  );
  const first = `APIGW_CERT ${level.toUpperCase()} - ${plain(summary)} | ${[...counts, ...levels].join(' ')}`;
  const details = findings
    .filter((each) => each.level !== 'ok')
    .map((each) => `${each.level.toUpperCase()}: ${plain(each.message)}`);
  const [lastDetail] = details.slice(-1);
  if (data.length === 0) return [first, ...details].join('\n');
  return [
    first,
    ...details.slice(0, -1),
    `${lastDetail ?? 'no findings'} | ${data[0] ?? ''}`,
    ...data.slice(1),
  ].join('\n');
}
