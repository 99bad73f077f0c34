import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { switchStages } from '../../../src/rotation/engine/switch.js';
import { AppError } from '../../../src/platform/errors.js';
import { begun, successor, type Begun, type BegunOptions } from './model/begun.js';
import type { Fate, Mishap } from './model/mishap.js';
import { picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* How stages are switched, and what is said where it fails halfway. */

beforeAll(prepare);

const THREE = { ...PLAIN, stages: { 'api/prod': {}, 'api/beta': {}, 'api/test': {} } };
const NAMES = ['api/prod', 'api/beta', 'api/test'];
const AGAIN = 'run the same command again to switch the others';

let the: Scene;
let next: string;
beforeEach(() => {
  the = scene(THREE);
  next = successor(the);
  for (const name of the.world.stores.keys()) the.world.furnish(name, the.world.fingerprint(next));
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });
const lost = (stage: string, times: number): Fate[] =>
  Array.from({ length: times }, () => on(`UpdateStage ${stage}`, { kind: 'lostBefore' }));

/** A run that has just looked, for so many milliseconds. */
function ready(options: BegunOptions = {}, took = 60_000): Begun {
  const its = begun(the, options);
  const ended = its.run.deps.now();
  its.run.check = { begun: new Date(ended.getTime() - took), ended };
  return its;
}

const go = ({ run }: Begun, names: readonly string[] = NAMES): Promise<void> =>
  inTime(
    switchStages(
      run,
      'switch',
      names.map((name) => the.world.stage(name)),
      next,
    ),
  );
const failure = async (work: Promise<void>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const switched = (): string[] =>
  Object.entries(picture(the).presented).flatMap(([name, id]) => (id === next ? [name] : []));
const done = ({ run }: Begun) => run.records.findLast((entry) => entry.type === 'done')?.evidence;
const progress = ({ events }: Begun) =>
  events.flatMap((event) =>
    event.type === 'stepProgress' ? [`${event.step} ${event.done} of ${event.of}`] : [],
  );

describe('a step', () => {
  test('of one stage has it as its subject, and of a rotation of one tells no progress', async () => {
    const its = ready({ onlyTarget: true });
    await go(its, ['api/prod']);
    const evidence = { after: next, before: the.oldId };
    expect(its.run.records).toMatchObject([
      { type: 'intent', step: 'switch', subject: 'api/prod' },
      { type: 'done', step: 'switch', subject: 'api/prod' },
    ]);
    expect(its.run.records.map((entry) => 'evidence' in entry && entry.evidence)).toStrictEqual([
      evidence,
      evidence,
    ]);
    expect(progress(its)).toEqual([]);
    expect(its.run.hasSwitched).toBe(true);
    expect(its.run.stages.map(({ clientCertificateId }) => clientCertificateId)).toEqual([
      next,
      the.oldId,
      the.oldId,
    ]);
  });

  test('counts the stages that were switched before it', async () => {
    the.world.place('api/prod', next);
    const its = ready();
    await go(its, ['api/beta', 'api/test']);
    expect(progress(its)).toEqual(['switch 2 of 3', 'switch 3 of 3']);
    expect(done(its)).toStrictEqual({
      after: next,
      stages: ['api/beta', 'api/test'].map((stage) => ({ stage, before: the.oldId })),
    });
  });

  test('of stages that present nothing says so', async () => {
    the.world.attach('user', 'api/prod', undefined);
    const its = ready();
    await go(its, ['api/prod', 'api/beta']);
    expect(done(its)).toStrictEqual({
      after: next,
      stages: [{ stage: 'api/prod' }, { stage: 'api/beta', before: the.oldId }],
    });
    expect(switched()).toEqual(['api/prod', 'api/beta']);
  });

  test.each([
    ['goes on for ten seconds', 5_000, NAMES],
    ['and no longer', 5_001, NAMES.slice(0, 2)],
    ['but with one stage at least', 20_000, NAMES.slice(0, 1)],
  ])('%s', async (_, latency, names) => {
    const its = ready();
    const { controlPlane } = its.run.deps;
    const set = controlPlane.setStageCertificate.bind(controlPlane);
    controlPlane.setStageCertificate = async (...args) => {
      await the.world.time.sleep(latency);
      return set(...args);
    };
    await go(its);
    expect(switched()).toEqual(names);
    expect(done(its)?.['stages']).toHaveLength(names.length);
  });

  test('ends where what was looked at before has become too old', async () => {
    const its = ready({}, 0);
    const { controlPlane } = its.run.deps;
    const set = controlPlane.setStageCertificate.bind(controlPlane);
    controlPlane.setStageCertificate = async (...args) => {
      await the.world.time.sleep(5_001);
      return set(...args);
    };
    await go(its);
    expect(switched()).toEqual(['api/prod']);
  });

  test('ends after one stage once the run is to stop', async () => {
    const its = ready({ deps: { signal: AbortSignal.abort() } });
    await go(its);
    expect(switched()).toEqual(['api/prod']);
  });
});

describe('a call without a clear answer', () => {
  test('is made again, ever more rarely, until it is answered, and the journal says so', async () => {
    const its = ready({ fates: lost('api/prod', 3) });
    await go(its);
    expect(its.slept).toEqual([500, 1_000, 2_000]);
    expect(switched()).toEqual(NAMES);
    expect(done(its)).toStrictEqual({
      after: next,
      stages: NAMES.map((stage) => ({ stage, before: the.oldId })),
      triedAgain: ['api/prod'],
    });
    expect(its.run.wroteAt).toEqual(its.run.deps.now());
  });

  test('is in the journal of a step about one stage as well', async () => {
    const its = ready({ fates: lost('api/prod', 1) });
    await go(its, ['api/prod']);
    expect(done(its)).toStrictEqual({ after: next, before: the.oldId, triedAgain: true });
  });

  test.each([
    ['20 seconds at most', 120_000, [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000]],
    ['as long as it may be in flight', 3_500, [500, 1_000, 2_000]],
    ['as long as it may be in flight, then once more', 3_501, [500, 1_000, 2_000, 4_000]],
  ])('is made again for %s', async (_, inFlight, slept) => {
    const its = ready({ fates: lost('api/prod', 20), settings: { inFlight } });
    const error = await failure(go(its));
    expect(its.slept).toEqual(slept);
    expect(error.code).toBe('ServiceUnreachable');
    expect(switched()).toEqual([]);
  });

  test('of the first of several stages is reported with how many are known to be switched', async () => {
    the.world.place('api/test', next);
    const its = ready({ fates: lost('api/prod', 20) });
    const error = await failure(go(its, ['api/prod', 'api/beta']));
    const answer = `no answer to UpdateStage api/prod ${next}`;
    expect(error.message).toBe(
      `it is not known whether api/prod presents ${next} now: ${answer}; 1 of 3 stages are known to present ${next}, and the trust stores accept what each may present`,
    );
    expect(error.hint).toBe(`run the same command again: it checks the state and resumes; then ${AGAIN}`);
    expect(error.details).toEqual({ switched: 1, stages: 3 });
    expect((error.cause as AppError).details).toEqual({});
  });

  test('of the only stage is reported without', async () => {
    const its = ready({ fates: lost('api/prod', 20), onlyTarget: true });
    const error = await failure(go(its, ['api/prod']));
    expect(error.message).toBe(
      `it is not known whether api/prod presents ${next} now: no answer to UpdateStage api/prod ${next}`,
    );
    expect(error.cause).toBeInstanceOf(AppError);
  });

  test('that is refused in the end may have been done: both answers are named', async () => {
    const first = new AppError('ServiceUnreachable', 'lost', { details: { requestId: '1' } });
    const answers = [first, new AppError('Throttled', 'too fast')];
    const its = ready({
      onlyTarget: true,
      controlPlane: { setStageCertificate: () => Promise.reject(answers.shift() ?? first) },
    });
    const error = await failure(go(its, ['api/prod']));
    expect([error.code, error.message, error.details]).toEqual([
      'ServiceUnreachable',
      `it is not known whether api/prod presents ${next} now: lost; later: too fast`,
      { requestId: '1' },
    ]);
  });

  test('of a later stage is left to the next step, which the journal tells', async () => {
    const its = ready({ fates: lost('api/beta', 20) });
    await go(its);
    expect(done(its)).toStrictEqual({
      after: next,
      stages: [{ stage: 'api/prod', before: the.oldId }],
      unsettled: 'api/beta',
    });
    expect(switched()).toEqual(['api/prod']);
  });
});

describe('a call that is refused', () => {
  test('for the first of several stages is reported with what the others present', async () => {
    the.world.place('api/test', next);
    const its = ready({ fates: [on('UpdateStage api/prod', { kind: 'throttled' })] });
    const error = await failure(go(its, ['api/prod', 'api/beta']));
    expect([error.message, error.hint, error.details]).toEqual([
      `AWS kept throttling UpdateStage api/prod ${next}; 1 of 3 stages present ${next}, 2 do not, and the trust stores accept what each presents`,
      AGAIN,
      { switched: 1, stages: 3 },
    ]);
    expect(its.slept).toEqual([]);
  });

  test('for the only stage is reported as it is', async () => {
    const refusal = new AppError('AccessDenied', 'no', { hint: 'ask', details: { a: 1 } });
    const its = ready({
      onlyTarget: true,
      controlPlane: { setStageCertificate: () => Promise.reject(refusal) },
    });
    expect(await failure(go(its, ['api/prod']))).toBe(refusal);
    const others = ready({ controlPlane: { setStageCertificate: () => Promise.reject(refusal) } });
    const error = await failure(go(others));
    expect([error.hint, error.details, error.cause]).toEqual([
      `ask; then ${AGAIN}`,
      { a: 1, switched: 0, stages: 3 },
      refusal,
    ]);
  });

  test('for a later stage leaves it to the next step; nothing of it is in doubt', async () => {
    const its = ready({ fates: [on('UpdateStage api/beta', { kind: 'throttled' })] });
    await go(its);
    expect(done(its)).toStrictEqual({ after: next, stages: [{ stage: 'api/prod', before: the.oldId }] });
    expect([switched(), progress(its)]).toEqual([['api/prod'], ['switch 1 of 3']]);
  });

  test('by something else than AWS leaves a later stage in doubt, and is thrown for the first', async () => {
    const fault = new Error('a fault');
    for (const at of [0, 1]) {
      let calls = 0;
      const its: Begun = ready({
        controlPlane: {
          setStageCertificate: (stage, id) => {
            if (calls++ === at) return Promise.reject(fault);
            the.world.switch('a', `${stage.restApiId}/${stage.stageName}`, id ?? '');
            return Promise.resolve(the.world.stage(`${stage.restApiId}/${stage.stageName}`));
          },
        },
      });
      if (at === 0) await expect(go(its)).rejects.toBe(fault);
      else {
        await go(its);
        expect(done(its)?.['unsettled']).toBe('api/beta');
      }
    }
  });

  test.each([0, 1])('by a lost lock ends the step at once, for stage %d', async (at) => {
    const lockLost = new AppError('LockLost', 'lost');
    // Twice for the step, and once for each stage.
    let checks = 0;
    const its = ready({
      deps: { assertHeld: () => (checks++ < 2 + at ? Promise.resolve() : Promise.reject(lockLost)) },
    });
    expect(await failure(go(its))).toBe(lockLost);
    expect(switched()).toEqual(NAMES.slice(0, at));
  });

  test('by a lost lock while a call is in doubt as well', async () => {
    const lockLost = new AppError('LockLost', 'lost');
    let checks = 0;
    const its = ready({
      fates: lost('api/prod', 1),
      deps: { assertHeld: () => (checks++ < 3 ? Promise.resolve() : Promise.reject(lockLost)) },
    });
    expect(await failure(go(its))).toBe(lockLost);
  });
});

test('the time of the last write is that of its end, whatever became of it', async () => {
  const its = ready({ latency: 700, fates: [on('UpdateStage', { kind: 'denied' })] });
  expect((await failure(go(its))).code).toBe('AccessDenied');
  expect(its.run.wroteAt).toBeDefined();
  // Its failure took as long to write down.
  expect(its.run.deps.now().getTime() - (its.run.wroteAt?.getTime() ?? 0)).toBe(700);
});
