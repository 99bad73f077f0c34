import type { Command } from 'commander';
import { action, collect, command } from '../../terminal/command.js';
import type { InitOptions } from './dialog.js';

export function initCommand(): Command {
  return command(
    'init',
    'Create an apigw-cert.yaml from the stages of the account, with prompts, and test it',
  )
    .option('--stage <stage>', 'stage whose certificate is to be rotated: prod, or with its API orders/prod')
    .option('--api <name>', 'REST or WebSocket API, by name or id')
    .option('--trust <kind:file>', 'trust store of the backend, such as nginx:FILE; may be repeated', collect)
    .option('--reload <command>', 'shell command that reloads the server after a trust store change')
    .option('--probe <call>', "test call, such as 'GET /health'")
    .option('--out-file <file>', 'file to write', 'apigw-cert.yaml')
    .option('--yes', 'accept all proposals without a prompt')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      `
Shows the stages that present a client certificate, finds the backends of the one you choose, and calls them with
TestInvokeMethod as \`doctor\` does: with the certificate of the stage, without one, and with an unused one of the account.
Only methods that are GET or HEAD on both sides and need no parameters are proposed as probes and called. Changes nothing in
AWS and in trust stores. Without a terminal, or with --yes, specify what cannot be proposed by flags: the trust store,
and the stage if several present a certificate.

Examples:
  apigw-cert init
  apigw-cert init --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --yes --out-file /etc/orders/apigw-cert.yaml`,
    )
    .action(
      action<InitOptions>(async (context) => {
        const { runInit } = await import('./dialog.js');
        await runInit(context);
      }),
    );
}
