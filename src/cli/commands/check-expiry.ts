import type { ChalkInstance } from 'chalk';
import type { Command } from 'commander';
import type { CheckedCertificate, ExpiryReport } from '../../app/check-expiry.js';
import { CHECK_EXIT, type CheckLevel } from '../../core/check-level.js';
import { DEFAULT_THRESHOLDS } from '../../core/certificate-view.js';
import { formatThreshold, parseThreshold } from '../../core/duration.js';
import type { ExpiryThresholds } from '../../core/expiry.js';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { timeText } from '../status.js';

interface Options {
  warning: string;
  critical: string;
  inUse?: boolean;
}

export function checkExpiryCommand(): Command {
  return command('check-expiry [id...]', 'For cron and monitors: exit 0 ok, 1 warning, 2 critical, 3 unknown')
    .option(
      '--warning <duration>',
      'warn this long before the end, or from this share of the life',
      formatThreshold(DEFAULT_THRESHOLDS.warning),
    )
    .option(
      '--critical <duration>',
      'critical from this long before the end',
      formatThreshold(DEFAULT_THRESHOLDS.critical),
    )
    .option('--in-use', 'only certificates that a stage presents')
    .action(
      action<Options, [string[]]>(async ({ args: [ids], options, gateway, out, now }) => {
        const thresholds = {
          warning: parseThreshold(options.warning),
          critical: parseThreshold(options.critical),
        };
        const { checkExpiry } = await import('../../app/check-expiry.js');
        const question = { ids, inUse: options.inUse ?? false, thresholds };
        const report = await checkExpiry(await gateway(), question, now);
        out.result(report, () => reportText(report, thresholds, out.style));
        out.exitWith(CHECK_EXIT[report.level]);
      }),
    );
}

/** The summary comes first, since monitors show the first line; then a line for each certificate in trouble. */
function reportText(report: ExpiryReport, thresholds: ExpiryThresholds, style: ChalkInstance): string {
  const troubled = report.items.filter(({ level }) => level !== 'ok');
  return [
    `${levelText(report.level, style)}: ${summary(report, thresholds)}`,
    ...report.unknown.map(
      ({ clientCertificateId, message }) =>
        `${levelText('unknown', style)} ${printable(clientCertificateId)}: ${printable(message)}`,
    ),
    ...troubled.map((certificate) => certificateLine(certificate, style)),
  ].join('\n');
}

function summary(report: ExpiryReport, { warning, critical }: ExpiryThresholds): string {
  const { items, unknown, unused, region } = report;
  const all = items.length + unknown.length;
  const leftOut = unused.length === 0 ? '' : `, ${unused.length} unused left out`;
  if (all === 0) return `no client certificates to check in ${region}${leftOut}`;
  const levels = [...items.map(({ level }) => level), ...unknown.map((): CheckLevel => 'unknown')];
  const counts = (['critical', 'unknown', 'warning', 'ok'] as const)
    .map((level) => [levels.filter((each) => each === level).length, level] as const)
    .filter(([count]) => count > 0)
    .map(([count, level]) => `${count} ${level}`);
  return (
    `${counts.join(', ')} of ${all} client certificate${all === 1 ? '' : 's'} in ${region} ` +
    `(warning ${formatThreshold(warning)}, critical ${formatThreshold(critical)} before the end)${leftOut}`
  );
}

function certificateLine(certificate: CheckedCertificate, style: ChalkInstance): string {
  const { clientCertificateId, level, description } = certificate;
  const named = description ? ` (${printable(description)})` : '';
  const apart = certificate.datesDiffer
    ? `; API Gateway says it ends ${timeText(certificate.expirationDate)}, which is not what the certificate says`
    : '';
  return `${levelText(level, style)} ${clientCertificateId}${named}: ${endText(certificate)}${apart}`;
}

function endText({ status, daysLeft, notBefore, notAfter }: CheckedCertificate): string {
  if (status === 'expired') return `expired at ${timeText(notAfter)}`;
  if (status === 'notYetValid') return `not valid before ${timeText(notBefore)}: is a clock wrong?`;
  return `${daysLeft} day${daysLeft === 1 ? '' : 's'} left, ends ${timeText(notAfter)}`;
}

const COLOURS = { ok: 'green', warning: 'yellow', critical: 'red', unknown: 'magenta' } as const;

function levelText(level: CheckLevel, style: ChalkInstance): string {
  return style[COLOURS[level]](level.toUpperCase());
}
