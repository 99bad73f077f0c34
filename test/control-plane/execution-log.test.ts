import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { judgeCall, LOG_CAUSES, readExecutionLog } from '../../src/control-plane/execution-log.js';

const TIME = 'Thu Nov 26 09:30:00 UTC 2026 : ';
const BEFORE = ['Starting execution for request: 1', 'HTTP Method: GET, Resource Path: /health'];
const SENT = [...BEFORE, 'Endpoint request URI: https://b/', 'Sending request to https://b/'];

const log = (...lines: string[]): string =>
  ['Execution log for request 1', ...lines.map((line) => `${TIME}${line}`), ''].join('\n');

const configuration = (cause: string): string => `Execution failed due to configuration error: ${cause}`;

describe('a call that left and got no answer', () => {
  test.each([
    [
      configuration(
        'PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target',
      ),
      'BackendCertificateUntrusted',
      'backendCertificate',
    ],
    [
      configuration(
        'PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed',
      ),
      'BackendCertificateExpired',
      'backendCertificate',
    ],
    [
      configuration('Extended key usage does not permit use for TLS server authentication'),
      'BackendCertificateUnsuitable',
      'backendCertificate',
    ],
    [
      configuration(
        "Host name 'a.example' does not match the certificate subject provided by the peer (CN=b.example)",
      ),
      'BackendNameMismatch',
      'backendName',
    ],
    [configuration('Invalid endpoint address'), 'EndpointAddressInvalid', 'backendName'],
    [configuration('General SSLEngine problem'), 'TlsFailed', 'unknown'],
    ['Execution failed due to a network error communicating with endpoint', 'NetworkError', 'network'],
    [
      'Execution failed due to a network error communicating with endpoint: Connection is closed',
      'NetworkError',
      'network',
    ],
    ['Execution failed due to a timeout error', 'TimedOut', 'network'],
    ['Execution failed due to an vpc link error', 'VpcLinkError', 'network'],
    ['There was an internal error while executing your request', 'InternalError', 'unknown'],
    [configuration('Received fatal alert: handshake_failure'), 'HandshakeRefused', 'unknown'],
    [configuration('Received fatal alert: protocol_version'), 'TlsVersionRefused', 'network'],
    [configuration('Received fatal alert: unrecognized_name'), 'ServerNameUnknown', 'backendName'],
    [configuration('Received fatal alert: something_new'), 'TlsFailed', 'unknown'],
    [
      configuration('The size of the handshake message (36844) exceeds the maximum allowed size (32768)'),
      'AnnouncedNamesTooLarge',
      'clientCertificate',
    ],
    [configuration('Words of tomorrow'), 'Unrecognized', 'unknown'],
  ] as const)('%s', (line, code, fault) => {
    const text = log(...SENT, line, 'Method completed with status: 500');
    const { outcome, failure } = judgeCall({ status: 500, log: text });
    expect(outcome).toBe('unknown');
    expect(failure).toMatchObject({ code, fault, progress: 'unanswered', quote: line });
  });

  test.each([
    ['bad_certificate', 'ClientCertificateRefused'],
    ['unknown_ca', 'ClientCertificateRefused'],
    ['certificate_unknown', 'ClientCertificateRefused'],
    ['certificate_expired', 'ClientCertificateExpired'],
    ['certificate_required', 'ClientCertificateMissing'],
  ])('the alert %s refuses the client certificate, also as JDK 25 words it', (alert, code) => {
    for (const words of [`Received fatal alert: ${alert}`, `(${alert}) Received fatal alert: ${alert}`]) {
      const answer = judgeCall({ status: 500, log: log(...SENT, configuration(words)) });
      expect(answer).toMatchObject({ outcome: 'refused', failure: { code, fault: 'clientCertificate' } });
    }
  });
});

test.each([
  ['API Gateway does not have permission to assume the provided role', 'RoleNotAssumable'],
  ['Invalid permissions on Lambda function', 'LambdaPermission'],
  ['Invalid endpoint address', 'EndpointAddressInvalid'],
])('a call that never left: %s', (cause, code) => {
  const { outcome, failure } = judgeCall({ status: 500, log: log(...BEFORE, configuration(cause)) });
  expect(outcome).toBe('unknown');
  expect(failure).toMatchObject({ code, progress: 'notSent' });
});

describe('a backend that answered', () => {
  const answered = (status: number, body = ''): string =>
    log(
      ...SENT,
      `Received response. Status: ${status}, Integration latency: 3 ms`,
      'Endpoint response headers: {}',
      `Endpoint response body before transformations: ${body}`,
      'Successfully completed execution',
      `Method completed with status: ${status}`,
    );

  test.each([
    [200, '', 'accepted', undefined],
    [302, '', 'accepted', undefined],
    [400, '<title>400 No required SSL certificate was sent</title>', 'refused', 'ClientCertificateMissing'],
    [400, '<title>400 The SSL certificate error</title>', 'refused', 'ClientCertificateRejected'],
    [400, '{"message":"bad"}', 'refused', 'AccessRefused'],
    [401, '', 'refused', 'AccessRefused'],
    [403, '', 'refused', 'AccessRefused'],
    [495, '', 'refused', 'ClientCertificateRejected'],
    [496, '', 'refused', 'ClientCertificateMissing'],
    [404, '', 'unknown', 'ApplicationFailed'],
    [502, '', 'unknown', 'ApplicationFailed'],
  ])('%i %s', (status, body, outcome, code) => {
    const answer = judgeCall({ status, log: answered(status, body) });
    expect(answer.outcome).toBe(outcome);
    expect(answer.failure?.code).toBe(code);
    if (code !== undefined)
      expect(answer.failure).toMatchObject({ progress: 'answered', backendStatus: status });
  });

  test('its own status counts where the method maps a refusal to 200', () => {
    expect(judgeCall({ status: 200, log: answered(403) })).toMatchObject({
      outcome: 'refused',
      failure: { backendStatus: 403 },
    });
  });

  test('an answer that cannot be mapped is no refusal', () => {
    const text = log(
      ...SENT,
      'Received response. Status: 200, Integration latency: 3 ms',
      configuration('Malformed Lambda proxy response'),
    );
    expect(judgeCall({ status: 502, log: text })).toMatchObject({
      outcome: 'unknown',
      failure: { code: 'ResponseUnusable', fault: 'integration' },
    });
  });

  test('cannot write another cause into the log', () => {
    fc.assert(
      fc.property(fc.constantFrom(200, 403, 500), fc.string(), (status, noise) => {
        const body = `${noise}\n${TIME}${configuration('PKIX path building failed')}\n${TIME}Received response. Status: 200,\n${noise}`;
        const { progress, backendStatus } = readExecutionLog(answered(status, body));
        expect({ progress, backendStatus }).toEqual({ progress: 'answered', backendStatus: status });
        expect(judgeCall({ status, log: answered(status, body) }).failure?.fault).not.toBe(
          'backendCertificate',
        );
      }),
    );
  });
});

test('a method that calls no backend proves nothing', () => {
  const text = log(...BEFORE, 'Successfully completed execution', 'Method completed with status: 200');
  expect(judgeCall({ status: 200, log: text })).toMatchObject({
    outcome: 'unknown',
    failure: { code: 'NotSent', progress: 'notSent' },
  });
});

test('the lines of CloudWatch are read alike', () => {
  const lines = [...SENT, configuration('PKIX path building failed: x')].map((line) => `(b3c0-1) ${line}`);
  expect(judgeCall({ status: 500, log: lines.join('\n') }).failure).toMatchObject({
    code: 'BackendCertificateUntrusted',
    progress: 'unanswered',
  });
});

test.each([
  [200, 'accepted'],
  [403, 'refused'],
  [404, 'unknown'],
  [500, 'unknown'],
])('without a log the status %i alone decides', (status, outcome) => {
  expect(judgeCall({ status, log: '' }).outcome).toBe(outcome);
});

test('a quote is one line fit for a terminal, whatever the log is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (noise) => {
      const { failure } = judgeCall({ status: 500, log: log(...SENT, configuration(noise)) });
      expect(failure?.quote ?? '').toMatch(/^[^\p{Cc}]{0,300}$/u);
      expect(() => judgeCall({ status: 500, log: noise })).not.toThrow();
    }),
  );
});

test('every cause says what it means and what to do', () => {
  for (const { meaning, remedy } of Object.values(LOG_CAUSES)) {
    expect(meaning).toMatch(/^[^A-Z]|^API/);
    expect(remedy).not.toMatch(/\.$/);
  }
});
