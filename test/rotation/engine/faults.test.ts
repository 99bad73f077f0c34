import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { run, SETTINGS, type Circumstances, type Command, type Ran } from './model/command.js';
import { Machine } from './model/machine.js';
import type { Fate, Mishap } from './model/mishap.js';
import { markTags } from '../../../src/control-plane/marks.js';
import type { Topology } from './model/world.js';
import {
  calm,
  expectAsBefore,
  expectPromises,
  expectPublished,
  expectRotated,
  expectTidy,
  finish,
  IS_FULL,
  LARGE,
  OF_ACM,
  picture,
  PLAIN,
  prepare,
  scene,
  told,
  type Scene,
} from './model/scene.js';

/*
 * Each of these histories broke the promise of a rotation once, found by attacks on real processes; here is the
 * smallest form of each.
 */

beforeAll(prepare);

const HOUR = 3_600_000;
/** At least as many as a plain rotation writes. */
const MOST_RECORDS = 40;
const NO_WAIT = { settings: { wait: false } };
const KILLED: Mishap = { kind: 'killAfter' };

let the: Scene;
let a: Machine;
let b: Machine;

function begin(topology = PLAIN): void {
  the = scene(topology);
  a = new Machine(the.world, 'a');
  b = new Machine(the.world, 'b');
}

beforeEach(() => {
  begin();
});

const go = (machine: Machine, command: Command = {}, circumstances: Circumstances = {}): Promise<Ran> =>
  the.world.time.until(run(machine, command, circumstances));

const pass = (ms: number): Promise<void> => the.world.time.until(the.world.time.sleep(ms));

const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });

/** Everything settles, the command is run again until it is done, and all is well. */
async function endsRotated(forgotten?: 'blind'): Promise<void> {
  await calm(the);
  const runs = await finish(the, a);
  expect(['completed', 'notDue']).toContain(runs.at(-1)?.outcome);
  expectPromises(the);
  expectRotated(the, forgotten);
}

/** The same history with what befalls it at each record of the journal in turn. */
async function atEachRecord(
  work: (fate: Fate) => Promise<void>,
  mishap: Mishap = { kind: 'killBefore' },
): Promise<void> {
  for (let nth = 0; nth < MOST_RECORDS; nth++) await anew(() => work(on('journal', mishap, nth)));
}

/** One more history of a test. */
async function anew(work: () => Promise<void>, topology?: Topology): Promise<void> {
  begin(topology);
  await told(() => the, work);
}

/** A history in a failing test's report. */
const history = (work: () => Promise<void>) => (): Promise<void> => told(() => the, work);

describe('certificates of ACM', () => {
  const [OWN = PLAIN] = OF_ACM;
  const ALLOWED = { settings: { allowUnproved: true } };
  beforeEach(() => {
    begin(OWN);
  });

  test(
    'a root is not kept for a certificate that no stage came to present',
    history(async () => {
      const [first = '', second = ''] = the.arns;
      await go(a, { ...ALLOWED, to: second });
      const unsure = on('TagResource', { kind: 'conflict', isDone: true });
      const { outcome } = await go(a, { ...ALLOWED, to: first }, { fates: [unsure] });
      expect(outcome).toBe('ConcurrentModification');
      await go(a, { ...ALLOWED, toGenerated: true });
      expectPromises(the);
      expectTidy(the);
      expectPublished(the);
    }),
  );

  test(
    'a rotation that was killed when all was done runs its last hook and ends',
    history(async () => {
      const [arn = ''] = the.arns;
      await go(a, { ...ALLOWED, to: arn });
      const ending = on('journal done finish', { kind: 'killBefore' });
      await go(a, { ...ALLOWED, toGenerated: true }, { fates: [ending] });
      const { outcome, events } = await go(a, { hooks: { done: ['true'] } });
      expect(outcome).toBe('notDue');
      expect(events).toMatchObject([
        { type: 'stepStarted', step: 'hook', subject: 'done' },
        { type: 'stepDone', step: 'hook', subject: 'done' },
        { type: 'ended', outcome: 'completed' },
      ]);
      expect([...a.records.values()].map((records) => records.at(-1)?.type)).toEqual(['ended', 'ended']);
    }),
  );
});

describe('the soak', () => {
  test(
    'is counted for stages that left the old certificate by another rotation too',
    history(async () => {
      const alone = { settings: { wait: false, onlyStage: true } };
      await go(a, { ...alone, stage: 'api/beta' });
      await pass(SETTINGS.soak);
      await go(a, { ...alone, stage: 'api/prod' });
      await go(a, { ...alone, stage: 'api/beta' });
      expectPromises(the);
    }),
  );

  test('is counted from the last switch, also of a machine that this one knows nothing of', () =>
    atEachRecord(async (killed) => {
      await go(a, {}, { fates: [killed] });
      await pass(SETTINGS.soak);
      await go(b, NO_WAIT);
      await go(a, NO_WAIT);
      expectPromises(the);
      await endsRotated();
    }));

  test('of a way back is counted from a way forward that another machine went', () =>
    atEachRecord(async (killed) => {
      await go(a, {}, { fates: [killed] });
      await go(b, NO_WAIT);
      await go(b, { ...NO_WAIT, mode: 'abort' });
      await go(a, { ...NO_WAIT, mode: 'abort' });
      expectPromises(the);
      // What the other machine did to a store that cannot be looked into, this one's journal does not know.
      await endsRotated('blind');
    }));

  test.each([-HOUR, HOUR])('is not cut or drawn out by a wall clock that jumps by %d ms within a run', (by) =>
    atEachRecord(
      async (jumps) => {
        const before = the.world.time.now;
        await go(a, {}, { fates: [jumps] });
        expect(the.world.time.now - before).toBeLessThan(10 * 60_000);
        await endsRotated();
      },
      { kind: 'clock', by },
    ),
  );
});

describe('a way back', () => {
  /** Runs on two machines, the second coming later and calling at its own pace. */
  async function race(
    second: Command,
    circumstances: Circumstances,
    judge: (outcomes: [string, string]) => void = () => undefined,
  ): Promise<void> {
    for (const pace of [15, 45, 300]) {
      for (let head = pace / 3; head <= 1_800; head += IS_FULL ? 5 : 90) {
        await anew(async () => {
          const { time } = the.world;
          const first = run(a, NO_WAIT);
          const other = time
            .sleep(head)
            .then(() => run(b, second, { latency: () => pace, ...circumstances }));
          const ran = await time.until(Promise.all([first, other]));
          expectPromises(the);
          judge([ran[0].outcome, ran[1].outcome]);
          await endsRotated('blind');
        });
      }
    }
  }

  test('harms nobody who goes forward on another machine, whenever it comes', () =>
    race({ ...NO_WAIT, mode: 'abort' }, {}));

  test.each([false, true])(
    'ends a run that waits in its soak on another machine (--to: %j)',
    async (isAdopted) => {
      for (const wait of [false, true]) {
        for (let head = 1_500; head < SETTINGS.soak / 2; head += IS_FULL ? 700 : 5_900) {
          await anew(async () => {
            const { time } = the.world;
            const to = isAdopted ? { to: the.spareId } : {};
            const soak = 3 * SETTINGS.soak;
            if (!wait) await go(a, { ...to, settings: { soak, wait: false } });
            const first = run(a, { ...(wait ? to : {}), settings: { soak } });
            const second = time.sleep(head).then(() => run(b, { mode: 'abort' }));
            const ran = await time.until(Promise.all([first, second]));
            expect(ran[0].outcome).toBe('RotationOvertaken');
            expectPromises(the);
            expect([...the.world.madeBy.values()].every((made) => made <= 1)).toBe(true);
            await calm(the);
            await finish(the, a, { mode: 'abort' });
            expectPromises(the);
            expectAsBefore(the);
          });
        }
      }
    },
  );

  test('of a run that fails leaves alone what another machine began', () =>
    race(NO_WAIT, { fates: [on('TestInvokeMethod', { kind: 'denied' })] }, ([first]) => {
      expect(['RotationWaiting', 'RotationOvertaken']).toContain(first);
    }));
});

test('a certificate that two machines take for the new one at once is trusted no longer than by the rotation', async () => {
  for (const pace of [15, 45, 300]) {
    for (let head = 0; head <= 1_800; head += IS_FULL ? 5 : 45) {
      await anew(async () => {
        const { time } = the.world;
        const command = { ...NO_WAIT, to: the.spareId };
        const second = time.sleep(head).then(() => run(b, command, { latency: () => pace }));
        await time.until(Promise.all([run(a, command), second]));
        await calm(the);
        await finish(the, b, { mode: 'abort' });
        await finish(the, a, { mode: 'abort' });
        expectPromises(the);
        expectAsBefore(the);
      });
    }
  }
});

describe('a rotation of one stage alone', () => {
  const alone = { settings: { wait: false, onlyStage: true } };

  test(
    'is aborted beside one of the other stages, which goes on',
    history(async () => {
      await go(a, alone);
      await go(b, { ...NO_WAIT, stage: 'api/beta' });
      const second = the.world.account().stages.get('api/beta')?.current;
      await pass(SETTINGS.soak);
      expect((await go(a, { mode: 'abort' })).outcome).toBe('aborted');
      expect(picture(the).presented).toEqual({ 'api/prod': the.oldId, 'api/beta': second });
      expectPromises(the);
      // The other machine's journal knows of its own rotation alone.
      await calm(the);
      await finish(the, b);
      expectPromises(the);
      expect(picture(the).presented).toEqual({ 'api/prod': second, 'api/beta': second });
      expectRotated(the);
    }),
  );

  test(
    'is aborted although somebody has attached its certificate to another stage, where it stays',
    history(async () => {
      await go(a, alone);
      const made = the.world.account().stages.get('api/prod')?.current;
      the.world.attach('somebody', 'api/beta', made);
      const { outcome, report } = await go(a, { mode: 'abort', settings: { onlyStage: true } });
      expect(outcome).toBe('aborted');
      expect(report?.warnings.map(({ code }) => code)).toEqual(['NewCertificateInUse']);
      expect(picture(the).presented).toEqual({ 'api/prod': the.oldId, 'api/beta': made });
      expect((await go(a, { mode: 'abort' })).outcome).toBe('nothingToAbort');
      await endsRotatedApart();
    }),
  );

  test(
    'goes on from its own certificate, although the other stages have left the old one meanwhile',
    history(async () => {
      await go(a, { settings: { onlyStage: true } });
      await go(a, { settings: { force: true } }, { fates: [on('GenerateClientCertificate', KILLED)] });
      await go(a, { stage: 'api/beta', to: the.spareId });
      await endsRotatedApart();
    }),
  );

  test(
    'is aborted, and a mark that is taken off late leaves nothing behind',
    history(async () => {
      const abort: Command = { mode: 'abort', settings: { onlyStage: true } };
      await go(a, NO_WAIT);
      await go(a, abort, { fates: [on('UntagResource', { kind: 'killLate', by: 1_000 })] });
      await go(a, NO_WAIT);
      await endsRotatedApart();
    }),
  );

  /** Each stage has a certificate of its own. */
  async function endsRotatedApart(): Promise<void> {
    await calm(the);
    expect((await finish(the, a)).at(-1)?.outcome).toBe('completed');
    expectPromises(the);
    expectTidy(the);
  }
});

test(
  'a certificate whose deletion was not answered is switched to by no other machine meanwhile',
  history(async () => {
    const { time } = the.world;
    // The one looks while the other is about to prove the certificate that it has made.
    const forward = run(a, NO_WAIT, { latency: () => 444 });
    const back = time
      .sleep(4_400)
      .then(() =>
        run(
          b,
          { ...NO_WAIT, mode: 'abort' },
          { latency: () => 242, fates: [on('DeleteClientCertificate', { kind: 'late', by: 10_000 })] },
        ),
      );
    const [{ outcome }] = await time.until(Promise.all([forward, back]));
    expect(outcome).toBe('RotationOvertaken');
    await go(b, NO_WAIT);
    expectPromises(the);
    await endsRotated('blind');
  }),
);

describe('an UpdateStage whose outcome is not known', () => {
  const STALE: Fate = on('GetStage', { kind: 'stale', age: 3_000, times: 20 });

  test(
    'was done although AWS answered 409 and shows it seconds later',
    history(async () => {
      await go(a, {}, { fates: [on('UpdateStage api/prod', { kind: 'conflict', isDone: true }), STALE] });
      expectPromises(the);
      await endsRotated();
    }),
  );

  test(
    'is tried again after a 409 without effect',
    history(async () => {
      const { outcome } = await go(
        a,
        {},
        { fates: [on('UpdateStage api/prod', { kind: 'conflict', isDone: false })] },
      );
      expect(outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    }),
  );

  test('may take effect after an abort has looked', async () => {
    for (const by of [...Array.from({ length: IS_FULL ? 400 : 40 }, (_, i) => i * 45), 20_000, 30_000]) {
      await anew(async () => {
        await go(a, {}, { fates: [on('UpdateStage api/prod', { kind: 'killLate', by })] });
        await go(a, { mode: 'abort' });
        await calm(the);
        expectPromises(the);
        await endsRotated();
      });
    }
  });

  test.each([1_000, 10_000, 30_000])(
    'may take effect %d ms after the process was killed, with a certificate that no abort deletes',
    (by) =>
      history(async () => {
        const to = the.spareId;
        await go(a, { to }, { fates: [on('UpdateStage api/prod', { kind: 'killLate', by })] });
        await go(a, { mode: 'abort' });
        await calm(the);
        expectPromises(the);
        const last = (await finish(the, a, { mode: 'abort' })).at(-1);
        expect(last?.outcome).toBe('nothingToAbort');
        expectPromises(the);
        expectAsBefore(the);
      })(),
  );

  test(
    'may be lost and take effect later within the same run',
    history(async () => {
      await go(a, {}, { fates: [on('UpdateStage api/prod', { kind: 'late', by: 20_000 })] });
      expectPromises(the);
      await endsRotated();
    }),
  );
});

describe('a process that is stopped for longer than its lock lives', () => {
  test('changes nothing any more when it goes on, wherever it was stopped', () =>
    atEachRecord(
      async (stops) => {
        const { time } = the.world;
        const stopped = run(a, {}, { fates: [stops] });
        // By the end of its soak it has got to where it stops, if at all.
        const other = time.sleep(SETTINGS.soak + 20_000).then(() => run(a, { mode: 'abort', ...NO_WAIT }));
        await time.until(Promise.all([stopped, other]));
        expectPromises(the);
        await endsRotated();
      },
      { kind: 'stop', for: 10 * 60_000 },
    ));
});

describe('a listing that shows too little', () => {
  const listings = ['GetRestApis', 'GetStages', 'GetClientCertificates'] as const;
  const less = ['empty', 'shrunken'] as const;
  const cases = listings.flatMap((call) => less.map((kind) => [call, kind] as const));

  test.each(cases)('is not believed: %s, %s', async (call, kind) => {
    for (let nth = 0; nth < 6; nth++) {
      for (const times of [1, 2, 4]) {
        await anew(async () => {
          await go(a, {}, { fates: [on(call, { kind, times }, nth)] });
          expectPromises(the);
          await endsRotated();
        });
      }
    }
  });
});

describe('a proof', () => {
  test('is one of the certificate that it was made with', async () => {
    // The backend takes every certificate over but the first that is made: its id is the fourth of the account.
    for (let nth = 0; nth < 4; nth++) {
      await anew(
        async () => {
          await go(a, {}, { fates: [on('TestInvokeMethod c00004', { kind: 'killAfter' })] });
          const hidden: Mishap = { kind: 'stale', age: 10_000, times: nth + 1 };
          await go(a, {}, { fates: [on('GetClientCertificates', hidden)] });
          expectPromises(the);
        },
        { ...PLAIN, stores: { file: { deafTo: ['c00004'] }, blind: { isBlind: true } } },
      );
    }
  });
});

describe('a rotation always ends', () => {
  const storesOf = { 'api/prod': ['file'], 'api/beta': ['blind'] };
  const proof = on('TestInvokeMethod', { kind: 'killBefore' });

  test(
    'although a stage that lent its trust store is gone',
    history(async () => {
      await go(a, { storesOf }, { fates: [proof] });
      the.world.removeStage('api/beta');
      const runs = await finish(the, a, { storesOf });
      expect(runs.at(-1)?.outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    }),
  );

  test(
    'although a stage that lent its trust store presents something else by now',
    history(async () => {
      await go(a, { storesOf }, { fates: [proof] });
      the.world.attach('somebody', 'api/beta', the.foreignId);
      const last = (await finish(the, a, { storesOf })).at(-1);
      expect(last?.outcome).toBe('completed');
      expectPromises(the);
      expect(picture(the).trusted['blind']).not.toContain(the.oldId);
    }),
  );

  test(
    'although an abort found no way back, and its mark is in the description since tags were denied',
    history(async () => {
      const late = on('DeleteClientCertificate', { kind: 'killLate', by: 2_000 });
      await go(a, {}, { fates: [late] });
      const abort = run(
        a,
        { ...NO_WAIT, mode: 'abort' },
        { latency: () => 100, fates: [on('TagResource', { kind: 'denied' })] },
      );
      expect((await the.world.time.until(abort)).outcome).toBe('UndoImpossible');
      await endsRotated();
    }),
  );

  test(
    'and a trust store that another run is changing undoes nothing',
    history(async () => {
      const { outcome } = await go(a, {}, { fates: [on('trust in blind', { kind: 'locked' })] });
      expect(outcome).toBe('Locked');
      expect(the.world.deleted).toEqual([]);
      await endsRotated();
    }),
  );

  test.each([3_000, 10_000])('although every call, the look into a trust store too, takes %d ms', (ms) =>
    history(async () => {
      expect((await go(a, {}, { latency: () => ms })).outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    })(),
  );

  test(
    'with one certificate, although lists show it seconds later',
    history(async () => {
      the.world.readAge = 10_000;
      for (let i = 0; i < 4; i++) await go(a);
      the.world.readAge = 0;
      expectPromises(the);
      await endsRotated();
    }),
  );
});

describe('the marks in AWS', () => {
  test(
    'carry --keep-old to a machine without the journal',
    history(async () => {
      expect((await go(a, { settings: { keepOld: 7 * 24 * HOUR } })).outcome).toBe('keepingOld');
      await pass(HOUR);
      expect((await go(b)).outcome).toBe('keepingOld');
      expect(the.world.exists(the.oldId)).toBe(true);
      await pass(7 * 24 * HOUR);
      expect((await go(b)).outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    }),
  );

  test(
    'keep the old one as long as was promised, also where AWS did not answer for seconds',
    history(async () => {
      const keepOld = { settings: { keepOld: 120_000 } };
      const lost = Array.from({ length: 4 }, () => on('UpdateStage api/beta', { kind: 'lostAfter' }));
      const { report } = await go(a, keepOld, { fates: lost });
      await pass((report?.until?.getTime() ?? 0) - the.world.time.now - 600);
      expect((await go(b)).outcome).toBe('keepingOld');
      await pass(1_000);
      expect((await go(b)).outcome).toBe('completed');
      expectPromises(the);
    }),
  );

  test('let a machine without the journal end the trust in a certificate that is deleted', async () => {
    for (let nth = 0; nth < 12; nth++) {
      await anew(async () => {
        await go(a, {}, { fates: [on('DeleteClientCertificate', { kind: 'killAfter' })] });
        expect(the.world.exists(the.oldId)).toBe(false);
        await go(b, {}, { fates: [{ after: nth, mishap: { kind: 'killAfter' } }] });
        await calm(the);
        await finish(the, new Machine(the.world, 'c'));
        expectPromises(the);
        expectRotated(the);
      });
    }
  });
});

describe('what is deleted and still trusted', () => {
  const killed = on('DeleteClientCertificate', KILLED);

  test(
    'is remembered by the certificate that an abort leaves, for a machine without the journal',
    history(async () => {
      await go(a, NO_WAIT);
      await go(a, { mode: 'abort' }, { fates: [killed] });
      expect(the.world.deleted).toHaveLength(1);
      const { outcome } = await go(b, { mode: 'abort' });
      expect(outcome).toBe('aborted');
      expectAsBefore(the);
      expect(the.world.certificate(the.oldId).tags).toEqual({});
      expect((await go(b, { mode: 'abort' })).outcome).toBe('nothingToAbort');
    }),
  );

  test(
    'is remembered by the old certificate until the next rotation, too',
    history(async () => {
      await go(a, NO_WAIT);
      await go(a, { mode: 'abort' }, { fates: [killed] });
      expect((await go(b)).outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    }),
  );

  test(
    'is remembered by the journal alone where tags are denied',
    history(async () => {
      const denied = Array.from({ length: 2 }, () => on('TagResource', { kind: 'denied' }));
      await go(a, NO_WAIT);
      await go(a, { mode: 'abort' }, { fates: [...denied, killed] });
      expect((await go(a, { mode: 'abort' })).outcome).toBe('aborted');
      expectAsBefore(the);
    }),
  );
});

describe('what is deleted and still trusted is not forgotten', () => {
  const killed = on('DeleteClientCertificate', KILLED);

  test(
    'by an abort that is told of no trust store',
    history(async () => {
      await go(a, NO_WAIT);
      await go(a, { mode: 'abort' }, { fates: [killed] });
      expect((await go(b, { mode: 'abort', storesOf: {} })).outcome).toBe('TrustStoreMissing');
      expect((await go(b, { mode: 'abort' })).outcome).toBe('aborted');
      expectAsBefore(the);
    }),
  );

  test(
    'by a rotation of another stage, which has a trust store of its own',
    history(async () => {
      begin({
        apis: { api: { name: 'orders', hosts: ['o'] }, pay: { name: 'pay', hosts: ['p'] } },
        stages: { 'api/prod': {}, 'pay/prod': {} },
        hosts: { o: { stores: ['file'] }, p: { stores: ['other'] } },
        stores: { file: {}, other: {} },
      });
      const storesOf = { 'api/prod': ['file'], 'pay/prod': ['other'] };
      const alone = { settings: { wait: false, onlyStage: true }, storesOf };
      const abort: Command = { mode: 'abort', settings: { onlyStage: true }, storesOf };
      await go(a, { ...alone, stage: 'pay/prod' });
      await go(a, { ...abort, stage: 'pay/prod' }, { fates: [killed] });
      await go(b, alone);
      expect((await go(b, abort)).outcome).toBe('aborted');
      expect(picture(the).trusted['other']).toHaveLength(3);
      expect((await go(b, { ...abort, stage: 'pay/prod' })).outcome).toBe('aborted');
      expectPromises(the);
      expectAsBefore(the);
    }),
  );
});

test(
  'a rotation of all stages ends the trust that an aborted one of a single stage has left',
  history(async () => {
    const alone = { settings: { onlyStage: true, wait: false }, stage: 'api/beta' };
    await go(a, alone);
    const locked: Mishap = { kind: 'locked' };
    await go(
      a,
      { ...alone, mode: 'abort', settings: { onlyStage: true } },
      { fates: [on('untrust', locked)] },
    );
    expect(the.world.deleted).toHaveLength(1);
    await endsRotated();
  }),
);

test(
  'a dry run lists the end of the trust in what another rotation has made',
  history(async () => {
    const locked: Mishap = { kind: 'locked' };
    await go(a, { settings: { onlyStage: true }, stage: 'api/beta' }, { fates: [on('trust', locked)] });
    await go(a, NO_WAIT);
    const { report } = await go(a, { stage: 'api/beta', dryRun: true });
    const subjects = (report?.steps ?? []).filter(({ step }) => step === 'untrust').map((one) => one.subject);
    const spare = [...the.world.makers.keys()][3];
    expect(subjects).toContain(`blind: ${spare}`);
    await calm(the);
    expect((await go(a, { stage: 'api/beta' })).outcome).toBe('completed');
    expectPromises(the);
    expectRotated(the);
  }),
);

test(
  'an abort ends, although another machine has rotated what it leaves while it was stopped',
  history(async () => {
    const { time } = the.world;
    await go(a, NO_WAIT);
    const stopped = on('DeleteClientCertificate', { kind: 'stop', for: 300_000 });
    const back = run(a, { mode: 'abort' }, { fates: [stopped] });
    const other = time.sleep(SETTINGS.soak + 20_000).then(() => run(b));
    const [, { outcome }] = await time.until(Promise.all([back, other]));
    expect(outcome).toBe('completed');
    expectPromises(the);
    expect([...a.records.values()].map((records) => records.at(-1)?.type)).toEqual(['ended']);
    await endsRotated();
  }),
);

describe('a tag that somebody wrote', () => {
  test.each<[string, (fingerprint: string) => Record<string, string>]>([
    ['as deleted', (fingerprint) => ({ 'apigw-cert:removed:zzzzzz': fingerprint })],
    [
      'as replaced',
      (fingerprint) => markTags({ rotationId: 'r1', replaces: 'zzzzzz', replacesSha256: fingerprint }),
    ],
  ])('ends no trust in a certificate that exists, which it names %s', (_, tagsOf) =>
    history(async () => {
      for (const id of [the.oldId, the.foreignId]) {
        begin();
        const tags = tagsOf(the.world.fingerprint(id));
        the.world.change('somebody', the.oldId, (one) => ({ ...one, tags: { ...one.tags, ...tags } }));
        await go(a, { mode: 'abort' });
        await go(a);
        await go(a, { mode: 'abort' });
        expectPromises(the);
        expect(picture(the).trusted['file']).toContain(the.foreignId);
      }
    })(),
  );
});

describe('WebSocket stages', () => {
  test(
    'that present the old certificate move with the others',
    history(async () => {
      begin(LARGE);
      expect((await go(a)).outcome).toBe('completed');
      expectPromises(the);
      expectRotated(the);
    }),
  );

  test(
    'go back with the others',
    history(async () => {
      begin(LARGE);
      await go(a, NO_WAIT);
      expect((await go(a, { mode: 'abort' })).outcome).toBe('aborted');
      expectPromises(the);
      expectAsBefore(the);
    }),
  );
});
