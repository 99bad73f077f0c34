import { AppError } from './errors.js';

/** Milliseconds in each unit that can be written, longest first. Months and years differ in length: not offered. */
const UNITS = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const PART = String.raw`(\d+(?:\.\d+)?)\s*`;
const DURATION = new RegExp(
  `^${UNITS.map(([unit]) => String.raw`(?:${PART}${unit}(?![a-z])\s*)?`).join('')}$`,
);
const PERCENT = /^(\d+(?:\.\d+)?)\s*%$/;

/** A hundred years: longer than any certificate, and still a date when added to today. */
const LONGEST_MS = 36_500 * 86_400_000;

/** A moment before a certificate's end, as a length of time or as a share of its lifetime. */
export type Threshold = { kind: 'duration'; ms: number } | { kind: 'share'; percent: number };

function refuse(text: string, why: string, hint: string): never {
  throw new AppError('Usage', `"${text.slice(0, 60)}" is not ${why}`, { hint });
}

/**
 * Reads a length of time such as `30d`, `90m`, `1d12h`, `500ms` or `1.5 h` into milliseconds. Units are w, d, h, m,
 * s and ms, longest first, each at most once.
 * @throws AppError `Usage` for everything else, a plain number included: nobody can tell its unit
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    refuse(
      text,
      'a duration: its unit is missing',
      `write "${trimmed}d" for days, "${trimmed}m" for minutes`,
    );
  }
  if (trimmed.startsWith('-')) {
    refuse(text, 'a duration: it is negative', 'write a length of time without a sign, such as "30d"');
  }
  const amounts = trimmed === '' ? undefined : DURATION.exec(trimmed)?.slice(1);
  if (!amounts) {
    refuse(
      text,
      'a duration',
      'write numbers with the units w, d, h, m, s or ms, longest first: "30d", "12h", "1d12h", "500ms"',
    );
  }
  const ms = Math.round(UNITS.reduce((sum, [, length], i) => sum + Number(amounts[i] ?? 0) * length, 0));
  if (ms > LONGEST_MS)
    refuse(text, 'a duration that can be meant: it is over 100 years', 'write a shorter one');
  return ms;
}

/**
 * Reads `30d` or `33%` (of the certificate's lifetime).
 * @throws AppError `Usage`
 */
export function parseThreshold(text: string): Threshold {
  const trimmed = text.trim();
  if (!trimmed.endsWith('%')) return { kind: 'duration', ms: parseDuration(trimmed) };
  const percent = Number(PERCENT.exec(trimmed)?.[1] ?? NaN);
  if (!(percent <= 100)) {
    refuse(text, 'a share of the lifetime', 'write a percentage from 0% to 100%, such as "33%"');
  }
  return { kind: 'share', percent };
}

/** The threshold in milliseconds before the end of a certificate that lives `lifetimeMs` (notAfter − notBefore). */
export function thresholdMs(threshold: Threshold, lifetimeMs: number): number {
  return threshold.kind === 'duration' ? threshold.ms : Math.round((lifetimeMs * threshold.percent) / 100);
}

/** `30d`, `1d12h30m` or `33%`: to the millisecond, as {@link parseThreshold} reads it. */
export function formatThreshold(threshold: Threshold): string {
  return threshold.kind === 'duration' ? durationText(threshold.ms) : `${threshold.percent}%`;
}

/** A length of time to the millisecond, as it is written in a configuration: `30d`, `1h30m`, `0s`. */
export function durationText(ms: number): string {
  let rest = ms;
  const parts = UNITS.filter(([unit]) => unit !== 'w').map(([unit, length]) => {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    return amount === 0 ? '' : `${amount}${unit}`;
  });
  return parts.join('') || '0s';
}

/**
 * Words a length of time for a person: its two largest units at most, cut off and not rounded, since a certificate
 * with 29.9 days left does not have 30 (`340 d`, `1 d 12 h`, `5 m`, `1.2 s`). What it writes, {@link parseDuration}
 * reads, apart from a minus sign. Weeks are not used; from ten days on, hours are not told.
 */
export function formatDuration(ms: number): string {
  const whole = Math.floor(Math.abs(ms));
  const sign = ms < 0 && whole > 0 ? '-' : '';
  if (whole < 1_000) return `${sign}${whole} ms`;
  if (whole < 60_000) return `${sign}${Math.floor(whole / 100) / 10} s`;
  const days = Math.floor(whole / 86_400_000);
  if (days >= 10) return `${sign}${days} d`;
  const parts = [
    [days, 'd'],
    [Math.floor(whole / 3_600_000) % 24, 'h'],
    [Math.floor(whole / 60_000) % 60, 'm'],
    [Math.floor(whole / 1_000) % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  const told = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return sign + told.map(([amount, unit]) => `${amount} ${unit}`).join(' ');
}
