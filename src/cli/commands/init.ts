import type { Command } from 'commander';
import { action, collect, command } from '../command.js';

export interface InitOptions {
  stage?: string;
  api?: string;
  trust?: string[];
  reload?: string;
  probe?: string;
  outFile: string;
  yes?: boolean;
  force?: boolean;
}

export function initCommand(): Command {
  return command('init', 'Write a first apigw-cert.yaml: looks at the account, asks, and tries what it can')
    .option(
      '--stage <stage>',
      'the stage whose certificate is to be rotated: prod, or with its API orders/prod',
    )
    .option('--api <name>', 'the REST or WebSocket API, by name or id')
    .option('--trust <kind:file>', 'trust store of the backend, such as nginx:FILE; may be repeated', collect)
    .option('--reload <command>', 'makes a changed trust store live: a line for the shell')
    .option('--probe <call>', "the call that proves the backend, 'GET /health'")
    .option('--out-file <file>', 'the file to write', 'apigw-cert.yaml')
    .option('--yes', 'ask nothing: take what would be proposed')
    .option('--force', 'replace a file that exists')
    .addHelpText(
      'after',
      `
Shows the stages that present a client certificate, finds the backends behind the one chosen, and calls them by
TestInvokeMethod as \`doctor\` does: with the certificate of the stage, without any, and with an unused one of the account.
Only methods that are GET or HEAD on both sides and need no parameters are proposed as probes and called. Changes nothing in
AWS and in trust stores. Without a terminal, or with --yes, the flags have to say what cannot be proposed: the trust store,
and the stage where several present a certificate.

Examples:
  apigw-cert init
  apigw-cert init --stage orders/prod --trust pem-bundle:/etc/orders/apigw.pem --yes --out-file /etc/orders/apigw-cert.yaml`,
    )
    .action(
      action<InitOptions>(async (context) => {
        const { runInit } = await import('../init-run.js');
        await runInit(context);
      }),
    );
}
