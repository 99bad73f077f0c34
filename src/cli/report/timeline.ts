import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { CheckedCertificate } from '../../app/check-expiry.js';
import { dueAt } from '../../core/expiry.js';
import type { Threshold } from '../../core/duration.js';
import { printable } from '../../core/printable.js';
import { readMark } from '../../core/rotation/marks.js';

export interface TimelineOptions {
  today: Date;
  renewBefore: Threshold;
  /** Pixels; the picture scales down but not its text, so narrow screens get one of their own. */
  width: number;
}

/** What is used of a DOM element: the compiler is not given the browser's types. */
interface Element {
  setAttribute(name: string, value: string): void;
  outerHTML: string;
}
const plot = Plot.plot as (options: object) => Element;

const ROW_HEIGHT = 26;
const MS_PER_DAY = 86_400_000;

/** How a certificate is drawn: by its status, and grey when no stage presents it. */
export type Look = 'ok' | 'warning' | 'critical' | 'unused';

export function lookOf({ status, usedBy }: CheckedCertificate): Look {
  if (usedBy?.length === 0) return 'unused';
  if (status === 'ok') return 'ok';
  return status === 'warning' || status === 'notYetValid' ? 'warning' : 'critical';
}

const LOOKS: readonly Look[] = ['ok', 'warning', 'critical', 'unused'];

/** The ids of one fleet can be the same in two accounts: the row's place tells them apart. */
interface Row {
  key: string;
  label: string;
  look: Look;
  from: Date;
  due: Date;
  to: Date;
}

interface Rotation {
  at: Date;
  oldKey: string | undefined;
  newKey: string;
}

const clip = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

const keyOf = ({ account, region }: CheckedCertificate, id: string): string => `${account}/${region}/${id}`;

function rowOf(item: CheckedCertificate, { renewBefore, width }: TimelineOptions): Row {
  const api = item.usedBy?.[0]?.apiName ?? item.description ?? '';
  const room = width > 600 ? 18 : 9;
  return {
    key: keyOf(item, item.clientCertificateId),
    label: [item.clientCertificateId, clip(printable(api), room)].filter(Boolean).join(' '),
    look: lookOf(item),
    from: item.notBefore,
    due: dueAt(item, renewBefore),
    to: item.notAfter,
  };
}

/** Rotations that the certificates' own marks tell of; the old certificate may be gone. */
function rotationsOf(items: readonly CheckedCertificate[]): Rotation[] {
  const keys = new Set(items.map((item) => keyOf(item, item.clientCertificateId)));
  return items.flatMap((item) => {
    const replaces = readMark(item)?.replaces;
    if (replaces === undefined) return [];
    const oldKey = keyOf(item, replaces);
    return [
      {
        at: item.createdDate,
        oldKey: keys.has(oldKey) ? oldKey : undefined,
        newKey: keyOf(item, item.clientCertificateId),
      },
    ];
  });
}

/**
 * The life of each certificate as SVG text: a bar from its start to its end, the renewal window solid, today's line,
 * and an arrow or a ring where a rotation made it. Colours are the page's own variables.
 */
export function timelineSvg(items: readonly CheckedCertificate[], options: TimelineOptions): string {
  const { today, width } = options;
  const { document } = parseHTML('<!doctype html><body></body>') as unknown as { document: unknown };
  const rows = items.map((item) => rowOf(item, options));
  const labels = new Map(rows.map(({ key, label }) => [key, label]));
  const rotations = rotationsOf(items);
  const first = Math.min(today.getTime() - 30 * MS_PER_DAY, ...rows.map(({ from }) => from.getTime()));
  const last = Math.max(today.getTime() + 30 * MS_PER_DAY, ...rows.map(({ to }) => to.getTime()));
  const wide = width > 600;
  const svg = plot({
    document,
    width,
    height: rows.length * ROW_HEIGHT + 74,
    marginLeft: wide ? 200 : 118,
    marginRight: 14,
    marginTop: 34,
    marginBottom: 40,
    style: { fontSize: wide ? '12px' : '11px', fontFamily: 'inherit', background: 'none' },
    x: { type: 'utc', domain: [new Date(first), new Date(last)], axis: null },
    y: {
      domain: rows.map(({ key }) => key),
      label: null,
      tickFormat: (key: string) => labels.get(key) ?? '',
    },
    color: { domain: [...LOOKS], range: LOOKS.map((look) => `var(--${look})`) },
    marks: [
      Plot.axisX({ anchor: 'bottom', label: null, ticks: wide ? 10 : 4, tickSize: 0 }),
      Plot.gridX({ ticks: wide ? 10 : 4, strokeOpacity: 0.12 }),
      Plot.axisY({
        label: null,
        tickSize: 0,
        textAnchor: 'end',
        tickFormat: (key: string) => labels.get(key) ?? '',
      }),
      Plot.barX(rows, { x1: 'from', x2: 'to', y: 'key', fill: 'look', fillOpacity: 0.3, inset: 4, rx: 3 }),
      Plot.barX(rows, { x1: 'due', x2: 'to', y: 'key', fill: 'look', inset: 4, rx: 3 }),
      Plot.arrow(
        rotations.filter(({ oldKey }) => oldKey !== undefined),
        { x1: 'at', x2: 'at', y1: 'oldKey', y2: 'newKey', bend: 0, stroke: 'var(--text)', strokeWidth: 1.5 },
      ),
      Plot.dot(rotations, { x: 'at', y: 'newKey', r: 4, stroke: 'var(--text)', fill: 'var(--page)' }),
      Plot.ruleX([today], { stroke: 'var(--today)', strokeWidth: 2 }),
      Plot.text([today], {
        x: (date: Date) => date,
        text: () => 'today',
        frameAnchor: 'top',
        dy: -14,
        fill: 'var(--today)',
        fontWeight: 'bold',
      }),
    ],
  });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'Timeline of the certificates; the table below holds the same dates.');
  return svg.outerHTML;
}
