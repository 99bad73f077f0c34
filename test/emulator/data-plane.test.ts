import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CreateDeploymentCommand,
  DeleteClientCertificateCommand,
  PutIntegrationCommand,
  TestInvokeMethodCommand,
  type TestInvokeMethodRequest,
  type TestInvokeMethodResponse,
  UpdateStageCommand,
} from '@aws-sdk/client-api-gateway';
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

/** The fingerprints that the backend sees in so many requests to the stage, one after another. */
async function presented(requests: number): Promise<(string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  for (let i = 0; i < requests; i += 1) {
    const response = await fetch(`${lab.api.invokeUrl}/health`);
    seen.push(((await response.json()) as Partial<Echo>).fingerprint);
  }
  return seen;
}

async function nextCertificate(): Promise<{ id: string; fingerprint: string }> {
  const next = await generateCertificate(lab.client);
  lab.backend.pins.add(next.fingerprint);
  return next;
}

const deploy = (): Promise<unknown> => {
  const { restApiId, stageName } = lab.api;
  return lab.client.send(new CreateDeploymentCommand({ restApiId, stageName }));
};

describe("a change of a stage's certificate", () => {
  test('is presented by turns while it spreads, the former one even when it is deleted', async () => {
    const former = lab.certificate.fingerprint;
    lab.emulator.configure({ propagationDelayMs: 60_000 });
    const next = await nextCertificate();
    await attachCertificate(lab.client, lab.api, next.id);
    expect(await presented(4)).toEqual([former, next.fingerprint, former, next.fingerprint]);
    await lab.client.send(new DeleteClientCertificateCommand({ clientCertificateId: lab.certificate.id }));
    expect(await presented(2)).toEqual([former, next.fingerprint]);
    lab.emulator.advanceClock(60_000);
    expect(await presented(3)).toEqual([next.fingerprint, next.fingerprint, next.fingerprint]);
  });

  test('waits for a deployment to the stage when that is needed', async () => {
    const former = lab.certificate.fingerprint;
    lab.emulator.configure({ needRedeploy: true });
    const next = await nextCertificate();
    await attachCertificate(lab.client, lab.api, next.id);
    expect(await presented(1)).toEqual([former]);
    await lab.client.send(new CreateDeploymentCommand({ restApiId: lab.api.restApiId }));
    expect(await presented(1)).toEqual([former]);
    await deploy();
    expect(await presented(1)).toEqual([next.fingerprint]);
  });
});

describe('integrations', () => {
  const proxy = (): Pick<TestInvokeMethodRequest, 'restApiId' | 'resourceId' | 'httpMethod'> => ({
    restApiId: lab.api.restApiId,
    resourceId: lab.api.proxyResourceId,
    httpMethod: 'ANY',
  });
  const put = (
    integration: Partial<ConstructorParameters<typeof PutIntegrationCommand>[0]>,
  ): Promise<unknown> =>
    lab.client.send(
      new PutIntegrationCommand({
        ...proxy(),
        type: 'HTTP_PROXY',
        integrationHttpMethod: 'ANY',
        ...integration,
      }),
    );

  test('of an API are tested as they are now, and served as they were deployed', async () => {
    await put({ uri: `${lab.backend.url}/moved/{proxy}` });
    const served = async (): Promise<string> =>
      ((await (await fetch(`${lab.api.invokeUrl}/a/b`)).json()) as Echo).url;
    const tested = await lab.client.send(
      new TestInvokeMethodCommand({
        ...proxy(),
        httpMethod: 'POST',
        pathWithQueryString: '/a/b?c=d',
        body: 'tea',
        headers: { 'X-Own': 'kept' },
        clientCertificateId: lab.certificate.id,
      }),
    );
    expect(JSON.parse(String(tested.body))).toMatchObject({
      method: 'POST',
      url: '/moved/a/b?c=d',
      body: 'tea',
      headers: { 'x-own': 'kept' },
    });
    expect(await served()).toBe('/a/b');
    await deploy();
    expect(await served()).toBe('/moved/a/b');
  });

  test('map parameters and stage variables', async () => {
    await put({
      uri: 'https://${stageVariables.backend}/{proxy}?fixed=1',
      requestParameters: {
        'integration.request.querystring.q': "'literal value'",
        'integration.request.header.X-Path': 'method.request.path.proxy',
        'integration.request.header.x-from': 'method.request.header.X-Given',
        'integration.request.path.proxy': 'method.request.querystring.to',
      },
    });
    const { restApiId, stageName } = lab.api;
    await lab.client.send(
      new UpdateStageCommand({
        restApiId,
        stageName,
        patchOperations: [
          { op: 'replace', path: '/variables/backend', value: new URL(lab.backend.url).host },
        ],
      }),
    );
    await deploy();
    const response = await fetch(`${lab.api.invokeUrl}/a/b?to=t`, { headers: { 'x-given': 'g' } });
    expect(await response.json()).toMatchObject({
      url: '/t?fixed=1&to=t&q=literal+value',
      headers: { 'x-path': 'a/b', 'x-from': 'g' },
    });
  });

  test('of type HTTP make 200 of any success and keep a refusal; MOCK calls nobody', async () => {
    await put({ type: 'HTTP', uri: `${lab.backend.url}/status/{proxy}` });
    await deploy();
    const statusOf = async (path: string): Promise<number> =>
      (await fetch(`${lab.api.invokeUrl}/${path}`)).status;
    expect([await statusOf('204'), await statusOf('201'), await statusOf('403')]).toEqual([200, 200, 403]);
    await put({ type: 'MOCK' });
    await deploy();
    const before = lab.backend.accepted.get(lab.certificate.fingerprint);
    expect(await statusOf('403')).toBe(200);
    expect(await lab.client.send(new TestInvokeMethodCommand(proxy()))).toMatchObject({
      status: 200,
      body: '',
    });
    expect(lab.backend.accepted.get(lab.certificate.fingerprint)).toBe(before);
  });

  test.each([
    [{ clientCertificateId: 'zzzzzz' }, 'BadRequestException'],
    [{ resourceId: 'zzzzzz' }, 'NotFoundException'],
    [{ restApiId: 'zzzzzz' }, 'NotFoundException'],
    [{ httpMethod: 'POST' }, 'NotFoundException'],
    [{ pathWithQueryString: '/elsewhere' }, 'BadRequestException'],
  ])('are not tested by names that do not exist: %j', async (wrong, name) => {
    const { restApiId, healthResourceId: resourceId } = lab.api;
    const call = new TestInvokeMethodCommand({ restApiId, resourceId, httpMethod: 'GET', ...wrong });
    await expect(lab.client.send(call)).rejects.toMatchObject({ name });
  });
});

test('an invoke URL that leads nowhere is forbidden', async () => {
  const { invokeUrl, restApiId } = lab.api;
  for (const [url, message] of [
    [`${invokeUrl.replace(restApiId, 'zzzzzzzzzz')}/health`, 'Forbidden'],
    [`${invokeUrl.replace('/prod/', '/test/')}/health`, 'Forbidden'],
    [`${invokeUrl}/`, 'Missing Authentication Token'],
  ] as const) {
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([403, { message }]);
  }
  expect(lab.backend.accepted.size).toBe(0);
});
