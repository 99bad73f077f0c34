import type { Command } from 'commander';
import type { ShownStore } from './run.js';
import { nameText } from '../../../certificates/caller-name.js';
import { viewKey } from '../../../certificates/trust-entry.js';
import { AppError, EXIT } from '../../../platform/errors.js';
import { printable } from '../../../platform/printable.js';
import { confirmed } from '../../../terminal/ask.js';
import { action, command } from '../../../terminal/command.js';
import { readInput, readUnlessId } from '../../../terminal/input.js';
import { addTrustOptions, trustStoresNamed } from '../../../terminal/trust-options.js';

interface Options {
  ca?: string;
  subject?: string;
  san?: string;
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
  const made = addTrustOptions(command(`${verb} [certificate...]`, summary))
    .option('--ca <file>', 'the root of a CA, PEM or DER, for the certificates with this name alone')
    .option('--subject <name>', 'with --ca: the whole subject, such as CN=orders-gateway,O=Example')
    .option('--san <name>', 'with --ca: a subject alternative name, such as DNS:gateway.example.com')
    .option('--reload <command>', 'shell command that reloads the server after the change');
  if (verb === 'remove') made.option('--yes', 'remove it without a prompt; required without a terminal');
  return made
    .addHelpText(
      'after',
      `
A certificate is an id as \`apigw-cert list\` shows it, or a PEM or DER file; - is stdin. For an ACM certificate it is the
root of its CA, with the subject or the SAN that the backend compares as well. Changes already made are skipped, so the
same command can be run again.

Examples:
  apigw-cert backend ${verb} a1b2c3 --trust nginx:/etc/nginx/apigw.map
  apigw-cert backend ${verb} old.pem --target orders
  apigw-cert backend ${verb} --ca root.pem --subject CN=orders-gateway,O=Example --trust pem-bundle:/etc/orders/apigw.pem`,
    )
    .action(
      action<Options, [words: string[]]>(async ({ args: [words], options, controlPlane, out }) => {
        assertNamed(words, options);
        const descriptions = await trustStoresNamed(options);
        const [{ changeTrust, namedAuthority, namedCertificates }, { trustContext }] = await Promise.all([
          import('./run.js'),
          import('../../../terminal/trust-context.js'),
        ]);
        const { ca, subject, san } = options;
        const name = { ...(subject === undefined ? {} : { subject }), ...(san === undefined ? {} : { san }) };
        const certificates = await namedCertificates(words, readUnlessId, controlPlane);
        const authorities = ca === undefined ? [] : [await namedAuthority(ca, name, readInput)];
        if (verb === 'remove') {
          const named = [...words, ...authorities.map((each) => `${ca} with the ${nameText(each)}`)];
          const question = `Remove ${named.join(', ')} from the trust stores? The backend will refuse callers that present it.`;
          await confirmed(question, options.yes === true);
        }
        const items = await changeTrust(
          verb,
          { descriptions, entries: [...certificates, ...authorities] },
          trustContext(),
        );
        out.result({ items }, () => items.map(stateText).join('\n'));
      }),
    );
}

/** @throws AppError `Usage` */
function assertNamed(words: readonly string[], { ca, subject, san }: Options): void {
  if (ca === undefined && (subject !== undefined || san !== undefined)) {
    throw new AppError('Usage', '--subject and --san need --ca', {
      hint: 'add the root of the CA: --ca root.pem',
    });
  }
  if (ca !== undefined && subject === undefined && san === undefined) {
    throw new AppError('Usage', '--ca needs --subject or --san', {
      hint: 'without a name, every certificate of that CA would be accepted; `openssl x509 -noout -subject -nameopt RFC2253` prints the subject of one',
    });
  }
  if (ca === undefined && words.length === 0) {
    throw new AppError('Usage', 'no certificate was specified', {
      hint: 'specify an id, a PEM or DER file, or --ca FILE with --subject NAME',
    });
  }
}

function stateText(store: ShownStore): string {
  const { trustStore, state, fingerprintsSha256, authorities = [], reason = '', since } = store;
  const name = printable(trustStore);
  if (fingerprintsSha256 === undefined) return `${name}: unknown: ${printable(reason)}`;
  const keys = [...fingerprintsSha256, ...authorities.map(viewKey)];
  const lines =
    keys.length === 0
      ? [`${name}: holds no certificate`]
      : [`${name}:`, ...keys.map((key) => `  ${printable(key)}`)];
  if (state !== 'unfinished') return lines.join('\n');
  return [
    ...lines,
    `  unfinished${since === undefined ? '' : ` since ${since}`}: the server may not have loaded this change: ${printable(reason)}`,
    '  fix: make its check and reload commands work, then run the rotation again, or reload the server with `apigw-cert backend add` and a certificate that it already holds',
  ].join('\n');
}
