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

const FORMATS = ['text', 'json', 'sarif', 'nagios', 'junit', 'github', 'csv'] as const;

interface Options {
  stage: string;
  api?: string;
  probe?: string;
  output: (typeof FORMATS)[number];
  outFile?: string;
}

export function doctorCommand(): Command {
  const made = addStageOptions(
    command('doctor', 'Diagnose a stage, its certificate and its backends; exit 1 for critical findings'),
  ).option('--probe <call>', "test call, such as 'GET /health' (default: safe GET requests)");
  return addReportOptions(made, FORMATS)
    .addHelpText(
      'after',
      `
Calls the backends with TestInvokeMethod three times: with the stage's certificate, without one, and with an unused one of
the account if there is one. It lists the calls first, makes none that could write unless you specify it, and changes
nothing. With --output nagios, the exit codes are those of a monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown.

Examples:
  apigw-cert doctor --stage orders/prod
  apigw-cert doctor --stage orders/prod --probe 'GET /health' --output sarif --out-file orders.sarif`,
    )
    .action(
      action<Options>(async ({ options, controlPlane, out, now }) => {
        const { api, stage } = options;
        const probeRequest = options.probe === undefined ? undefined : parseProbe(options.probe);
        const [
          { doctor },
          { doctorSummary, doctorText },
          { callLines },
          { countedBySeverity, writeFindings },
        ] = await Promise.all([
          import('./run.js'),
          import('./text.js'),
          import('../../terminal/proof-text.js'),
          import('../../terminal/write-findings.js'),
        ]);
        const address = api === undefined ? { stage } : { api, stage };
        const opened = await controlPlane();
        const announce = (calls: readonly BackendCall[]): void => {
          if (calls.length > 0) out.note(['calls to backends:', ...callLines(calls)].join('\n'));
        };
        const report = await withLook({ options, out }, (progress) =>
          doctor(opened, { address, probeRequest }, now, announce, progress),
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
