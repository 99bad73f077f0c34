import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestInvokeMethodCommand, type TestInvokeMethodResponse } from '@aws-sdk/client-api-gateway';
import type { Echo } from '../support/backend.js';
import { attachCertificate, generateCertificate, startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await lab.close();
});

function testInvoke(clientCertificateId?: string): Promise<TestInvokeMethodResponse> {
  const { restApiId, healthResourceId: resourceId } = lab.api;
  return lab.client.send(
    new TestInvokeMethodCommand({ restApiId, resourceId, httpMethod: 'GET', clientCertificateId }),
  );
}

describe('the stage URL', () => {
  test("presents the stage's certificate", async () => {
    const response = await fetch(`${lab.api.invokeUrl}/health?a=1&a=2`, { headers: { 'x-own': 'kept' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-backend')).toBe('yes');
    const echo = (await response.json()) as Echo;
    expect(echo).toMatchObject({
      method: 'GET',
      url: '/health?a=1&a=2',
      fingerprint: lab.certificate.fingerprint,
    });
    expect(echo.headers['x-own']).toBe('kept');
  });

  test('passes a body, a greedy path and an error status on', async () => {
    const response = await fetch(`${lab.api.invokeUrl}/status/418/b%2Fc?q=%20`, {
      method: 'POST',
      body: 'tea',
    });
    expect(response.status).toBe(418);
    expect(await response.json()).toMatchObject({
      method: 'POST',
      url: '/status/418/b%2Fc?q=%20',
      body: 'tea',
    });
  });

  test('is refused by the backend without a certificate, and with one that is not pinned', async () => {
    await attachCertificate(lab.client, lab.api, '');
    expect((await fetch(`${lab.api.invokeUrl}/health`)).status).toBe(403);
    const other = await generateCertificate(lab.client);
    await attachCertificate(lab.client, lab.api, other.id);
    expect((await fetch(`${lab.api.invokeUrl}/health`)).status).toBe(403);
    expect(lab.backend.refused).toEqual(
      new Map([
        ['none', 1],
        [other.fingerprint, 1],
      ]),
    );
  });
});

describe('TestInvokeMethod', () => {
  test('presents the certificate named, whatever the stage has', async () => {
    const next = await generateCertificate(lab.client);
    expect(await testInvoke(next.id)).toMatchObject({ status: 403 });
    lab.backend.pins.add(next.fingerprint);
    const result = await testInvoke(next.id);
    expect(result).toMatchObject({ status: 200, headers: { 'x-backend': 'yes' } });
    expect(JSON.parse(String(result.body))).toMatchObject({ fingerprint: next.fingerprint });
    expect(result.log).toMatch(/: Received response\. Status: 200, Integration latency: \d+ ms\n/);
    expect(result.log).toMatch(/: Method completed with status: 200\n$/);
  });

  test('presents none when none is named', async () => {
    expect(await testInvoke()).toMatchObject({ status: 403 });
    expect(lab.backend.refused).toEqual(new Map([['none', 1]]));
  });

  test('opens a connection of its own each time', async () => {
    await fetch(`${lab.api.invokeUrl}/health`);
    const before = lab.backend.connections();
    await testInvoke(lab.certificate.id);
    await testInvoke(lab.certificate.id);
    expect(lab.backend.connections() - before).toBe(2);
  });
});
