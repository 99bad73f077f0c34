import type { CheckedCertificate, ExpiryReport } from '../../check-expiry.js';
import { formatThreshold, type Threshold } from '../../../platform/duration.js';
import { dueAt } from '../../../certificates/expiry.js';
import { sourceName } from '../../../settings/accounts.js';
import { printable } from '../../../platform/printable.js';
import { stagesText } from '../../../control-plane/stages-text.js';
import { escapeMarkup as esc } from '../markup.js';
import { counted } from '../../../platform/counted.js';
import { timeText } from '../time-text.js';
import { nextStep, type ReportedFrom, type Reportable } from './next-step.js';

/** So many are read at once; the others wait behind a line that counts them. */
const SHOWN = 20;
/** More than these are no list that anyone works through: a program reads them. */
const MOST = 200;

type Badge = 'critical' | 'warning' | 'unknown' | 'due' | 'info';
/** One line of the list. */
type Matter = Reportable & { badge: Badge };

const ORDER: readonly Badge[] = ['critical', 'unknown', 'warning', 'due', 'info'];
const PLURALS: Readonly<Record<Badge, string>> = {
  critical: 'critical',
  unknown: 'unknown',
  warning: 'warning',
  due: 'due for renewal',
  info: 'for information',
};

/** That a certificate in use is in its renewal window, which `check-expiry` does not find: it knows no window. */
function renewal(item: CheckedCertificate, renewBefore: Threshold): Matter {
  const { account, region, clientCertificateId, description, daysLeft, usedBy } = item;
  const name = description ? `${clientCertificateId} (${description})` : clientCertificateId;
  const users = usedBy === undefined ? '' : `, presented by ${stagesText(usedBy)}`;
  return {
    badge: 'due',
    code: 'CertificateWarning',
    account,
    region,
    clientCertificateId,
    message:
      `${printable(name)} has been due for renewal since ${timeText(dueAt(item, renewBefore)).slice(0, 10)} ` +
      `(${formatThreshold(renewBefore)} before it expires), and expires in ${counted(daysLeft, 'day')}${users}`,
  };
}

function matters(
  { findings }: ExpiryReport,
  due: readonly CheckedCertificate[],
  renewBefore: Threshold,
): Matter[] {
  const all = [
    ...findings.map((each): Matter => ({ ...each, badge: each.level === 'ok' ? 'info' : each.level })),
    ...due.map((item) => renewal(item, renewBefore)),
  ];
  return ORDER.flatMap((badge) => all.filter((each) => each.badge === badge));
}

/** `3 warning, 12 due for renewal` */
function counts(all: readonly Matter[]): string {
  return ORDER.map((badge) => [badge, all.filter((each) => each.badge === badge).length] as const)
    .filter(([, count]) => count > 0)
    .map(([badge, count]) => `${count} ${PLURALS[badge]}`)
    .join(', ');
}

/**
 * "What to do next" as HTML: worst first, a command or advice for each, the first ones shown and the rest behind their
 * count.
 *
 * @param due the certificates that are `due`
 */
export function nextSteps(
  report: ExpiryReport,
  due: readonly CheckedCertificate[],
  renewBefore: Threshold,
  from: ReportedFrom,
): string {
  const { items, accounts } = report;
  const all = matters(report, due, renewBefore);
  if (all.length === 0) return '<p>Nothing to do.</p>';
  const key = ({
    account = '',
    region = '',
    clientCertificateId = '',
  }: Partial<Pick<CheckedCertificate, 'account' | 'region' | 'clientCertificateId'>>): string =>
    `${sourceName({ account, region })}/${clientCertificateId}`;
  const certificates = new Map(items.map((item) => [key(item), item]));
  const accountOf = new Map(accounts.map((account) => [account.name, account]));

  function entry(each: Matter): string {
    const { region = '' } = each;
    const account = accountOf.get(each.account ?? '');
    const { command, advice } = nextStep(each, certificates.get(key(each)), account, from) ?? {};
    const role = account?.roleArn === undefined ? '' : `<span class="dim">as ${esc(account.roleArn)}</span>`;
    const place =
      each.account === undefined
        ? ''
        : ` <span class="dim">${esc(sourceName({ account: each.account, region }))}</span>`;
    return (
      `<li><b class="badge ${each.badge}">${each.badge}</b><span>${esc(each.message)}${place}</span>` +
      (command === undefined ? '' : `<code>${esc(command)}</code>${role}`) +
      `${advice === undefined ? '' : `<span>${esc(advice)}</span>`}</li>`
    );
  }
  const list = (some: readonly Matter[], start = ''): string =>
    `<ol class="next"${start}>${some.map(entry).join('')}</ol>`;

  const rest = all.slice(SHOWN);
  if (rest.length === 0) return list(all);
  const beyond = all.slice(MOST);
  const last =
    beyond.length === 0
      ? ''
      : `<p>The other ${beyond.length} (${counts(beyond)}) are not on this page. The table below has their certificates; <code>apigw-cert check-expiry --output json</code> lists them all.</p>`;
  return `${list(all.slice(0, SHOWN))}<details><summary>and ${rest.length} more: ${counts(rest)}</summary>${list(all.slice(SHOWN, MOST), ` start="${SHOWN + 1}"`)}${last}</details>`;
}
