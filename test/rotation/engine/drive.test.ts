import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  allowAgain,
  canGoBack,
  eraseWithdrawal,
  goBack,
  goingBack,
  lastError,
  rollBack,
  takeSteps,
  withdrawn,
} from '../../../src/rotation/engine/drive.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { despiteOthers, overtaken } from '../../../src/rotation/engine/others.js';
import { probesOf } from '../../../src/rotation/engine/prove.js';
import type { Run } from '../../../src/rotation/engine/run.js';
import { AppError } from '../../../src/platform/errors.js';
import { callsKey } from '../../../src/rotation/rules/calls.js';
import { readMark, type Mark } from '../../../src/control-plane/marks.js';
import { proofKey } from '../../../src/rotation/rules/next-step.js';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import { begun, successor, type Begun, type BegunOptions } from './model/begun.js';
import { expectAsBefore, expectPromises, picture, PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* Which way a run goes, when it ends, and what it says then. */

beforeAll(prepare);

let the: Scene;
beforeEach(() => {
  the = scene();
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const known = (id: string) => certificateOf(the.world.certificate(id));
const AT = '2026-11-28T12:00:00.000Z';
const failure = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
/** A run that goes on with a rotation whose new certificate has this mark; some stages present it already. */
function halfway(mark: Partial<Mark> = {}, moved: readonly string[] = [], options: BegunOptions = {}): Begun {
  const next = successor(the, mark);
  for (const name of the.world.stores.keys()) the.world.furnish(name, the.world.fingerprint(next));
  for (const name of moved) the.world.place(name, next);
  return begun(the, options);
}
const nextOf = ({ certificates }: Run) => certificates.find(({ mark }) => mark !== undefined);
const markIn = (id: string) => readMark(the.world.certificate(id));

describe('what a rotation that cannot go on is ended with', () => {
  test('names the stages that present what was to go', () => {
    const { run } = halfway({}, ['api/beta']);
    const certificate = known(nextOf(run)?.clientCertificateId ?? '');
    const { clientCertificateId: id } = certificate;
    const error = lastError(run, { kind: 'inUse', certificate });
    expect([error.code, error.message, error.details, error.hint]).toEqual([
      'CertificateInUse',
      `api/beta presents ${id}, so it stays`,
      { stages: ['api/beta'] },
      'check whether this is intended (`apigw-cert list --usage`), then run the same command again',
    ]);
  });

  test('says that there is no way back, or that others have changed the stages', () => {
    const { run } = halfway();
    const impossible = lastError(run, { kind: 'impossible' });
    expect([impossible.code, impossible.message, impossible.hint]).toEqual([
      'UndoImpossible',
      `the old certificate ${the.oldId} is deleted, so no stage can be switched back to it`,
      'the rotation can only be completed: run the same command without --abort',
    ]);
    const changed = lastError(run, { kind: 'stageChanged' });
    expect([changed.code, changed.message, changed.hint]).toEqual([
      'StageChanged',
      `no stage presents ${the.oldId} or its successor any more: someone else changed it`,
      'check what the stage presents now (`apigw-cert list --usage`), then run the command again',
    ]);
  });
});

describe('steps', () => {
  test('are taken so often at most, and each is announced before', async () => {
    const { run } = begun(the);
    const kinds: string[] = [];
    const error = await failure(
      inTime(
        takeSteps(run, 3, ({ kind }) => {
          kinds.push(kind);
          return Promise.resolve();
        }),
      ),
    );
    expect([error.code, error.message, error.hint]).toEqual([
      'StageChanged',
      'the stages keep changing during the rotation',
      'find out what else sets their client certificate',
    ]);
    expect(kinds).toEqual(['generate', 'trust', 'trust']);
    expect(run.records.filter(({ type }) => type === 'done')).toHaveLength(3);
  });

  test('end with the last one, which is announced as well', async () => {
    const { run } = begun(the);
    run.stages = [];
    const kinds: string[] = [];
    const last = await inTime(
      takeSteps(run, 1, ({ kind }) => {
        kinds.push(kind);
        return Promise.resolve();
      }),
    );
    expect([last.kind, kinds]).toEqual(['stageChanged', ['stageChanged']]);
    expect(await inTime(takeSteps(run, 1))).toEqual(last);
  });

  test('end where the old certificate is to be kept', async () => {
    const its = halfway({}, ['api/prod', 'api/beta'], { settings: { keepOld: 86_400_000 } });
    await inTime(the.world.time.sleep(1));
    expect((await inTime(takeSteps(its.run, 50))).kind).toBe('keep');
    expect(picture(the).certificates).toContain(the.oldId);
  });

  test('are not begun once the run is to stop', async () => {
    const reason = new AppError('Interrupted', 'stopped by a signal');
    for (const [signal, message] of [
      [AbortSignal.abort(reason), 'stopped by a signal'],
      [AbortSignal.abort(), 'the rotation was interrupted'],
    ] as const) {
      const { run } = begun(the, { deps: { signal } });
      expect((await failure(inTime(takeSteps(run, 9)))).message).toBe(message);
      expect(run.records).toEqual([]);
    }
  });
});

describe('the way back', () => {
  test('voids every proof but the look at the account', async () => {
    for (const recounted of [true, false]) {
      const { run, events } = begun(the);
      run.progress = { proved: 'p', checked: true, verified: 'v', recounted, confirmed: true };
      await inTime(goBack(run, 'cancel', 'no reason'));
      expect([run.goal, run.progress]).toEqual(['cancel', { checked: false, recounted, confirmed: false }]);
      expect(events).toMatchObject([{ type: 'rollingBack', reason: 'no reason' }]);
      const evidence = { goal: 'cancel', reason: 'no reason' };
      expect(run.records).toMatchObject([
        { type: 'intent', step: 'undo', evidence },
        { type: 'done', step: 'undo', evidence },
      ]);
    }
    expectAsBefore(the);
  });

  test('ends in an error where a stage presents what was to go', async () => {
    const { run } = halfway({}, ['api/beta']);
    expect((await failure(inTime(goBack(run, 'cancel', 'x')))).code).toBe('CertificateInUse');
    expect(run.records.at(-1)).toMatchObject({ type: 'failed', step: 'undo', code: 'CertificateInUse' });
  });

  test.each([
    ['by the rule', false],
    ['by a backend that refuses the old one', true],
  ])('that turns out not to exist leaves no mark of it: %s', async (_, isRefused) => {
    const its = halfway({ withdrawn: AT }, ['api/prod', 'api/beta']);
    const { run } = its;
    const id = nextOf(run)?.clientCertificateId ?? '';
    if (isRefused) {
      const { live } = the.world.stores.get('file') ?? { live: new Set() };
      live.delete(the.world.fingerprint(the.oldId));
    } else {
      await inTime(the.world.time.sleep(60_000));
      the.world.delete('somebody', the.oldId);
      run.certificates = run.certificates.slice(1);
      run.gone.add(the.oldId);
    }
    expect((await failure(inTime(goBack(run, 'abort', 'x')))).code).toBe('UndoImpossible');
    expect(markIn(id)?.withdrawn).toBeUndefined();
    expect(nextOf(run)?.mark?.withdrawn).toBeUndefined();
  });

  test('that is interrupted stays one', async () => {
    const { run } = halfway({ withdrawn: AT }, ['api/prod'], {
      fates: [{ on: 'TestInvokeMethod', mishap: { kind: 'throttled' } }],
    });
    expect((await failure(inTime(goBack(run, 'abort', 'x')))).code).toBe('Throttled');
    expect(markIn(nextOf(run)?.clientCertificateId ?? '')?.withdrawn).toBe(AT);
  });

  test.each([
    ['the old one exists', true, ['api/prod', 'api/beta'], true],
    ['no stage has left it', false, [], true],
    ['a stage has left it', false, ['api/beta'], false],
    ['all stages have left it', false, ['api/prod', 'api/beta'], false],
  ])('exists or not where %s', (_, hasOld, moved, isPossible) => {
    const { run } = halfway({}, moved);
    if (!hasOld) run.certificates = run.certificates.slice(1);
    expect(canGoBack(run)).toBe(isPossible);
  });
});

describe('a mark that the rotation is withdrawn', () => {
  test('is erased alone, where there is one', async () => {
    const { run, calls } = halfway({ withdrawn: AT, keepOld: '5s' });
    const id = nextOf(run)?.clientCertificateId ?? '';
    await inTime(eraseWithdrawal(run));
    const mark = { rotationId: 'r1', replaces: the.oldId, keepOld: '5s' };
    expect([markIn(id), nextOf(run)?.mark]).toEqual([mark, mark]);
    calls.length = 0;
    await inTime(eraseWithdrawal(run));
    run.certificates = run.certificates.slice(0, 1);
    await inTime(eraseWithdrawal(run));
    expect(calls).toEqual([]);
  });

  test('stops a run forward, and no other', () => {
    const { run } = halfway({ withdrawn: AT });
    const id = nextOf(run)?.clientCertificateId ?? '';
    const error = withdrawn(run);
    expect([error?.code, error?.message, error?.hint]).toEqual([
      'RotationOvertaken',
      `another run is aborting this rotation: it withdrew ${id} at ${AT}`,
      'run the same command again after that run has finished; if it did not complete the abort, this command resumes it',
    ]);
    for (const goal of ['abort', 'cancel', 'rollBack'] as const) {
      run.goal = goal;
      expect(withdrawn(run)).toBeUndefined();
    }
    expect(withdrawn(halfway().run)?.code).toBe('RotationOvertaken');
    the = scene();
    expect(withdrawn(halfway().run)).toBeUndefined();
    the = scene();
    expect(withdrawn(begun(the).run)).toBeUndefined();
  });
});

describe('a way back that an earlier run began', () => {
  const undo = (type: 'intent' | 'done', goal?: string): RotationRecord =>
    ({
      type,
      at: AT,
      step: 'undo',
      ...(goal === undefined ? {} : { evidence: { goal } }),
      ...(type === 'done' ? { ms: 1 } : {}),
    }) as RotationRecord;
  const failed = (code: string): RotationRecord => ({
    type: 'failed',
    at: AT,
    step: 'undo',
    code,
    message: '',
  });
  const other: RotationRecord = { type: 'intent', at: AT, step: 'switch' };

  test.each<[string, RotationRecord[], 'abort' | 'cancel' | undefined]>([
    ['none', [other], undefined],
    ['an abort', [undo('intent', 'abort'), other], 'abort'],
    ['one of an earlier version', [undo('intent')], 'abort'],
    ['a cancellation', [undo('intent', 'cancel'), other], 'cancel'],
    [
      'the later of two',
      [undo('intent', 'cancel'), undo('done', 'cancel'), undo('intent', 'abort')],
      'abort',
    ],
    ['one that is done', [undo('intent', 'abort'), undo('done', 'abort')], undefined],
    ['one that failed', [undo('intent', 'abort'), failed('Throttled')], 'abort'],
    ['one that is impossible', [undo('intent', 'abort'), failed('UndoImpossible')], undefined],
    ['a cancellation of what is in use', [undo('intent', 'cancel'), failed('CertificateInUse')], undefined],
    ['an abort of what is in use', [undo('intent', 'abort'), failed('CertificateInUse')], 'abort'],
    ['a cancellation that failed', [undo('intent', 'cancel'), failed('Throttled')], 'cancel'],
  ])('by the journal: %s', (_, records, goal) => {
    expect(goingBack(halfway({}, [], { records }).run)).toBe(goal);
  });

  test('by the mark, where the journal has nothing of it or its end', () => {
    expect(goingBack(halfway({ withdrawn: AT }).run)).toBe('abort');
    the = scene();
    const records = [undo('intent', 'cancel'), undo('done', 'cancel')];
    expect(goingBack(halfway({ withdrawn: AT }, [], { records }).run)).toBe('abort');
    expect(goingBack(begun(scene()).run)).toBeUndefined();
  });
});

describe('after a failure in use', () => {
  test('the stages go back, the mark comes first, and the reason is kept', async () => {
    // Where every store can be looked into, nothing is added again, which would void the proofs as well.
    the = scene({ ...PLAIN, hosts: { 'orders.example': { stores: ['file'] } }, stores: { file: {} } });
    const its = halfway({ keepOld: '5s' }, ['api/prod', 'api/beta']);
    const { run, calls, events } = its;
    const id = nextOf(run)?.clientCertificateId ?? '';
    const now = run.deps.now().toISOString();
    run.progress = {
      proved: proofKey(the.oldId, callsKey(await inTime(probesOf(run)))),
      checked: true,
      verified: 'v',
      recounted: true,
      confirmed: true,
    };
    const cause = new Error('503');
    const error = await inTime(rollBack(run, 'it fails', cause));
    expect([error.code, error.message, error.hint, error.cause]).toEqual([
      'RolledBack',
      `the stages present the old certificate ${the.oldId} again: it fails`,
      'find out why the backend refused the new one; then use `rotate --force` to try again, or `rotate --abort` to abort',
      cause,
    ]);
    expect(picture(the).presented).toEqual({ 'api/prod': the.oldId, 'api/beta': the.oldId });
    const mark = { rotationId: 'r1', replaces: the.oldId, keepOld: '5s', rolledBack: now };
    expect([markIn(id), nextOf(run)?.mark]).toEqual([mark, mark]);
    const order = calls.map((call) => call.split(' ')[0]);
    expect(order.indexOf('tagClientCertificate')).toBeLessThan(order.indexOf('setStageCertificate'));
    expect(events[0]).toMatchObject({ type: 'rollingBack', reason: 'it fails' });
    // What was proved before is proved again.
    const steps = run.records.flatMap((entry) => (entry.type === 'done' ? [entry.step] : []));
    expect(steps).toEqual(['preflight', 'recheck', 'rollBack']);
    expect(run.goal).toBe('rollBack');
    expectPromises(the);
  });

  test('an earlier mark is left as it is', async () => {
    const { run, calls } = halfway({ rolledBack: AT }, ['api/prod']);
    const id = nextOf(run)?.clientCertificateId ?? '';
    expect((await inTime(rollBack(run, 'x'))).code).toBe('RolledBack');
    expect(markIn(id)?.rolledBack).toBe(AT);
    expect(calls.some((call) => call.startsWith('tag'))).toBe(false);
  });

  test('where the old one is deleted, that is the error', async () => {
    const { run } = halfway({}, ['api/prod', 'api/beta']);
    run.certificates = run.certificates.slice(1);
    run.gone.add(the.oldId);
    expect((await inTime(rollBack(run, 'x'))).code).toBe('UndoImpossible');
  });

  test('the mark is erased alone before it is tried again', async () => {
    const { run, calls } = halfway({ rolledBack: AT, keepOld: '5s' });
    const certificate = nextOf(run);
    if (!certificate) throw new Error('there is one');
    await inTime(allowAgain(run, certificate));
    const mark = { rotationId: 'r1', replaces: the.oldId, keepOld: '5s' };
    const id = certificate.clientCertificateId;
    expect([markIn(id), nextOf(run)?.mark]).toEqual([mark, mark]);
    // What was handed over is not changed behind its back.
    expect(certificate.mark?.rolledBack).toBe(AT);
    calls.length = 0;
    await inTime(allowAgain(run, known(id)));
    await inTime(allowAgain(run, known(the.spareId)));
    expect(calls).toEqual([]);
  });
});

describe('others at work', () => {
  test('have aborted it where the new certificate is gone that this run made or went on with', () => {
    const { run } = halfway();
    const id = nextOf(run)?.clientCertificateId ?? '';
    expect([overtaken(run), run.nextId]).toEqual([undefined, id]);
    run.certificates = run.certificates.filter((one) => one.clientCertificateId !== id);
    const error = overtaken(run);
    expect([error?.code, error?.message, error?.hint]).toEqual([
      'RotationOvertaken',
      `another run aborted this rotation, or someone deleted the new certificate or removed its mark: ${id}`,
      'run the same command again: it starts over if the certificate is still due',
    ]);
    delete run.nextId;
    expect(overtaken(run)).toBeUndefined();
    run.generatedId = 'c00009';
    expect(overtaken(run)?.message).toContain(': c00009');
  });

  test('go first with another certificate for the same place, but not with one of this rotation', () => {
    for (const [rotationId, isRival] of [
      ['r1', false],
      ['r2', true],
    ] as const) {
      the = scene();
      const { run } = halfway({ rotationId });
      const id = nextOf(run)?.clientCertificateId ?? '';
      run.generatedId = 'c00009';
      const error = overtaken(run);
      expect(error?.message).toBe(
        isRival ? `another run (rotation r2) is already rotating the same certificate to ${id}` : undefined,
      );
      expect(error?.hint).toBe(
        isRival ? 'no action needed: a later run makes sure that it completes' : undefined,
      );
      run.generatedId = id;
      expect(overtaken(run)).toBeUndefined();
    }
  });

  const fails = new AppError('NewCertificateRefused', 'no');
  /** How often it is tried, if it always fails so and somebody moves the stages to and fro meanwhile. */
  async function tries(
    failureOf: Error,
    meanwhile: (run: Run, nth: number) => void = (_, nth) => {
      the.world.attach('somebody', 'api/beta', nth % 2 === 1 ? undefined : the.oldId);
    },
    options: BegunOptions = {},
  ): Promise<number> {
    const { run } = begun(the, options);
    run.progress = { proved: 'p', checked: true, recounted: false, confirmed: true };
    let count = 0;
    await expect(
      inTime(
        despiteOthers(run, () => {
          count += 1;
          meanwhile(run, count);
          return Promise.reject(failureOf);
        }),
      ),
    ).rejects.toBe(failureOf);
    if (count > 1) expect(run.progress).toEqual({ checked: false, recounted: false, confirmed: false });
    return count;
  }

  test('may be why a step failed: it is tried again from what is there, five times at most', async () => {
    expect(await tries(fails)).toBe(5);
    expect(
      await tries(fails, (_, nth) => {
        if (nth < 3) the.world.attach('x', 'api/beta', nth === 1 ? the.oldId : undefined);
      }),
    ).toBe(3);
  });

  test.each<[string, () => Promise<number>]>([
    ['nothing has changed', () => tries(fails, () => undefined)],
    ['only what is none of it has', () => tries(fails, () => the.world.make('somebody'))],
    [
      'AWS lists the same in another order',
      () => {
        let isReversed = false;
        const getStages = (id: string) => {
          const stages = the.world.stagesOf(id);
          return Promise.resolve(isReversed ? stages.reverse() : stages);
        };
        const reverse = (): void => {
          isReversed = true;
        };
        return tries(fails, reverse, { controlPlane: { getStages } });
      },
    ],
    ['it was no failure of AWS', () => tries(new Error('a fault'))],
    ['the run is only to go on later', () => tries(new AppError('RotationWaiting', 'later'))],
    ['a hook failed', () => tries(new AppError('HookFailed', 'hook'))],
    ['the stages were rolled back', () => tries(new AppError('RolledBack', 'back'))],
    ['another run goes first', () => tries(new AppError('RotationOvertaken', 'first'))],
    ['the stages keep changing', () => tries(new AppError('StageChanged', 'changed'))],
    [
      'AWS does not answer',
      () => tries(fails, undefined, { fates: [{ on: 'GetStages', mishap: { kind: 'throttled' } }] }),
    ],
  ])('are not the reason where %s', async (_, count) => {
    expect(await count()).toBe(1);
  });

  test.each<[string, () => void]>([
    ['a certificate of the rotation has come', () => void successor(the)],
    [
      'a stage has come to it',
      () => {
        the.world.attach('x', 'api/beta', the.oldId);
      },
    ],
  ])('may be the reason where %s', async (_, happens) => {
    the.world.attach('x', 'api/beta', undefined);
    const once = (__: Run, nth: number): void => {
      if (nth === 1) happens();
    };
    expect(await tries(fails, once)).toBe(2);
  });
});
