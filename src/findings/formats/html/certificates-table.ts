import type { CheckedCertificate, ExpiryReport } from '../../check-expiry.js';
import type { Threshold } from '../../../platform/duration.js';
import { dueAt } from '../../../certificates/expiry.js';
import { sourceName } from '../../../settings/accounts.js';
import { isMarkTag } from '../../../control-plane/marks.js';
import { stageCount } from '../../../control-plane/stages-text.js';
import { escapeMarkup as esc } from '../markup.js';
import { counted } from '../../../platform/counted.js';
import { timeText } from '../time-text.js';
import { standingOf, STANDING_WORDS, type Standing } from './standing.js';

/** So many entries of a cell are shown; the others open on demand. */
const SHOWN = 3;

type Use = NonNullable<CheckedCertificate['usedBy']>[number];

/** The order of the columns; `style.ts` labels the cells with the same words on a phone. */
export const COLUMNS = [
  'Certificate',
  'Status',
  'Days left',
  'Expires',
  'Renew from',
  'Presented by',
  'Description',
  'Tags',
  'Where',
] as const;

const list = (entries: readonly string[]): string =>
  `<ul>${entries.map((each) => `<li>${esc(each)}`).join('')}</ul>`;

/** Entries one below the other; those beyond the first few are behind a line that says how many there are. */
function bounded(entries: readonly string[], count: string): string {
  if (entries.length === 0) return '';
  // A line that says "1 more" would take as much room as the entry.
  if (entries.length <= SHOWN + 1) return list(entries);
  return opening(entries.slice(0, SHOWN), count, entries);
}

/** A few entries, and a line that opens all of them. */
const opening = (few: readonly string[], count: string, all: readonly string[]): string =>
  `${list(few)}<details><summary>${count}</summary>${list(all)}</details>`;

function byApi(stages: readonly Use[]): Use[][] {
  const groups = new Map<string, Use[]>();
  for (const stage of stages) {
    const group = groups.get(stage.restApiId);
    if (group) group.push(stage);
    else groups.set(stage.restApiId, [stage]);
  }
  return [...groups.values()];
}

/** The stages that present a certificate, a line an API: `orders: prod, beta`. */
function presentedBy({ usedBy }: CheckedCertificate): string {
  if (usedBy === undefined) return '<span class="dim">not read</span>';
  if (usedBy.length === 0) return '<b class="badge unused">unused</b>';
  const apis = byApi(usedBy);
  const names = new Set<string>();
  const twice = new Set<string>();
  for (const [first] of apis) {
    if (first) (names.has(first.apiName) ? twice : names).add(first.apiName);
  }
  const line = (stages: readonly Use[], most = stages.length): string => {
    const [{ apiName, restApiId } = { apiName: '', restApiId: '' }] = stages;
    const name = twice.has(apiName) ? `${apiName} (${restApiId})` : apiName;
    const more = stages.length > most ? ` and ${stages.length - most} more` : '';
    return `${name}: ${stages
      .slice(0, most)
      .map(({ stageName }) => stageName)
      .join(', ')}${more}`;
  };
  const all = apis.map((stages) => line(stages));
  if (apis.length <= SHOWN && apis.every(({ length }) => length <= SHOWN)) return list(all);
  return opening(
    apis.slice(0, SHOWN).map((stages) => line(stages, SHOWN)),
    stageCount(usedBy),
    all,
  );
}

/** A row, as short as HTML allows: a fleet has thousands. */
function row(item: CheckedCertificate, standing: Standing, now: Date, renewBefore: Threshold): string {
  const { clientCertificateId, description = '', daysLeft, notBefore, notAfter, usedBy, tags } = item;
  const left = (notAfter.getTime() - now.getTime()) / (notAfter.getTime() - notBefore.getTime());
  const percent = Math.round(Math.min(1, Math.max(0, left)) * 100);
  const [day = '', time = ''] = timeText(notAfter).split('T');
  const words = Object.entries(tags)
    .filter(([name]) => !isMarkTag(name))
    .map(([name, value]) => `${name}=${value}`);
  const kind = usedBy?.length === 0 ? `"${standing} unused"` : standing;
  return `<tr class=${kind}><th scope=row>${[
    esc(clientCertificateId),
    `<b class=badge>${STANDING_WORDS[standing]}</b>`,
    `${daysLeft}<i style=--w:${percent}></i>`,
    `${day} <small>${time}</small>`,
    timeText(dueAt(item, renewBefore)).slice(0, 10),
    presentedBy(item),
    esc(description),
    bounded(words, counted(words.length, 'tag')),
    esc(sourceName(item)),
  ].join('<td>')}`;
}

/**
 * The certificates as a table that is whole without a script. The controls around it are hidden until `script.ts` fills
 * them with life: it filters, sorts and shows a page at a time.
 */
export function certificatesTable({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  const standings = items.map((item) => standingOf(item, renewBefore, checkedAt));
  const options = [...Object.entries(STANDING_WORDS), ['unused', 'unused']];
  return `<div class="tools" hidden><label>Filter<input id="filter" type="search"></label><label>Status<select id="status"><option value="">all</option>${options
    .map(([value, words]) => `<option value="${value}">${words}</option>`)
    .join('')}</select></label><span id="count" role="status" class="dim"></span></div>
<table id="certificates" aria-label="Certificates"><thead><tr>${COLUMNS.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${items.map((item, i) => row(item, standings[i] ?? item.status, checkedAt, renewBefore)).join('\n')}
</tbody></table>
<nav id="pages" aria-label="Pages of the table" hidden><button type="button" id="previous">Previous</button><span></span><button type="button" id="following">Next</button></nav>`;
}
