import { expect, test } from '@jest/globals';
import { cliProcess as cli } from '../support/cli.js';

test('the demo rotates under traffic without a failed request', async () => {
  const { code, stdout, stderr, json } = await cli(['demo', '--output', 'json']);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: expect.any(String),
    stderr: expect.stringContaining('requests through the stage'),
  });
  const report = json() as {
    requests: { sent: number; failed: number; perSecond: number };
    before: { clientCertificateId: string; requests: number };
    after: { clientCertificateId: string; requests: number };
  };
  const { requests, before, after } = report;
  expect(report).toMatchObject({ caBundle: { acceptsOld: true, acceptsNew: false } });
  expect(requests.failed).toBe(0);
  expect(requests.perSecond).toBeGreaterThan(0);
  expect(before.requests + after.requests).toBe(requests.sent);
  expect(before.clientCertificateId).not.toBe(after.clientCertificateId);
  expect(after.requests).toBeGreaterThan(0);
  // What a user does first is shown as it is typed.
  expect(stderr).toMatch(/^\$ apigw-cert check-expiry\naccount .*\nWARNING: 1 warning/m);
  expect(stderr).toContain('a caller without a certificate gets 403');
  expect(stderr).not.toContain('\u001b');
});
