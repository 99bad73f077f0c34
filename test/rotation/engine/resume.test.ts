import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readMark } from '../../../src/control-plane/marks.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import { run, SETTINGS, type Circumstances, type Command, type Ran } from './model/command.js';
import { Machine } from './model/machine.js';
import type { Fate, Mishap } from './model/mishap.js';
import { expectPromises, expectRotated, picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* What a run takes up of those before it, and what it believes. */

beforeAll(prepare);

const NO_WAIT = { settings: { wait: false } };

let the: Scene;
let a: Machine;
let b: Machine;
beforeEach(() => {
  the = scene();
  a = new Machine(the.world, 'a');
  b = new Machine(the.world, 'b');
});

const go = (machine: Machine, command: Command = {}, circumstances: Circumstances = {}): Promise<Ran> =>
  the.world.time.until(run(machine, command, circumstances));
const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });
const lastRecord = (machine: Machine, rotationId: string) => machine.records.get(rotationId)?.at(-1);

describe('a list of certificates that lacks the one in use', () => {
  const less: Mishap = { kind: 'shrunken', times: 4 };

  test('is asked for again, until it has it', async () => {
    const ran = await go(a, {}, { fates: [on('GetClientCertificates', less)] });
    expect(ran.outcome).toBe('completed');
  });

  test('five times; then nothing is concluded from it, and nothing is changed', async () => {
    const before = picture(the);
    const began = the.world.time.now;
    const fates = [on('GetClientCertificates', { ...less, times: 5 })];
    const { outcome, error } = await go(a, {}, { fates });
    expect([outcome, error?.message]).toEqual([
      'ServiceUnreachable',
      `AWS's list of client certificates lacks ${the.oldId}, which AWS returns when queried by ID`,
    ]);
    expect([picture(the), a.records.size]).toEqual([before, 0]);
    // The stage, then five times list and certificate, and the pauses between.
    expect(the.world.time.now - began).toBe(20 + 5 * 40 + 4 * 2_000);
  });

  test('is right where there is none', async () => {
    the.world.place('api/prod', 'c99999');
    const { outcome, report } = await go(a);
    const stages = [{ restApiId: 'api', apiName: 'orders', stageName: 'prod' }];
    expect([outcome, report?.stages, report?.oldCertificate]).toEqual(['completed', stages, 'deleted']);
  });
});

describe('the journal of a run that was stopped before it had a certificate', () => {
  const started = (rotationId: string, at: string, more: object = {}): RotationRecord => ({
    type: 'started',
    version: JOURNAL_VERSION,
    at,
    rotationId,
    account: '123456789012',
    region: 'eu-west-1',
    oldCertificateId: the.oldId,
    stages: [
      { restApiId: 'api', stageName: 'beta' },
      { restApiId: 'api', stageName: 'prod' },
    ],
    ...more,
  });
  const ended = (at: string): RotationRecord => ({ type: 'ended', at, outcome: 'aborted' });
  const at = (minute: number): string => new Date(the.world.time.now - (60 - minute) * 60_000).toISOString();

  test('is gone on with: the latest of this certificate, stage and account that has not ended', async () => {
    const other = { stages: [{ restApiId: 'api', stageName: 'beta' }] };
    a.records = new Map<string, RotationRecord[]>([
      ['ours', [started('ours', at(3))]],
      ['earlier', [started('earlier', at(1))]],
      ['ended', [started('ended', at(4)), ended(at(5))]],
      ['account', [started('account', at(6), { account: '210987654321' })]],
      ['region', [started('region', at(6), { region: 'us-east-1' })]],
      ['certificate', [started('certificate', at(6), { oldCertificateId: the.spareId })]],
      ['stage', [started('stage', at(6), other)]],
      ['torn', [ended(at(7)), { type: 'note', at: at(8), text: 'torn' }]],
    ]);
    const before = new Map(a.records);
    const { outcome, report, events } = await go(a);
    expect([outcome, report?.rotationId]).toEqual(['completed', 'ours']);
    expect(events[0]).toMatchObject({ type: 'started', resumed: true });
    expect(report?.warnings).toEqual([]);
    for (const [name, records] of before)
      if (name !== 'ours') expect([name, a.records.get(name)]).toEqual([name, records]);
    expectRotated(the);
  });

  test('is the journal of nothing in use, where no stage is left to it', async () => {
    a.records = new Map([['other', [started('other', at(1), { oldCertificateId: the.spareId })]]]);
    const { report } = await go(a);
    expect(report?.rotationId).toMatch(/^a-/);
    expect((await go(a, { mode: 'abort' })).outcome).toBe('nothingToAbort');
  });

  test('is none where the certificate that it is about has come to one since', async () => {
    const alone = { settings: { onlyStage: true } };
    await go(a, { ...alone, stage: 'api/beta', ...NO_WAIT, settings: { onlyStage: true, wait: false } });
    const [first = ''] = a.records.keys();
    const { report } = await go(a, alone);
    expect(report?.rotationId).not.toBe(first);
  });
});

test('what began with --only-stage goes on so, without being told again, from any machine', async () => {
  const first = await go(a, { settings: { onlyStage: true, wait: false } });
  expect(first.outcome).toBe('RotationWaiting');
  const { outcome, report } = await go(b);
  expect([outcome, report?.oldCertificate]).toEqual(['completed', 'inUse']);
  const { presented } = picture(the);
  expect(presented['api/beta']).toBe(the.oldId);
  expect(presented['api/prod']).toBe(report?.newCertificateId);
  expectPromises(the);
});

test('a run that was killed at its very end leaves its journal to be ended by the next', async () => {
  const killed = on('journal ended', { kind: 'killBefore' });
  expect((await go(a, {}, { fates: [killed] })).outcome).toBe('killed');
  const [rotationId = ''] = a.records.keys();
  expectRotated(the);
  const before = picture(the);
  expect((await go(a)).outcome).toBe('completed');
  expect(lastRecord(a, rotationId)).toMatchObject({ type: 'ended', outcome: 'completed' });
  expect(picture(the)).toEqual(before);
  expect((await go(a)).outcome).toBe('notDue');
  expect(a.records.size).toBe(1);
});

test('a certificate that --to named is as it was after an abort: without a mark, in tags or description', async () => {
  const { world, spareId } = the;
  const before = world.certificate(spareId);
  await go(a, { to: spareId, ...NO_WAIT });
  expect(readMark(world.certificate(spareId))).toMatchObject({ replaces: the.oldId, adopted: true });
  expect((await go(a, { mode: 'abort' })).outcome).toBe('aborted');
  expect(world.certificate(spareId)).toEqual(before);
  // Where tags are denied, the description carries the mark.
  const denied = on('TagResource', { kind: 'denied' });
  await go(a, { to: spareId, ...NO_WAIT }, { fates: [denied] });
  expect(readMark(world.certificate(spareId))).toMatchObject({ replaces: the.oldId, adopted: true });
  expect(world.certificate(spareId).tags).toEqual({});
  expect((await go(a, { mode: 'abort' })).outcome).toBe('aborted');
  expect({ description: '', ...world.certificate(spareId) }).toEqual({ description: '', ...before });
});

describe('a rotation that others have brought further', () => {
  const impossible = (): string =>
    `the old certificate ${the.oldId} is deleted, so no stage can be switched back to it`;
  const onlyRotation = (machine: Machine): RotationRecord[] => [...machine.records.values()][0] ?? [];

  beforeEach(async () => {
    // Of a store that cannot be looked into, this machine would not know what the other one has done to it.
    const hosts = { 'orders.example': { stores: ['file'] } };
    the = scene({ ...PLAIN, hosts, stores: { file: {} } });
    a = new Machine(the.world, 'a');
    b = new Machine(the.world, 'b');
    expect((await go(a, NO_WAIT)).outcome).toBe('RotationWaiting');
    await the.world.time.until(the.world.time.sleep(SETTINGS.soak));
  });

  test('to its end cannot be aborted, and its journal here ends with it', async () => {
    expect((await go(b)).outcome).toBe('completed');
    const { outcome, error } = await go(a, { mode: 'abort' });
    expect([outcome, error?.message, error?.hint]).toEqual([
      'UndoImpossible',
      `${impossible()}: another run has completed the rotation`,
      'no rotation is in progress any more; use `rotate --force` to replace the certificate in use',
    ]);
    expect(onlyRotation(a).at(-1)).toMatchObject({ type: 'ended', outcome: 'completed' });
    expect((await go(a, { mode: 'abort' })).outcome).toBe('nothingToAbort');
    expectRotated(the);
  });

  test.each([
    ['the old certificate is deleted', 'b', on('DeleteClientCertificate', { kind: 'killAfter' })],
    ['all but the end of its journal', 'a', on('journal ended', { kind: 'killBefore' })],
  ] as const)('until %s is to be finished, by this machine too', async (_, who, fate) => {
    const other = { a, b }[who];
    expect((await go(other, {}, { fates: [fate] })).outcome).toBe('killed');
    const before = picture(the);
    for (const dryRun of [true, false]) {
      const { outcome, error } = await go(a, { mode: 'abort', dryRun });
      expect([outcome, error?.message]).toEqual(['UndoImpossible', impossible()]);
    }
    expect(picture(the)).toEqual(before);
    expect(onlyRotation(a).at(-1)?.type).not.toBe('ended');
    expect((await go(a)).outcome).toBe('completed');
    expect(onlyRotation(a).at(-1)).toMatchObject({ type: 'ended', outcome: 'completed' });
    expectRotated(the);
  });

  test('cannot be aborted from a machine without its journal either, which begins none for it', async () => {
    await go(b, {}, { fates: [on('DeleteClientCertificate', { kind: 'killAfter' })] });
    const c = new Machine(the.world, 'c');
    const { outcome, error } = await go(c, { mode: 'abort' });
    expect([outcome, error?.message, c.records.size]).toEqual(['UndoImpossible', impossible(), 0]);
  });
});

test('of two that begin at once one takes its own back, says so, and ends its journal', async () => {
  const { time } = the.world;
  const ran = await time.until(Promise.all([run(a), run(b)]));
  expect(ran.map(({ outcome }) => outcome)).toEqual(['completed', 'RotationOvertaken']);
  const ends = [a, b].map(({ records }) => [...records.values()].map((its) => its.at(-1)));
  expect(ends).toMatchObject([
    [{ type: 'ended', outcome: 'completed' }],
    [{ type: 'ended', outcome: 'superseded' }],
  ]);
  expect(ran[1].error?.message).toMatch(
    /^another run \(rotation a-\S+\) is already rotating the same certificate to c00004$/,
  );
  expect(ran[1].events).toContainEqual(
    expect.objectContaining({ type: 'rollingBack', reason: 'another run goes first' }),
  );
  expectPromises(the);
  expectRotated(the);
});

describe('hooks', () => {
  let folder: string;
  let log: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apigw-cert-hooks-'));
    log = join(folder, 'log');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** What every hook was told, a line each. */
  const heard = async (): Promise<string[]> =>
    (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const say = (more = 'true'): string =>
    `echo $APIGW_CERT_HOOK $APIGW_CERT_OLD_ID $APIGW_CERT_NEW_ID. $(grep -c BEGIN) >> ${log}; ${more}`;

  test('are called at their turns, once a rotation, and told of it', async () => {
    const { oldId } = the;
    const hooks = { pre: say(), trusted: say(), switched: say(), done: say(), failed: say() };
    expect((await go(a, { hooks, ...NO_WAIT })).outcome).toBe('RotationWaiting');
    const id = picture(the).presented['api/prod'] ?? '';
    const first = [`pre ${oldId} . 0`, `trusted ${oldId} ${id}. 1`, `switched ${oldId} ${id}. 1`];
    expect(await heard()).toEqual(first);
    expect((await go(a, { hooks })).outcome).toBe('completed');
    expect(await heard()).toEqual([...first, `done ${oldId} ${id}. 1`]);
  });

  test('are called again where they failed, and `failed` each time', async () => {
    const hooks = { switched: say('echo no; exit 3'), failed: say() };
    for (let times = 1; times <= 2; times++) {
      const { outcome, error } = await go(a, { hooks, ...NO_WAIT });
      expect([outcome, error?.message]).toEqual([
        'HookFailed',
        expect.stringMatching(/^the hook "switched" failed: .* exited with 3: no$/),
      ]);
      expect(error?.details).toMatchObject({ output: expect.stringMatching(/^no$/m) as unknown });
      expect((await heard()).map((line) => line.split(' ')[0])).toEqual(
        Array.from({ length: times }, () => ['switched', 'failed']).flat(),
      );
    }
    expect((await go(a, { hooks: { switched: say() } })).outcome).toBe('completed');
  });

  test('`failed` is called of what was taken back, of what was rolled back and of what is left, and may fail', async () => {
    const hooks = { failed: say('exit 1') };
    const denied = [on('TestInvokeMethod', { kind: 'denied' } as const)];
    const back = await go(a, { hooks }, { fates: denied });
    expect(back.outcome).toBe('AccessDenied');
    expect(back.events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'HookFailed' }));
    expect(await heard()).toHaveLength(1);
    const isSwitched = (): boolean => picture(the).presented['api/prod'] !== the.oldId;
    const answers = (): number => (isSwitched() ? 503 : 200);
    expect((await go(a, { hooks }, { answers })).outcome).toBe('RolledBack');
    expect(await heard()).toHaveLength(2);
    the = scene();
    a = new Machine(the.world, 'a');
    b = new Machine(the.world, 'b');
    await go(a, {}, { fates: [on('TestInvokeMethod', { kind: 'killBefore' })] });
    expect((await go(b, { hooks }, { fates: denied })).outcome).toBe('AccessDenied');
    expect(await heard()).toHaveLength(3);
  });
});

test('the journal names the target of the configuration', async () => {
  await go(a, { target: 'orders', ...NO_WAIT });
  expect([...a.records.values()][0]?.[0]).toMatchObject({ type: 'started', target: 'orders' });
});
