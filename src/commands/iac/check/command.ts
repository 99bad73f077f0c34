import type { Command } from 'commander';
import { AppError, EXIT } from '../../../platform/errors.js';
import { CHECK_EXIT } from '../../../findings/severity.js';
import { action, command } from '../../../terminal/command.js';
import { readInput } from '../../../terminal/input.js';
import { addReportOptions } from '../../../terminal/output-option.js';
import type { CountedFinding, FindingsReport, Suite } from '../../../findings/formats/report.js';
import type { PlanSource } from '../../../iac/judge.js';
import type { PlanReport } from './run.js';

const FORMATS = ['text', 'json', 'sarif', 'nagios', 'junit', 'github', 'csv'] as const;

interface Options {
  output: (typeof FORMATS)[number];
  outFile?: string;
}

const HINT =
  'specify what `terraform show -json PLAN` or `aws cloudformation describe-change-set` prints, or - for stdin';

export function iacCheckCommand(): Command {
  const made = command(
    'check <files...>',
    'Check whether applying a plan changes client certificates; exit 1 unless it does not',
  );
  return addReportOptions(made, FORMATS)
    .addHelpText(
      'after',
      `
Reads plans of Terraform and OpenTofu (terraform show -json) and change sets of CloudFormation, of CDK and SAM too (aws
cloudformation describe-change-set). Nothing is sent to AWS. The verdict on each file:
  outage     the apply would create, replace or delete a client certificate, switch a stage to another one or to none, or
             delete or recreate a stage; the output names the resource
  unknown    the plan does not show it: it is incomplete, a value is known only after the apply, a nested stack is missing,
             or the format is not understood
  unchanged  no change in the plan concerns a client certificate or the certificate of a stage
It exits with 1 for outage and unknown. With --output nagios, the exit codes are those of a monitoring plugin: 0 ok,
1 warning, 2 critical, 3 unknown. A verdict is about this plan alone: what provisioners, scripts and custom resources do is
not in it.

Examples:
  terraform plan -out tf.plan && terraform show -json tf.plan | apigw-cert iac check -
  aws cloudformation describe-change-set --stack-name orders --change-set-name release \\
    --include-property-values > release.json && apigw-cert iac check release.json
  apigw-cert iac check root.json nested.json --output sarif --out-file iac.sarif`,
    )
    .action(
      action<Options, [files: string[]]>(async ({ args: [files], options, out }) => {
        const sources = await readPlans(files);
        const [{ checkPlans }, text, { countedBySeverity, writeFindings }] = await Promise.all([
          import('./run.js'),
          import('./text.js'),
          import('../../../terminal/write-findings.js'),
        ]);
        const report = checkPlans(sources);
        const counted = countedBySeverity(report.findings);
        await writeFindings(out, options, {
          document: report,
          text: () => text.planReportText(report, out.style),
          findings: (): FindingsReport => ({
            command: 'iac check',
            summary: text.planSummary(report),
            ...counted,
            suites: () => suitesOf(report, counted.findings),
          }),
        });
        if (options.output === 'nagios') out.exitWith(CHECK_EXIT[counted.level]);
        else if (report.verdict !== 'unchanged') out.exitWith(EXIT.failed);
      }),
    );
}

/** @throws AppError `FileNotReadable`, and `Usage` where stdin is specified twice */
async function readPlans(files: readonly string[]): Promise<PlanSource[]> {
  if (files.filter((file) => file === '-').length > 1) {
    throw new AppError('Usage', 'stdin (-) is specified twice', { hint: 'specify each file once' });
  }
  const sources: PlanSource[] = [];
  for (const file of files) {
    const input = await readInput(file, HINT, 'a plan');
    sources.push({ file: input.name, bytes: input.bytes });
  }
  return sources;
}

/** A case for each file. */
function suitesOf({ items }: PlanReport, findings: readonly CountedFinding[]): Suite[] {
  const fails = ({ level }: CountedFinding): boolean => level === 'critical' || level === 'unknown';
  const cases = items.map(({ file }) => {
    const own = findings.filter((each) => each.file === file);
    return { name: file, problems: own.filter(fails), notes: own.filter((each) => !fails(each)) };
  });
  return [{ name: 'iac check', cases }];
}
