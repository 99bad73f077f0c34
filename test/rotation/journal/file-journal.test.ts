import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import type { Journal } from '../../../src/rotation/journal/journal.js';
import { allRotations } from '../../support/journals.js';
import { bundleFixture, start, temporaryDirectory } from './fixture.js';

const at = '2026-01-01T00:00:00.000Z';
const started = (rotationId: string, when = at): Extract<RotationRecord, { type: 'started' }> => ({
  type: 'started',
  version: 1,
  at: when,
  rotationId,
  region: 'eu-west-1',
  oldCertificateId: 'a1b2c3',
  stages: [{ restApiId: 'abc', stageName: 'prod' }],
});
const intent: RotationRecord = { type: 'intent', at, step: 'trust', subject: 'pem-bundle:/etc/x.pem' };
const done: RotationRecord = { type: 'done', at, step: 'trust', evidence: { fingerprints: ['AA'] }, ms: 12 };

let directory: string;
let journal: Journal;
const fileOf = (id: string): string => join(directory, `${id}.jsonl`);

beforeEach(() => {
  directory = join(temporaryDirectory(), 'state', 'apigw-cert', 'rotations');
  journal = openFileJournal(directory);
});

describe('a journal', () => {
  test('gives back what was appended, in order, to a new reader', async () => {
    const records: RotationRecord[] = [
      {
        ...started('r1'),
        account: '123456789012',
        endpoint: 'http://127.0.0.1:1',
        target: 'orders',
      },
      intent,
      done,
      { type: 'failed', at, step: 'preflight', code: 'X', message: 'multi\nline \u2028 "quoted"' },
      { type: 'note', at, text: '' },
      { type: 'ended', at, outcome: 'cancelled' },
    ];
    for (const record of records) await journal.append('r1', record);
    expect(await openFileJournal(directory).open('r1')).toEqual(records);
    expect(readFileSync(fileOf('r1'), 'utf8').split('\n')).toHaveLength(7);
  });

  test('is readable by its user alone', async () => {
    await journal.append('r1', started('r1'));
    expect(statSync(fileOf('r1')).mode & 0o777).toBe(0o600);
    for (const path of [directory, join(directory, '..'), join(directory, '..', '..')]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
  });

  test('of an unknown rotation is empty, and asking creates nothing', async () => {
    expect(await journal.open('r1')).toEqual([]);
    expect(await allRotations(journal)).toEqual([]);
    expect(() => statSync(directory)).toThrow('ENOENT');
  });

  test.each(['../r1', 'a/b', '', '.', 'r1\n', 'x'.repeat(129)])('refuses the id %j', async (id) => {
    await expect(journal.open(id)).rejects.toMatchObject({ code: 'Usage' });
    await expect(journal.append(id, started(id))).rejects.toMatchObject({ code: 'Usage' });
  });

  test('keeps readers of today happy with keys of tomorrow', async () => {
    await journal.append('r1', Object.assign(started('r1'), { mood: 'good' }));
    expect(await journal.open('r1')).toEqual([started('r1')]);
  });
});

test('of versions 1 and 2 is read with the present names of steps and outcomes', async () => {
  const earlier = {
    prove: 'preflight',
    check: 'recheck',
    verify: 'verifySwitch',
    recount: 'verifyUnused',
    confirm: 'verifyRemoval',
  };
  for (const [version, was, is] of [
    [1, 'rolledBack', 'cancelled'],
    [2, 'yielded', 'superseded'],
  ] as const) {
    const id = `r${version}`;
    const lines = [
      { ...started(id), version },
      ...Object.keys(earlier).map((step) => ({ type: 'done', at, step, ms: 1 })),
      { type: 'ended', at, outcome: was },
    ];
    await journal.append(id, started(id));
    writeFileSync(fileOf(id), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await journal.open(id)).toEqual([
      { ...started(id), version },
      ...Object.values(earlier).map((step) => ({ type: 'done', at, step, ms: 1 })),
      { type: 'ended', at, outcome: is },
    ]);
    expect(await journal.ends()).toContainEqual({ rotationId: id, ended: { at, outcome: is } });
  }
});

describe('a torn last line', () => {
  test('at every byte is ignored, and the next record takes its place', async () => {
    await journal.append('r1', started('r1'));
    const whole = readFileSync(fileOf('r1'));
    const line = Buffer.from(JSON.stringify(done));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: line.length }), async (length) => {
        writeFileSync(fileOf('r1'), Buffer.concat([whole, line.subarray(0, length)]));
        expect(await journal.open('r1')).toEqual([started('r1')]);
        await journal.append('r1', intent);
        expect(await journal.open('r1')).toEqual([started('r1'), intent]);
      }),
    );
  });

  test('may be the only one', async () => {
    await journal.append('r1', started('r1'));
    writeFileSync(fileOf('r1'), '{"type":"sta');
    expect(await journal.open('r1')).toEqual([]);
    await journal.append('r1', started('r1'));
    expect(await journal.open('r1')).toEqual([started('r1')]);
  });

  test('may be zeros, as some file systems leave them after a power cut', async () => {
    await journal.append('r1', started('r1'));
    appendFileSync(fileOf('r1'), Buffer.alloc(4096));
    await journal.append('r1', intent);
    expect(await journal.open('r1')).toEqual([started('r1'), intent]);
  });
});

describe('what cannot be believed', () => {
  const header = JSON.stringify(started('r1'));

  test.each([
    ['a line in the middle that is no JSON', `${header}\n{"type"\n${JSON.stringify(intent)}\n`, 2],
    ['an empty line', `${header}\n\n${JSON.stringify(intent)}\n`, 2],
    ['an unknown step', `${header}\n{"type":"intent","at":"${at}","step":"dance"}\n`, 2],
    ['a time that is none', `${header}\n{"type":"note","at":"yesterday","text":""}\n`, 2],
    ['no start', `${JSON.stringify(intent)}\n`, 1],
    ['a second start', `${header}\n${JSON.stringify(intent)}\n${header}\n`, 3],
    ['the start of another rotation', `${JSON.stringify(started('r2'))}\n`, 1],
    ['a version of the past', `${header.replace('"version":1', '"version":0')}\n`, 1],
  ])('%s: JournalBroken with file and line', async (_, content, line) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(fileOf('r1'), content);
    await expect(journal.open('r1')).rejects.toMatchObject({
      code: 'JournalBroken',
      message: expect.stringContaining(`${fileOf('r1')}, line ${line}: `),
      details: { file: fileOf('r1'), line },
    });
  });

  test('a newer version is refused as such, whatever its records look like', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(fileOf('r1'), '{"kind":"begin","version":4}\n{"kind":"other"}\n');
    await expect(journal.open('r1')).rejects.toMatchObject({
      code: 'JournalTooNew',
      message: expect.stringContaining('version 4'),
    });
  });

  test('does not hide the other rotations of a list, which is sorted by their ids', async () => {
    await journal.append('late', started('late', '2026-03-01T00:00:00.000Z'));
    await journal.append('early', started('early', '2026-02-01T00:00:00.000Z'));
    writeFileSync(fileOf('broken'), 'nonsense\n');
    mkdirSync(fileOf('folder'));
    writeFileSync(join(directory, 'README'), 'not a journal');
    writeFileSync(join(directory, 'no id.jsonl'), 'nonsense\n');
    expect(await allRotations(journal)).toMatchObject([
      { rotationId: 'broken', records: [], problem: { code: 'JournalBroken' } },
      { rotationId: 'early', records: [{ type: 'started' }] },
      { rotationId: 'folder', records: [], problem: { code: 'FileNotReadable' } },
      { rotationId: 'late', records: [{ type: 'started' }] },
    ]);
  });
});

describe('a file that no record came into', () => {
  const line = JSON.stringify(started('r1'));

  test('is no rotation, whatever is left of its first line', async () => {
    mkdirSync(directory, { recursive: true });
    await journal.append('r2', started('r2'));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.integer({ min: 0, max: line.length }).map((length) => line.slice(0, length)),
          fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
          fc.nat({ max: 5_000 }).map((length) => '\0'.repeat(length)),
        ),
        async (content) => {
          writeFileSync(fileOf('r1'), content);
          const [remains, ...others] = await allRotations(journal);
          expect(remains).toMatchObject({
            rotationId: 'r1',
            records: [],
            problem: {
              code: 'JournalBroken',
              message: expect.stringContaining(`${fileOf('r1')} is not a rotation journal`),
              hint: expect.stringContaining('delete it'),
              details: { file: fileOf('r1') },
            },
          });
          expect(others.map(({ rotationId }) => rotationId)).toEqual(['r2']);
          expect(await journal.open('r1')).toEqual([]);
          expect(await journal.isUnended('r1')).toBe(false);
        },
      ),
    );
  });
});

describe('whether a rotation has come to its end', () => {
  const ended: RotationRecord = { type: 'ended', at, outcome: 'completed' };
  const note = (length: number): RotationRecord => ({ type: 'note', at, text: 'x'.repeat(length) });

  test.each<[string, RotationRecord[], boolean]>([
    ['begun', [started('r1')], true],
    ['at work', [started('r1'), intent], true],
    ['ended', [started('r1'), intent, done, ended], false],
    ['gone on with after its end', [started('r1'), ended, intent], true],
  ])('%s', async (_what, records, unended) => {
    for (const record of records) await journal.append('r1', record);
    expect(await journal.isUnended('r1')).toBe(unended);
    // What was never acknowledged changes nothing.
    appendFileSync(fileOf('r1'), JSON.stringify(unended ? ended : intent));
    expect(await journal.isUnended('r1')).toBe(unended);
  });

  test('is told by the last line alone, however long it and what was torn after it are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant(ended), fc.nat({ max: 9_000 }).map(note)), { maxLength: 4 }),
        fc.nat({ max: 5_000 }),
        async (records, torn) => {
          const lines = [started('r1'), ...records].map((record) => `${JSON.stringify(record)}\n`);
          mkdirSync(directory, { recursive: true });
          writeFileSync(fileOf('r1'), lines.join('') + 'x'.repeat(torn));
          const hasEnded = records.at(-1)?.type === 'ended';
          expect(await journal.ends()).toEqual([
            { rotationId: 'r1', ...(hasEnded ? { ended: { at, outcome: 'completed' } } : {}) },
          ]);
          expect(await journal.isUnended('r1')).toBe(!hasEnded);
          // Never one that is in progress, and never a torn one.
          const mayGo = hasEnded && torn === 0;
          expect(await journal.remove('r1')).toBe(mayGo);
          expect(existsSync(fileOf('r1'))).toBe(!mayGo);
        },
      ),
    );
  });

  test.each([
    ['an outcome of tomorrow', '{"type":"ended","at":"2026-01-01T00:00:00.000Z","outcome":"exploded"}'],
    ['no time', '{"type":"ended","outcome":"completed"}'],
    ['no JSON', '{"type":"ended"'],
    ['null', 'null'],
  ])('no end is believed to be one: %s', async (_what, line) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(fileOf('r1'), `${JSON.stringify(started('r1'))}\n${line}\n`);
    expect(await journal.ends()).toEqual([{ rotationId: 'r1' }]);
    expect(await journal.remove('r1')).toBe(false);
    expect(existsSync(fileOf('r1'))).toBe(true);
  });

  test('is no for one that is not known or cannot be read', async () => {
    expect(await journal.isUnended('r1')).toBe(false);
    mkdirSync(fileOf('r1'), { recursive: true });
    expect(await journal.isUnended('r1')).toBe(false);
    mkdirSync(directory, { recursive: true });
    writeFileSync(fileOf('r2'), 'null\n');
    expect(await journal.isUnended('r2')).toBe(false);
  });
});

describe('where nothing can be written', () => {
  test('a full disk: JournalNotWritable, the records before it stay readable and the next run goes on', async () => {
    const program = bundleFixture('append-forever');
    // The limit on file size stands for the full disk: write() fails in the middle of a record.
    const child = start('bash', [
      '-c',
      'ulimit -f 8; trap "" XFSZ; exec "$@"',
      'bash',
      process.execPath,
      program,
      directory,
      'r1',
      '700',
    ]);
    const printed = await child.remainingLines();
    expect(printed.at(-1)).toBe('JournalNotWritable');
    const acknowledged = printed.length - 1;
    expect(acknowledged).toBeGreaterThan(5);
    expect(readFileSync(fileOf('r1'), 'utf8').endsWith('\n')).toBe(false);
    expect(await journal.open('r1')).toHaveLength(1 + acknowledged);
    await journal.append('r1', intent);
    expect((await journal.open('r1')).slice(-1)).toEqual([intent]);
  });

  test('a directory that is a file', async () => {
    const parent = temporaryDirectory();
    writeFileSync(join(parent, 'state'), '');
    const blocked = openFileJournal(join(parent, 'state', 'rotations'));
    await expect(blocked.append('r1', started('r1'))).rejects.toMatchObject({
      code: 'JournalNotWritable',
      hint: expect.stringContaining('XDG_STATE_HOME'),
    });
  });

  test('a read-only directory, for whoever is not root', async () => {
    const program = bundleFixture('append-forever');
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o555);
    const [command, ...args] = [process.execPath, program, directory, 'r1'];
    // Root may write everywhere, so the attempt is made without its privileges.
    const child =
      process.getuid?.() === 0
        ? start('setpriv', ['--bounding-set=-all', '--inh-caps=-all', command, ...args])
        : start(command, args);
    expect((await child.remainingLines()).at(-1)).toBe('JournalNotWritable');
  });
});

test('a run killed while it appends leaves every acknowledged record, and at most one more', async () => {
  const program = bundleFixture('append-forever');
  for (const [round, count] of [1, 7, 60].entries()) {
    const id = `r${round}`;
    const child = start(process.execPath, [program, directory, id]);
    for (let n = 0; n < count; n++) await child.nextLine();
    child.process.kill('SIGKILL');
    const acknowledged = count + (await child.remainingLines()).length;
    const [first, ...notes] = await journal.open(id);
    expect(first).toEqual({ ...started(id), stages: [{ restApiId: 'api', stageName: 'prod' }] });
    expect([0, 1]).toContain(notes.length - acknowledged);
    expect(notes.map((note) => (note.type === 'note' ? note.text.split(' ')[0] : note))).toEqual(
      notes.map((_, n) => String(n)),
    );
  }
});
