import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RotationOutcome, RotationRecord } from '../../../src/rotation/rules/record.js';
import { fileLease } from '../../../src/rotation/journal/file-lease.js';
import { BINARY, cli, type CliResult } from '../../support/cli.js';

const DAY = 86_400_000;
const ACCOUNT = '123456789012';

let directory: string;
let rotations: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-status-'));
  rotations = join(directory, 'apigw-cert', 'rotations');
  mkdirSync(rotations, { recursive: true });
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const status = (...words: string[]): Promise<CliResult> =>
  cli(['status', ...words], { env: { XDG_STATE_HOME: directory } });

interface Written {
  /** Days ago; absent: not at all. */
  ended?: number;
  outcome?: RotationOutcome;
  region?: string;
  account?: string;
  torn?: string;
}

function write(rotationId: string, about: Written = {}): string {
  const { ended, outcome = 'completed', region = 'eu-west-1', account = ACCOUNT, torn = '' } = about;
  const at = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
  const records: RotationRecord[] = [
    {
      type: 'started',
      version: 1,
      at: at(400),
      rotationId,
      region,
      ...(account === '' ? {} : { account }),
      oldCertificateId: 'a1b2c3',
      stages: [{ restApiId: 'abc', stageName: 'prod' }],
    },
    { type: 'done', at: at(400), step: 'soak', ms: 1 },
    ...(ended === undefined ? [] : [{ type: 'ended' as const, at: at(ended), outcome }]),
  ];
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('') + torn;
  writeFileSync(join(rotations, `${rotationId}.jsonl`), text);
  return text;
}

const left = (): string[] => readdirSync(rotations).map((name) => name.replace('.jsonl', ''));

describe('status --prune', () => {
  test('deletes what ended longer ago than that, and nothing else', async () => {
    write('done', { ended: 91 });
    write('aborted', { ended: 91, outcome: 'aborted' });
    write('young', { ended: 89 });
    write('torn', { ended: 91, torn: '{"type":"int' });
    const inProgress = write('unended');
    writeFileSync(join(rotations, 'newer.jsonl'), '{"type":"started","version":2}\n');
    writeFileSync(join(rotations, 'empty.jsonl'), '');
    const { code, stdout, stderr } = await status('--prune', '90d');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'warning: the record of torn could not be deleted: a record was torn after its end\n',
    });
    expect(stdout).toMatch(
      /^deleted the records of 2 rotations that finished before \d{4}-\d\d-\d\dT[\d:]{8}Z\n$/,
    );
    expect(left().sort()).toEqual(['empty', 'newer', 'torn', 'unended', 'young']);
    expect(readFileSync(join(rotations, 'unended.jsonl'), 'utf8')).toBe(inProgress);
  });

  test('--dry-run only counts, and JSON names them', async () => {
    write('one', { ended: 91 });
    write('two', { ended: 400, outcome: 'cancelled' });
    const dry = await status('--prune', '90d', '--dry-run');
    expect(dry.stdout).toMatch(/^the records of 2 rotations that finished before /);
    expect(dry.stderr).toBe('nothing was deleted; omit --dry-run to delete them\n');
    const candidates = [
      { rotationId: 'one', endedAt: expect.any(String), outcome: 'completed' },
      { rotationId: 'two', endedAt: expect.any(String), outcome: 'cancelled' },
    ];
    const json = await status('--prune', '90d', '--dry-run', '--output', 'json');
    expect(json.json()).toEqual({ items: candidates, deleted: [], failed: [] });
    expect(left()).toHaveLength(2);
    const done = await status('--prune', '90d', '--output', 'json');
    expect(done.json()).toEqual({ items: candidates, deleted: candidates, failed: [] });
    expect(left()).toEqual([]);
    expect((await status('--prune', '90d')).stdout).toMatch(/^no rotation is recorded that finished before /);
  });

  test('leaves those of an account and Region that a run is at work on, and of a Region that is not meant', async () => {
    write('busy', { ended: 91 });
    write('free', { ended: 91, region: 'us-east-1' });
    const lease = fileLease({ directory: join(directory, 'apigw-cert', 'locks') });
    const held = await lease.hold(`account ${ACCOUNT}, eu-west-1`);
    try {
      expect(await status('--prune', '90d', '--region', 'eu-north-1')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^no rotation is recorded in eu-north-1 that finished before /),
      });
      expect(left()).toEqual(['busy', 'free']);
      const { code, json } = await status('--prune', '90d', '--output', 'json');
      expect({ code, json: json() }).toMatchObject({
        code: 1,
        json: {
          deleted: [{ rotationId: 'free' }],
          failed: [{ rotationId: 'busy', error: { code: 'Locked' } }],
        },
      });
    } finally {
      await held.release();
    }
    expect((await status('--prune', '90d')).code).toBe(0);
    expect(left()).toEqual([]);
  });

  test('leaves what it cannot read or does not know the owner of', async () => {
    write('nobodys', { ended: 91, account: '' });
    write('broken', { ended: 91 });
    const file = join(rotations, 'broken.jsonl');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"soak"', '"dance"'));
    const { code, stderr } = await status('--prune', '90d');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the record of nobodys could not be deleted: the journal of nobodys does not say',
    );
    expect(stderr).toContain(`the record of broken could not be deleted: ${file}, line 2`);
    expect(left().sort()).toEqual(['broken', 'nobodys']);
  });

  test.each([
    [['--prune', '90'], '"90" is not a duration'],
    [['--prune', '90d', '--all'], '--all and --prune cannot be used together'],
    [['--dry-run'], '--dry-run needs --prune'],
  ])('%j is refused', async (words, message) => {
    write('old', { ended: 1_000 });
    const { code, stderr } = await status(...words);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(left()).toEqual(['old']);
  });
});

test('status shows what has not ended and the last ten that have, and counts all', async () => {
  for (let i = 10; i < 40; i++) write(`r${i}`, i === 11 ? {} : { ended: 1 });
  const { stdout } = await status();
  expect([...stdout.matchAll(/ (r\d\d):/g)].map(([, id]) => id)).toEqual([
    'r11',
    ...Array.from({ length: 10 }, (_, i) => `r${30 + i}`),
  ]);
  expect(stdout).toMatch(/\n1 in progress, 29 finished\n$/);
  const all = await status('--all');
  expect([...all.stdout.matchAll(/ (r\d\d):/g)]).toHaveLength(30);
  expect(all.stdout).toMatch(/\n1 in progress, 29 finished\n$/);
  const { items: listed } = (await status('--output', 'json')).json() as { items: unknown[] };
  expect(listed).toHaveLength(30);
});

test('status --region shows those of that Region alone', async () => {
  write('here', { ended: 1, region: 'eu-west-1' });
  write('there', { ended: 1, region: 'us-east-1' });
  write('open', { region: 'us-east-1' });
  const { stdout } = await status('--region', 'us-east-1');
  expect([...stdout.matchAll(/ (\w+): a1b2c3/g)].map(([, id]) => id)).toEqual(['open', 'there']);
  expect(stdout).toMatch(/\n1 in progress, 1 finished in us-east-1\n$/);
  const { items: listed } = (await status('--region', 'eu-west-1', '--output', 'json')).json() as {
    items: { rotationId: string }[];
  };
  expect(listed.map(({ rotationId }) => rotationId)).toEqual(['here']);
});

describe.each([['--all'], ['--output=json']])('more than a pipe holds, with %s,', (option) => {
  /** Runs it with that stdout, and answers what it says and ends with. */
  async function end(stdout: 'pipe' | number, begin: (output: NodeJS.ReadableStream) => void) {
    for (let i = 0; i < 2_000; i++) write(`r${i}`, { ended: 1 });
    const child = spawn(process.execPath, [BINARY, 'status', option], {
      env: { PATH: process.env['PATH'], XDG_STATE_HOME: directory },
      stdio: ['ignore', stdout, 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
    if (child.stdout) begin(child.stdout);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stderr };
  }

  test('ends without a word when its reader has seen enough', async () => {
    const ended = await end('pipe', (output) => {
      output.once('data', () => {
        (output as unknown as { destroy: () => void }).destroy();
      });
    });
    expect(ended).toEqual({ code: 0, stderr: '' });
  });

  test('says once that it cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await end(full, () => undefined);
    closeSync(full);
    expect(stderr).toMatch(/^error: the result cannot be written: ENOSPC.*\n {2}fix: .*\n$/);
    expect(code).toBe(1);
  });

  test('waits for a slow reader, and leaves nothing out', async () => {
    let text = '';
    const { code } = await end('pipe', (output) => {
      output.on('data', (data: Buffer) => {
        text += data.toString();
        output.pause();
        setImmediate(() => output.resume());
      });
    });
    expect(code).toBe(0);
    if (option === '--all') expect(text).toMatch(/\n0 in progress, 2000 finished\n$/);
    else expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(2_000);
  });
});
