import { scaleUtc } from 'd3-scale';
import type { CheckedCertificate } from '../../check-expiry.js';
import type { Threshold } from '../../../platform/duration.js';
import { dueAt } from '../../../certificates/expiry.js';
import { sourceName } from '../../../settings/accounts.js';
import { printable } from '../../../platform/printable.js';
import { readMark } from '../../../control-plane/marks.js';
import { escapeMarkup as esc } from '../markup.js';
import { LOOKS, lookOf, standingOf, type Look } from './standing.js';

export interface TimelineOptions {
  today: Date;
  renewBefore: Threshold;
  /** Pixels; the picture scales down but not its text, so narrow screens get one of their own. */
  width: number;
}

const ROW = 22;
const BAR = 12;
/** Above the bars and below them: the dates, and the word for today above both. */
const TOP = 42;
const BOTTOM = 24;
const RIGHT = 14;
const MS_PER_DAY = 86_400_000;
/** Of a font of 12 and 11 pixels, generously. */
const PIXELS_PER_CHARACTER = 6.6;

const clip = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** The ids of one fleet can be the same in two accounts. */
const keyOf = (item: CheckedCertificate, id: string): string => `${sourceName(item)}/${id}`;

/** What fills a renewal window. Each differs from the others without colour, too. */
const PATTERNS: Readonly<Record<Look, string>> = {
  ok: '<rect width="6" height="6"/>',
  due: '<path d="M0 1.5H6M0 4.5H6"/>',
  warning: '<path d="M-1 1L1-1M0 6L6 0M5 7L7 5"/>',
  critical: '<path d="M0 0L6 6M6 0L0 6"/>',
  unused: '<circle cx="3" cy="3" r="1.1"/>',
};

/** The patterns, once for all pictures of the page: it takes no room and is not looked at. */
export const PATTERN_DEFINITIONS = `<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>${Object.entries(
  PATTERNS,
)
  .map(
    ([look, drawing]) =>
      `<pattern id="look-${look}" class="${look}" width="6" height="6" patternUnits="userSpaceOnUse">${drawing}</pattern>`,
  )
  .join('')}</defs></svg>`;

/** A piece of a bar with the pattern of a look, for legends. */
export const swatch = (look: Look): string =>
  `<svg class="swatch ${look}" width="26" height="12" aria-hidden="true" focusable="false"><rect class="bar" x="1" y="1" width="24" height="10" fill="url(#look-${look})"/></svg>`;

/**
 * The life of each certificate as SVG: an outlined bar from its start to its expiry, the renewal window filled with the
 * pattern of its state, the line of today, and a ring where a rotation made it, with an arrow from the one that it
 * replaces. Colours are the page's own variables, patterns those of {@link PATTERN_DEFINITIONS}.
 */
export function timelineSvg(items: readonly CheckedCertificate[], options: TimelineOptions): string {
  const { today, renewBefore, width } = options;
  const wide = width > 600;
  const left = wide ? 236 : 122;
  const times = items.flatMap(({ notBefore, notAfter }) => [notBefore.getTime(), notAfter.getTime()]);
  const scale = scaleUtc(
    [
      Math.min(today.getTime() - 30 * MS_PER_DAY, ...times),
      Math.max(today.getTime() + 30 * MS_PER_DAY, ...times),
    ],
    [left, width - RIGHT],
  );
  const at = (date: Date): string => scale(date).toFixed(1);
  const height = TOP + items.length * ROW + BOTTOM;
  const bottom = height - BOTTOM;
  const rows = new Map(items.map((item, index) => [keyOf(item, item.clientCertificateId), index]));
  const middle = (index: number): number => TOP + index * ROW + ROW / 2;

  const count = wide ? 10 : 3;
  const words = scale.tickFormat(count);
  const axes = scale.ticks(count).map((tick) => {
    const x = at(tick);
    const text = esc(words(tick));
    return `<path class="grid" d="M${x} ${TOP}V${bottom}"/><text class="date" x="${x}" y="${TOP - 8}">${text}</text><text class="date" x="${x}" y="${bottom + 16}">${text}</text>`;
  });

  const bars = items.map((item, index) => {
    const { clientCertificateId: id, notBefore, notAfter, usedBy, description } = item;
    const look = lookOf(item, standingOf(item, renewBefore, today));
    const due = dueAt(item, renewBefore);
    const y = middle(index) - BAR / 2;
    const bar = (from: Date, to: Date, fill: string): string =>
      `<rect class="bar" x="${at(from)}" y="${y}" width="${(scale(to) - scale(from)).toFixed(1)}" height="${BAR}" fill="${fill}"/>`;
    const about = printable(usedBy?.[0]?.apiName ?? description ?? '');
    const room = Math.floor((left - 12) / PIXELS_PER_CHARACTER);
    const label = clip(`${LOOKS[look].sign} ${printable(id)} ${about}`.trim(), room);
    return `<g class="${look}"><text class="name" x="${left - 8}" y="${middle(index) + 4}">${esc(label)}</text>${bar(notBefore, notAfter, 'none')}${bar(due, notAfter, `url(#look-${look})`)}</g>`;
  });

  // Rotations that the certificates' own marks tell of; the old certificate may be gone.
  const rotations = items.flatMap((item, index) => {
    const replaces = readMark(item)?.replaces;
    if (replaces === undefined) return [];
    const x = at(item.createdDate);
    const y = middle(index);
    const old = rows.get(keyOf(item, replaces));
    const ring = `<circle class="made" cx="${x}" cy="${y}" r="4"/>`;
    if (old === undefined) return [ring];
    const side = old < index ? -1 : 1;
    const tip = y + side * 5;
    return [
      `<path class="replaces" d="M${x} ${middle(old)}V${tip}m-4 ${side * 5}l4 ${-side * 5}l4 ${side * 5}"/>${ring}`,
    ];
  });

  const now = at(today);
  const anchor = scale(today) > width - 40 ? 'end' : 'middle';
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-size="${wide ? 12 : 11}" role="img" aria-label="Timeline of ${items.length} certificate${items.length === 1 ? '' : 's'}; the table below holds the same dates.">${axes.join('')}${bars.join('')}${rotations.join('')}<path class="today" d="M${now} ${TOP - 4}V${bottom}"/><text class="todays" x="${now}" y="12" text-anchor="${anchor}">today</text></svg>`;
}
