import type { Command } from 'commander';
import type { ExpiryReport } from '../../findings/check-expiry.js';
import { DEFAULT_THRESHOLDS } from '../../control-plane/certificate-view.js';
import { parseThreshold } from '../../platform/duration.js';
import { AppError } from '../../platform/errors.js';
import { DEFAULT_RENEW_BEFORE } from '../../certificates/expiry.js';
import { DEFAULT_FAIL_ON } from '../../findings/fail-on.js';
import { action, command } from '../../terminal/command.js';
import { addFilterOptions, filterOf, type FilterOptions } from '../../terminal/filter-options.js';
import { addFleetOptions, fleetFor, type FleetOptions } from '../../terminal/fleet-options.js';
import { withProgress } from '../../terminal/progress.js';
import { reportUnknown } from '../../terminal/unknown-sources.js';

interface Options extends FleetOptions, FilterOptions {
  html?: string;
  ics?: string;
  renewBefore?: string;
  compliance?: boolean;
}

/**
 * Where everything was read and a filter still matches nothing, an empty page could be mistaken for a good result.
 * @throws AppError `NothingMatched`
 */
function refuseNothing({ items, findings }: ExpiryReport): void {
  if (items.length > 0 || findings.every(({ code }) => code !== 'NothingMatched')) return;
  throw new AppError('NothingMatched', 'no certificate matches --tag, --description, --api and --stage', {
    hint: 'nothing was written; check the spelling, the account and the Region: `apigw-cert list --usage` lists certificates with their stages',
  });
}

export function reportCommand(): Command {
  const made = command('report', 'Write an HTML report and a calendar of all certificates')
    .option('--html <file>', 'self-contained page: timeline, certificates and their stages, what to do next')
    .option('--ics <file>', 'calendar file: events with alarms for renewal windows and expiry')
    .option('--renew-before <threshold>', 'when the renewal window opens (default: 33%)')
    .option(
      '--compliance',
      'also report stages that call https backends without a certificate; one more call per API',
    );
  return addFleetOptions(addFilterOptions(made)).action(
    action<Options>(async ({ options, out, now }) => {
      const { html, ics, compliance = false } = options;
      if (html === undefined && ics === undefined) {
        throw new AppError('Usage', 'no output file was specified', {
          hint: 'add --html report.html, --ics certificates.ics, or both',
        });
      }
      if (html === '-' || ics === '-') {
        throw new AppError('Usage', 'a report cannot be written to stdout', {
          hint: 'specify a file; `apigw-cert check-expiry --output html` writes the page to stdout',
        });
      }
      const { fleet, accounts, loaded } = await fleetFor(options);
      const configuration = loaded?.configuration;
      const renewBefore =
        options.renewBefore === undefined
          ? (configuration?.renewBefore ?? DEFAULT_RENEW_BEFORE)
          : parseThreshold(options.renewBefore);
      const { checkExpiry } = await import('../../findings/check-expiry.js');
      const question = {
        filter: filterOf(options),
        all: false,
        compliance,
        usage: true,
        thresholds: configuration?.thresholds ?? DEFAULT_THRESHOLDS,
        failOn: DEFAULT_FAIL_ON,
      };
      const report = await withProgress(options, (progress) =>
        checkExpiry(fleet, accounts, question, now, progress),
      );
      refuseNothing(report);
      const { writeFileAtomically } = await import('../../platform/write-file.js');
      const written: string[] = [];
      if (html !== undefined) {
        const { htmlPage } = await import('../../findings/formats/html/page.js');
        const { endpointUrl } = options;
        const from = {
          ...(endpointUrl === undefined ? {} : { endpointUrl }),
          ...(loaded ? { configuration: { ...loaded.configuration, file: loaded.file } } : {}),
        };
        await writeFileAtomically(html, htmlPage(report, renewBefore, from));
        written.push(html);
      }
      if (ics !== undefined) {
        const { calendarText } = await import('../../findings/formats/calendar.js');
        await writeFileAtomically(ics, calendarText(report, renewBefore));
        written.push(ics);
      }
      await reportUnknown(report.sources, fleet, out);
      out.result(
        { written, level: report.level, sources: report.sources },
        () => `written: ${written.join(', ')}`,
      );
    }),
  );
}
