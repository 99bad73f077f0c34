/**
 * What comes from outside is shown, never obeyed: ids, names, tags and descriptions with escape sequences, marks that
 * reorder text and line ends, in every report for people, and credentials in the addresses of backends.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mintIdentity } from '../support/certificates.js';
import { cli, emulatorEnv, type CliResult } from '../support/cli.js';

/** Clears the screen, colours, sets the title, turns the reading direction, goes back in the line, and begins another. */
const HOSTILE = '\u001b[2J\u001b[31m\u001b]0;x\u0007\u202e\r\u0085\u2028\nFORGED';
const hostile = (name: string): string => `${name}${HOSTILE}`;
const SECRET = 'hunter2';

let directory: string;
let pem: string;
let aws: { url: string; close: () => void };

async function startDouble(): Promise<typeof aws> {
  const certificate = {
    clientCertificateId: hostile('a1b2c3'),
    description: hostile('orders'),
    pemEncodedCertificate: pem,
    createdDate: Date.now() / 1000 - 86_400,
    expirationDate: Date.now() / 1000 + 86_400,
    tags: { [hostile('team')]: hostile('orders') },
  };
  const integration = {
    type: 'HTTP',
    httpMethod: 'GET',
    uri: `https://${SECRET}:${SECRET}@backend.example.com/\${stageVariables.unset}?api_key=${SECRET}`,
    cacheKeyParameters: [],
  };
  const plain = { ...integration, uri: `http://user:${SECRET}@backend.example.com/${HOSTILE}` };
  const method = (methodIntegration: typeof integration) => ({
    httpMethod: 'GET',
    authorizationType: 'NONE',
    apiKeyRequired: false,
    methodIntegration,
  });
  const stage = {
    deploymentId: 'd1',
    clientCertificateId: certificate.clientCertificateId,
    stageName: 'prod',
    variables: {},
    tags: { [hostile('team')]: hostile('orders') },
    createdDate: 1_700_000_000,
    lastUpdatedDate: 1_700_000_000,
  };
  const answers: readonly (readonly [RegExp, unknown])[] = [
    [/^GET \/clientcertificates(\?|$)/, { item: [certificate] }],
    [/^GET \/clientcertificates\//, certificate],
    [/^PATCH \/clientcertificates\//, certificate],
    [/^POST \/clientcertificates/, certificate],
    [/^GET \/restapis(\?|$)/, { item: [{ id: 'abc123', name: hostile('shop') }] }],
    [/^GET \/restapis\/abc123\/stages(\?|$)/, { item: [stage] }],
    [/^GET \/restapis\/abc123\/stages\//, stage],
    [
      /^GET \/restapis\/abc123\/resources/,
      {
        item: [
          { id: 'r1', path: '/health', resourceMethods: { GET: method(integration) } },
          { id: 'r2', path: '/plain', resourceMethods: { GET: method(plain) } },
        ],
      },
    ],
    [/^GET \/v2\/apis/, { items: [] }],
    [
      /^POST \/restapis\/abc123\/resources\//,
      {
        status: 500,
        latency: 1,
        body: HOSTILE,
        log: `Endpoint request URI: https://user:${SECRET}@backend.example.com/\nExecution failed due to configuration error: ${HOSTILE}`,
      },
    ],
  ];
  const server = createServer((request, response) => {
    const asked = `${request.method} ${decodeURIComponent(request.url ?? '')}`;
    const [, body] = answers.find(([pattern]) => pattern.test(asked)) ?? [];
    request.resume().on('end', () => {
      response
        .writeHead(body === undefined ? 404 : 200, {
          'content-type': 'application/json',
          ...(body === undefined ? { 'x-amzn-errortype': 'NotFoundException' } : {}),
        })
        .end(JSON.stringify(body ?? { message: hostile('no such thing') }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-untrusted-'));
  ({
    certificate: { pem },
  } = await mintIdentity('a1b2c3', 360));
  aws = await startDouble();
  const rotations = join(directory, 'apigw-cert', 'rotations');
  mkdirSync(rotations, { recursive: true });
  const at = new Date().toISOString();
  writeFileSync(
    join(rotations, '20260101-000000-abcd.jsonl'),
    `${JSON.stringify({
      type: 'started',
      version: 1,
      at,
      rotationId: hostile('20260101'),
      region: 'eu-central-1',
      account: hostile('1234'),
      oldCertificateId: hostile('a1b2c3'),
      stages: [{ restApiId: hostile('abc'), stageName: hostile('prod') }],
    })}\n`,
  );
});
afterAll(() => {
  aws.close();
  rmSync(directory, { recursive: true });
});

const run = (words: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  cli(words, { cwd: directory, env: { ...emulatorEnv(aws), XDG_STATE_HOME: directory, ...env } });

/** What a terminal would obey, colours of this program apart. */
function obeyed({ stdout, stderr }: CliResult): string[] {
  const text = `${stdout}${stderr}`.replace(/\u001b\[(?:1|2|22|3[0-79])m/g, '');
  return [
    ...(text.match(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu) ?? []),
    ...(text.match(/^\s*FORGED.*$/gm) ?? []),
  ];
}

const STAGE = ['--stage', 'abc123/prod'];
const ID = 'a1b2c3';

describe('hostile names do nothing', () => {
  test.each([
    ['list'],
    ['list', '--usage'],
    ['inventory'],
    ['check-expiry'],
    ['check-expiry', '--format', 'table'],
    ['check-expiry', '--format', 'nagios'],
    ['inspect', ID],
    ['prune', '--dry-run'],
    ['generate'],
    ['update', ID, '--description', 'x'],
    ['download', ID, '--out', 'downloaded.pem'],
    ['doctor', ...STAGE],
    ['test-invoke', ...STAGE, '--path', '/health'],
    ['attach', hostile('zzz'), ...STAGE, '--yes'],
    ['delete', hostile('zzz'), '--yes'],
    ['inspect', hostile('zzz')],
    ['rotate', ...STAGE, '--trust', 'manual:', '--dry-run'],
    ['list', '--profile', hostile('nobody')],
    ['list', '--region', hostile('eu')],
    ['status'],
    ['backend', 'show', '--trust', `pem-bundle:${hostile('/nowhere')}`],
    ['report', '--html', `${hostile('/nowhere')}/x`],
    ['config', 'validate', hostile('/nowhere')],
  ])('%s %s', async (...words) => {
    const plain = await run(words);
    expect(`${plain.stdout}${plain.stderr}`).not.toBe('');
    expect(obeyed(plain)).toEqual([]);
    expect(obeyed(await run(words, { FORCE_COLOR: '1' }))).toEqual([]);
  });
});

test.each([
  ['doctor', ...STAGE],
  ['doctor', ...STAGE, '--output', 'json'],
  ['doctor', ...STAGE, '--output', 'sarif'],
  ['test-invoke', ...STAGE, '--path', '/health', '--output', 'json'],
  ['list', '--endpoint-url', `http://user:${SECRET}@127.0.0.1:1`],
])('credentials in an address are not shown: %s %s', async (...words) => {
  const { stdout, stderr } = await run(words);
  expect(`${stdout}${stderr}`).not.toBe('');
  expect(`${stdout}${stderr}`).not.toContain(SECRET);
});

test('doctor names the stage in its remedies, so that they can be pasted', async () => {
  const { stdout } = await run(['doctor', ...STAGE]);
  expect(stdout).toContain('apigw-cert rotate --stage abc123/prod --trust');
  expect(stdout).not.toContain('API/STAGE');
});
