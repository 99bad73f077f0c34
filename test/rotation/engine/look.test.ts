import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  deletedCertificates,
  isCheckFresh,
  isLookFresh,
  isOldMissing,
  lookAgain,
  lookAtCertificates,
  lookAtStages,
  lookAtStores,
  lookAtSwitched,
  replaceCertificate,
  replaceStages,
} from '../../../src/rotation/engine/look.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import type { Run } from '../../../src/rotation/engine/run.js';
import { AppError } from '../../../src/platform/errors.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import type { ControlPlane } from '../../../src/control-plane/control-plane.js';
import { begun, successor } from './model/begun.js';
import type { Fate, Mishap } from './model/mishap.js';
import { LARGE, prepare, scene, type Scene } from './model/scene.js';

/* What a run believes of AWS's answers, and for how long. */

beforeAll(prepare);

let the: Scene;
beforeEach(() => {
  the = scene();
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const pass = (ms: number): Promise<void> => inTime(the.world.time.sleep(ms));
const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });
const ids = ({ certificates }: Run): string[] => certificates.map((one) => one.clientCertificateId).sort();
const known = (id: string) => certificateOf(the.world.certificate(id));
/** AWS's list of certificates without some. */
const lists = (...without: string[]): Partial<ControlPlane> => ({
  getClientCertificates: () =>
    Promise.resolve(
      [...the.world.account().certificates.values()].filter(
        ({ clientCertificateId }) => !without.includes(clientCertificateId),
      ),
    ),
});
const remembers = (id: string): RotationRecord => ({
  type: 'certificate',
  at: new Date(the.world.time.now).toISOString(),
  clientCertificateId: id,
  pem: the.world.identity(id).pem,
});
const started = (...stageNames: string[]): RotationRecord => ({
  type: 'started',
  version: JOURNAL_VERSION,
  at: new Date(the.world.time.now).toISOString(),
  rotationId: 'r1',
  region: 'eu-west-1',
  oldCertificateId: the.oldId,
  stages: stageNames.map((stageName) => ({ restApiId: 'api', stageName })),
});
const SHA = { replacesSha256: '' };
beforeEach(() => {
  SHA.replacesSha256 = the.world.fingerprint(the.oldId);
});

describe('certificates', () => {
  test('that the list lacks are asked for themselves where the rotation knows them', async () => {
    const { oldId, foreignId, spareId } = the;
    const [next, spare, other] = [successor(the), successor(the), successor(the)];
    const controlPlane = lists(oldId, next, spare, other, foreignId, spareId);
    const { run, calls } = begun(the, { controlPlane, records: [remembers(foreignId)] });
    run.certificates = [known(oldId), known(next), known(spare)];
    run.made = { certificate: known(other), at: run.deps.now(), isSeen: false };
    await inTime(lookAtCertificates(run));
    // The user's own spare is nobody's business.
    expect(ids(run)).toEqual([oldId, foreignId, next, spare, other].sort());
    expect([...run.gone]).toEqual([]);
    expect(run.made.isSeen).toBe(false);
    expect(calls.filter((call) => call.startsWith('getClientCertificate '))).toHaveLength(5);
  });

  test('that AWS does not know by their ids either are gone, and not asked for again', async () => {
    const next = successor(the, SHA);
    const { run, calls } = begun(the, { records: [remembers(the.spareId)] });
    the.world.attach('user', 'api/prod', undefined);
    the.world.attach('user', 'api/beta', undefined);
    await pass(60_000);
    the.world.delete('user', the.oldId);
    the.world.delete('user', the.spareId);
    for (let times = 0; times < 2; times++) {
      await inTime(lookAtCertificates(run));
      expect(ids(run)).toEqual([the.foreignId, next]);
      expect([...run.gone].sort()).toEqual([the.oldId, the.spareId]);
    }
    expect(calls.filter((call) => call.startsWith('getClientCertificate '))).toHaveLength(2);
  });

  test('the old one is asked for by its id where a mark says that trust in it may be left', async () => {
    const { oldId } = the;
    const next = successor(the, SHA);
    const { run } = begun(the, { controlPlane: lists(oldId) });
    run.certificates = [known(next)];
    expect(isOldMissing(run)).toBe(true);
    await inTime(lookAtCertificates(run));
    expect(ids(run)).toContain(oldId);
    expect(isOldMissing(run)).toBe(false);
    run.certificates = [certificateOf({ ...the.world.certificate(next), tags: {} })];
    expect(isOldMissing(run)).toBe(false);
    // A spare’s mark says it as well.
    const spare = successor(the, SHA);
    run.certificates = [known(successor(the)), known(spare)];
    run.stages = [];
    expect(isOldMissing(run)).toBe(true);
    run.certificates = [known(successor(the))];
    expect(isOldMissing(run)).toBe(false);
  });

  test('are not taken for gone where AWS did not say so', async () => {
    const { run } = begun(the, {
      controlPlane: lists(the.oldId),
      fates: [on('GetClientCertificate', { kind: 'throttled' })],
    });
    await expect(inTime(lookAtCertificates(run))).rejects.toMatchObject({ code: 'Throttled' });
    expect([...run.gone]).toEqual([]);
  });

  test('that this run has deleted are, whatever a list still shows', async () => {
    const { run } = begun(the);
    run.gone.add(the.oldId).add(the.spareId);
    run.deletedHere.add(the.oldId);
    await inTime(lookAtCertificates(run));
    expect(ids(run)).toEqual([the.foreignId, the.spareId]);
    expect([...run.gone]).toEqual([the.oldId]);
  });

  test.each([
    ['for 15 seconds', 14_999, false, true],
    ['no longer', 15_000, false, false],
    ['not once AWS has shown it', 1_000, true, false],
  ])('that this run has just made are believed in unseen, %s', async (_, ms, isSeen, isThere) => {
    const next = successor(the);
    const certificate = known(next);
    const { run } = begun(the);
    run.made = { certificate, at: run.deps.now(), isSeen };
    the.world.delete('user', next);
    await pass(ms);
    await inTime(lookAtCertificates(run));
    expect([ids(run).includes(next), run.gone.has(next)]).toEqual([isThere, !isThere]);
    expect(run.made.isSeen).toBe(isSeen);
  });

  test('that another run made are not believed in unseen', async () => {
    const [next, mine] = [successor(the), successor(the)];
    const { run } = begun(the);
    run.made = { certificate: known(mine), at: run.deps.now(), isSeen: false };
    the.world.delete('user', next);
    await inTime(lookAtCertificates(run));
    expect([...run.gone]).toEqual([next]);
    expect(run.made.isSeen).toBe(true);
  });

  test('whose mark has changed replace themselves alone', () => {
    const next = successor(the);
    const { run } = begun(the);
    const fresh = { ...known(next), description: 'fresh' };
    const others = run.certificates.filter((one) => one.clientCertificateId !== next);
    replaceCertificate(run, fresh);
    expect(run.certificates).toEqual([...others, fresh]);
  });
});

describe('a list of stages', () => {
  const without = (...names: string[]): Partial<ControlPlane> => ({
    getStages: (id) =>
      Promise.resolve(the.world.stagesOf(id).filter(({ stageName }) => !names.includes(stageName))),
  });
  const hidden = (what: string) => ({
    code: 'ServiceUnreachable',
    message: `AWS's lists of APIs and stages lack ${what}, which AWS returns when queried by ID`,
    hint: 'nothing was changed; run the same command again later',
  });

  test('that lacks the target, which exists, is asked for eight times and then not believed', async () => {
    const { run, slept, looks } = begun(the, { controlPlane: without('prod') });
    const before = run.stages;
    await expect(inTime(lookAtStages(run, { known: true, isUrgent: true }))).rejects.toMatchObject(
      hidden('the stage api/prod'),
    );
    expect(slept).toEqual(Array.from({ length: 7 }, () => 2_000));
    expect(looks).toEqual(Array.from({ length: 8 }, (_, i) => ({ known: i === 0, isUrgent: true })));
    expect(run.stages).toBe(before);
    expect(run.look).toBeUndefined();
  });

  test('is asked for anew by default, and for nobody else’s sake', async () => {
    const { run, looks } = begun(the);
    await inTime(lookAtStages(run));
    expect(looks).toEqual([{ known: false, isUrgent: false }]);
  });

  test('is believed once it has everything, with the names of its APIs and the time of the look', async () => {
    the = scene(LARGE);
    const { run, calls } = begun(the, { latency: 7 });
    run.apiNames = new Map([['gone', 'earlier']]);
    run.stores = [];
    const begin = run.deps.now();
    run.stages = [];
    await inTime(lookAtStages(run));
    expect(run.stages).toHaveLength(4);
    expect([...run.apis].sort()).toEqual(['REST api', 'REST pay', 'WEBSOCKET ws']);
    expect([...run.apiNames.keys()]).toContain('gone');
    expect(run.apiNames.size).toBe(4);
    expect(run.look).toEqual({ begun: begin, ended: run.deps.now(), storesTook: 0 });
    expect(run.look?.ended.getTime()).toBeGreaterThan(begin.getTime());
    expect(run.stores).toBeUndefined();
    expect(calls.some((call) => call.startsWith('getStage '))).toBe(false);
  });

  test('may lack what AWS itself says is gone', async () => {
    const { run, slept } = begun(the);
    the.world.removeStage('api/prod');
    await inTime(lookAtStages(run));
    expect(run.stages.map(({ stageName }) => stageName)).toEqual(['beta']);
    expect(slept).toEqual([]);
  });

  test('that lacks a stage of which AWS says nothing is no list', async () => {
    const { run } = begun(the, {
      controlPlane: without('prod'),
      fates: [on('GetStage ', { kind: 'throttled' })],
    });
    await expect(inTime(lookAtStages(run))).rejects.toMatchObject({ code: 'Throttled' });
  });

  test.each([
    ['the rotation was begun for', { records: () => [started('beta')] }],
    ['was seen with the old certificate', { sight: () => the.oldId }],
    ['was seen with one made to take its place', { sight: () => successor(the) }],
  ])(
    'has to have every stage that %s',
    async (_, more: { records?: () => RotationRecord[]; sight?: () => string }) => {
      const seen = more.sight?.();
      const { run } = begun(the, { controlPlane: without('beta'), records: more.records?.() ?? [] });
      if (seen !== undefined)
        run.deps.account.sightings.set('api/beta', { since: 0, lastWith: new Map([[seen, 0]]) });
      await expect(inTime(lookAtStages(run))).rejects.toMatchObject(hidden('the stage api/beta'));
    },
  );

  test.each([
    ['a journal without its beginning names', 'torn'],
    ['was seen with a stranger’s certificate', 'strange'],
  ])('may lack a stage that %s', async (_, how) => {
    const { run, calls } = begun(the, {
      controlPlane: without('beta'),
      records: how === 'torn' ? [remembers(the.oldId), started('beta')] : [],
    });
    if (how === 'strange')
      run.deps.account.sightings.set('api/beta', { since: 0, lastWith: new Map([[the.foreignId, 0]]) });
    await inTime(lookAtStages(run));
    expect(run.stages.map(({ stageName }) => stageName)).toEqual(['prod']);
    expect(calls.some((call) => call.startsWith('getStage '))).toBe(false);
  });

  test.each([
    ['REST pay', 'pay', 'getStages "pay"'],
    ['WEBSOCKET ws', 'ws', 'getWebSocketStages "ws"'],
  ])('that lacks an API seen before is not believed: %s', async (key, id, call) => {
    the = scene(LARGE);
    const less = {
      getRestApis: () => Promise.resolve(the.world.apis().filter((api) => api.id !== id)),
      getWebSocketApis: () => Promise.resolve(the.world.apis('WEBSOCKET').filter((api) => api.id !== id)),
    };
    const { run, calls } = begun(the, { controlPlane: less });
    run.apis = new Set(['REST api', key]);
    await expect(inTime(lookAtStages(run))).rejects.toMatchObject(hidden(`the API ${id}`));
    expect(calls.filter((one) => one === call).length).toBeGreaterThan(0);
  });

  test('may lack APIs of which AWS says that they are gone; three at most are asked for', async () => {
    const asked: string[] = [];
    const { run } = begun(the, {
      controlPlane: {
        getStages: (id) => {
          if (id === 'api') return Promise.resolve(the.world.stagesOf(id));
          asked.push(id);
          return Promise.reject(new AppError('StageNotFound', `no API ${id}`));
        },
      },
    });
    run.apis = new Set(['REST api', 'REST a', 'REST b', 'REST c', 'REST d']);
    await inTime(lookAtStages(run));
    expect(asked).toEqual(['a', 'b', 'c']);
    expect([...run.apis]).toEqual(['REST api']);
  });

  test('that lacks an API of which AWS says nothing is no list', async () => {
    const { run } = begun(the, {
      controlPlane: {
        getStages: (id) =>
          id === 'api'
            ? Promise.resolve(the.world.stagesOf(id))
            : Promise.reject(new AppError('Throttled', 'too fast')),
      },
    });
    run.apis = new Set(['REST other']);
    await expect(inTime(lookAtStages(run))).rejects.toMatchObject({ code: 'Throttled' });
  });
});

describe('looking again', () => {
  test.each([
    ['waits for others while all stages present the old one', [], false],
    ['is urgent as soon as one does not', ['api/prod'], true],
    ['is urgent where none does', ['api/prod', 'api/beta'], true],
  ])('%s', async (_, moved, isUrgent) => {
    const next = successor(the);
    for (const name of moved) the.world.place(name, next);
    const { run, looks } = begun(the);
    run.progress = { proved: 'p', checked: true, recounted: false, confirmed: false };
    await inTime(lookAgain(run));
    expect(looks).toEqual([{ known: false, isUrgent }]);
    // It counts as the look that the end of trust needs, and makes no proof void.
    expect(run.progress).toEqual({ proved: 'p', checked: true, recounted: true, confirmed: false });
  });

  test('sees the certificates as well', async () => {
    const { run } = begun(the);
    const next = successor(the);
    await inTime(lookAgain(run));
    expect(ids(run)).toContain(next);
  });

  test('reads the certificates of ACM that stages have come to present by this very look', async () => {
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/a';
    const other = `${arn}b`;
    const { run: begins, calls } = begun(the, {
      controlPlane: {
        getStages: () =>
          Promise.resolve(
            the.world.stagesOf('api').map((stage) => ({
              ...stage,
              clientCertificateId: stage.stageName === 'prod' ? arn : other,
            })),
          ),
      },
    });
    const run: Run = { ...begins, oldId: arn, stages: [] };
    // One that cannot be read may be trusted by the same root and name.
    await expect(inTime(lookAgain(run))).rejects.toMatchObject({ code: 'CertificateNotFound' });
    expect(calls).toContain(`getAcmCertificate "${other}"`);
    expect(run.progress.recounted).toBe(false);
  });
});

describe('a look at the account is fresh', () => {
  const at = (ms: number): Date => new Date(1_000_000 + ms);
  const fresh = (now: number, look?: Run['look'], wroteAt?: Date): boolean =>
    isLookFresh({
      ...(look ? { look } : {}),
      ...(wroteAt ? { wroteAt } : {}),
      deps: { now: () => at(now) },
    } as Run);

  test('never before it was made', () => {
    expect(fresh(0)).toBe(false);
  });

  test.each([
    ['five seconds at least', 1_000, 0, 6_000],
    ['as long as it took', 20_000, 0, 40_000],
    ['as long as it took, with the look at the stores after it', 20_000, 4_000, 48_000],
  ])('for %s', (_, took, storesTook, last) => {
    const look = { begun: at(0), ended: at(took), storesTook };
    expect([fresh(last, look), fresh(last + 1, look)]).toEqual([true, false]);
  });

  test('where it began after the last write', () => {
    const look = { begun: at(0), ended: at(100), storesTook: 0 };
    expect([-1, 0, 1].map((wrote) => fresh(200, look, at(wrote)))).toEqual([true, true, false]);
  });

  test.each([
    [1_000, 6_000],
    [20_000, 40_000],
  ])('and one before a switch of %d ms until %d', (took, last) => {
    const check = { begun: at(0), ended: at(took) };
    const isFresh = (now: number): boolean => isCheckFresh({ check, deps: { now: () => at(now) } } as Run);
    expect([isFresh(last), isFresh(last + 1)]).toEqual([true, false]);
    expect(isCheckFresh({ deps: { now: () => at(0) } } as Run)).toBe(false);
  });
});

describe('stages that were just switched', () => {
  const both = [
    { restApiId: 'api', stageName: 'prod' },
    { restApiId: 'api', stageName: 'beta' },
  ];

  test('are looked at until all show it, each second', async () => {
    const next = successor(the);
    const { run, slept } = begun(the);
    run.wroteAt = run.deps.now();
    the.world.place('api/prod', next);
    the.world.time.after(2_500, () => {
      the.world.place('api/beta', next);
    });
    await inTime(lookAtSwitched(run, both, next));
    expect(slept).toEqual([1_000, 1_000, 1_000]);
    expect(run.stages.map(({ clientCertificateId }) => clientCertificateId)).toEqual([next, next]);
    expect(run.deps.account.sightings.get('api/beta')?.lastWith.has(next)).toBe(true);
  });

  test('are believed to show something else 15 seconds after the last write', async () => {
    const next = successor(the);
    const { run, slept } = begun(the);
    run.wroteAt = run.deps.now();
    await inTime(lookAtSwitched(run, both, next));
    expect(slept).toHaveLength(15);
    expect(run.stages.map(({ clientCertificateId }) => clientCertificateId)).toEqual([the.oldId, the.oldId]);
  });

  test('are looked at once where this run wrote nothing', async () => {
    const { run, slept } = begun(the);
    await inTime(lookAtSwitched(run, both, 'c99999'));
    expect(slept).toEqual([]);
  });

  test('replace themselves alone', () => {
    const { run } = begun(the);
    const prod = { ...the.world.stage('api/prod'), clientCertificateId: the.spareId };
    replaceStages(run, [prod]);
    expect(run.stages).toEqual([prod, the.world.stage('api/beta')]);
    expect([...run.deps.account.sightings.keys()]).toEqual(['api/prod']);
  });
});

describe('trust stores', () => {
  test('are looked into once, until something may have changed', async () => {
    const { run } = begun(the);
    const first = await inTime(lookAtStores(run));
    the.world.trust('somebody', 'file', the.world.fingerprint(the.spareId));
    expect(await inTime(lookAtStores(run))).toBe(first);
    delete run.stores;
    const second = await inTime(lookAtStores(run));
    expect(second.find(({ name }) => name === 'file')?.trusts).toHaveLength(3);
  });

  test('do not hold any more what was taken out without the server following', async () => {
    const { run } = begun(the);
    const [old, foreign] = [the.oldId, the.foreignId].map((id) => the.world.fingerprint(id));
    run.notLive.add(`file ${old}`).add(`blind ${foreign}`);
    const views = await inTime(lookAtStores(run));
    expect(views.map(({ name, trusts, mayTrust }) => ({ name, trusts, mayTrust }))).toEqual([
      { name: 'file', trusts: [old, foreign], mayTrust: [foreign] },
      { name: 'blind', trusts: [old], mayTrust: [old] },
    ]);
  });
});

describe('what is deleted and may still be trusted', () => {
  const ended = (run: Run): string[] =>
    deletedCertificates(run).map(
      ({ clientCertificateId, trusted }) =>
        `${clientCertificateId} ${the.world.idOf(trusted.fingerprintSha256)}`,
    );

  test('is the old one, by the fingerprint in a mark, once AWS has said that it is gone', () => {
    const { oldId } = the;
    const next = successor(the, SHA);
    const { run } = begun(the);
    expect(ended(run)).toEqual([]);
    run.gone.add(oldId);
    // A list that shows it is right until AWS says otherwise.
    expect(ended(run)).toEqual([]);
    run.certificates = [known(next)];
    expect(ended(run)).toEqual([`${oldId} ${oldId}`]);
    run.gone.clear();
    expect(ended(run)).toEqual([]);
    run.gone.add(oldId);
    run.certificates = [known(successor(the)), known(next)].map((one, i) => ({
      ...one,
      createdDate: new Date(i),
    }));
    expect(ended(run)).toEqual([`${oldId} ${oldId}`]);
    run.certificates = [known(successor(the))];
    expect(ended(run)).toEqual([]);
  });

  test('is what the journal remembers, once AWS has said that it is gone', () => {
    const { oldId, spareId, foreignId } = the;
    const records = [started('prod'), remembers(oldId), remembers(spareId), remembers(foreignId)];
    const { run } = begun(the, { records });
    run.gone.add(oldId).add(spareId).add('c99999');
    expect(ended(run)).toEqual([]);
    run.certificates = [];
    expect(ended(run)).toEqual([`${oldId} ${oldId}`, `${spareId} ${spareId}`]);
  });
});
