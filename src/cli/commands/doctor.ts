import type { Command } from 'commander';
import { DOCTOR_CODES, type DoctorCode } from '../../core/doctor.js';
import { EXIT } from '../../core/errors.js';
import { stageText } from '../../core/rotation/unit.js';
import { parseProbe } from '../../core/rotation/probe.js';
import { action, command } from '../command.js';
import type { BackendCall } from '../../core/rotation/calls.js';
import { addStageOptions } from '../stage-options.js';
import { outputOption } from '../output-option.js';
import { withLook } from '../progress.js';

interface Options {
  stage: string;
  api?: string;
  probe?: string;
}

export function doctorCommand(): Command {
  return addStageOptions(
    command('doctor', 'Diagnose a stage, its certificate and its backends; exit 1 for errors'),
  )
    .option('--probe <call>', "test call, such as 'GET /health' (default: safe GET requests)")
    .addOption(outputOption(['text', 'json', 'sarif']))
    .addHelpText(
      'after',
      `
Calls the backends with TestInvokeMethod three times: with the stage's certificate, without one, and with an unused one of
the account if there is one. It lists the calls first, makes none that could write unless you specify it, and changes
nothing.

Examples:
  apigw-cert doctor --stage orders/prod
  apigw-cert doctor --stage orders/prod --probe 'GET /health' --output sarif > orders.sarif`,
    )
    .action(
      action<Options>(async ({ options, gateway, out, now }) => {
        const { api, stage } = options;
        const probeRequest = options.probe === undefined ? undefined : parseProbe(options.probe);
        const [{ doctor }, text, { callLines }, { sarifLog }] = await Promise.all([
          import('../../app/doctor.js'),
          import('../doctor-text.js'),
          import('../proof-text.js'),
          import('../sarif.js'),
        ]);
        const address = api === undefined ? { stage } : { api, stage };
        const opened = await gateway();
        const announce = (calls: readonly BackendCall[]): void => {
          if (calls.length > 0) out.note(['calls to backends:', ...callLines(calls)].join('\n'));
        };
        const report = await withLook({ options, out }, (progress) =>
          doctor(opened, { address, probeRequest }, now, announce, progress),
        );
        const findings = report.findings.map((finding) => ({
          ...finding,
          severity: DOCTOR_CODES[finding.code],
          message: text.doctorMessage(finding),
          hint: text.DOCTOR_PROSE[finding.code].remedy,
        }));
        const sarif = (): string => {
          const codes = Object.keys(DOCTOR_CODES) as DoctorCode[];
          const rules = codes.map((id) => ({ id, ...text.DOCTOR_PROSE[id], severity: DOCTOR_CODES[id] }));
          const at = {
            name: stageText(report.stage),
            path: `aws/${opened.region}/${report.stage.apiName}/${report.stage.stageName}`,
          };
          const results = findings.map(({ code, severity, message }) => ({
            ruleId: code,
            severity,
            message,
            at,
          }));
          return JSON.stringify(sarifLog(rules, results), null, 2);
        };
        out.result({ ...report, findings }, () =>
          options.output === 'sarif' ? sarif() : text.doctorText(report, out.style),
        );
        if (findings.some(({ severity }) => severity === 'error')) out.exitWith(EXIT.failed);
      }),
    );
}
