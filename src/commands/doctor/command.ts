import type { Command } from 'commander';
import type { DoctorReport } from './run.js';
import { EXIT } from '../../platform/errors.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { BackendCall } from '../../rotation/rules/calls.js';
import { parseProbe } from '../../rotation/rules/probe.js';
import type { FindingsReport } from '../../findings/formats/report.js';
import { CHECK_EXIT } from '../../findings/severity.js';
import { action, command } from '../../terminal/command.js';
import { addReportOptions } from '../../terminal/output-option.js';
import { withLook } from '../../terminal/progress.js';
import { addStageOptions } from '../../terminal/stage-options.js';
import { addTrustOptions, trustStoresNamed } from '../../terminal/trust-options.js';
import type { OpenedPlace } from '../../terminal/account.js';
import type { CommonOptions } from '../../terminal/context.js';
import { shellWord } from '../../platform/shell-word.js';
import type { NamedStore } from './trust.js';

const FORMATS = ['text', 'json', 'sarif', 'nagios', 'junit', 'github', 'csv'] as const;

interface Options {
  stage: string;
  api?: string;
  probe?: string;
  trust?: string[];
  target?: string;
  output: (typeof FORMATS)[number];
  outFile?: string;
}

export function doctorCommand(): Command {
  const made = addTrustOptions(
    addStageOptions(
      command('doctor', 'Diagnose a stage, its certificate and its backends; exit 1 for critical findings'),
    ),
  ).option('--probe <call>', "test call, such as 'GET /health' (default: safe GET requests)");
  return addReportOptions(made, FORMATS)
    .addHelpText(
      'after',
      `
Calls the backends with TestInvokeMethod three times: with the stage's certificate, without one, and with an unused one of
the account if there is one. It lists the calls first, makes none that could write unless you specify it, and changes
nothing. It also reads the trust stores that you specify, or those of the stage's target in the configuration, and reports
whether they hold what a backend needs to accept the certificate. With --output nagios, the exit codes are those of a
monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown.

Examples:
  apigw-cert doctor --stage orders/prod
  apigw-cert doctor --stage orders/prod --probe 'GET /health' --output sarif --out-file orders.sarif`,
    )
    .action(
      action<Options>(async ({ options, out, now }) => {
        const { api, stage } = options;
        const probeRequest = options.probe === undefined ? undefined : parseProbe(options.probe);
        const [
          { doctor },
          { openPlace },
          { doctorSummary, doctorText },
          { callLines },
          { countedBySeverity, writeFindings },
        ] = await Promise.all([
          import('./run.js'),
          import('../../terminal/account.js'),
          import('./text.js'),
          import('../../terminal/proof-text.js'),
          import('../../terminal/write-findings.js'),
        ]);
        const address = api === undefined ? { stage } : { api, stage };
        const { controlPlane, ownTarget } = await openPlace(options, out);
        const stores = await namedStores(options, ownTarget);
        const announce = (calls: readonly BackendCall[]): void => {
          if (calls.length > 0) out.note(['calls to backends:', ...callLines(calls)].join('\n'));
        };
        const report = await withLook({ options, out }, (progress) =>
          doctor(controlPlane, { address, probeRequest, stores }, now, announce, progress),
        );
        const counted = countedBySeverity(report.findings);
        await writeFindings(out, options, {
          document: report,
          text: () => doctorText(report, out.style),
          findings: () => findingsOf(report, counted, doctorSummary(report)),
        });
        if (options.output === 'nagios') out.exitWith(CHECK_EXIT[counted.level]);
        else if (counted.level === 'critical') out.exitWith(EXIT.failed);
      }),
    );
}

/**
 * The trust stores that the options name, or else those of the target of the stage.
 * @throws AppError `Usage`, `ConfigurationInvalid`
 */
async function namedStores(
  options: Options & Pick<CommonOptions, 'config'>,
  ownTarget: OpenedPlace['ownTarget'],
): Promise<NamedStore[]> {
  const { trust: words = [], target } = options;
  if (options.trust !== undefined || target !== undefined) {
    const descriptions = await trustStoresNamed(options);
    return descriptions.map((description, index) => ({
      description,
      option:
        target === undefined ? `--trust ${shellWord(words[index] ?? '')}` : `--target ${shellWord(target)}`,
    }));
  }
  const [name = '', own] = (await ownTarget()) ?? [];
  return (own?.trust ?? []).map((description) => ({ description, option: `--target ${shellWord(name)}` }));
}

/** The stage is the one thing that was looked at; what is no error does not fail it. */
function findingsOf(
  report: DoctorReport,
  counted: Pick<FindingsReport, 'findings' | 'level'>,
  summary: string,
): FindingsReport {
  return {
    command: 'doctor',
    summary,
    ...counted,
    suites: () => [
      {
        name: 'doctor',
        cases: [
          {
            name: stageText(report.stage),
            problems: counted.findings.filter(({ level }) => level === 'critical'),
            notes: counted.findings.filter(({ level }) => level !== 'critical'),
          },
        ],
      },
    ],
  };
}
