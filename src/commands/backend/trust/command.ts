import type { Command } from 'commander';
import type { ShownStore } from './run.js';
import { EXIT } from '../../../platform/errors.js';
import { printable } from '../../../platform/printable.js';
import { confirmed } from '../../../terminal/ask.js';
import { action, command } from '../../../terminal/command.js';
import { readInput } from '../../../terminal/input.js';
import { addTrustOptions, trustStoresNamed } from '../../../terminal/trust-options.js';

interface Options {
  trust?: string[];
  reload?: string;
  target?: string;
  config?: string;
  yes?: boolean;
}

export function backendShowCommand(): Command {
  return addTrustOptions(
    command('show', 'List the certificates in trust stores, by SHA-256 fingerprint'),
  ).action(
    action<Options>(async ({ options, out }) => {
      const descriptions = await trustStoresNamed(options);
      const [{ showTrust }, { trustContext }] = await Promise.all([
        import('./run.js'),
        import('../../../terminal/trust-context.js'),
      ]);
      const items = await showTrust(descriptions, trustContext());
      out.result({ items }, () => items.map(stateText).join('\n'));
      if (items.some(({ state }) => state === 'unfinished')) out.exitWith(EXIT.failed);
    }),
  );
}

/** `backend add` and `backend remove`: the trust-store operation of a rotation, alone. */
export function backendChangeCommand(verb: 'add' | 'remove', summary: string): Command {
  const made = addTrustOptions(command(`${verb} <certificate...>`, summary)).option(
    '--reload <command>',
    'shell command that reloads the server after the change',
  );
  if (verb === 'remove') made.option('--yes', 'remove it without a prompt; required without a terminal');
  return made
    .addHelpText(
      'after',
      `
A certificate is an id as \`apigw-cert list\` shows it, or a PEM or DER file; - is stdin. Changes already made are
skipped, so the same command can be run again.

Examples:
  apigw-cert backend ${verb} a1b2c3 --trust nginx:/etc/nginx/apigw.map
  apigw-cert backend ${verb} old.pem --target orders`,
    )
    .action(
      action<Options, [words: string[]]>(async ({ args: [words], options, controlPlane, out }) => {
        const descriptions = await trustStoresNamed(options);
        const [{ changeTrust, namedCertificates }, { trustContext }] = await Promise.all([
          import('./run.js'),
          import('../../../terminal/trust-context.js'),
        ]);
        const certificates = await namedCertificates(words, readInput, controlPlane);
        if (verb === 'remove') {
          const question = `Remove ${words.join(', ')} from the trust stores? The backend will refuse callers that present it.`;
          await confirmed(question, options.yes === true);
        }
        const items = await changeTrust(verb, { descriptions, certificates }, trustContext());
        out.result({ items }, () => items.map(stateText).join('\n'));
      }),
    );
}

function stateText({ trustStore, state, fingerprintsSha256, reason = '', since }: ShownStore): string {
  const name = printable(trustStore);
  if (fingerprintsSha256 === undefined) return `${name}: unknown: ${printable(reason)}`;
  const lines =
    fingerprintsSha256.length === 0
      ? [`${name}: holds no certificate`]
      : [`${name}:`, ...fingerprintsSha256.map((fingerprint) => `  ${fingerprint}`)];
  if (state !== 'unfinished') return lines.join('\n');
  return [
    ...lines,
    `  unfinished${since === undefined ? '' : ` since ${since}`}: the server may not have loaded this change: ${printable(reason)}`,
    '  fix: make its check and reload commands work, then run the rotation again, or reload the server with `apigw-cert backend add` and a certificate that it already holds',
  ].join('\n');
}
