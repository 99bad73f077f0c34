import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError, EXIT } from '../../platform/errors.js';
import { printable } from '../../platform/printable.js';
import { action, command } from '../../terminal/command.js';
import { counted } from '../../platform/counted.js';

export function configValidateCommand(): Command {
  return command(
    'validate [file]',
    'Check a configuration and list every mistake with its line; exit 2 if there is one',
  )
    .addHelpText(
      'after',
      `
Without a file, checks the one that a run would find. Calls no AWS API, and reads no trust store.

Examples:
  apigw-cert config validate
  apigw-cert config validate /etc/orders/apigw-cert.yaml --output json`,
    )
    .action(
      action<object, [file: string | undefined]>(async ({ args: [given], out }) => {
        const file = given === undefined ? await found() : resolve(given);
        const { validateConfiguration } = await import('../../configuration/validate.js');
        const problems = await validateConfiguration(file);
        out.result({ file, valid: problems.length === 0, problems }, () => {
          const lines = problems.map(
            ({ line, column, message }) => `${printable(file)}:${line}:${column}: ${printable(message)}`,
          );
          const { red, green } = out.style;
          return problems.length === 0
            ? `${green('✓')} ${printable(file)}: no mistakes`
            : [...lines, red(counted(problems.length, 'mistake'))].join('\n');
        });
        if (problems.length > 0) out.exitWith(EXIT.usage);
      }),
    );
}

async function found(): Promise<string> {
  const { findConfiguration } = await import('../../settings/find.js');
  const file = await findConfiguration();
  if (file !== undefined) return file;
  throw new AppError('Usage', 'no apigw-cert.yaml was found', {
    hint: 'specify the file: apigw-cert config validate FILE',
  });
}
