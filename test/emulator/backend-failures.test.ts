import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateDeploymentCommand,
  PutIntegrationCommand,
  TestInvokeMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mintClientCertificate, mintServerCertificate } from '../../src/x509/mint.js';
import { startBackend } from '../support/backend.js';
import { attachCertificate, generateCertificate, makeApi, startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await lab.close();
});

/** Points GET /health to a URI, and calls it both ways: by TestInvokeMethod and, after a deployment, by the stage. */
async function callBoth(
  uri: string,
  tlsConfig?: { insecureSkipVerification: boolean },
): Promise<{ log: string; outcomes: unknown[] }> {
  const { client, certificate } = lab;
  const api = await makeApi(lab.emulator, client, uri);
  await attachCertificate(client, api, certificate.id);
  const method = { restApiId: api.restApiId, resourceId: api.healthResourceId, httpMethod: 'GET' };
  await client.send(
    new PutIntegrationCommand({
      ...method,
      type: 'HTTP_PROXY',
      integrationHttpMethod: 'GET',
      uri,
      tlsConfig,
      timeoutInMillis: 500,
    }),
  );
  const tested = await client.send(
    new TestInvokeMethodCommand({ ...method, clientCertificateId: certificate.id }),
  );
  await client.send(new CreateDeploymentCommand({ restApiId: api.restApiId, stageName: api.stageName }));
  const response = await fetch(`${api.invokeUrl}/health`);
  return {
    log: String(tested.log),
    outcomes: [
      [tested.status, tested.body],
      [response.status, await response.text()],
    ],
  };
}

const both = (status: number, message: string): unknown[] => {
  const outcome = [status, JSON.stringify({ message })];
  return [outcome, outcome];
};

const BROKEN = both(500, 'Internal server error');

describe('a backend that refuses the certificate in the handshake', () => {
  let dir: string;
  let server: ChildProcess | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'apigw-cert-'));
  });
  afterEach(async () => {
    if (server?.exitCode === null) {
      server.kill();
      await once(server, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  });

  /** openssl s_server, which sends the alert that the standard asks for; it trusts one other certificate. */
  async function startOpenssl(trusted: string, version: string): Promise<string> {
    const pair = await mintServerCertificate({
      notBefore: new Date(Date.now() - 60_000),
      dnsNames: ['localhost'],
    });
    writeFileSync(join(dir, 'trusted.pem'), `${trusted}\n`);
    writeFileSync(join(dir, 'server.pem'), pair.certPem + pair.privateKeyPem);
    server = spawn(
      'openssl',
      [
        's_server',
        '-accept',
        '127.0.0.1:0',
        '-www',
        version,
        '-cert',
        'server.pem',
        '-Verify',
        '1',
        '-verify_return_error',
        '-CAfile',
        'trusted.pem',
      ],
      { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let output = '';
    for await (const chunk of server.stdout as AsyncIterable<Buffer>) {
      output += chunk.toString();
      const port = /ACCEPT .*:(\d+)/.exec(output)?.[1];
      if (port !== undefined) return `https://localhost:${port}/health`;
    }
    throw new Error(`openssl did not start: ${output}`);
  }

  test.each(['-tls1_2', '-tls1_3'])('%s: shows as a fatal alert', async (version) => {
    const { pem } = await mintClientCertificate({ notBefore: new Date() });
    const uri = await startOpenssl(pem, version);
    const { log, outcomes } = await callBoth(uri, { insecureSkipVerification: true });
    expect(outcomes).toEqual(BROKEN);
    expect(log).toMatch(
      / : Execution failed due to configuration error: Received fatal alert: unknown_ca\n.* : Method completed with status: 500\n$/,
    );
  });

  test('accepts the certificate that it trusts', async () => {
    const uri = await startOpenssl(lab.certificate.pem.replaceAll('\r', ''), '-tls1_3');
    const { outcomes } = await callBoth(uri, { insecureSkipVerification: true });
    expect(outcomes).toEqual([
      [200, expect.stringContaining('s_server')],
      [200, expect.stringContaining('s_server')],
    ]);
  });
});

test('a backend that nobody vouches for is not talked to, unless that is asked for', async () => {
  const stranger = await startBackend({ pins: [lab.certificate.fingerprint] });
  try {
    const strict = await callBoth(`${stranger.url}/health`);
    expect(strict.outcomes).toEqual(BROKEN);
    expect(strict.log).toContain('The certificate of the endpoint is not accepted');
    expect(stranger.accepted.size).toBe(0);
    const lenient = await callBoth(`${stranger.url}/health`, { insecureSkipVerification: true });
    expect(lenient.outcomes).toEqual([
      [200, expect.any(String)],
      [200, expect.any(String)],
    ]);
    // Its name is checked all the same, as AWS documents.
    const renamed = await callBoth(stranger.url.replace('localhost', '127.0.0.2'), {
      insecureSkipVerification: true,
    });
    expect(renamed.outcomes).toEqual(BROKEN);
  } finally {
    await stranger.close();
  }
});

test.each([
  ['https://localhost:1/', 'Network error communicating with endpoint: ECONNREFUSED'],
  ['https://${stageVariables.host}/', 'Invalid endpoint address'],
  ['https://no-such-host.invalid/', 'Invalid endpoint address'],
])('a backend at %s cannot be reached', async (uri, cause) => {
  const { log, outcomes } = await callBoth(uri);
  expect(outcomes).toEqual(BROKEN);
  expect(log).toContain(`Execution failed due to configuration error: ${cause}\n`);
});

test('a backend that does not answer times out, one that hangs up has failed', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  server.on('connection', (socket) => socket.on('error', () => undefined).resume());
  expect((await callBoth(uri)).outcomes).toEqual(both(504, 'Endpoint request timed out'));
  server
    .removeAllListeners('connection')
    .on('connection', (socket) => socket.once('data', () => socket.destroy()));
  const { outcomes, log } = await callBoth(uri);
  expect(outcomes).toEqual(BROKEN);
  expect(log).toContain('The endpoint closed the connection without an answer');
  server.close();
});

test('kept connections that the backend has closed make no request fail', async () => {
  const { backend, api } = lab;
  const call = async (init?: RequestInit): Promise<number> =>
    (await fetch(`${api.invokeUrl}/x`, init)).status;
  for (let round = 0; round < 20; round += 1) {
    const statuses = await Promise.all([call(), call(), call({ method: 'PUT', body: 'x' })]);
    expect(statuses).toEqual([200, 200, 200]);
    backend.dropConnections();
  }
});

test('a new certificate gets connections of its own at once', async () => {
  const { backend, client, api } = lab;
  await Promise.all(Array.from({ length: 5 }, () => fetch(`${api.invokeUrl}/health`)));
  const next = await generateCertificate(client);
  backend.pins.clear();
  backend.pins.add(next.fingerprint);
  await attachCertificate(client, api, next.id);
  expect((await fetch(`${api.invokeUrl}/health`)).status).toBe(200);
  expect(backend.accepted.get(next.fingerprint)).toBe(1);
});
