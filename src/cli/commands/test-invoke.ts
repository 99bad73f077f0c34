import type { Command } from 'commander';
import type { TestCall, TestCallResult } from '../../app/test-invoke.js';
import { EXIT } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { action, command } from '../command.js';
import { facts } from '../facts.js';

export function testInvokeCommand(): Command {
  return command('test-invoke', 'Call a backend through API Gateway; exit 1 for a status from 400 on')
    .option('--api <name>', 'the REST API, by name or id')
    .option('--stage <stage>', 'use the variables and the certificate of this stage: prod, or orders/prod')
    .option('--path <path>', 'what to call, with its query string: /health')
    .option('--resource <id>', 'the resource by its id, where the path does not say which')
    .option('--method <method>', 'HTTP method', 'GET')
    .option('--certificate <id>', 'the certificate to present, or none (default: that of the stage)')
    .action(
      action<TestCall>(async ({ options, gateway, out }) => {
        const { testInvoke } = await import('../../app/test-invoke.js');
        const method = options.method.toUpperCase();
        const result = await testInvoke(await gateway(), { ...options, method });
        out.result(result, () => resultText(result));
        if (result.status >= 400) out.exitWith(EXIT.failed);
        else if (result.clientCertificateId === null) {
          out.note(
            'The backend answers a caller without a certificate: it does not demand one for this call.',
          );
        } else {
          out.note('That it also refuses other callers shows only a call with `--certificate none`.');
        }
      }),
    );
}

function resultText({
  httpMethod,
  path,
  clientCertificateId,
  status,
  latency,
  ...rest
}: TestCallResult): string {
  return facts([
    ['call', printable(`${httpMethod} ${path ?? `resource ${rest.resourceId}`}`)],
    ['certificate', printable(clientCertificateId ?? 'none')],
    ['status', String(status)],
    ['latency', `${latency} ms`],
    ...(rest.cause === undefined ? [] : [['log says', rest.cause] as const]),
    ...(rest.body === '' ? [] : [['body', bodyText(rest.body)] as const]),
  ]);
}

const LONGEST_BODY = 300;

function bodyText(body: string): string {
  const start = printable(body.slice(0, LONGEST_BODY));
  return body.length > LONGEST_BODY ? `${start}… (${body.length} characters)` : start;
}
