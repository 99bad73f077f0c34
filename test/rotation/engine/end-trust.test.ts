import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { endTrust } from '../../../src/rotation/engine/end-trust.js';
import { lookAtStages } from '../../../src/rotation/engine/look.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { situation } from '../../../src/rotation/engine/situation.js';
import { AppError } from '../../../src/platform/errors.js';
import { readMark } from '../../../src/control-plane/marks.js';
import type { TrustStore } from '../../../src/trust/trust-store.js';
import { begun, successor, type Begun, type BegunOptions } from './model/begun.js';
import { SETTINGS } from './model/command.js';
import type { Fate, Mishap } from './model/mishap.js';
import { picture, prepare, scene, type Scene } from './model/scene.js';

/* When a certificate may be deleted or distrusted, and what becomes of the run. */

beforeAll(prepare);

let the: Scene;
let next: string;
beforeEach(() => {
  the = scene();
  next = successor(the);
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const pass = (ms: number): Promise<void> => inTime(the.world.time.sleep(ms));
const on = (call: string, mishap: Mishap): Fate => ({ on: call, mishap });
const known = (id: string) => certificateOf(the.world.certificate(id));
const ALL_PROVED = { proved: 'p', checked: true, verified: 'v', recounted: true, confirmed: true };
const NOTHING = { checked: false, recounted: false, confirmed: false };
const LATER = 10 * SETTINGS.soak;

/** All stages have left the old certificate long ago, and the account has just been looked at. */
async function ready(options: BegunOptions = {}): Promise<Begun> {
  for (const name of ['api/prod', 'api/beta']) the.world.attach('a', name, next);
  await pass(LATER);
  const its = begun(the, options);
  await inTime(lookAtStages(its.run));
  its.run.progress = ALL_PROVED;
  return its;
}

const remove = ({ run }: Begun, id = the.oldId): Promise<void> =>
  inTime(endTrust(run, { kind: 'delete', certificate: known(id) }));
const untrust = ({ run }: Begun, id = the.oldId, store = 'file'): Promise<void> =>
  inTime(endTrust(run, { kind: 'untrust', store, certificate: known(id) }));
const steps = ({ run }: Begun) =>
  run.records.map((entry) =>
    [entry.type, 'step' in entry ? entry.step : '', 'subject' in entry ? entry.subject : ''].join(' '),
  );

describe('a certificate is deleted', () => {
  test('where no stage presents it any more', async () => {
    const its = await ready();
    const { run, slept } = its;
    run.stores = [];
    await remove(its);
    expect(picture(the).certificates).not.toContain(the.oldId);
    expect([[...run.gone], [...run.deletedHere]]).toEqual([[the.oldId], [the.oldId]]);
    expect(run.certificates.map((one) => one.clientCertificateId)).toEqual([
      the.foreignId,
      the.spareId,
      next,
    ]);
    expect(run.stores).toBeUndefined();
    expect(run.progress).toEqual(ALL_PROVED);
    expect(steps(its)).toEqual([`intent delete ${the.oldId}`, `done delete ${the.oldId}`]);
    // Others that share the look have their turn.
    expect(slept).toEqual([0]);
  });

  test.each(['abort', 'cancel'] as const)('under another name on the way back (%s)', async (goal) => {
    const its = await ready();
    its.run.goal = goal;
    await remove(its, the.spareId);
    expect(steps(its)).toEqual([`intent deleteNew ${the.spareId}`, `done deleteNew ${the.spareId}`]);
  });

  test('also where somebody else was quicker', async () => {
    const its = await ready();
    const certificate = known(the.oldId);
    the.world.delete('somebody', the.oldId);
    await inTime(endTrust(its.run, { kind: 'delete', certificate }));
    expect([...its.run.deletedHere]).toEqual([the.oldId]);
    expect(steps(its)).toEqual([`intent delete ${the.oldId}`, `done delete ${the.oldId}`]);
  });

  test('not where a stage that was seen presents it: the run looks again', async () => {
    const its = await ready();
    const { run } = its;
    run.stages = run.stages.map((stage) =>
      stage.stageName === 'beta' ? { ...stage, clientCertificateId: the.oldId } : stage,
    );
    await remove(its);
    expect(run.progress).toEqual({ ...ALL_PROVED, recounted: false });
    expect([the.world.exists(the.oldId), run.records]).toEqual([true, []]);
  });

  test('not before the soak has passed since a stage can last have presented it', async () => {
    for (const name of ['api/prod', 'api/beta']) the.world.attach('a', name, next);
    const its = begun(the);
    const { run } = its;
    await inTime(lookAtStages(run));
    const last = (await inTime(situation(run))).lastPresented.get(the.oldId)?.getTime() ?? 0;
    await pass(last + SETTINGS.soak - 1 - the.world.time.now);
    for (const isGone of [false, true]) {
      await inTime(lookAtStages(run));
      run.progress = ALL_PROVED;
      await remove(its);
      expect([!the.world.exists(the.oldId), run.progress.recounted]).toEqual([isGone, isGone]);
      await pass(1);
    }
  });

  test('not by a look that is too old', async () => {
    const its = await ready();
    await pass(5_001);
    await remove(its);
    expect([the.world.exists(the.oldId), its.run.progress.recounted]).toEqual([true, false]);
  });

  test('not by a run that has lost its lock', async () => {
    const lost = new AppError('LockLost', 'lost');
    const its = await ready({ deps: { assertHeld: () => Promise.reject(lost) } });
    await expect(remove(its)).rejects.toBe(lost);
    expect([the.world.exists(the.oldId), its.run.progress]).toEqual([true, ALL_PROVED]);
  });

  test('not where AWS refuses, since a stage has come to it: every proof is void', async () => {
    const its = await ready();
    the.world.attach('somebody', 'api/beta', the.oldId);
    await remove(its);
    const { run } = its;
    expect(run.progress).toEqual(NOTHING);
    expect(run.stages.map(({ clientCertificateId }) => clientCertificateId)).toEqual([next, the.oldId]);
    expect(run.records.at(-1)).toMatchObject({
      type: 'failed',
      code: 'LookOutdated',
      message: `api/beta presents ${the.oldId}, so AWS refuses to delete it`,
    });
    expect([[...run.gone], [...run.deletedHere]]).toEqual([[], []]);
  });

  test('not where AWS refuses for another reason, which is reported', async () => {
    const refusal = new AppError('RequestRefused', 'no');
    const its = await ready({ controlPlane: { deleteClientCertificate: () => Promise.reject(refusal) } });
    await expect(remove(its)).rejects.toBe(refusal);
    expect([...its.run.gone]).toEqual([]);
  });

  test.each(['throttled', 'denied', 'lostBefore'] as const)('not where the call fails: %s', async (kind) => {
    const its = await ready({ fates: [on('DeleteClientCertificate', { kind })] });
    await expect(remove(its)).rejects.toBeInstanceOf(AppError);
    expect([...its.run.deletedHere]).toEqual([]);
    expect(its.run.progress).toEqual(ALL_PROVED);
  });
});

describe('a store stops trusting a certificate', () => {
  test('where no stage presents it any more, and what was proved of its end is void', async () => {
    const its = await ready();
    const { run } = its;
    await untrust(its);
    const { trusted } = picture(the);
    expect([trusted['file'], trusted['blind']]).toEqual([[the.foreignId], [the.oldId, the.foreignId]]);
    expect(run.progress).toEqual({ ...ALL_PROVED, confirmed: false });
    expect(run.stores).toBeUndefined();
    const evidence = { clientCertificateId: the.oldId, fingerprintSha256: the.world.fingerprint(the.oldId) };
    expect(run.records).toMatchObject([
      { type: 'intent', step: 'untrust', subject: 'file', evidence },
      { type: 'done', step: 'untrust', subject: 'file', evidence },
    ]);
  });

  test('by any look of this run, where AWS has deleted it', async () => {
    const its = await ready();
    await pass(5_001);
    await untrust(its);
    expect(its.run.progress.recounted).toBe(false);
    expect(picture(the).trusted['file']).toContain(the.oldId);
    its.run.gone.add(the.oldId);
    await untrust(its);
    expect(picture(the).trusted['file']).not.toContain(the.oldId);
  });

  /** Only as much of a store as matters here. */
  const storeOf = (remove: TrustStore['remove']): BegunOptions => ({
    deps: {
      stores: () => [
        {
          name: 'file',
          observe: () => Promise.resolve(undefined),
          objection: () => undefined,
          add: () => Promise.resolve(),
          remove,
        },
      ],
    },
  });

  test('not where a stage comes to it while the store prepares the change', async () => {
    let isRemoved = false;
    const its: Begun = await ready(
      storeOf(async (_, options) => {
        its.run.stages = its.run.stages.map((stage) => ({ ...stage, clientCertificateId: the.oldId }));
        await options?.beforeEffect?.();
        isRemoved = true;
      }),
    );
    await untrust(its);
    expect([isRemoved, its.run.progress.recounted]).toEqual([false, false]);
    expect(its.run.records.at(-1)).toMatchObject({
      type: 'failed',
      step: 'untrust',
      message: `the certificate ${the.oldId} cannot be removed now: api/prod presents it`,
    });
  });

  test('not where the lock is lost while the store prepares the change', async () => {
    const lost = new AppError('LockLost', 'lost');
    let isHeld = true;
    let isRemoved = false;
    const { deps } = storeOf(async (_, options) => {
      isHeld = false;
      await options?.beforeEffect?.();
      isRemoved = true;
    });
    const its = await ready({
      deps: { ...deps, assertHeld: () => (isHeld ? Promise.resolve() : Promise.reject(lost)) },
    });
    await expect(untrust(its)).rejects.toBe(lost);
    expect(isRemoved).toBe(false);
  });

  const notLive = new AppError('TrustStoreNotLive', 'the server does not follow');

  test('on the way back although its server does not follow, which is not tried again', async () => {
    const its = await ready(storeOf(() => Promise.reject(notLive)));
    const { run } = its;
    run.goal = 'abort';
    run.stores = [];
    await untrust(its);
    expect(run.warnings).toEqual([
      { code: 'TrustStoreNotLive', message: `the server does not follow; ${the.oldId} is not in it` },
    ]);
    expect([...run.notLive]).toEqual([`file ${the.world.fingerprint(the.oldId)}`]);
    expect(run.stores).toBeUndefined();
    expect(run.records[0]).toMatchObject({ type: 'intent', step: 'untrustNew', subject: 'file' });
  });

  test('forward only where its server follows', async () => {
    const its = await ready(storeOf(() => Promise.reject(notLive)));
    its.run.stores = [];
    await expect(untrust(its)).rejects.toBe(notLive);
    expect([its.run.warnings, [...its.run.notLive], its.run.stores]).toEqual([[], [], undefined]);
  });

  test.each([new AppError('TrustStoreFailed', 'no'), new Error('no')])(
    'on the way back not where it fails otherwise: %s',
    async (failure) => {
      const its = await ready(storeOf(() => Promise.reject(failure)));
      its.run.goal = 'abort';
      await expect(untrust(its)).rejects.toBe(failure);
      expect([its.run.warnings, [...its.run.notLive]]).toEqual([[], []]);
    },
  );
});

describe('a certificate that stays loses its mark', () => {
  test.each([
    ['without a word where no stage presents it', [], []],
    [
      'and is named where stages present it',
      ['api/prod', 'api/beta'],
      ['NewCertificateInUse api/prod, api/beta present ID, so it stays'],
    ],
    ['and one stage is enough', ['api/beta'], ['NewCertificateInUse api/beta presents ID, so it stays']],
  ])('%s', async (_, users: string[], warnings: string[]) => {
    const { world } = the;
    const [adopted, other] = [successor(the, { adopted: true }), successor(the, { adopted: true })];
    for (const name of users) world.place(name, adopted);
    const { run } = begun(the);
    await inTime(endTrust(run, { kind: 'release', certificate: known(adopted) }));
    expect(run.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual(
      warnings.map((text) => text.replace('ID', adopted)),
    );
    expect(readMark(world.certificate(adopted))).toBeUndefined();
    const marks = new Map(run.certificates.map((one) => [one.clientCertificateId, one.mark]));
    expect([marks.get(adopted), marks.get(other)?.rotationId]).toEqual([undefined, 'r1']);
    expect(run.certificates.find((one) => one.clientCertificateId === adopted)).not.toHaveProperty('mark');
    expect(run.records.at(-1)).toMatchObject({ step: 'release', subject: adopted, evidence: { kept: true } });
    expect(world.exists(adopted)).toBe(true);
  });
});
