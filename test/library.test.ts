/** The published library, as a program that depends on it has it: the examples of its document, and what they leave out. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { checkExpiry, inspect, list, plan, rotate, type RotationEvent } from '../src/index.js';
import { readBundle } from '../src/certificates/bundle.js';
import { emulatorEnv } from './support/cli.js';
import { startLab, type Lab } from './support/emulator.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const document = readFileSync(join(root, 'docs', 'library.md'), 'utf8');
const examples = [...document.matchAll(/^## (.*)$[^]*?^```js\n([^]*?)^```/gm)].map(
  ([, title = '', code = '']): [string, string] => [title, code],
);

let lab: Lab;
let directory: string;
let settings: {
  endpoint: string;
  region: string;
  credentials: () => Promise<{ accessKeyId: string; secretAccessKey: string }>;
};
let rotation: Parameters<typeof rotate>[0];
beforeAll(async () => {
  lab = await startLab();
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-library-'));
  const installed = join(directory, 'node_modules', 'apigw-cert');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true });
  const trusted = join(directory, 'trusted.pem');
  writeFileSync(trusted, lab.certificate.pem);
  // A backend that reads its trust store anew for each request.
  lab.backend.pins.has = (fingerprint) =>
    readBundle(readFileSync(trusted)).certificates.some(
      ({ certificate }) => certificate.fingerprintSha256 === fingerprint,
    );
  settings = {
    endpoint: lab.emulator.url,
    region: 'eu-central-1',
    credentials: () => Promise.resolve({ accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' }),
  };
  rotation = {
    ...settings,
    stage: 'orders/prod',
    trust: [{ kind: 'pem-bundle', file: join(directory, 'trusted.pem') }],
    probe: 'GET /health',
    settle: '0s',
    soak: '0s',
    force: true,
    stateDirectory: join(directory, 'state'),
  };
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await lab.close();
});

test('every chapter with an example has one that runs', () => {
  expect(examples.map(([title]) => title)).toEqual([
    'List certificates',
    'Inspect a certificate',
    'Check whether certificates are about to expire',
    'Rotate a certificate',
    'Errors',
    'Abort a call',
  ]);
});

describe('in the words of the document', () => {
  const EXPECTED: Readonly<Record<string, RegExp>> = {
    'List certificates': /^\w+ 20\S+Z \d+ orders\/prod\n$/,
    'Inspect a certificate': /^\S.*ApiGateway.* RSA 2048 [0-9A-F:]{95}\n$/,
    'Check whether certificates are about to expire': /^$/,
    'Rotate a certificate': /^generate → .*\n(\w+ \d+ ms\n)+completed \w+ \w+\n$/,
    Errors: /^CertificateNotFound .*\n$/,
    'Abort a call': /^AbortError\n$/,
  };

  test.each(examples)('%s', async (title, code) => {
    writeFileSync(join(directory, 'example.mjs'), code);
    const { stdout, stderr, exitCode } = await execa(process.execPath, ['example.mjs'], {
      cwd: directory,
      extendEnv: false,
      env: { ...emulatorEnv(lab.emulator), HOME: directory, XDG_STATE_HOME: join(directory, 'cli') },
      reject: false,
      stripFinalNewline: false,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(EXPECTED[title] ?? /never/);
  });
});

describe('a call', () => {
  test('takes its settings from its caller and not from the environment, and tells how far it is', async () => {
    const told: [number, number][] = [];
    const { items, sources } = await list({
      ...settings,
      usage: true,
      onProgress: ({ done, expected }) => told.push([done, expected]),
    });
    expect(items.some(({ usedBy }) => usedBy?.[0]?.stageName === 'prod')).toBe(true);
    expect(sources).toMatchObject([{ account: 'default', region: 'eu-central-1', state: 'read' }]);
    const [done, expected] = told.at(-1) ?? [];
    expect(done).toBe(expected);
    expect(done).toBeGreaterThan(0);
  });

  test('ends with the reason of its signal, also on the way', async () => {
    const reason = new Error('enough');
    await expect(list({ ...settings, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const waiting = inspect(lab.certificate.id, { ...settings, signal: abort.signal });
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(plan({ ...rotation, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each([
    ['a certificate that does not exist', () => inspect('zzzzzz', settings), 'CertificateNotFound'],
    ['thresholds upside down', () => checkExpiry({ ...settings, warning: '1d', critical: '2d' }), 'Usage'],
    ['a threshold without its unit', () => checkExpiry({ ...settings, warning: '30' }), 'Usage'],
    ['a stage that does not exist', () => plan({ ...rotation, stage: 'orders/prd' }), 'StageNotFound'],
    [
      'a trust store of no kind',
      () => plan({ ...rotation, trust: [{ kind: 'nonsense' }] }),
      'ConfigurationInvalid',
    ],
    ['no trust store', () => plan({ ...rotation, trust: [] }), 'TrustStoreMissing'],
    [
      'an endpoint that nobody listens at',
      () => list({ ...settings, endpoint: 'http://127.0.0.1:1' }),
      'ServiceUnreachable',
    ],
  ])('rejects for %s with its code', async (_what, call, code) => {
    await expect(call()).rejects.toMatchObject({ name: 'AppError', code });
  });

  test('that cannot read the account reports it as unknown and not as well', async () => {
    const report = await checkExpiry({ ...settings, endpoint: 'http://127.0.0.1:1' });
    expect(report).toMatchObject({ level: 'unknown', sources: [{ state: 'unknown' }] });
  });

  test('checks the ACM certificates of stages if asked to', async () => {
    const unchecked = async (usage: boolean): Promise<boolean> =>
      (await checkExpiry({ ...settings, usage })).acmUnchecked;
    expect([await unchecked(false), await unchecked(true)]).toEqual([true, false]);
  });

  test('prints what the command prints', async () => {
    const { stdout } = await execa(
      process.execPath,
      [join(root, 'bin/apigw-cert.js'), 'list', '--output', 'json'],
      {
        env: emulatorEnv(lab.emulator),
      },
    );
    const { items } = await list(settings);
    expect((JSON.parse(stdout) as { items: unknown }).items).toEqual(JSON.parse(JSON.stringify(items)));
  });
});

test('a rotation reports its events, changes the stage, and resumes after its signal stopped it', async () => {
  const { items: before } = await list(settings);
  const planned = await plan(rotation);
  expect(planned).toMatchObject({ outcome: 'planned', stages: [{ apiName: 'orders', stageName: 'prod' }] });
  expect((await list(settings)).items).toEqual(before);

  const events: RotationEvent[] = [];
  const report = await rotate({ ...rotation, onEvent: (event) => events.push(event) });
  expect(report).toMatchObject({ outcome: 'completed', oldCertificate: 'deleted' });
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['started', 'stepDone', 'ended']));
  const { items } = await list({ ...settings, usage: true });
  const used = items.filter(({ usedBy = [] }) => usedBy.length > 0);
  expect(used.map(({ clientCertificateId }) => clientCertificateId)).toEqual([report.newCertificateId]);

  const stop = new AbortController();
  const stopped = rotate({
    ...rotation,
    signal: stop.signal,
    onEvent: ({ type }) => {
      if (type === 'stepDone') stop.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: 'Interrupted' });
  const mistake = new TypeError('a mistake of the listener');
  const listening = rotate({
    ...rotation,
    force: false,
    onEvent: ({ type }) => {
      if (type === 'stepDone') throw mistake;
    },
  });
  await expect(listening).rejects.toBe(mistake);
  expect(await rotate({ ...rotation, force: false })).toMatchObject({ outcome: 'completed' });
});
