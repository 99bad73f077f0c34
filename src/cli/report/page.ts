import { createHash } from 'node:crypto';
import type { CheckedCertificate, ExpiryReport } from '../../app/check-expiry.js';
import { formatThreshold, type Threshold } from '../../core/duration.js';
import { dueAt } from '../../core/expiry.js';
import { sourceName } from '../../core/fleet.js';
import { MARK_TAG_KEYS } from '../../core/rotation/marks.js';
import { escapeMarkup as esc } from '../formats/markup.js';
import { counted, summaryLine } from '../formats/summary.js';
import { timeText } from '../status.js';
import { VERSION } from '../version.js';
import { nextStep, type ReportedFrom } from './next-step.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import { lookOf, timelineSvg } from './timeline.js';

/** More bars than these are no picture any more; the table has all certificates. */
const MOST_BARS = 150;

const byId = (items: readonly CheckedCertificate[]): Map<string, CheckedCertificate> =>
  new Map(items.map((item) => [`${sourceName(item)}/${item.clientCertificateId}`, item]));

function tiles({ items, findings, sources }: ExpiryReport): string {
  const level = (name: string): number => findings.filter((each) => each.level === name).length;
  const unused = items.filter(({ usedBy }) => usedBy?.length === 0).length;
  const tile = (kind: string, count: number, words: string): string =>
    `<li class="${count > 0 ? kind : ''}"><b>${count}</b>${words}</li>`;
  return `<ul class="tiles">${[
    tile('critical', level('critical'), 'critical'),
    tile('warning', level('warning'), level('warning') === 1 ? 'warning' : 'warnings'),
    tile('unknown', level('unknown'), 'unknown'),
    tile('ok', items.length, items.length === 1 ? 'certificate' : 'certificates'),
    tile('', unused, 'not in use'),
    tile('', sources.length, sources.length === 1 ? 'account and Region' : 'accounts and Regions'),
  ].join('')}</ul>`;
}

function nextSteps({ findings, items, accounts }: ExpiryReport, from: ReportedFrom): string {
  if (findings.length === 0) return '<p>Nothing: all is well.</p>';
  const certificates = byId(items);
  const entries = findings.map((each) => {
    const account = accounts.find(({ name }) => name === each.account);
    const step = nextStep(
      each,
      certificates.get(`${sourceName(each)}/${each.clientCertificateId ?? ''}`),
      account,
      from,
    );
    const role = account?.roleArn === undefined ? '' : `<span class="dim">as ${esc(account.roleArn)}</span>`;
    const { command, advice } = step ?? {};
    const words = [
      ...(command === undefined ? [] : [`<code>${esc(command)}</code>${role}`]),
      ...(advice === undefined ? [] : [`<span>${esc(advice)}</span>`]),
    ].join('');
    const place = each.account === '' ? '' : ` <span class="dim">${esc(sourceName(each))}</span>`;
    const shown = each.level === 'ok' ? 'info' : each.level;
    return `<li><span class="badge ${shown}">${shown}</span><span>${esc(each.message)}${place}</span>${words}</li>`;
  });
  return `<ol class="next">${entries.join('')}</ol>`;
}

function timeline({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  if (items.length === 0) return '<p>There are no certificates to draw.</p>';
  const drawn = items.slice(0, MOST_BARS);
  const svg = (width: number, name: string): string =>
    `<div class="${name}">${timelineSvg(drawn, { today: checkedAt, renewBefore, width })}</div>`;
  const key = (name: string, words: string): string =>
    `<span class="key" style="--c:var(--${name})">${words}</span>`;
  const more =
    drawn.length < items.length ? `<span>the ${drawn.length} that end first of ${items.length}</span>` : '';
  return `<figure>${svg(1120, 'wide')}${svg(360, 'narrow')}<figcaption>${[
    key('ok', 'ok'),
    key('warning', 'warning'),
    key('critical', 'critical or expired'),
    key('unused', 'not in use'),
    `<span>solid: renewal window (${esc(formatThreshold(renewBefore))} before the end)</span>`,
    '<span>○ made by a rotation, → from the one it replaces</span>',
    more,
  ].join('')}</figcaption></figure>`;
}

function certificateRow(item: CheckedCertificate, now: Date, renewBefore: Threshold): string {
  const { clientCertificateId, description, status, daysLeft, notBefore, notAfter, usedBy, tags } = item;
  const life = notAfter.getTime() - notBefore.getTime();
  const left = Math.min(100, Math.max(0, ((notAfter.getTime() - now.getTime()) / life) * 100));
  const users =
    usedBy === undefined
      ? '<span class="dim">not read</span>'
      : usedBy.length === 0
        ? '<span class="badge unused">unused</span>'
        : `<ul>${usedBy.map(({ apiName, stageName }) => `<li>${esc(`${apiName}/${stageName}`)}</li>`).join('')}</ul>`;
  const cell = (label: string, content: string, key?: string): string =>
    `<td data-label="${label}"${key === undefined ? '' : ` data-key="${esc(key)}"`}>${content}</td>`;
  const words = Object.entries(tags)
    .filter(([name]) => !MARK_TAG_KEYS.includes(name))
    .map(([name, value]) => `<li>${esc(`${name}=${value}`)}</li>`);
  return `<tr data-status="${status}" data-use="${usedBy?.length === 0 ? 'unused' : 'used'}"><th scope="row" data-label="Certificate"><code>${esc(clientCertificateId)}</code></th>${[
    cell('Status', `<span class="badge ${status}">${status}</span>`),
    cell(
      'Days left',
      `<span>${daysLeft}<span class="life" style="--c:var(--${lookOf(item)})" aria-hidden="true"><span style="width:${left.toFixed(1)}%"></span></span></span>`,
      String(daysLeft + 100_000),
    ),
    cell(
      'Ends',
      `<span><time datetime="${timeText(notAfter)}">${timeText(notAfter).slice(0, 10)}</time><span class="dim">${timeText(notAfter).slice(11)}</span></span>`,
      timeText(notAfter),
    ),
    cell('Renew from', `<time>${timeText(dueAt(item, renewBefore)).slice(0, 10)}</time>`),
    cell('Presented by', users),
    cell('Description', description ? `<span>${esc(description)}</span>` : ''),
    cell('Tags', words.length > 0 ? `<ul>${words.join('')}</ul>` : ''),
    cell('Where', `<span>${esc(sourceName(item))}</span>`),
  ].join('')}</tr>`;
}

function certificates({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  const heads = [
    'Certificate',
    'Status',
    'Days left',
    'Ends',
    'Renew from',
    'Presented by',
    'Description',
    'Tags',
    'Where',
  ];
  const statuses = ['ok', 'warning', 'critical', 'expired', 'notYetValid', 'unused'];
  return `<div class="tools" hidden><label>Filter<input id="filter" type="search"></label><label>Status<select id="status"><option value="">all</option>${statuses
    .map((status) => `<option>${status}</option>`)
    .join('')}</select></label><span id="count" role="status" class="dim"></span></div>
<table id="certificates"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${items.map((item) => certificateRow(item, checkedAt, renewBefore)).join('\n')}
</tbody></table>`;
}

function sourcesTable({ sources }: ExpiryReport): string {
  const rows = sources.map(({ account, region, accountId, state, certificates, error }) => {
    const badge =
      state === 'read' ? '<span class="badge ok">read</span>' : '<span class="badge unknown">unknown</span>';
    return `<tr><th scope="row" data-label="Account">${esc(account)}</th><td data-label="Number">${esc(accountId ?? '')}</td><td data-label="Region">${esc(region)}</td><td data-label="State">${badge}</td><td data-label="Certificates">${certificates ?? ''}</td><td data-label="Why">${esc(error?.message ?? '')}</td></tr>`;
  });
  return `<table><thead><tr>${['Account', 'Number', 'Region', 'State', 'Certificates', 'Why'].map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/**
 * The report as one page that needs nothing from outside: no request, no font, one script of its own whose hash is the
 * only one that its policy lets run.
 */
export function htmlPage(report: ExpiryReport, renewBefore: Threshold, from: ReportedFrom = {}): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>API Gateway client certificates, ${timeText(report.checkedAt).slice(0, 10)}: ${report.level}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>API Gateway client certificates</h1>
<p><span class="badge ${report.level}">${report.level}</span> ${esc(summaryLine(report))}</p>
<p class="dim">Checked at <time>${timeText(report.checkedAt)}</time></p></header>
<main>
${tiles(report)}
<section aria-labelledby="next"><h2 id="next">What to do next</h2>
${nextSteps(report, from)}</section>
<section aria-labelledby="lives"><h2 id="lives">Their lives</h2>
${timeline(report, renewBefore)}</section>
<section aria-labelledby="all"><h2 id="all">${counted(report.items.length, 'certificate')}, and who presents them</h2>
${certificates(report, renewBefore)}</section>
<section aria-labelledby="where"><h2 id="where">Where it was looked</h2>
${sourcesTable(report)}</section>
</main>
<footer>Made by apigw-cert ${esc(VERSION)}. Nothing on this page is fetched from anywhere.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
