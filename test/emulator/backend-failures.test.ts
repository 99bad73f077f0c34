import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateDeploymentCommand,
  PutIntegrationCommand,
  TestInvokeMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { judgeCall } from '../../src/control-plane/execution-log.js';
import { mintClientCertificate, mintServerCertificate } from '../../src/certificates/mint.js';
import { startBackend } from '../support/backend.js';
import { newKey, openssl } from '../support/openssl.js';
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
const NETWORK = both(504, 'Network error communicating with endpoint');
const NETWORK_LINE = 'Execution failed due to a network error communicating with endpoint';

/** The line of a log that says why the call failed, and what the catalogue makes of it. */
const explained = (
  log: string,
  status = 500,
): { line: string | undefined; code: string | undefined; progress: string | undefined } => {
  const { failure } = judgeCall({ status, log });
  return { line: failure?.quote, code: failure?.code, progress: failure?.progress };
};

const configuration = (cause: string): string => `Execution failed due to configuration error: ${cause}`;

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
    expect(explained(strict.log)).toEqual({
      line: configuration(
        'PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target',
      ),
      code: 'BackendCertificateUntrusted',
      progress: 'unanswered',
    });
    expect(stranger.accepted.size).toBe(0);
    const lenient = await callBoth(`${stranger.url}/health`, { insecureSkipVerification: true });
    expect(lenient.outcomes).toEqual([
      [200, expect.any(String)],
      [200, expect.any(String)],
    ]);
  } finally {
    await stranger.close();
  }
});

test('where its issuer need not be known, its name is checked all the same, as AWS documents', async () => {
  const own = await mintServerCertificate({
    notBefore: new Date(Date.now() - 60_000),
    dnsNames: ['localhost'],
  });
  const server = https.createServer({ cert: own.certPem, key: own.privateKeyPem }).listen(0, '127.0.0.2');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { log, outcomes } = await callBoth(`https://127.0.0.2:${port}/`, { insecureSkipVerification: true });
  server.close();
  server.closeAllConnections();
  expect(outcomes).toEqual(BROKEN);
  expect(explained(log)).toMatchObject({ code: 'BackendNameMismatch' });
});

test.each([
  ['https://localhost:1/', NETWORK, NETWORK_LINE, 'NetworkError', 'unanswered'],
  [
    'https://${stageVariables.host}/',
    BROKEN,
    configuration('Invalid endpoint address'),
    'EndpointAddressInvalid',
    'notSent',
  ],
  [
    'https://no-such-host.invalid/',
    BROKEN,
    configuration('Invalid endpoint address'),
    'EndpointAddressInvalid',
    'unanswered',
  ],
])('a backend at %s cannot be reached', async (uri, expected, line, code, progress) => {
  const { log, outcomes } = await callBoth(uri);
  expect(outcomes).toEqual(expected);
  expect(explained(log)).toEqual({ line, code, progress });
});

test('a backend that does not answer times out; one that hangs up, or speaks no TLS, is a network error', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.on('connection', (socket) => socket.on('error', () => undefined).resume());
  const silent = await callBoth(`http://127.0.0.1:${port}/`);
  expect(silent.outcomes).toEqual(both(504, 'Endpoint request timed out'));
  expect(explained(silent.log, 504)).toEqual({
    line: 'Execution failed due to a timeout error',
    code: 'TimedOut',
    progress: 'unanswered',
  });
  server
    .removeAllListeners('connection')
    .on('connection', (socket) => socket.once('data', () => socket.destroy()));
  const cut = await callBoth(`http://127.0.0.1:${port}/`);
  server
    .removeAllListeners('connection')
    .on('connection', (socket) =>
      socket.on('error', () => undefined).once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')),
    );
  const plain = await callBoth(`https://127.0.0.1:${port}/`);
  for (const { outcomes, log } of [cut, plain]) {
    expect(outcomes).toEqual(NETWORK);
    expect(explained(log, 504)).toEqual({ line: NETWORK_LINE, code: 'NetworkError', progress: 'unanswered' });
  }
  server.close();
});

describe("a backend's own certificate", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'apigw-cert-own-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  /** A certificate of a private CA, as openssl issues it. */
  function issue(days: string, extensions: readonly string[]): { cert: string; key: string; ca: string } {
    const path = (file: string): string => join(directory, file);
    const ca = openssl(['req', '-x509', ...newKey(path('ca.key')), '-subj', '/CN=lab CA', '-days', '30']);
    writeFileSync(path('ca.pem'), ca);
    writeFileSync(path('ext'), extensions.join('\n'));
    const request = openssl(['req', '-new', ...newKey(path('own.key')), '-subj', '/C=US/O=Lab/CN=b.example']);
    const cert = openssl(
      [
        'x509',
        '-req',
        '-CA',
        path('ca.pem'),
        '-CAkey',
        path('ca.key'),
        '-CAcreateserial',
        '-days',
        days,
        '-extfile',
        path('ext'),
      ],
      request,
    );
    return { cert, key: readFileSync(path('own.key'), 'utf8'), ca };
  }

  test.each([
    [
      'has expired',
      '-1',
      ['subjectAltName=DNS:localhost'],
      'PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed',
      'BackendCertificateExpired',
    ],
    [
      'is for another name',
      '30',
      ['subjectAltName=DNS:b.example'],
      "Host name 'localhost' does not match the certificate subject provided by the peer (CN=b.example, O=Lab, C=US)",
      'BackendNameMismatch',
    ],
    [
      'is for clients',
      '30',
      ['subjectAltName=DNS:localhost', 'extendedKeyUsage=clientAuth'],
      'Extended key usage does not permit use for TLS server authentication',
      'BackendCertificateUnsuitable',
    ],
  ])('%s', async (_what, days, extensions, cause, code) => {
    const { cert, key, ca } = issue(days, extensions);
    await lab.close();
    lab = await startLab({ backendCa: ca });
    const server = https
      .createServer({ cert, key }, (_, response) => response.end('ok'))
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { log, outcomes } = await callBoth(
        `https://localhost:${(server.address() as AddressInfo).port}/`,
      );
      expect(outcomes).toEqual(BROKEN);
      expect(explained(log)).toEqual({ line: configuration(cause), code, progress: 'unanswered' });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

/** Each alert that a backend refuses with, and no name of the TLS version in the log. */
test.each([
  ['certificate_required', 116, 'ClientCertificateMissing', 'refused'],
  ['certificate_expired', 45, 'ClientCertificateExpired', 'refused'],
  ['bad_certificate', 42, 'ClientCertificateRefused', 'refused'],
  ['handshake_failure', 40, 'HandshakeRefused', 'unknown'],
  ['protocol_version', 70, 'TlsVersionRefused', 'unknown'],
  ['unrecognized_name', 112, 'ServerNameUnknown', 'unknown'],
] as const)('the alert %s', async (name, number, code, outcome) => {
  // What a server says at once, whatever the client sends: a record of TLS with a fatal alert.
  const server = net.createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, number])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { log, outcomes } = await callBoth(`https://localhost:${(server.address() as AddressInfo).port}/`);
  server.close();
  expect(outcomes).toEqual(BROKEN);
  const line = configuration(`Received fatal alert: ${name}`);
  expect(explained(log)).toEqual({ line, code, progress: 'unanswered' });
  expect(judgeCall({ status: 500, log }).outcome).toBe(outcome);
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
