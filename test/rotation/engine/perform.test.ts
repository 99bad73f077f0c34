import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { perform, type DoableStep } from '../../../src/rotation/engine/perform.js';
import { probesOf } from '../../../src/rotation/engine/prove.js';
import { deploymentText, pause, waitUntil } from '../../../src/rotation/engine/run.js';
import { situation } from '../../../src/rotation/engine/situation.js';
import { askStage } from '../../../src/rotation/engine/stage-url.js';
import { AppError } from '../../../src/platform/errors.js';
import { callsKey } from '../../../src/rotation/rules/calls.js';
import { readMark, type Mark } from '../../../src/control-plane/marks.js';
import { proofKey } from '../../../src/rotation/rules/next-step.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import { begun, successor, type Begun, type BegunOptions } from './model/begun.js';
import { PROBE_URL, SETTINGS } from './model/command.js';
import type { Fate, Mishap } from './model/mishap.js';
import { picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* What each step does, what it leaves of what was proved before, and what it says where it cannot be done. */

beforeAll(prepare);

let the: Scene;
let next: string;
beforeEach(() => {
  the = scene({ ...PLAIN, hosts: { 'orders.example': { stores: ['file'] } }, stores: { file: {} } });
  next = '';
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const on = (call: string, mishap: Mishap): Fate => ({ on: call, mishap });
const known = (id: string) => certificateOf(the.world.certificate(id));
const at = (ms = 0): Date => new Date(the.world.time.now + ms);
const ALL = { proved: 'p', checked: true, verified: 'v', recounted: true, confirmed: true };
const NOTHING = { checked: false, recounted: false, confirmed: false };
const failure = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const started = (more: object = {}): RotationRecord => ({
  type: 'started',
  version: JOURNAL_VERSION,
  at: at().toISOString(),
  rotationId: 'r1',
  region: 'eu-west-1',
  oldCertificateId: the.oldId,
  stages: [],
  ...more,
});

/** A run with a new certificate that all stores hold, on some stages. */
function ready({
  moved = [],
  mark = {},
  ...options
}: BegunOptions & { moved?: readonly string[]; mark?: Partial<Mark> } = {}): Begun {
  next = successor(the, mark);
  for (const name of the.world.stores.keys()) the.world.furnish(name, the.world.fingerprint(next));
  for (const name of moved) the.world.place(name, next);
  const its = begun(the, options);
  its.run.progress = ALL;
  return its;
}
const BOTH = ['api/prod', 'api/beta'];
const go = ({ run }: Begun, step: DoableStep): Promise<void> => inTime(perform(run, step));
const keyOf = async ({ run }: Begun, id: string): Promise<string> =>
  proofKey(id, callsKey(await inTime(probesOf(run))));
const evidence = ({ run }: Begun) => run.records.findLast(({ type }) => type === 'done');

describe('adding trust', () => {
  test('voids every proof, and the look into the stores', async () => {
    const its = ready();
    its.run.stores = [];
    await go(its, { kind: 'trust', store: 'file', certificate: known(the.spareId) });
    expect([its.run.progress, its.run.stores]).toEqual([NOTHING, undefined]);
    const about = { clientCertificateId: the.spareId, fingerprintSha256: the.world.fingerprint(the.spareId) };
    expect(its.run.records).toMatchObject([
      { type: 'intent', step: 'trust', subject: 'file', evidence: about },
      { type: 'done', step: 'trust', subject: 'file', evidence: about },
    ]);
    expect(its.run.warnings).toEqual([]);
  });

  test('voids them where it fails, too, and takes place under the lock alone', async () => {
    const lost = new AppError('LockLost', 'lost');
    let checks = 0;
    const its = ready({
      deps: { assertHeld: () => (checks++ < 2 ? Promise.resolve() : Promise.reject(lost)) },
    });
    its.run.stores = [];
    expect(await failure(go(its, { kind: 'trust', store: 'file', certificate: known(the.spareId) }))).toBe(
      lost,
    );
    expect([its.run.progress, its.run.stores]).toEqual([NOTHING, undefined]);
    expect(picture(the).trusted['file']).not.toContain(the.spareId);
  });

  test.each<[string, string, readonly string[], () => RotationRecord[], boolean]>([
    ['the one in use was not trusted', 'old', [], () => [started()], true],
    ['it is another one', 'spare', [], () => [started()], false],
    ['it is the new one, which all stages present', 'next', BOTH, () => [started()], false],
    ['a stage presents another one by now', 'old', ['api/beta'], () => [started()], false],
    ['the journal of before is lost', 'old', [], () => [started({ foundUnderWay: true })], false],
  ])('warns of a wrong store where %s', async (_, which, moved, records, isWarned) => {
    const its = ready({ moved, records: records() });
    const id = { old: the.oldId, spare: the.spareId, next }[which] ?? '';
    await go(its, { kind: 'trust', store: 'file', certificate: known(id) });
    expect(its.run.warnings).toEqual(
      isWarned
        ? [
            {
              code: 'OldCertificateNotTrusted',
              message: `file does not hold ${id}, which is in use, so it is added now: check that this is the trust store of this backend`,
            },
          ]
        : [],
    );
  });
});

describe('a proof', () => {
  test.each(['rotate', 'abort'] as const)('is kept with what it is about (%s)', async (goal) => {
    const its = ready();
    its.run.goal = goal;
    const id = goal === 'rotate' ? next : the.oldId;
    await go(its, { kind: 'preflight', to: known(id) });
    expect(its.run.progress).toEqual({ ...ALL, proved: await keyOf(its, id), recounted: false });
    const callers = JSON.stringify(evidence(its)).match(/"caller":"\w+"/g);
    expect(callers).toEqual(
      (goal === 'rotate' ? ['new', 'old', 'none', 'other'] : ['old']).map((one) => `"caller":"${one}"`),
    );
  });

  test('that fails proves nothing', async () => {
    const its = ready();
    the.world.stores.get('file')?.live.delete(the.world.fingerprint(next));
    expect((await failure(go(its, { kind: 'preflight', to: known(next) }))).code).toBe(
      'NewCertificateRefused',
    );
    expect(its.run.progress).toEqual({ ...ALL, recounted: false });
  });
});

describe('the look right before a switch', () => {
  test('sees stages, certificates and stores, and when', async () => {
    const its = ready({ latency: 30 });
    const { run } = its;
    run.progress = { ...ALL, checked: false };
    run.stores = [];
    the.world.place('api/beta', next);
    const other = successor(the);
    const begin = at();
    await go(its, { kind: 'recheck', stages: BOTH.map((name) => the.world.stage(name)) });
    expect(run.progress).toEqual({ ...ALL, checked: true, recounted: false });
    expect(run.stages.map(({ clientCertificateId }) => clientCertificateId)).toEqual([the.oldId, next]);
    expect(run.certificates.map((one) => one.clientCertificateId)).toContain(other);
    expect(run.stores).toHaveLength(1);
    const { check } = run;
    // After the intent: stages and certificates at once, then the store; before the result is written down.
    expect([
      (check?.begun.getTime() ?? 0) - begin.getTime(),
      (check?.ended.getTime() ?? 0) - begin.getTime(),
    ]).toEqual([30, 90]);
  });

  test('is needed again after each switch, and before one by a look that is too old', async () => {
    const its = ready();
    const { run } = its;
    const stages = [the.world.stage('api/prod')];
    await go(its, { kind: 'switch', stages, to: known(next) });
    expect([run.records, run.progress]).toEqual([[], { ...ALL, checked: false, recounted: false }]);
    run.progress = ALL;
    run.check = { begun: at(), ended: at() };
    await go(its, { kind: 'switch', stages, to: known(next) });
    expect(run.progress).toEqual({ ...ALL, checked: false, recounted: false });
    expect(evidence(its)).toMatchObject({ step: 'switch', subject: 'api/prod' });
    run.goal = 'rollBack';
    run.check = { begun: at(), ended: at() };
    await go(its, { kind: 'switch', stages: [the.world.stage('api/prod')], to: known(the.oldId) });
    expect(evidence(its)).toMatchObject({ step: 'rollBack', subject: 'api/prod' });
  });
});

describe('after the switch', () => {
  test.each([
    ['is asked', false],
    ['is not asked where it was before the switch', true],
  ])('the backend %s', async (_, isProved) => {
    const its = ready({ moved: BOTH });
    const key = await keyOf(its, next);
    its.run.progress = { ...ALL, ...(isProved ? { proved: key } : {}) };
    await go(its, { kind: 'verifySwitch', next: known(next) });
    expect(its.run.progress).toEqual({
      ...ALL,
      ...(isProved ? { proved: key } : {}),
      verified: key,
      checked: false,
      recounted: false,
    });
    expect(its.calls.some((call) => call.startsWith('testInvoke'))).toBe(!isProved);
  });

  test.each<[string, () => void]>([
    [
      'presents another one again',
      () => {
        the.world.place('api/beta', the.oldId);
      },
    ],
    [
      'presents none',
      () => {
        the.world.attach('x', 'api/beta', undefined);
      },
    ],
  ])('nobody is asked where a stage %s', async (_, happens) => {
    let asked = 0;
    const its = ready({
      moved: BOTH,
      request: { probeUrl: PROBE_URL },
      deps: { request: () => Promise.resolve(++asked) },
    });
    happens();
    await go(its, { kind: 'verifySwitch', next: known(next) });
    expect([asked, its.calls.some((call) => call.startsWith('testInvoke'))]).toEqual([0, false]);
    expect(its.run.stages.map(({ clientCertificateId }) => clientCertificateId)).not.toEqual([next, next]);
  });

  test('the URL is asked until it answers well once', async () => {
    const answers = [503, 200, 503];
    const its = ready({
      request: { probeUrl: PROBE_URL },
      deps: { request: () => Promise.resolve(answers.shift() ?? 0) },
    });
    expect(await inTime(askStage(its.run))).toBeUndefined();
    expect([its.slept, answers]).toEqual([[1_000], [503]]);
  });

  test('the URL is asked three times, a second apart, and a failure names it', async () => {
    for (const [status, what] of [
      [0, 'did not answer'],
      [400, 'answered 400'],
      [199, 'answered 199'],
    ] as const) {
      const its = ready({
        request: { probeUrl: PROBE_URL },
        deps: { request: () => Promise.resolve(status) },
      });
      expect(await inTime(askStage(its.run))).toBe(`${PROBE_URL} ${what} 3 times in a row`);
      expect(its.slept).toEqual([1_000, 1_000]);
      if (status !== 0) continue;
      const stages = BOTH;
      for (const name of stages) the.world.place(name, next);
      its.run.stages = stages.map((name) => the.world.stage(name));
      const error = await failure(go(its, { kind: 'verifySwitch', next: known(next) }));
      expect([error.code, error.message, error.hint]).toEqual([
        'NewCertificateRefused',
        `${PROBE_URL} did not answer 3 times in a row after the switch`,
        'check the logs of the backend',
      ]);
      expect(its.run.progress).toEqual({ ...ALL, recounted: false });
    }
    expect(
      await inTime(askStage(ready({ deps: { request: () => Promise.resolve(0) } }).run)),
    ).toBeUndefined();
  });
});

describe('the soak', () => {
  const soak = (its: Begun, ms: number): Promise<void> => go(its, { kind: 'soak', until: at(ms) });

  test('is waited for at once where there is no URL', async () => {
    const its = ready();
    await soak(its, 60_000);
    expect(its.slept).toEqual([60_000]);
    expect(evidence(its)).toMatchObject({ evidence: { requests: 0 } });
    expect(its.run.progress).toEqual({ ...ALL, recounted: false });
    expect(its.events[0]).toMatchObject({ type: 'waiting', reason: 'soak', until: at().toISOString() });
  });

  test('asks the URL each five seconds, after a failure each second, until it is over', async () => {
    const answers = [200, 503, 503, 399, 503];
    const its = ready({
      request: { probeUrl: PROBE_URL },
      deps: { request: () => Promise.resolve(answers.shift() ?? 200) },
    });
    await soak(its, 21_500);
    expect(its.slept).toEqual([5_000, 1_000, 1_000, 5_000, 1_000, 5_000, 3_500]);
    expect(evidence(its)).toMatchObject({ evidence: { requests: 7 } });
  });

  test('ends with the third failure in a row', async () => {
    const answers = [503, 503, 200, 503, 503, 0];
    const its = ready({
      request: { probeUrl: PROBE_URL },
      deps: { request: () => Promise.resolve(answers.shift() ?? 200) },
    });
    const error = await failure(soak(its, 60_000));
    expect([error.code, error.message, answers]).toEqual([
      'NewCertificateRefused',
      `${PROBE_URL} did not answer 3 times in a row after the switch`,
      [],
    ]);
  });

  test('of the way back does not ask the URL', async () => {
    const its = ready({ request: { probeUrl: PROBE_URL }, deps: { request: () => Promise.resolve(0) } });
    its.run.goal = 'abort';
    await soak(its, 60_000);
    expect(evidence(its)).toMatchObject({ evidence: { requests: 0 } });
  });

  test.each([
    ['rotate', 'the new certificate is in use; the old one is removed'],
    ['abort', 'the old certificate is in use; the new one is removed'],
  ] as const)('is left to a later run where this one does not wait (%s)', async (goal, what) => {
    const its = ready({ settings: { wait: false } });
    its.run.goal = goal;
    const until = at(60_000).toISOString();
    const error = await failure(soak(its, 60_000));
    expect([error.code, error.message, error.hint, error.details]).toEqual([
      'RotationWaiting',
      `${what} after the soak, at ${until}`,
      'run the same command again after that',
      { until },
    ]);
    expect(its.events).toMatchObject([{ type: 'waiting', until, reason: 'soak' }]);
    expect([its.slept, its.run.records]).toEqual([[], []]);
  });

  test('can be interrupted', async () => {
    const its = ready({ deps: { signal: AbortSignal.abort(new AppError('Interrupted', 'stop')) } });
    expect((await failure(soak(its, 60_000))).code).toBe('Interrupted');
    expect(its.slept).toEqual([]);
  });
});

describe('what got no answer', () => {
  test('is waited for, and looked for', async () => {
    const its = ready();
    const late = successor(the);
    await go(its, { kind: 'settle', until: at(7_000) });
    expect(its.slept).toEqual([7_000]);
    expect(its.run.certificates.map((one) => one.clientCertificateId)).toContain(late);
    expect(its.events[0]).toMatchObject({ type: 'waiting', reason: 'calls without a response' });
    expect(its.run.progress.recounted).toBe(false);
  });

  test('is left to a later run where this one does not wait', async () => {
    const its = ready({ settings: { wait: false } });
    const until = at(7_000).toISOString();
    const error = await failure(go(its, { kind: 'settle', until: at(7_000) }));
    expect([error.code, error.message, error.hint, error.details]).toEqual([
      'RotationWaiting',
      `a call to AWS that got no response may still take effect until ${until}`,
      'run the same command again after that',
      { until },
    ]);
  });

  test.each<[string, string, string, string | undefined]>([
    ['of a switch', 'intent', 'switch', 'switches'],
    ['of a way back', 'intent', 'rollBack', 'switches'],
    ['of the making of a certificate', 'intent', 'generate', 'generation'],
    ['of the taking of a certificate', 'intent', 'adopt', 'generation'],
    ['of a release', 'intent', 'release', 'release'],
    ['of nothing', 'done', 'switch', undefined],
  ])('may take effect for as long as it may be in flight: that %s', async (_, type, step, open) => {
    const entry = { type, at: at(-5_000).toISOString(), step, subject: 'api/prod', ms: 1 } as RotationRecord;
    const its = ready({ records: [started(), entry] });
    const { unsettled } = await inTime(situation(its.run));
    const none = { switches: new Date(0), generation: new Date(0), release: new Date(0) };
    expect(unsettled).toEqual({
      ...none,
      ...(open === undefined ? {} : { [open]: at(SETTINGS.inFlight - 5_000) }),
    });
  });

  test('dated later than now counts from the start of the run', async () => {
    const entry: RotationRecord = {
      type: 'intent',
      at: at(3_000).toISOString(),
      step: 'switch',
      subject: 'api/prod',
    };
    const its = ready({ records: [started(), entry] });
    const since = at().getTime();
    await inTime(the.world.time.sleep(1_000));
    expect((await inTime(situation(its.run))).unsettled.switches.getTime()).toBe(since + SETTINGS.inFlight);
    await inTime(the.world.time.sleep(2_000));
    expect((await inTime(situation(its.run))).unsettled.switches.getTime()).toBe(
      since + 3_000 + SETTINGS.inFlight,
    );
  });
});

describe('stages that need no deployment any more', () => {
  const redeployed = async (
    goal: 'rotate' | 'abort',
    {
      moved = [],
      described = () => '',
      redeploy = 'always',
      hasNext = true,
    }: {
      moved?: readonly string[];
      described?: () => string;
      redeploy?: 'always' | 'never';
      hasNext?: boolean;
    } = {},
  ): Promise<readonly string[]> => {
    const its = ready({
      moved,
      settings: { redeploy },
      controlPlane: {
        getDeployment: (_, id) => Promise.resolve({ id, description: described(), methods: [] }),
      },
    });
    its.run.goal = goal;
    if (!hasNext) its.run.certificates = [known(the.oldId)];
    return (await inTime(situation(its.run))).redeployed;
  };
  const byUs = (): string => deploymentText(next);

  test('are none forward before they are switched, and then those deployed for the new one', async () => {
    expect(await redeployed('rotate', { described: byUs })).toEqual([]);
    expect(await redeployed('rotate', { hasNext: false })).toEqual([]);
  });

  test.each([
    ['rotate', 'of the rotation', BOTH],
    ['rotate', 'of the user', []],
    ['abort', 'of the rotation', []],
    ['abort', 'of the user', BOTH],
  ] as const)('(%s) where the last deployment was that %s', async (goal, whose, names) => {
    const described = whose === 'of the user' ? () => 'release 7' : byUs;
    expect(await redeployed(goal, { moved: BOTH, described })).toEqual(names);
    expect(await redeployed(goal, { moved: BOTH, described, redeploy: 'never' })).toEqual([]);
  });

  test('are all on the way back where no new certificate was made', async () => {
    expect(await redeployed('abort', { hasNext: false })).toEqual(BOTH);
  });
});

describe('the recount', () => {
  test('sees stages and certificates, and times the stores', async () => {
    const its = ready({ moved: BOTH, latency: 30 });
    const { run } = its;
    run.progress = { ...ALL, recounted: false };
    const other = successor(the);
    await go(its, { kind: 'verifyUnused' });
    expect(run.progress).toEqual(ALL);
    expect(run.certificates.map((one) => one.clientCertificateId)).toContain(other);
    expect([run.look?.storesTook, run.stores?.length]).toEqual([30, 1]);
    expect(evidence(its)).toMatchObject({ evidence: { stages: 2 } });
  });

  test.each([
    ['rotate', ['api/prod'], false],
    ['rotate', BOTH, true],
    ['abort', ['api/prod'], false],
    ['abort', [], true],
    ['rollBack', ['api/prod'], false],
    ['cancel', ['api/prod'], true],
  ] as const)('(%s) by which stages %j present the new one', async (goal, moved, isOver) => {
    const its = ready({ moved });
    its.run.goal = goal;
    its.run.progress = { ...ALL, recounted: false };
    await go(its, { kind: 'verifyUnused' });
    expect(its.run.progress).toEqual(isOver ? ALL : NOTHING);
  });
});

describe('marks', () => {
  test('say that the rotation is withdrawn, and since when', async () => {
    const its = ready({ mark: { keepOld: '5s' } });
    await go(its, { kind: 'withdraw', certificate: known(next) });
    const mark = { rotationId: 'r1', replaces: the.oldId, keepOld: '5s', withdrawn: at().toISOString() };
    expect(readMark(the.world.certificate(next))).toEqual(mark);
    expect(its.run.certificates.find((one) => one.clientCertificateId === next)?.mark).toEqual(mark);
    expect(evidence(its)).toMatchObject({ step: 'withdraw', subject: next });
    const none = begun(the);
    await go(none, { kind: 'withdraw', certificate: known(the.spareId) });
    await go(none, { kind: 'finish', certificate: known(the.spareId) });
    expect([none.run.records, none.calls]).toEqual([[], []]);
  });

  test.each([
    ['', undefined],
    [', or as much as can be', 'denied'],
  ] as const)('lose the old fingerprint in the end%s', async (_, kind) => {
    const its = ready({
      mark: { replacesSha256: the.world.fingerprint(the.oldId) },
      fates:
        kind === undefined
          ? []
          : ['UntagResource', 'UpdateClientCertificate'].map((call) => on(call, { kind })),
    });
    const certificate = known(next);
    await go(its, { kind: 'finish', certificate });
    const mark = { rotationId: 'r1', replaces: the.oldId };
    expect(its.run.certificates.find((one) => one.clientCertificateId === next)?.mark).toEqual(mark);
    expect(certificate.mark?.replacesSha256).toBeDefined();
    expect(readMark(the.world.certificate(next))?.replacesSha256 === undefined).toBe(kind === undefined);
    expect(its.run.progress).toEqual(ALL);
    expect(evidence(its)).toMatchObject({ step: 'finish', subject: next });
    expect(its.run.warnings.map(({ message }) => message)).toEqual(
      kind === undefined
        ? []
        : [
            expect.stringMatching(
              `^the rotation mark could not be removed from ${next}, so the next run checks the trust stores for ${the.oldId} again: no permission`,
            ),
          ],
    );
  });

  test('stay where they cannot be written for another reason', async () => {
    const its = ready({
      mark: { replacesSha256: the.world.fingerprint(the.oldId) },
      fates: [on('UntagResource', { kind: 'throttled' })],
    });
    expect((await failure(go(its, { kind: 'finish', certificate: known(next) }))).code).toBe('Throttled');
    expect(its.run.warnings).toEqual([]);
  });
});

test('what is gone is named in the proof of the end, which is then proved', async () => {
  const its = ready({ moved: BOTH });
  its.run.progress = { ...ALL, confirmed: false };
  its.run.gone.add('c00009');
  await go(its, { kind: 'verifyRemoval', next: known(next) });
  expect(its.run.progress).toEqual(ALL);
  expect(evidence(its)).toMatchObject({ subject: next, evidence: { proof: { gone: ['c00009'] } } });
});

test('a stage is redeployed under a description by which later runs know it', async () => {
  const its = ready({ moved: BOTH });
  const stage = the.world.stage('api/beta');
  await go(its, { kind: 'redeploy', stage, to: known(next) });
  const text = deploymentText(next);
  expect(its.calls).toEqual([`createDeployment ${JSON.stringify(stage)} ${JSON.stringify(text)}`]);
  expect(its.run.stages).toEqual([the.world.stage('api/prod'), { ...stage, deploymentId: 'd2' }]);
  expect([...its.run.deployments]).toEqual([['d2', text]]);
  expect(evidence(its)).toMatchObject({
    step: 'redeploy',
    subject: 'api/beta',
    evidence: { deploymentId: 'd2' },
  });
  expect(its.run.progress).toEqual({ ...ALL, recounted: false });
});

describe('waiting', () => {
  test('takes an hour at a time at most', async () => {
    const its = ready();
    await inTime(waitUntil(its.run, at(2 * 3_600_000 + 1)));
    expect(its.slept).toEqual([3_600_000, 3_600_000, 1]);
    await inTime(waitUntil(its.run, at()));
    expect(its.slept).toHaveLength(3);
  });

  test('that is interrupted says by what; other failures are what they are', async () => {
    const stop = new AbortController();
    const reason = new AppError('Interrupted', 'stopped by a signal');
    const its = ready({
      deps: {
        signal: stop.signal,
        sleep: () => {
          stop.abort(reason);
          return Promise.reject(new Error('aborted'));
        },
      },
    });
    await expect(inTime(pause(its.run, 5))).rejects.toBe(reason);
    const fault = new Error('a fault');
    const other = ready({ deps: { sleep: () => Promise.reject(fault) } });
    await expect(inTime(pause(other.run, 5))).rejects.toBe(fault);
  });

  test('tells how long the run will be away', async () => {
    const told: unknown[] = [];
    const its = ready({
      deps: {
        sleep: (ms, _, away) => {
          told.push([ms, away]);
          return Promise.resolve();
        },
      },
    });
    await inTime(pause(its.run, 5));
    await inTime(pause(its.run, 5, 70));
    expect(told).toEqual([
      [5, 5],
      [5, 70],
    ]);
  });
});
