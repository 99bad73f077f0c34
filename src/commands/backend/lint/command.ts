import { Option, type Command } from 'commander';
import type { Consumer, LintFormat, LintReport } from './run.js';
import { EXIT } from '../../../platform/errors.js';
import { action, command } from '../../../terminal/command.js';
import { renamedOption } from '../../../terminal/deprecated.js';
import { readInput } from '../../../terminal/input.js';
import { addReportOptions } from '../../../terminal/output-option.js';
import type { CountedFinding, FindingsReport, Suite } from '../../../findings/formats/report.js';

const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'csv'] as const;

interface Options {
  output: (typeof FORMATS)[number];
  outFile?: string;
  inputFormat?: LintFormat;
  consumer: Consumer;
  strict?: true;
}

export function backendLintCommand(): Command {
  const made = command(
    'lint <file>',
    'Check which callers a server configuration admits; exit 1 unless only listed ones',
  );
  addReportOptions(made, FORMATS)
    .addOption(
      new Option(
        '--input-format <format>',
        'format of the file (default: detected from its content)',
      ).choices(['pem', 'nginx', 'haproxy', 'apache', 'caddy']),
    )
    .addOption(
      new Option('--consumer <kind>', 'how the server reads a PEM file')
        .choices(['openssl-ca-bundle', 'exact-list'])
        .default('openssl-ca-bundle'),
    )
    .option('--strict', 'also exit 1 if the configuration alone does not show who is admitted')
    .addHelpText(
      'after',
      `
Follows five callers (no certificate, a listed one, one with the same name, an unlisted one, a listed one that has expired)
through each listener of an nginx, HAProxy, Apache or Caddy configuration and the files that it refers to:
  enforces     only listed certificates that have not expired are admitted, everywhere
  open         another caller is admitted; the output names the caller, the request and the lines
  trap         only the first of several certificates in a CA bundle is accepted
  cannotTell   the result depends on something unsupported: test the server with \`apigw-cert backend verify\`
The verdict is about other callers. API Gateway itself, which uses a Java client, is also checked if the server announces
CA names or requests the certificate late: it may be refused although another client with its certificate is admitted.
A file of certificates is checked on its own. If the server reads it as a list of exact certificates (Node with
apigw-cert/node, Java, Go), it may hold several with one subject: specify --consumer exact-list.

Examples:
  apigw-cert backend lint /etc/nginx/nginx.conf
  apigw-cert backend lint /etc/caddy/Caddyfile --strict
  apigw-cert backend lint /etc/orders/apigw.pem --consumer exact-list
  apigw-cert backend lint /etc/haproxy/haproxy.cfg --output sarif --out-file haproxy.sarif`,
    );
  renamedOption(made, '--format <format>', '--input-format');
  return made.action(
    action<Options, [file: string]>(async ({ args: [file], options, out, now }) => {
      const input = await readInput(file, 'specify a server configuration, a PEM file, or - for stdin');
      const [{ lintBackend }, text, { countedBySeverity, writeFindings }] = await Promise.all([
        import('./run.js'),
        import('./text.js'),
        import('../../../terminal/write-findings.js'),
      ]);
      const { inputFormat: format, consumer, strict = false } = options;
      const report = await lintBackend({ file: input.name, bytes: input.bytes, format, consumer }, now);
      const listeners = report.listeners.map((each) => ({
        ...each,
        ...(each.verdict === 'cannotTell' ? { next: text.verifyCommand(each) } : {}),
      }));
      const isUnclear = report.verdict === 'cannotTell' && strict;
      const fails = ({ code, level }: CountedFinding): boolean =>
        level === 'critical' || (isUnclear && code === 'CannotTell');
      const counted = countedBySeverity(report.findings);
      const suites = (): Suite[] => suitesOf(report, counted.findings, fails);
      await writeFindings(out, options, {
        document: { ...report, listeners },
        text: () => text.lintReportText(report, out.style),
        findings: (): FindingsReport => ({
          command: 'backend lint',
          summary: text.lintSummary(report),
          ...counted,
          suites,
        }),
      });
      const isWrong = report.verdict === 'open' || report.verdict === 'trap';
      if (isWrong || isUnclear || counted.level === 'critical') out.exitWith(EXIT.failed);
    }),
  );
}

/** A case for the file that was named, and one for each other file with findings. */
function suitesOf(
  { file, kind }: LintReport,
  findings: readonly CountedFinding[],
  fails: (finding: CountedFinding) => boolean,
): Suite[] {
  const files = new Set([file, ...findings.map((each) => each.file ?? file)]);
  const cases = [...files].map((name) => {
    const own = findings.filter((each) => (each.file ?? file) === name);
    return {
      name,
      problems: own.filter(fails),
      notes: own.filter((each) => !fails(each)),
    };
  });
  return [{ name: kind, cases }];
}
