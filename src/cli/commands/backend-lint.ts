import { Option, type Command } from 'commander';
import type { Consumer, LintFormat } from '../../app/backend-lint.js';
import { AppError, EXIT } from '../../core/errors.js';
import { action, command } from '../command.js';
import { renamedOption } from '../deprecated.js';
import { readInput } from '../input.js';
import { outputOption } from '../output-option.js';

interface Options {
  inputFormat?: LintFormat;
  consumer: Consumer;
  strict?: true;
}

export function backendLintCommand(): Command {
  const made = command(
    'lint <file>',
    'Check which callers a server configuration admits; exit 1 unless only listed ones',
  )
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
    .addOption(outputOption(['text', 'json', 'sarif']))
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
  apigw-cert backend lint /etc/haproxy/haproxy.cfg --output sarif > haproxy.sarif`,
    );
  renamedOption(made, '--format <format>', '--input-format');
  return made.action(
    action<Options, [file: string]>(async ({ args: [file], options, out, now }) => {
      const input = await readInput(file, 'specify a server configuration, a PEM file, or - for stdin');
      if (input === undefined) {
        throw new AppError('FileNotReadable', `${file} does not exist`, {
          hint: 'specify a file of certificates or a configuration',
          details: { file },
        });
      }
      const [{ lintBackend }, text, { sarifLog }, { countText }, { LINT_CODES }] = await Promise.all([
        import('../../app/backend-lint.js'),
        import('../lint-text.js'),
        import('../sarif.js'),
        import('../severity-text.js'),
        import('../../lint/finding.js'),
      ]);
      const { inputFormat: format, consumer, strict = false } = options;
      const report = await lintBackend({ file: input.name, bytes: input.bytes, format, consumer }, now);
      const findings = report.findings.map((finding) => ({
        ...finding,
        severity: LINT_CODES[finding.code],
        message: text.lintMessage(finding),
        hint: text.lintRemedy(finding.code, report.format),
      }));
      const listeners = report.listeners.map((each) => ({
        ...each,
        ...(each.verdict === 'cannotTell' ? { next: text.verifyCommand(each) } : {}),
      }));
      const sarif = (): string => {
        const codes = Object.keys(LINT_CODES) as (keyof typeof LINT_CODES)[];
        const rules = codes.map((id) => ({ id, ...text.LINT_PROSE[id], severity: LINT_CODES[id] }));
        const results = findings.map(({ code, severity, message, file: at, line }) => ({
          ruleId: code,
          severity,
          message,
          at: { file: at, line },
        }));
        return JSON.stringify(sarifLog(rules, results), null, 2);
      };
      const counts = countText(findings.map(({ severity }) => severity));
      out.result({ ...report, listeners, findings }, () =>
        options.output === 'sarif' ? sarif() : text.lintReportText(report, counts, out.style),
      );
      const isWrong = report.verdict === 'open' || report.verdict === 'trap';
      const isUnclear = report.verdict === 'cannotTell' && strict;
      if (isWrong || isUnclear || findings.some(({ severity }) => severity === 'error')) {
        out.exitWith(EXIT.failed);
      }
    }),
  );
}
