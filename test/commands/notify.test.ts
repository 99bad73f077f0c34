import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { cli, emulatorEnv, type CliResult } from '../support/cli.js';
import { clientOf, generateCertificate } from '../support/emulator.js';

const DAY = 86_400_000;

let emulator: Emulator;
let id: string;
let env: Record<string, string>;
let state: string;

/** What arrived, and the statuses to answer with; 200 when there are none left. */
let arrived: { path: string | undefined; body: string; contentType: string | undefined }[] = [];
let statuses: number[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    arrived.push({ path: request.url, body, contentType: request.headers['content-type'] });
    const status = statuses.shift() ?? 200;
    if (status === 0) return request.socket.destroy();
    response.writeHead(status, { 'content-type': 'text/xml', location: '/elsewhere' });
    return response.end(
      '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
    );
  });
});
const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false, clock: new Date(Date.now() - 345 * DAY) });
  const client = clientOf(emulator);
  id = (await generateCertificate(client)).id;
  client.destroy();
  emulator.setClock(new Date());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  arrived = [];
  statuses = [];
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-told-'));
  state = join(directory, 'told.json');
  env = { ...emulatorEnv(emulator), HOME: directory };
});
afterEach(() => {
  emulator.clearFaults();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await emulator.close();
});

const check = (...words: string[]): Promise<CliResult> =>
  cli(['check-expiry', '--all', '--notify-state', state, ...words], { env });
const webhook = (): string[] => ['--notify', `webhook:${url()}/hook?secret=hushhush`];

test('a change is told once, not every night', async () => {
  expect((await check(...webhook())).code).toBe(1);
  expect(arrived).toHaveLength(1);
  expect(arrived[0]).toMatchObject({ path: '/hook?secret=hushhush', contentType: 'application/json' });
  expect(JSON.parse(arrived[0]?.body ?? '')).toMatchObject({
    version: 1,
    level: 'warning',
    summary: expect.stringMatching(/^WARNING: 1 warning: 1 client certificate in /) as unknown,
    text: expect.stringContaining(`\nWARNING: ${id} expires in 19 days`) as unknown,
    changes: [{ was: 'ok', is: 'warning', clientCertificateId: id, region: 'eu-central-1' }],
  });
  expect((await stat(state)).mode & 0o777).toBe(0o600);

  expect((await check(...webhook())).code).toBe(1);
  expect(arrived).toHaveLength(1);

  expect((await check(...webhook(), '--critical', '25d')).code).toBe(2);
  expect(JSON.parse(arrived[1]?.body ?? '')).toMatchObject({ changes: [{ was: 'warning', is: 'critical' }] });

  expect((await check(...webhook(), '--critical', '1d', '--warning', '2d')).code).toBe(0);
  expect(JSON.parse(arrived[2]?.body ?? '')).toMatchObject({
    level: 'ok',
    changes: [{ was: 'critical', is: 'ok' }],
  });
});

test('a source that cannot be read is told, and what was told of it is not taken for over', async () => {
  await check(...webhook());
  emulator.addFault({
    operation: '*',
    occurrence: 'every',
    kind: 'error',
    code: 'AccessDeniedException',
    status: 403,
  });
  expect((await check(...webhook())).code).toBe(3);
  expect(JSON.parse(arrived[1]?.body ?? '')).toMatchObject({ changes: [{ was: 'ok', is: 'unknown' }] });
  emulator.clearFaults();
  await check(...webhook());
  const last = JSON.parse(arrived[2]?.body ?? '') as { changes: unknown[] };
  expect(last.changes).toMatchObject([{ was: 'unknown', is: 'ok' }]);
});

describe('a webhook', () => {
  test('is tried again after passing failures', async () => {
    statuses = [503, 0];
    expect((await check(...webhook())).code).toBe(1);
    expect(arrived).toHaveLength(3);
  });

  test.each([
    ['that refuses', [404], 1, /HTTP 404/],
    ['that sends elsewhere', [307], 1, /HTTP 307/],
    ['that stays down', [500, 500, 500], 3, /HTTP 500/],
  ])(
    '%s changes the exit code, and everybody is told again next time',
    async (_name, answers, attempts, said) => {
      statuses = [...answers];
      const { code, stderr } = await check(...webhook());
      expect(code).toBe(3);
      expect(stderr).toMatch(said);
      expect(stderr).not.toContain('hushhush');
      expect(arrived).toHaveLength(attempts);
      expect(JSON.parse(await readFile(state, 'utf8'))).toEqual({ version: 2, told: {} });
      expect((await check(...webhook())).code).toBe(1);
      expect(arrived).toHaveLength(attempts + 1);
    },
  );
});

test('a dry run shows what would be told, tells nobody and remembers nothing', async () => {
  const { code, stderr } = await check(...webhook(), '--notify-dry-run');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^would notify webhook:127\.0\.0\.1:\d+:\nWARNING: 1 warning/);
  expect(stderr).not.toContain('hushhush');
  expect(arrived).toEqual([]);
  await expect(stat(state)).rejects.toThrow('ENOENT');
});

test('a command gets the notice on its standard input, and its failure is one', async () => {
  const file = `${state}.got`;
  await check('--notify', `command:cat > ${file}; echo $APIGW_CERT_LEVEL >> ${file}`);
  const [json = '', level] = (await readFile(file, 'utf8')).split('\n');
  expect(JSON.parse(json)).toMatchObject({ changes: [{ clientCertificateId: id }] });
  expect(level).toBe('warning');
  const other = await check('--notify', 'command:exit 3', '--critical', '25d');
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('exit 3');
});

test('SNS is published to in the Region of the topic', async () => {
  env = { ...env, AWS_ENDPOINT_URL_SNS: url() };
  const { code, stderr } = await check('--notify', 'sns:arn:aws:sns:eu-west-3:123456789012:certificates');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'notified sns:arn:aws:sns:eu-west-3:123456789012:certificates of 1 change\n' +
      `account of the access key AKIDTEST, Region eu-central-1, endpoint http://localhost:${new URL(emulator.url).port}\n`,
  });
  const sent = new URLSearchParams(arrived[0]?.body);
  expect(sent.get('TopicArn')).toBe('arn:aws:sns:eu-west-3:123456789012:certificates');
  expect(sent.get('Subject')).toMatch(/^WARNING: 1 warning/);
  expect(sent.get('Message')).toContain(id);
});

test('each check remembers what it told in a file of its own', async () => {
  const words = (days: string): string[] => ['check-expiry', '--all', '--warning', days, ...webhook()];
  await cli(words('30d'), { env });
  await cli(words('29d'), { env });
  await cli(words('30d'), { env });
  expect(arrived).toHaveLength(2);
});

test.each([
  [['--notify', 'mail:ops'], /is not a valid notification target/],
  [['--notify', 'webhook:ftp://x'], /is not a valid notification target/],
  [['--notify', 'sns:certificates'], /is not a valid notification target/],
])('%j is refused before anything is asked of AWS', async (words, said) => {
  emulator.clearRequests();
  const { code, stdout } = await check(...words);
  expect(code).toBe(3);
  expect(stdout).toMatch(said);
  expect(emulator.requests()).toEqual([]);
});

test('a way that fails is told again, and the others are not', async () => {
  const failing = ['--notify', 'command:exit 3'];
  expect((await check(...webhook(), ...failing)).code).toBe(3);
  const again = await check(...webhook(), ...failing, '--output', 'nagios');
  expect(again.code).toBe(3);
  expect(again.stdout).toMatch(/^APIGW_CERT UNKNOWN - /);
  expect(again.stdout).toContain('UNKNOWN: the notification failed: "exit 3" exited with 3');
  expect(arrived).toHaveLength(1);
});

test('two checks at once with one memory tell once', async () => {
  await Promise.all([check(...webhook()), check(...webhook())]);
  expect(arrived).toHaveLength(1);
});

test('people hear of it though the result cannot be written', async () => {
  expect((await check(...webhook(), '--output', 'prometheus', '--out-file', '/dev/null/x.prom')).code).toBe(
    3,
  );
  expect(arrived).toHaveLength(1);
});

test('a memory that cannot be written is said, nobody is told, and the result stays one document', async () => {
  const { code, json, stderr } = await cli(
    ['check-expiry', '--all', '--output', 'json', ...webhook(), '--notify-state', '/dev/null/told.json'],
    { env },
  );
  expect(code).toBe(3);
  expect((json() as { findings: unknown[] }).findings).toContainEqual(
    expect.objectContaining({ code: 'NotificationFailed' }),
  );
  expect(stderr).toContain('/dev/null/told.json');
  expect(arrived).toEqual([]);
});

test('a password in the URL of a webhook is refused and not shown', async () => {
  const { code, stdout, stderr } = await check('--notify', 'webhook:http://user:SECRET@localhost/');
  expect(code).toBe(3);
  expect(stdout).toContain('the URL of the webhook at localhost contains a user or a password');
  expect(stdout + stderr).not.toContain('SECRET');
});
