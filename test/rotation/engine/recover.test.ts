import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recover } from '../../../src/rotation/engine/recover.js';
import { AppError } from '../../../src/platform/errors.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import { keepOldOf, readMark } from '../../../src/control-plane/marks.js';
import { begun, successor } from './model/begun.js';
import { PROBE_URL, run, SETTINGS, type Circumstances, type Command, type Ran } from './model/command.js';
import { Machine } from './model/machine.js';
import type { Fate, Mishap } from './model/mishap.js';
import { expectAsBefore, expectPromises, picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* What a run leaves behind that fails: when the stages go back, and when they stay. */

beforeAll(prepare);

const DAY = 86_400_000;
const NO_WAIT = { settings: { wait: false } };
const REFUSED = `${PROBE_URL} answered 503 3 times in a row after the switch`;

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
const pass = (ms: number): Promise<void> => the.world.time.until(the.world.time.sleep(ms));
const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });

/** What `api/prod` presents; both stages move together. */
const current = (): string | undefined => picture(the).presented['api/prod'];
const isSwitched = (): boolean => current() !== the.oldId;
/** The stage answers as long as it presents the old certificate. */
const failing = (): number => (isSwitched() ? 503 : 200);
/** The last record of the only rotation of a machine. */
const lastRecord = (machine: Machine) => [...machine.records.values()][0]?.at(-1);
const markOf = (id: string | undefined) => readMark(the.world.certificate(id ?? ''));

/** The one certificate that a rotation has made, where it is there still. */
function made(): string | undefined {
  const { oldId, foreignId, spareId } = the;
  const ids = picture(the).certificates.filter((id) => ![oldId, foreignId, spareId].includes(id));
  expect(ids.length).toBeLessThan(2);
  return ids[0];
}

/** Backends refuse the new certificate from then on, whatever their stores hold. */
const refusesOnce = (isTime: () => boolean) => (): number => {
  if (isTime())
    for (const { live } of the.world.stores.values()) live.delete(the.world.fingerprint(made() ?? ''));
  return 20;
};

/** The stages are back and the new certificate is kept, marked. */
function expectRolledBack({ outcome, error, events }: Ran, why: string): void {
  expect([outcome, error?.message]).toEqual([
    'RolledBack',
    `the stages present the old certificate ${the.oldId} again: ${why}`,
  ]);
  expect(picture(the).presented).toEqual({ 'api/prod': the.oldId, 'api/beta': the.oldId });
  expect(markOf(made())?.rolledBack).toBeDefined();
  expect(events.filter(({ type }) => type === 'rollingBack')).toEqual([
    expect.objectContaining({ reason: why }),
  ]);
  expectPromises(the);
}

describe('a failure in use', () => {
  test('right after the switch takes the stages back', async () => {
    expectRolledBack(await go(a, {}, { answers: failing }), REFUSED);
  });

  test('takes the stages back where the run does not wait, too', async () => {
    expectRolledBack(await go(a, NO_WAIT, { answers: failing }), REFUSED);
  });

  test('within the soak takes the stages back', async () => {
    let asked = 0;
    const ran = await go(a, {}, { answers: () => (isSwitched() && ++asked > 3 ? 503 : 200) });
    expectRolledBack(ran, REFUSED);
    expect(asked).toBe(6);
  });

  test('of fewer than three requests in a row is anybody’s', async () => {
    let asked = 0;
    const ran = await go(a, {}, { answers: () => (isSwitched() && ++asked % 3 !== 0 ? 503 : 200) });
    expect(ran.outcome).toBe('completed');
  });

  test('that a later run of this machine sees before the soak is over takes the stages back', async () => {
    expect((await go(a, NO_WAIT)).outcome).toBe('RotationWaiting');
    expectRolledBack(await go(a, {}, { answers: failing }), REFUSED);
  });

  test('that a later run sees after the soak is the backend’s own trouble: the stages stay', async () => {
    const keepOld = { settings: { keepOld: DAY } };
    expect((await go(a, keepOld)).outcome).toBe('keepingOld');
    const there = picture(the);
    const { outcome, error } = await go(a, keepOld, { answers: failing });
    expect([outcome, error?.message]).toEqual(['NewCertificateRefused', REFUSED]);
    expect(picture(the)).toEqual(there);
    expect(markOf(made())?.rolledBack).toBeUndefined();
    // The next run goes on.
    expect((await go(a, keepOld)).outcome).toBe('keepingOld');
    expect(keepOldOf(markOf(made()) ?? { rotationId: '', replaces: '' })).toBe(DAY);
    await pass(DAY);
    expect((await go(a)).outcome).toBe('completed');
  });

  test('that this very run sees after the old certificate is deleted takes nothing back', async () => {
    const { outcome, error } = await go(a, {}, { latency: refusesOnce(() => !the.world.exists(the.oldId)) });
    expect([outcome, error?.message]).toEqual([
      'NewCertificateRefused',
      expect.stringMatching(/^since the old certificate was removed, the backend refuses the new one: /),
    ]);
    expect(current()).toBe(made());
    expect(markOf(made())?.rolledBack).toBeUndefined();
    expect(lastRecord(a)?.type).toBe('failed');
  });

  test('that this very run sees after the trust in one that others deleted has ended takes nothing back', async () => {
    const isOver = (): boolean => !picture(the).trusted['file']?.includes(the.oldId);
    const { outcome } = await go(
      a,
      {},
      {
        latency: refusesOnce(isOver),
        answers: () => {
          if (isSwitched() && the.world.presented('api/prod').length === 1 && the.world.exists(the.oldId))
            the.world.delete('somebody', the.oldId);
          return 200;
        },
      },
    );
    expect([outcome, current()]).toEqual(['NewCertificateRefused', made()]);
  });

  test('that another machine sees after the old certificate is deleted takes nothing back', async () => {
    const killed = on('DeleteClientCertificate c00001', { kind: 'killAfter' });
    expect((await go(a, {}, { fates: [killed] })).outcome).toBe('killed');
    const { outcome, error } = await go(b, {}, { answers: failing });
    expect([outcome, error?.message]).toEqual(['NewCertificateRefused', REFUSED]);
    expect(current()).toBe(made());
    expect(markOf(made())?.rolledBack).toBeUndefined();
  });

  test('where no mark can be written takes the stages back all the same, and says so', async () => {
    const ran = await go(a, NO_WAIT, {
      answers: failing,
      fates: ['TagResource', 'UpdateClientCertificate'].map((call) => on(call, { kind: 'denied' })),
    });
    expect(ran.outcome).toBe('RolledBack');
    expect(current()).toBe(the.oldId);
    expect(ran.events).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        code: 'MarkNotWritten',
        message: expect.stringMatching(
          /^c\d+ could not be marked as rolled back, so the next run/,
        ) as unknown,
      }),
    );
  });

  test('is tried again with --force alone', async () => {
    await go(a, {}, { answers: failing });
    const there = picture(the);
    expect((await go(a)).outcome).toBe('RolledBackBefore');
    expect((await go(b)).outcome).toBe('RolledBackBefore');
    expect(picture(the)).toEqual(there);
    expect((await go(a, { settings: { force: true } })).outcome).toBe('completed');
    expect(markOf(current())?.rolledBack).toBeUndefined();
    expectPromises(the);
  });

  test('whose way back was cut short is gone back from by the next run', async () => {
    const killed = on('UpdateStage api/prod c00001', { kind: 'killBefore' });
    expect((await go(a, {}, { answers: failing, fates: [killed] })).outcome).toBe('killed');
    expect(isSwitched()).toBe(true);
    const { rolledBack } = markOf(made()) ?? {};
    expectRolledBack(await go(a), 'the new certificate failed after the switch');
    expect([rolledBack, markOf(made())?.rolledBack]).toEqual([expect.any(String), rolledBack]);
  });
});

describe('a URL that fails before the switch', () => {
  test('stops a rotation before anything is changed', async () => {
    const { outcome, error } = await go(a, {}, { answers: () => 0 });
    expect([outcome, error?.message]).toEqual([
      'StageUrlFails',
      `${PROBE_URL} did not answer 3 times in a row before anything was changed`,
    ]);
    expectAsBefore(the);
    expect(a.records.size).toBe(0);
  });

  test.each([200, 302, 399])('is none that answers %d', async (status) => {
    expect((await go(a, {}, { answers: () => status })).outcome).toBe('completed');
  });

  test.each([199, 400])('is one that answers %d', async (status) => {
    expect((await go(a, {}, { answers: () => status })).outcome).toBe('StageUrlFails');
  });

  test('is not asked with --force', async () => {
    const asked: boolean[] = [];
    await go(
      a,
      { settings: { force: true } },
      {
        answers: () => {
          asked.push(isSwitched());
          return 200;
        },
      },
    );
    expect(new Set(asked)).toEqual(new Set([true]));
  });
});

describe('a failure before the switch', () => {
  test('takes back what this run has made, and ends its journal', async () => {
    const { outcome, events } = await go(a, {}, { fates: [on('TestInvokeMethod', { kind: 'denied' })] });
    expect(outcome).toBe('AccessDenied');
    expectAsBefore(the);
    expect(lastRecord(a)).toMatchObject({ type: 'ended', outcome: 'cancelled' });
    expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: 'cancelled' });
    expect((await go(a, { mode: 'abort' })).outcome).toBe('nothingToAbort');
  });

  test('that no way back can help leaves everything for the next run', async () => {
    const { outcome } = await go(a, {}, { fates: [on('trust in file', { kind: 'locked' })] });
    expect(outcome).toBe('Locked');
    expect(made()).toBeDefined();
    expect((await go(a)).outcome).toBe('completed');
  });

  test('of a run that has joined the rotation of another machine takes nothing of it back', async () => {
    await go(a, {}, { fates: [on('TestInvokeMethod', { kind: 'killBefore' })] });
    const there = picture(the);
    expect(made()).toBeDefined();
    const { outcome } = await go(b, {}, { fates: [on('TestInvokeMethod', { kind: 'denied' })] });
    expect(outcome).toBe('AccessDenied');
    expect(picture(the)).toEqual(there);
    expect(lastRecord(b)?.type).toBe('failed');
  });

  test('of the next run of the machine that began takes it back', async () => {
    await go(a, {}, { fates: [on('TestInvokeMethod', { kind: 'killBefore' })] });
    const { outcome } = await go(a, {}, { fates: [on('TestInvokeMethod', { kind: 'denied' })] });
    expect(outcome).toBe('AccessDenied');
    expectAsBefore(the);
  });

  test('is told although the way back stops, and what then', async () => {
    const { outcome, error } = await go(
      a,
      {},
      {
        fates: [
          on('TestInvokeMethod', { kind: 'denied' }),
          on('DeleteClientCertificate', { kind: 'throttled' }),
        ],
      },
    );
    expect(outcome).toBe('AccessDenied');
    expect(error?.message).toMatch(
      /^no permission for TestInvokeMethod c\d+; rolling back stopped:  AWS kept throttling DeleteClientCertificate c\d+$/,
    );
    expect(error?.hint).toBe('run the same command again: it resumes rolling back');
    expect(error?.cause).toMatchObject({ code: 'Throttled' });
    expect(lastRecord(a)).toMatchObject({
      type: 'note',
      text: expect.stringMatching(/^rolling back failed: AWS kept throttling/) as unknown,
    });
    await pass(SETTINGS.inFlight);
    expect((await go(a)).outcome).toBe('RotationWaiting');
    expectAsBefore(the);
  });
});

describe('what is taken back', () => {
  const AT = '2026-11-28T12:00:00.000Z';
  const done = (step: 'generate' | 'adopt' | 'trust', type: 'done' | 'intent' = 'done'): RotationRecord => ({
    type,
    at: AT,
    step,
    ms: 1,
  });

  test.each<[string, boolean, boolean, RotationRecord[], boolean]>([
    ['that this very run made', true, true, [], true],
    ['of which the whole journal is here', false, false, [], true],
    ['that a run of this machine made', false, true, [done('trust'), done('generate')], true],
    ['that a run of this machine took', false, true, [done('adopt'), done('trust')], true],
    ['that another machine made', false, true, [done('trust')], false],
    ['that a run of this machine only began to make', false, true, [done('generate', 'intent')], false],
  ])('is a certificate %s, or is not', async (_, isMade, isLost, records, isBack) => {
    the = scene({ ...PLAIN, hosts: { 'orders.example': { stores: ['file'] } }, stores: { file: {} } });
    const next = successor(the);
    const { run: its } = begun(the, {
      records: [
        {
          type: 'started',
          version: JOURNAL_VERSION,
          at: AT,
          rotationId: 'r1',
          region: 'eu-west-1',
          oldCertificateId: the.oldId,
          stages: [],
          ...(isLost ? { foundUnderWay: true as const } : {}),
        },
        ...records,
      ],
    });
    if (isMade) its.generatedId = next;
    // Nothing of an earlier run is in flight any more.
    await pass(SETTINGS.inFlight);
    const failure = new AppError('AccessDenied', 'no');
    expect(await the.world.time.until(recover(its, failure))).toBe(failure);
    expect(the.world.exists(next)).toBe(!isBack);
    expect(its.records.at(-1)?.type === 'ended').toBe(isBack);
  });
});
