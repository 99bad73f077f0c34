import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RotationJob } from '../../../src/rotation/engine/jobs.js';
import {
  openSession,
  rotateJobs,
  type JobOutcome,
  type JobsDeps,
  type Session,
} from '../../../src/rotation/engine/rotate-jobs.js';
import { AppError } from '../../../src/platform/errors.js';
import type { RotationEvent } from '../../../src/rotation/rules/event.js';
import { markTags, nextTag } from '../../../src/control-plane/marks.js';
import { stageText } from '../../../src/rotation/rules/unit.js';
import { SETTINGS } from './model/command.js';
import { Machine, Process } from './model/machine.js';
import type { Fate } from './model/mishap.js';
import { expectPromises, picture, prepare, scene, type Scene } from './model/scene.js';
import type { Topology } from './model/world.js';

/* Rotations of one command in an account: who goes beside whom, who goes first, and what each is told. */

const THREE: Topology = {
  apis: Object.fromEntries(
    ['a', 'b', 'c'].map((id) => [id, { name: `${id}-api`, hosts: [`${id}.example`] }]),
  ),
  stages: { 'a/prod': {}, 'a/beta': {}, 'b/prod': {}, 'c/prod': {} },
  hosts: Object.fromEntries(['a', 'b', 'c'].map((id) => [`${id}.example`, { stores: ['file'] }])),
  stores: { file: {} },
};

const SILENT = { expect: () => undefined, done: () => undefined };

beforeAll(prepare);

let the: Scene;
let machine: Machine;
beforeEach(() => {
  the = scene(THREE);
  machine = new Machine(the.world, 'm');
  the.world.furnish('file', the.world.fingerprint(the.spareId));
  // Three certificates in use: a's two stages share one.
  the.world.place('b/prod', the.foreignId);
  the.world.place('c/prod', the.spareId);
  the.world.age();
});

const job = (name: string, stages: readonly string[], more: Partial<RotationJob> = {}): RotationJob => ({
  target: name,
  addresses: stages.map((stage) => ({ stage })),
  settings: { ...SETTINGS, force: true },
  account: { origins: {} },
  trust: [],
  others: [],
  publish: [],
  publishing: [],
  remote: [],
  hooks: {},
  origins: {},
  ...more,
});

/** What the jobs came to, and what was seen of the way. */
async function rotateAll(
  jobs: readonly RotationJob[],
  {
    fates = [],
    abort = false,
    dryRun = false,
    connect,
    hold = () => Promise.resolve(),
    onEvent = () => undefined,
    signal = new AbortController().signal,
  }: {
    fates?: readonly Fate[];
    abort?: boolean;
    dryRun?: boolean;
    connect?: (job: Pick<RotationJob, 'account' | 'target'>, session: Session) => Session;
    hold?: (key: string) => Promise<void>;
    onEvent?: (event: RotationEvent) => void;
    signal?: AbortSignal;
  } = {},
): Promise<{ outcomes: JobOutcome[]; events: RotationEvent[]; leases: string[] }> {
  const process = new Process(machine, fates);
  const now = (): Date => new Date(process.wall());
  const session = openSession(process.controlPlane(), now, { progress: SILENT, signal });
  const events: RotationEvent[] = [];
  const leases: string[] = [];
  let made = 0;
  const deps: JobsDeps = {
    journal: process.journal(),
    confirm: () => Promise.resolve(),
    approve: () => Promise.resolve(),
    request: () => Promise.resolve(200),
    sleep: (ms) => process.sleep(ms),
    signal,
    lease: {
      hold: async (key) => {
        leases.push(`hold ${key}`);
        await hold(key);
        return {
          signal: new AbortController().signal,
          assertHeld: () => Promise.resolve(),
          release: () => {
            leases.push(`release ${key}`);
            return Promise.resolve();
          },
        };
      },
    },
    connect: (one) => Promise.resolve(connect?.(one, session) ?? session),
    newRotationId: (at) => `r-${at.getTime() === now().getTime() ? made++ : 'late'}`,
    stores: () => () => process.stores(),
    emit: (event) => {
      events.push(event);
      onEvent(event);
    },
  };
  const outcomes = await the.world.time.until(rotateJobs(jobs, deps, { abort, dryRun }));
  return { outcomes, events, leases };
}

/** `target stage outcome`, or the code of its error. */
const inWords = (outcomes: readonly JobOutcome[]): string[] =>
  outcomes.map(({ target, stage, report, error }) =>
    [
      target,
      stage && stageText(stage),
      report?.outcome ?? (error instanceof AppError ? error.code : String(error)),
    ].join(' '),
  );

const [A, B, C] = [job('a', ['a/prod']), job('b', ['b/prod']), job('c', ['c/prod'])];

test('three certificates are rotated at once: all stages are switched before any has soaked', async () => {
  const { outcomes, events, leases } = await rotateAll([C, A, B]);
  expect(inWords(outcomes)).toEqual(['c c/prod completed', 'a a/prod completed', 'b b/prod completed']);
  expect(outcomes.map(({ report }) => report?.stages.map(stageText))).toEqual([
    ['c/prod'],
    ['a/prod', 'a/beta'],
    ['b/prod'],
  ]);
  expect(outcomes[0]?.apis.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  const steps = events.flatMap((event) => (event.type === 'stepDone' ? [event.step] : []));
  expect(steps.filter((step) => step === 'switch')).toHaveLength(3);
  expect(steps.lastIndexOf('switch')).toBeLessThan(steps.indexOf('soak'));
  expect(leases.map((one) => one.split(' ')[0])).toEqual(['hold', 'release']);
  expect(new Set(Object.values(picture(the).presented)).size).toBe(3);
  expectPromises({ ...the, foreignId: '', spareId: '' });
});

describe('what two targets share', () => {
  test.each([true, false])('is rotated once, with --force %s', async (force) => {
    const settings = { ...SETTINGS, force };
    const { outcomes } = await rotateAll([
      job('first', ['a/prod'], { settings }),
      job('second', ['a/beta'], { settings }),
    ]);
    expect(inWords(outcomes)).toEqual(['first a/prod completed', 'second a/beta notDue']);
    expect(outcomes[1]?.report?.stages.map(stageText)).toEqual(['a/beta']);
    expect(outcomes[1]?.report?.oldCertificateId).toBe(outcomes[0]?.report?.newCertificateId);
  });

  test('by two rotations that were begun for one of its stages each is not worked on side by side', async () => {
    const { world, oldId } = the;
    // An earlier run has moved one stage alone.
    const { clientCertificateId: next } = world.make(
      'm',
      markTags({
        rotationId: 'r0',
        replaces: oldId,
        replacesSha256: world.fingerprint(oldId),
        onlyStage: 'a/beta',
      }),
    );
    world.furnish('file', world.fingerprint(next));
    world.place('a/beta', next);
    const settings = { ...SETTINGS, onlyStage: true, force: true };
    const { outcomes, events } = await rotateAll([
      job('beta', ['a/beta'], { settings }),
      job('prod', ['a/prod'], { settings }),
    ]);
    expect(inWords(outcomes)).toEqual(['beta a/beta completed', 'prod a/prod completed']);
    const ended = events.findIndex(({ type }) => type === 'ended');
    const ids = new Set(events.slice(0, ended).map(({ rotationId }) => rotationId));
    expect([...ids]).toEqual(['r0']);
  });

  test('of which one has moved to a certificate of ACM is not worked on side by side', async () => {
    const { world, oldId } = the;
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/unknown';
    world.change('m', oldId, (old) => ({ ...old, tags: nextTag({ arn, rotationId: 'r0' }) }));
    world.place('a/beta', arn);
    let lanes = 0;
    const counted = (session: Session): Session => ({
      ...session,
      turns: {
        ...session.turns,
        take: (work) => {
          lanes += 1;
          return session.turns.take(work);
        },
      },
    });
    let own: Session | undefined;
    await rotateAll([job('beta', ['a/beta']), job('prod', ['a/prod']), B], {
      connect: (_, session) => (own ??= counted(session)),
    });
    expect(lanes).toBe(2);
  });

  test('within one target is reported once', async () => {
    const { outcomes } = await rotateAll([job('all', ['a/prod', 'a/beta', 'b/prod'])]);
    expect(inWords(outcomes)).toEqual(['all a/prod completed', 'all b/prod completed']);
  });
});

describe('one that fails keeps none of the others', () => {
  test('where its stage is missing, or presents nothing or a ACM certificate', async () => {
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/unknown';
    the.world.place('c/prod', arn);
    the.world.attach('somebody', 'a/beta', undefined);
    const { outcomes } = await rotateAll([
      job('missing', ['a/none']),
      job('none', ['a/beta']),
      job('acm', ['c/prod']),
      B,
    ]);
    expect(inWords(outcomes)).toEqual([
      'missing  StageNotFound',
      'none a/beta StageWithoutCertificate',
      'acm c/prod CertificateNotFound',
      'b b/prod completed',
    ]);
    expect(outcomes.slice(0, 3).map(({ error }) => (error as AppError).message)).toEqual([
      expect.stringContaining('none'),
      'a/beta presents no client certificate',
      `ACM does not return ${arn}, which c/prod presents`,
    ]);
  });

  test('where its account cannot be reached, or is locked', async () => {
    const refusal = new AppError('CredentialsMissing', 'no credentials');
    let holds = 0;
    const locked = new AppError('Locked', 'another run is at work');
    const other = new Machine(the.world, 'n');
    const elsewhere = openSession(
      { ...new Process(other).controlPlane(), region: 'eu-central-1' },
      () => new Date(the.world.time.now),
      { progress: SILENT, signal: new AbortController().signal },
    );
    const { outcomes, leases } = await rotateAll(
      [job('x', ['c/prod'], { account: { region: 'x', origins: {} } }), A, B, C],
      {
        connect: ({ account, target }, session) => {
          if (account.region === 'x') throw refusal;
          return target === 'b' ? elsewhere : session;
        },
        hold: () => (++holds === 1 ? Promise.reject(locked) : Promise.resolve()),
      },
    );
    expect(inWords(outcomes)).toEqual([
      'x  CredentialsMissing',
      'a  Locked',
      'b b/prod completed',
      'c  Locked',
    ]);
    expect(leases.map((one) => one.split(' ')[0])).toEqual(['hold', 'hold', 'release']);
  });
});

test('a dry run takes no lease, writes no journal and changes nothing', async () => {
  const before = picture(the);
  const { outcomes, events, leases } = await rotateAll([A, B], { dryRun: true });
  expect(inWords(outcomes)).toEqual(['a a/prod planned', 'b b/prod planned']);
  expect([picture(the), leases, events, machine.records.size]).toEqual([before, [], [], 0]);
});

test('with --abort each is taken back', async () => {
  const before = picture(the);
  const waiting = (one: RotationJob): RotationJob => ({ ...one, settings: { ...one.settings, wait: false } });
  expect(inWords((await rotateAll([waiting(A), waiting(B)])).outcomes)).toEqual([
    'a a/prod RotationWaiting',
    'b b/prod RotationWaiting',
  ]);
  const { outcomes } = await rotateAll([A, B, C], { abort: true });
  expect(inWords(outcomes)).toEqual(['a a/prod aborted', 'b b/prod aborted', 'c c/prod nothingToAbort']);
  expect(picture(the)).toEqual(before);
});

test('once stopped, what has begun says so, and what has not says nothing', async () => {
  const stop = new AbortController();
  const { outcomes } = await rotateAll([A, job('a again', ['a/beta']), B], {
    signal: stop.signal,
    onEvent: ({ type }) => {
      if (type === 'started') stop.abort(new AppError('Interrupted', 'stopped by a signal'));
    },
  });
  expect(inWords(outcomes)).toEqual(['a a/prod Interrupted']);
});

test('each look at the whole account says how many calls it needs, and each that is done', async () => {
  const told: (number | 'done')[] = [];
  const progress = { expect: (calls: number) => told.push(calls), done: () => told.push('done') };
  const { controlPlane, turns, now } = openSession(
    new Process(machine).controlPlane(),
    () => new Date(the.world.time.now),
    { progress, signal: new AbortController().signal },
  );
  const look = await the.world.time.until(turns.take(() => turns.account.look({ known: true })));
  expect(told).toEqual([3, 'done', 'done', 'done']);
  expect([look.stages.length, controlPlane.region, now().getTime()]).toEqual([
    4,
    'eu-west-1',
    the.world.time.now,
  ]);
});

test('a look at the whole account ends with the signal', async () => {
  const reason = new AppError('Interrupted', 'stopped by a signal');
  const { turns } = openSession(new Process(machine).controlPlane(), () => new Date(the.world.time.now), {
    progress: SILENT,
    signal: AbortSignal.abort(reason),
  });
  const look = the.world.time.until(turns.take(() => turns.account.look({ known: true })));
  await expect(look).rejects.toBe(reason);
});
