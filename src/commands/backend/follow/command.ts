import type { Command } from 'commander';
import type { FollowOptions } from './run.js';
import { action, command } from '../../../terminal/command.js';

export function backendFollowCommand(): Command {
  return command('follow', 'Keep a trust store of this host equal to a published list')
    .requiredOption(
      '--from <place>',
      'the list: s3://BUCKET/KEY, secretsmanager:NAME, ssm:NAME, https://URL or file:PATH',
    )
    .requiredOption('--to <kind:file>', 'trust store of this host, such as nginx:FILE')
    .option('--once', 'look once and exit')
    .option('--check <command>', 'shell command that tests the server’s configuration before each reload')
    .option('--reload <command>', 'shell command that reloads the server after the change')
    .option('--interval <duration>', 'time between two looks; with jitter', '30s')
    .option('--status-file <file>', 'write what is live to this file, as JSON, after each look')
    .option('--health <address:port>', 'answer HTTP requests with the status: 200 once the list is live')
    .option('--report <place>', 'report what is live: a folder, s3://BUCKET/PREFIX or dynamodb:TABLE/NAME')
    .option('--host <name>', 'name of this host in reports (default: its host name)')
    .option('--allow-older', 'apply a list that is older, or has no version and may be')
    .addHelpText(
      'after',
      `
A list that is missing, empty, damaged, incomplete or older than the last one changes nothing. Of a list without a version
(docs/trust-stores.md), certificates are added and none is removed. Runs until SIGTERM or SIGINT, unless --once is specified.

Examples:
  apigw-cert backend follow --from s3://example-trust/apigw.pem --to nginx:/etc/nginx/apigw.map --once
  apigw-cert backend follow --from ssm:/orders/trust --to haproxy:/etc/haproxy/apigw.lst --report dynamodb:apigw-cert/orders`,
    )
    .action(
      action<FollowOptions>(async (context) => {
        const { runFollow } = await import('./run.js');
        await runFollow(context);
      }),
    );
}
