import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { begin, lookAtMissingCertificates, readJournal } from '../../../src/rotation/engine/begin.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { viewAccount } from '../../../src/rotation/engine/observe.js';
import { callsToCome } from '../../../src/rotation/engine/prove.js';
import { proveBack } from '../../../src/rotation/engine/prove-others.js';
import { abort } from '../../../src/rotation/engine/rotate.js';
import { deploymentText } from '../../../src/rotation/engine/run.js';
import { AppError } from '../../../src/platform/errors.js';
import { markTags } from '../../../src/control-plane/marks.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import { begun, successor, type Begun, type BegunOptions } from './model/begun.js';
import { run as runCommand, type Circumstances, type Command, type Ran } from './model/command.js';
import { Machine } from './model/machine.js';
import type { Fate, Mishap } from './model/mishap.js';
import { expectAsBefore, LARGE, picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* What a run takes its rotation for, which stages it concerns, and what it asks before it begins. */

beforeAll(prepare);

let the: Scene;
let a: Machine;
let b: Machine;
beforeEach(() => {
  the = scene();
  a = new Machine(the.world, 'a');
  b = new Machine(the.world, 'b');
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const go = (machine: Machine, command: Command = {}, circumstances: Circumstances = {}): Promise<Ran> =>
  inTime(runCommand(machine, command, circumstances));
const on = (call: string, mishap: Mishap): Fate => ({ on: call, mishap });
const known = (id: string) => certificateOf(the.world.certificate(id));
const DAY = 86_400_000;
const at = (ms = 0): string => new Date(the.world.time.now + ms).toISOString();
const started = (rotationId: string, more: object = {}): RotationRecord => ({
  type: 'started',
  version: JOURNAL_VERSION,
  at: at(),
  rotationId,
  account: '123456789012',
  region: 'eu-west-1',
  oldCertificateId: the.oldId,
  stages: ['prod', 'beta'].map((stageName) => ({ restApiId: 'api', stageName })),
  ...more,
});

describe('the journal of a rotation', () => {
  /** The id of the rotation that a run for `api/prod` goes on with. */
  async function resumed(
    records: Record<string, RotationRecord[]>,
    options: BegunOptions = {},
  ): Promise<string> {
    a.records = new Map(Object.entries(records));
    const { run } = begun(the, options);
    const { deps } = run;
    deps.journal.ends = () =>
      Promise.resolve(
        [...a.records].map(([rotationId, its]) => {
          const last = its.at(-1);
          return { rotationId, ...(last?.type === 'ended' ? { ended: last } : {}) };
        }),
      );
    deps.journal.read = (rotationId) =>
      Promise.resolve({ rotationId, records: a.records.get(rotationId) ?? [] });
    deps.newRotationId = () => 'new';
    const from = await inTime(begin(deps, run.request, the.world.stage('api/prod')));
    return (await inTime(readJournal(from))).rotationId;
  }

  test('is gone on with, unless it has come to a certificate for another stage alone', async () => {
    expect(await resumed({ r0: [started('r0')] })).toBe('r0');
    successor(the, { rotationId: 'r0', onlyStage: 'api/beta' });
    expect(await resumed({ r0: [started('r0')] })).toBe('new');
    expect(await resumed({ r0: [started('r0')], r9: [started('r9')] })).toBe('r9');
  });

  test.each<[string, RotationRecord['type'] | undefined, boolean]>([
    ['has not seen its end', 'started', true],
    ['has seen its end', 'ended', false],
    ['knows nothing of it', undefined, false],
  ])('tells a machine that %s what the rotation replaced', async (_, last, isOld) => {
    // The old one is gone, and the new one stands alone.
    const next = successor(the, { replaces: 'c99999', rotationId: 'r0' });
    for (const name of ['api/prod', 'api/beta']) the.world.place(name, next);
    const { run } = begun(the);
    run.deps.journal.isUnended = (id) => Promise.resolve(id === 'r0' && last === 'started');
    const { unit } = await inTime(begin(run.deps, run.request, the.world.stage('api/prod')));
    expect(unit.oldId).toBe(isOld ? 'c99999' : next);
  });

  test('says nothing of a stage that somebody else gave the certificate of a rotation of another stage alone', async () => {
    const next = successor(the, { rotationId: 'r0', onlyStage: 'api/beta' });
    the.world.place('api/prod', next);
    const { run } = begun(the);
    run.deps.journal.isUnended = (id) => Promise.resolve(id === 'r0');
    const oldIdFrom = async (stage: string): Promise<string> =>
      (await inTime(begin(run.deps, run.request, the.world.stage(stage)))).unit.oldId;
    expect(await oldIdFrom('api/prod')).toBe(next);
    the.world.place('api/beta', next);
    expect(await oldIdFrom('api/beta')).toBe(the.oldId);
  });

  test('has the certificates asked for that it names and the list lacks, and no others', async () => {
    const remembered: RotationRecord = {
      type: 'certificate',
      at: at(),
      clientCertificateId: the.spareId,
      pem: the.world.identity(the.spareId).pem,
    };
    const asks = async (its: Begun): Promise<number> => {
      await inTime(lookAtMissingCertificates(its.run));
      return its.calls.filter((call) => call.startsWith('getClientCertificates')).length;
    };
    expect(await asks(begun(the, { records: [started('r1'), remembered] }))).toBe(0);
    const lacking = begun(the, { records: [started('r1'), remembered] });
    lacking.run.certificates = [known(the.oldId)];
    expect(await asks(lacking)).toBe(1);
    const marked = begun(the);
    marked.run.certificates = [known(successor(the, { replacesSha256: the.world.fingerprint(the.oldId) }))];
    expect(await asks(marked)).toBe(1);
  });
});

describe('which stages a rotation concerns', () => {
  test('with --only-stage is that stage alone, and which certificate goes first is not for others to say', () => {
    // Of two made for the place, a stage of no concern presents the later one.
    const [first, second] = ['c1', 'c2'].map((_, i) =>
      certificateOf({
        ...the.world.certificate(i === 0 ? the.foreignId : the.spareId),
        createdDate: new Date(i),
        tags: markTags({ rotationId: 'r1', replaces: the.oldId }),
      }),
    );
    if (!first || !second) throw new Error('there are two');
    const stages = [
      the.world.stage('api/prod'),
      { ...the.world.stage('api/beta'), clientCertificateId: second.clientCertificateId },
    ];
    const certificates = [known(the.oldId), first, second];
    const target = { restApiId: 'api', stageName: 'prod' };
    const view = (onlyTarget: boolean) =>
      viewAccount({ oldId: the.oldId, target, onlyTarget }, certificates, stages);
    const alone = view(true);
    expect([alone.unit.next, alone.moving, alone.elsewhere]).toEqual([
      first,
      [stages[0]],
      [second.clientCertificateId],
    ]);
    const all = view(false);
    expect([all.unit.next, all.moving, all.elsewhere]).toEqual([second, stages, []]);
    const [prod] = stages;
    const { clientCertificateId, ...bare } = the.world.stage('api/beta');
    expect(clientCertificateId).toBe(the.oldId);
    const others = viewAccount(
      { oldId: the.oldId, target, onlyTarget: false },
      certificates,
      [prod, bare, { ...bare, clientCertificateId: 'c77777' }].filter((one) => one !== undefined),
    );
    expect([others.moving, others.elsewhere]).toEqual([[prod], ['c77777']]);
  });
});

describe('the calls to come', () => {
  test('leave out the old certificate once it has expired', async () => {
    const its = begun(the);
    successor(the);
    const { notAfter } = the.world.identity(the.oldId);
    const times = async (now: number): Promise<number | undefined> => {
      its.run.deps.now = () => new Date(now);
      return (await inTime(callsToCome(its.run, ['preflight'])))[0]?.times;
    };
    expect(await times(notAfter.getTime() - 1)).toBe(3);
    expect(await times(notAfter.getTime())).toBe(2);
    its.run.certificates = [];
    expect(await times(0)).toBe(2);
  });

  test('of a way back are those with the old one', async () => {
    const its = begun(the, { settings: { probes: 3 } });
    expect(await inTime(callsToCome(its.run, ['preflight'], true))).toMatchObject([{ times: 3 }]);
    expect(await inTime(callsToCome(its.run, ['trust'], true))).toEqual([]);
  });

  test.each([false, true])('may be none, where a way back unproved is allowed: %s', async (allowUnproved) => {
    const its = begun(the, {
      controlPlane: { getResources: () => Promise.resolve([]) },
      settings: { allowUnproved },
    });
    const proof = inTime(proveBack(its.run, known(the.oldId)));
    if (allowUnproved) expect((await proof).proof.results).toEqual([]);
    else await expect(proof).rejects.toMatchObject({ code: 'BackendNotProvable' });
  });
});

describe('before anything is changed', () => {
  test('the URL is asked unless a stage has been switched already', async () => {
    const asked = async (moved: readonly string[]): Promise<string> => {
      the = scene();
      a = new Machine(the.world, 'a');
      const next = successor(the);
      for (const name of the.world.stores.keys()) the.world.furnish(name, the.world.fingerprint(next));
      for (const name of moved) the.world.place(name, next);
      return (await go(a, {}, { answers: () => 0 })).outcome;
    };
    expect(await asked([])).toBe('StageUrlFails');
    // What fails with one stage switched is not the state before the rotation.
    for (const moved of [['api/prod'], ['api/beta'], ['api/prod', 'api/beta']])
      expect([moved, await asked(moved)]).not.toEqual([moved, 'StageUrlFails']);
  });

  test('a gate that closes names everything that its sentence names in part', async () => {
    the = scene({
      ...LARGE,
      stages: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`ws/live${i}`, {}])),
    });
    a = new Machine(the.world, 'a');
    const { error } = await go(a, { stage: 'ws/live0' });
    expect(error?.code).toBe('BackendNotProvable');
    expect(error?.hint).toMatch(/--probe|--allow-unproved/);
    expect(error?.details).toMatchObject({ stages: expect.arrayContaining(['ws/live7']) as unknown });
  });
});

describe('the hook `switched`', () => {
  test('is called although the old certificate is kept and nothing else is left to do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-hooks-'));
    const log = join(folder, 'log');
    try {
      const keepOld = { settings: { keepOld: DAY } };
      const first = await go(a, { ...keepOld, hooks: { switched: `echo first >> ${log}` } });
      expect(first.outcome).toBe('keepingOld');
      expect(await readFile(log, 'utf8')).toBe('first\n');
      // Another machine finds everything switched and soaked.
      const second = await go(b, { ...keepOld, hooks: { switched: `echo second >> ${log}` } });
      expect(second.outcome).toBe('keepingOld');
      expect(await readFile(log, 'utf8')).toBe('first\nsecond\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a redeployment on the way back', () => {
  test.each(['always', 'never'] as const)('is confirmed before anything is touched: %s', async (redeploy) => {
    const next = successor(the);
    for (const name of the.world.stores.keys()) the.world.furnish(name, the.world.fingerprint(next));
    const refusal = new AppError('NotConfirmed', 'no');
    const { run, looks } = begun(the, {
      settings: { redeploy },
      controlPlane: {
        getDeployment: (_, id) => Promise.resolve({ id, description: deploymentText(next), methods: [] }),
      },
      deps: { confirm: () => Promise.reject(refusal) },
    });
    const work = inTime(abort(run.deps, run.request, the.world.stage('api/prod')));
    if (redeploy === 'never') expect((await work).outcome).toBe('aborted');
    else {
      await expect(work).rejects.toBe(refusal);
      expect(the.world.exists(next)).toBe(true);
    }
    // What was asked to find the stage serves.
    expect(looks[0]).toEqual({ known: true, isUrgent: false });
  });
});

describe('an abort', () => {
  const SEEN = { ...PLAIN, hosts: { 'orders.example': { stores: ['file'] } }, stores: { file: {} } };

  test.each([
    ['the journal ends with it where others deleted the old one', false],
    ['the journal stays where this machine did', true],
  ])('of what others completed is impossible: %s', async (_, isOwn) => {
    the = scene(SEEN);
    a = new Machine(the.world, 'a');
    b = new Machine(the.world, 'b');
    await go(a, { settings: { wait: false } });
    await inTime(the.world.time.sleep(120_000));
    expect((await go(b)).outcome).toBe('completed');
    const [id = ''] = a.records.keys();
    const entry = { at: at(), ms: 1 };
    // A deletion of something else, or another step about the old one, is not its deletion here.
    a.records.set(id, [
      ...(a.records.get(id) ?? []),
      { ...entry, type: 'done', step: 'delete', subject: isOwn ? the.oldId : 'c77777' },
      { ...entry, type: 'done', step: 'preflight', subject: the.oldId },
    ]);
    const { outcome, error } = await go(a, { mode: 'abort' });
    expect(outcome).toBe('UndoImpossible');
    expect(error?.message.endsWith('another run has completed the rotation')).toBe(!isOwn);
    expect(a.records.get(id)?.at(-1)?.type === 'ended').toBe(!isOwn);
  });

  test('ends a journal that has nothing but a beginning, too', async () => {
    the = scene(SEEN);
    a = new Machine(the.world, 'a');
    b = new Machine(the.world, 'b');
    await go(a, { settings: { wait: false } });
    const killed = on('journal started', { kind: 'killAfter' });
    expect((await go(b, {}, { fates: [killed] })).outcome).toBe('killed');
    await inTime(the.world.time.sleep(120_000));
    expect((await go(a)).outcome).toBe('completed');
    expect((await go(b, { mode: 'abort' })).outcome).toBe('UndoImpossible');
    const types = [...b.records.values()].map((records) => records.map(({ type }) => type));
    expect(types).toEqual([['started', 'ended']]);
  });

  test('of a machine without the journal checks nothing and begins none', async () => {
    the = scene(SEEN);
    a = new Machine(the.world, 'a');
    b = new Machine(the.world, 'b');
    const killed = on('DeleteClientCertificate', { kind: 'killAfter' });
    expect((await go(a, {}, { fates: [killed] })).outcome).toBe('killed');
    const { outcome, error } = await go(b, { mode: 'abort' });
    expect([outcome, b.records.size]).toEqual(['UndoImpossible', 0]);
    expect(error?.message).not.toContain('another run');
  });
});

test('what a run began to make is taken back by the next of its machine, where that was never answered', async () => {
  const killed = on('GenerateClientCertificate', { kind: 'killAfter' });
  expect((await go(a, {}, { fates: [killed] })).outcome).toBe('killed');
  expect(picture(the).certificates).toHaveLength(4);
  const denied = on('TestInvokeMethod', { kind: 'denied' });
  expect((await go(a, {}, { fates: [denied] })).outcome).toBe('AccessDenied');
  expectAsBefore(the);
});

test('a failure of another kind than AWS’s answers says nothing of the certificate in use', async () => {
  const { run } = begun(the, {
    controlPlane: {
      getClientCertificates: () => Promise.resolve([]),
      getClientCertificate: () => Promise.reject(new AppError('AccessDenied', 'no')),
    },
  });
  const work = inTime(begin(run.deps, run.request, the.world.stage('api/prod')));
  await expect(work).rejects.toMatchObject({ code: 'AccessDenied' });
});
