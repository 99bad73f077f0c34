import type { Command } from 'commander';
import type { TestCall, TestCallResult } from './run.js';
import { EXIT } from '../../platform/errors.js';
import type { CallFailure, CallProgress, Fault } from '../../control-plane/execution-log.js';
import { printable } from '../../platform/printable.js';
import { action, command } from '../../terminal/command.js';
import { facts } from '../../terminal/facts.js';

export function testInvokeCommand(): Command {
  return command('test-invoke', 'Call a backend through API Gateway; exit 1 if the status is 400 or higher')
    .option('--api <name>', 'REST API, by name or id')
    .option('--stage <stage>', 'use the variables and the certificate of this stage: prod, or orders/prod')
    .option('--path <path>', 'path to call, with its query string, such as /health')
    .option('--resource <id>', 'resource id, if the path is ambiguous')
    .option('--method <method>', 'HTTP method', 'GET')
    .option('--certificate <id>', 'certificate to present, or none (default: that of the stage)')
    .action(
      action<TestCall>(async ({ options, controlPlane, out }) => {
        const { testInvoke } = await import('./run.js');
        const method = options.method.toUpperCase();
        const result = await testInvoke(await controlPlane(), { ...options, method });
        out.result(result, () => resultText(result));
        if (result.outcome !== 'accepted') out.exitWith(EXIT.failed);
        else if (result.clientCertificateId === undefined) {
          out.note(
            'The backend answers a caller without a certificate, so it does not require one for this call.',
          );
        } else {
          out.note(
            'This does not show that the backend refuses other callers; check with `--certificate none`.',
          );
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
  failure,
  ...rest
}: TestCallResult): string {
  return facts([
    ['call', printable(`${httpMethod} ${path ?? `resource ${rest.resourceId}`}`)],
    ['certificate', printable(clientCertificateId ?? 'none')],
    ['status', String(status)],
    ['latency', `${latency} ms`],
    ...(failure === undefined ? [] : failureRows(failure)),
    ...(rest.body === '' ? [] : [['body', bodyText(rest.body)] as const]),
  ]);
}

const PROGRESS: Readonly<Record<CallProgress, string>> = {
  notSent: 'API Gateway did not call the backend',
  unanswered: 'the backend did not answer: the TLS handshake or the network failed',
  answered: 'the backend answered after a complete TLS handshake',
  unknown: 'the log does not say',
};

const FAULTS: Readonly<Record<Fault, string>> = {
  application: "the backend's application",
  backendCertificate: "the backend's own server certificate",
  backendName: "the host name in the integration's URI",
  clientCertificate: 'the client certificate, or how the backend asks for it',
  integration: 'the integration',
  network: 'the network',
  unknown: 'unknown',
};

function failureRows(failure: CallFailure): (readonly [string, string])[] {
  const { progress, backendStatus, quote, meaning, fault, remedy } = failure;
  const answer = backendStatus === undefined ? '' : ` with ${backendStatus}`;
  return [
    ['progress', `${PROGRESS[progress]}${answer}`],
    ...(quote === undefined ? [] : [['log message', quote] as const]),
    ['meaning', meaning],
    ['likely cause', FAULTS[fault]],
    ['fix', remedy],
  ];
}

const LONGEST_BODY = 300;

function bodyText(body: string): string {
  const start = printable(body.slice(0, LONGEST_BODY));
  return body.length > LONGEST_BODY ? `${start}… (${body.length} characters)` : start;
}
