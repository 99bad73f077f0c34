import { createHash } from 'node:crypto';
import type { ExpiryReport } from '../../check-expiry.js';
import { formatThreshold, type Threshold } from '../../../platform/duration.js';
import { escapeMarkup as esc } from '../markup.js';
import { counted } from '../../../platform/counted.js';
import { summaryLine } from '../summary.js';
import { timeText } from '../time-text.js';
import { VERSION } from '../../../platform/version.js';
import { certificatesTable } from './certificates-table.js';
import type { ReportedFrom } from './next-step.js';
import { nextSteps } from './next-steps.js';
import { SCRIPT } from './script.js';
import { LOOKS, pageLevel, standingOf, STANDING_WORDS, type Look } from './standing.js';
import { STYLE } from './style.js';
import { PATTERN_DEFINITIONS, swatch, timelineSvg } from './timeline.js';

/** More bars than these are no picture any more; the table has all certificates. */
const MOST_BARS = 150;

function tiles({ items, findings, sources }: ExpiryReport, due: number): string {
  const level = (name: string): number => findings.filter((each) => each.level === name).length;
  const unused = items.filter(({ usedBy }) => usedBy?.length === 0).length;
  const tile = (kind: string, count: number, words: string): string =>
    `<li class="${count > 0 ? kind : ''}"><b>${count}</b>${words}</li>`;
  return `<ul class="tiles">${[
    tile('critical', level('critical'), 'critical'),
    tile('warning', level('warning'), level('warning') === 1 ? 'warning' : 'warnings'),
    tile('due', due, 'due for renewal'),
    tile('unknown', level('unknown'), 'unknown'),
    tile('', items.length, items.length === 1 ? 'certificate' : 'certificates'),
    tile('', unused, 'not in use'),
    tile('', sources.length, sources.length === 1 ? 'account and Region' : 'accounts and Regions'),
  ].join('')}</ul>`;
}

function timeline({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  if (items.length === 0) return '<p>There are no certificates to show.</p>';
  const drawn = items.slice(0, MOST_BARS);
  const svg = (width: number, name: string): string =>
    `<div class="${name}">${timelineSvg(drawn, { today: checkedAt, renewBefore, width })}</div>`;
  const keys = (Object.keys(LOOKS) as Look[]).map(
    (look) => `<span>${swatch(look)}${LOOKS[look].sign} ${LOOKS[look].words}</span>`,
  );
  const more =
    drawn.length < items.length
      ? [`<span>the first ${drawn.length} to expire of ${items.length}</span>`]
      : [];
  return `${PATTERN_DEFINITIONS}<figure aria-label="Timeline">${svg(1120, 'wide')}${svg(360, 'narrow')}<figcaption>${[
    ...keys,
    `<span>outlined: valid; filled: renewal window (${esc(formatThreshold(renewBefore))} before expiry)</span>`,
    '<span>○ created by a rotation; → from the certificate that it replaces</span>',
    ...more,
  ].join('')}</figcaption></figure>`;
}

function sourcesTable({ sources }: ExpiryReport): string {
  const heads = ['Account', 'Account ID', 'Region', 'State', 'Certificates', 'Reason'] as const;
  const rows = sources.map(({ account, region, accountId, state, certificates, error }) => {
    const badge = state === 'read' ? '<b class="badge ok">read</b>' : '<b class="badge unknown">unknown</b>';
    const cells = [
      esc(accountId ?? ''),
      esc(region),
      badge,
      String(certificates ?? ''),
      esc(error?.message ?? ''),
    ];
    return `<tr><th scope="row" data-label="${heads[0]}">${esc(account)}${cells.map((cell, i) => `<td data-label="${heads[i + 1] ?? ''}">${cell}`).join('')}`;
  });
  return `<table aria-label="Accounts and Regions"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`;
}

/**
 * The report as one page that needs nothing from outside: no request, no font, one script of its own whose hash is the
 * only one that its policy lets run.
 */
export function htmlPage(report: ExpiryReport, renewBefore: Threshold, from: ReportedFrom = {}): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const { items, checkedAt } = report;
  const due = items.filter((item) => standingOf(item, renewBefore, checkedAt) === 'due');
  const level = pageLevel(report.level, due.length);
  const word = level === 'due' ? STANDING_WORDS.due : level;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>API Gateway client certificates, ${timeText(checkedAt).slice(0, 10)}: ${word}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>API Gateway client certificates</h1>
<p><b class="badge ${level}">${word}</b> ${esc(summaryLine(report))}</p>
<p class="dim">Checked at <time>${timeText(checkedAt)}</time></p></header>
<main>
${tiles(report, due.length)}
<section aria-labelledby="next"><h2 id="next">What to do next</h2>
${nextSteps(report, due, renewBefore, from)}</section>
<section aria-labelledby="lives"><h2 id="lives">Timeline</h2>
${timeline(report, renewBefore)}</section>
<section aria-labelledby="all"><h2 id="all">${counted(items.length, 'certificate')}, and the stages that present them</h2>
${certificatesTable(report, renewBefore)}</section>
<section aria-labelledby="where"><h2 id="where">Accounts and Regions</h2>
${sourcesTable(report)}</section>
</main>
<footer>Made by apigw-cert ${esc(VERSION)}. This page loads nothing from the network.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
