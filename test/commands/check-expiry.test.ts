import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { cli, emulatorEnv, type CliResult } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';

const DAY_MS = 86_400_000;

let emulator: Emulator;
/** Of certificates by the days that they have left. */
const ids = new Map<number, string>();

const idOf = (days: number): string => ids.get(days) ?? '';

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  for (const days of [200, 20, 5, -2]) {
    emulator.setClock(new Date(Date.now() - (365 - days) * DAY_MS + DAY_MS / 2));
    ids.set(days, (await generateCertificate(client)).id);
  }
  emulator.setClock(new Date());
  const api = await makeApi(emulator, client, 'https://localhost:1');
  await attachCertificate(client, api, idOf(20));
  client.destroy();
});
afterAll(() => emulator.close());
beforeEach(() => {
  emulator.clearFaults();
  emulator.clearRequests();
});

const check = (...words: string[]): Promise<CliResult> =>
  cli(['check-expiry', ...words], { env: emulatorEnv(emulator) });

describe('the exit code is the worst of all:', () => {
  test.each([
    [[200], [], 0],
    [[200, 20], [], 1],
    [[20, 5], [], 2],
    [[200, -2], [], 2],
    [[20], ['--critical', '20d', '--warning', '30d'], 1],
    [[20], ['--critical', '21d', '--warning', '30d'], 2],
    [[20], ['--warning', '19d'], 0],
    [[200], ['--warning', '60%', '--critical', '50%'], 1],
  ])('%j days left, %j: %d', async (days, words, expected) => {
    const { code } = await check(...days.map(idOf), ...words);
    expect(code).toBe(expected);
  });
});

test('an account without certificates is ok, and not more than was checked', async () => {
  const nothing = 'OK: 0 client certificates in default/eu-west-3 (warning 30d, critical 7d before expiry)';
  const { code, stdout } = await check('--region', 'eu-west-3');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${nothing}; ACM certificates not checked (--usage)\n`,
  });
  expect((await check('--region', 'eu-west-3', '--usage')).stdout).toBe(`${nothing}\n`);
});

test('the first line is the summary, then one for each in trouble, soonest first', async () => {
  const { code, stdout, stderr } = await check('--all');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `account of the access key AKIDTEST, Region eu-central-1, endpoint http://localhost:${new URL(emulator.url).port}\n`,
  });
  const [summary, ...lines] = stdout.trimEnd().split('\n');
  expect(summary).toBe(
    'CRITICAL: 2 critical, 1 warning: 4 client certificates in default/eu-central-1 ' +
      `(warning 30d, critical 7d before expiry); next to expire: ${idOf(5)} in 5 days; ACM certificates not checked (--usage)`,
  );
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^CRITICAL ${idOf(-2)} expired at \\S+Z \\[CertificateExpired\\]$`)),
    expect.stringMatching(
      new RegExp(`^CRITICAL ${idOf(5)} expires in 5 days, at \\S+Z \\[CertificateCritical\\]$`),
    ),
    expect.stringMatching(
      new RegExp(`^WARNING ${idOf(20)} expires in 20 days, at \\S+Z \\[CertificateWarning\\]$`),
    ),
  ]);
  expect(emulator.requests()).toHaveLength(1);
});

test('--in-use leaves out what no stage presents', async () => {
  const { code, json } = await check('--in-use', '--output', 'json');
  expect(code).toBe(1);
  expect(json()).toMatchObject({
    level: 'warning',
    items: [{ clientCertificateId: idOf(20), status: 'warning', level: 'warning', daysLeft: 20 }],
    findings: [{ code: 'CertificateWarning', clientCertificateId: idOf(20) }],
  });
});

describe('what cannot be judged is never OK:', () => {
  test.each([
    [[200, 0], 3],
    [[20, 0], 3],
    [[5, 0], 2],
    [[0], 3],
  ])('%j days left, where 0 is an id that is not there: %d', async (days, expected) => {
    const { code, stdout } = await check(...days.map((each) => (each === 0 ? 'gone00' : idOf(each))));
    expect(code).toBe(expected);
    expect(stdout).toContain('UNKNOWN client certificate gone00 was not found');
  });

  test.each([
    [
      ['--endpoint-url', 'http://127.0.0.1:1'],
      /^UNKNOWN: default\/eu-central-1: 127\.0\.0\.1:1 did not answer GetClientCertificates: /,
    ],
    [['--warning', '7'], /^UNKNOWN: "7" is not a duration/],
    [['--warning', '1d', '--critical', '2d'], /^UNKNOWN: the critical threshold \(2d\) lies before/],
    [['--wraning', '7d'], /^UNKNOWN: unknown option '--wraning'/],
    [['--output', 'xml'], /^UNKNOWN: .*'xml' is invalid/],
  ])('%j', async (words, said) => {
    const { code, stdout } = await check(...words);
    expect(code).toBe(3);
    expect(stdout).toMatch(said);
  });

  test('no credentials', async () => {
    const env = { ...emulatorEnv(emulator), AWS_ACCESS_KEY_ID: '' };
    const { code, stdout } = await cli(['check-expiry'], { env });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN: default\/eu-central-1: no AWS credentials were found\n/);
  });

  test('several mistakes of a configuration, each in a line', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'apigw-cert-check-')), 'apigw-cert.yaml');
    writeFileSync(file, 'regoin: eu-west-1\ntargest: {}\n');
    const { code, stdout } = await check('--config', file);
    expect(code).toBe(3);
    expect(stdout).toBe(
      `UNKNOWN: ${file}:1:1: unknown key "regoin"; did you mean "region"?\n` +
        `${file}:2:1: unknown key "targest"; did you mean "targets"?\n`,
    );
  });

  test.each([
    ['AccessDeniedException', 403],
    ['ServiceUnavailableException', 503],
  ])('%s', async (fault, status) => {
    emulator.addFault({ operation: '*', occurrence: 'every', kind: 'error', code: fault, status });
    const { code, stdout } = await check();
    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN: /);
  });
});

test.each([
  ['words that are wrong', ['--output', 'json', '--nope']],
  ['thresholds upside down', ['--output', 'json', '--warning', '5d', '--critical', '9d']],
])('a failure is one JSON document with --output json too: %s', async (_, words) => {
  const { code, json } = await check(...words);
  expect(json()).toMatchObject({ error: { code: 'Usage' } });
  expect(code).toBe(3);
});
