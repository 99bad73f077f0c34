import type { Command } from 'commander';
import type { StoreState } from '../../app/backend-trust.js';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { readInput } from '../input.js';
import { addTrustOptions, trustStoresNamed } from '../trust-options.js';

interface Options {
  trust?: string[];
  reload?: string;
  target?: string;
  config?: string;
}

export function backendShowCommand(): Command {
  return addTrustOptions(command('show', 'What trust stores hold, by SHA-256 fingerprint')).action(
    action<Options>(async ({ options, out }) => {
      const descriptions = await trustStoresNamed(options);
      const [{ showTrust }, { trustContext }] = await Promise.all([
        import('../../app/backend-trust.js'),
        import('../trust-context.js'),
      ]);
      const trustStores = await showTrust(descriptions, trustContext());
      out.result({ trustStores }, () => trustStores.map(stateText).join('\n'));
    }),
  );
}

/** `backend add` and `backend remove`: the trust-store operation of a rotation, alone. */
export function backendChangeCommand(verb: 'add' | 'remove', summary: string): Command {
  return addTrustOptions(command(`${verb} <certificate...>`, summary))
    .option('--reload <command>', 'makes the change live: a line for the shell')
    .addHelpText(
      'after',
      `
A certificate is an id as \`apigw-cert list\` shows it, or a file, PEM or DER; - is stdin. What is done already is left
alone, so the same command may be run again.

Examples:
  apigw-cert backend ${verb} a1b2c3 --trust nginx:/etc/nginx/apigw.map
  apigw-cert backend ${verb} old.pem --target orders`,
    )
    .action(
      action<Options, [words: string[]]>(async ({ args: [words], options, gateway, out }) => {
        const descriptions = await trustStoresNamed(options);
        const [{ changeTrust, namedCertificates }, { trustContext }] = await Promise.all([
          import('../../app/backend-trust.js'),
          import('../trust-context.js'),
        ]);
        const certificates = await namedCertificates(words, readInput, gateway);
        const trustStores = await changeTrust(verb, { descriptions, certificates }, trustContext());
        out.result({ trustStores }, () => trustStores.map(stateText).join('\n'));
      }),
    );
}

function stateText({ trustStore, fingerprintsSha256 }: StoreState): string {
  const name = printable(trustStore);
  if (fingerprintsSha256 === null) return `${name}: cannot tell what it holds`;
  if (fingerprintsSha256.length === 0) return `${name}: trusts nobody`;
  return [`${name}:`, ...fingerprintsSha256.map((fingerprint) => `  ${fingerprint}`)].join('\n');
}
