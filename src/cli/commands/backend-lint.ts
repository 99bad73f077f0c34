import { Option, type Command } from 'commander';
import type { Consumer, LintFormat } from '../../app/backend-lint.js';
import { AppError, EXIT } from '../../core/errors.js';
import { LINT_CODES } from '../../core/lint/finding.js';
import { action, command, sarifOutput, wantsSarif } from '../command.js';
import { readInput } from '../input.js';

interface Options {
  format?: LintFormat;
  consumer: Consumer;
}

export function backendLintCommand(): Command {
  return command(
    'lint <file>',
    'What lets strangers in, or makes the next rotation an outage; exit 1 for errors',
  )
    .addOption(
      new Option('--format <format>', 'what the file is (default: told from its content)').choices([
        'pem',
        'nginx',
        'haproxy',
        'apache',
      ]),
    )
    .addOption(
      new Option('--consumer <kind>', 'how a program reads a PEM file')
        .choices(['openssl-ca-bundle', 'exact-list'])
        .default('openssl-ca-bundle'),
    )
    .addOption(sarifOutput())
    .addHelpText(
      'after',
      `
Reads a file of certificates, or a configuration of nginx, HAProxy or Apache with the files that it includes and names.
A file that a program reads as a list of exact certificates (Node by apigw-cert/node, Java, Go) may hold several of one
subject: --consumer exact-list.

Examples:
  apigw-cert backend lint /etc/nginx/nginx.conf
  apigw-cert backend lint /etc/orders/apigw.pem --consumer exact-list
  apigw-cert backend lint /etc/haproxy/haproxy.cfg --output sarif > haproxy.sarif`,
    )
    .action(
      action<Options, [file: string]>(async ({ args: [file], options, out, now }) => {
        const input = await readInput(file);
        if (input === undefined) {
          throw new AppError('FileNotReadable', `${file} does not exist`, {
            hint: 'name a file of certificates or a configuration',
            details: { file },
          });
        }
        const [{ lintBackend }, text, { sarifLog }, { countText }] = await Promise.all([
          import('../../app/backend-lint.js'),
          import('../lint-text.js'),
          import('../sarif.js'),
          import('../severity-text.js'),
        ]);
        const { format, consumer } = options;
        const report = lintBackend({ file: input.name, bytes: input.bytes, format, consumer }, now);
        const findings = report.findings.map((finding) => ({
          ...finding,
          severity: LINT_CODES[finding.code],
          message: text.lintMessage(finding),
          hint: text.LINT_PROSE[finding.code].remedy,
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
        out.result({ ...report, findings }, () =>
          wantsSarif(options)
            ? sarif()
            : [
                ...report.findings.map((finding) => text.lintFindingText(finding, out.style)),
                `${report.format}: ${countText(findings.map(({ severity }) => severity))}`,
              ].join('\n'),
        );
        if (findings.some(({ severity }) => severity === 'error')) out.exitWith(EXIT.failed);
      }),
    );
}
