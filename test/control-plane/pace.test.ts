import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPace } from '../../src/control-plane/pace.js';
import { createTokenBucket } from '../../src/control-plane/token-bucket.js';

/** A clock that moves only from timer to timer. */
function virtualTime() {
  let at = 0;
  let timers: { due: number; run: () => void }[] = [];
  return {
    now: () => at,
    setTimer: (run: () => void, ms: number) => void timers.push({ due: at + ms, run }),
    /** Runs until nothing is due any more, or until `end`. */
    async run(end = Infinity) {
      for (;;) {
        for (let i = 0; i < 5; i++) await Promise.resolve();
        const next = timers.reduce<(typeof timers)[number] | undefined>(
          (a, b) => (a === undefined || b.due < a.due ? b : a),
          undefined,
        );
        if (next === undefined || next.due > end) break;
        timers = timers.filter((timer) => timer !== next);
        at = Math.max(at, next.due);
        next.run();
      }
      if (end !== Infinity) at = end;
    },
  };
}

/** The most requests of `instants` (ms, ascending) in any window beginning and ending at one of them, less what is allowed. */
function excess(
  instants: readonly number[],
  { perSecond, burst }: { perSecond: number; burst: number },
): number {
  let worst = -Infinity;
  for (const [i, from] of instants.entries()) {
    for (const [j, to] of instants.entries()) {
      if (j < i) continue;
      worst = Math.max(worst, j - i + 1 - (burst + (perSecond * (to - from)) / 1000));
    }
  }
  return worst;
}

describe('a token bucket', () => {
  const limits = fc.record({
    perSecond: fc.double({ min: 0.1, max: 100, noNaN: true }),
    burst: fc.integer({ min: 1, max: 50 }),
  });

  test('gives at most burst + rate · t in any window, whoever asks whenever', () => {
    fc.assert(
      fc.property(
        limits,
        fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 150 }),
        (limit, pauses) => {
          const bucket = createTokenBucket(limit, 0);
          let at = 0;
          const taken = pauses.flatMap((pause) => {
            at += pause;
            return bucket.take(at) ? [at] : [];
          });
          expect(excess(taken, limit)).toBeLessThanOrEqual(1e-6);
        },
      ),
    );
  });

  test('gives a token exactly when it says that there is one', () => {
    fc.assert(
      fc.property(
        limits,
        fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 50 }),
        (limit, pauses) => {
          const bucket = createTokenBucket(limit, 0);
          let at = 0;
          for (const pause of pauses) {
            at += pause;
            const wait = bucket.waitMs(at);
            expect(bucket.take(at)).toBe(wait === 0);
            if (wait === 0) continue;
            expect(bucket.take(at + wait * 0.999)).toBe(false);
            at += wait + 1e-6;
            expect(bucket.take(at)).toBe(true);
          }
        },
      ),
    );
  });

  test('is not refilled by a clock that goes back', () => {
    const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, 1_000);
    expect(bucket.take(1_000)).toBe(true);
    expect(bucket.take(0)).toBe(false);
    expect(bucket.take(1_500)).toBe(false);
    expect(bucket.take(2_000)).toBe(true);
  });
});

describe('a pace', () => {
  const operations = fc.constantFrom('GetStages', 'GetRestApis', 'GetResources', 'CreateDeployment');

  test('keeps all requests, and those of each operation, within AWS limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.array(fc.tuple(operations, fc.integer({ min: 0, max: 300 })), { maxLength: 120 }),
        async (share, requests) => {
          const time = virtualTime();
          const pace = createPace({ share, now: time.now, setTimer: time.setTimer });
          const sent: { operation: string; at: number }[] = [];
          let at = 0;
          for (const [operation, pause] of requests) {
            at += pause;
            await time.run(at);
            void pace.take(operation).then(() => sent.push({ operation, at: time.now() }));
          }
          await time.run();
          expect(sent).toHaveLength(requests.length);
          const of = (name: string): number[] => sent.filter((s) => s.operation === name).map((s) => s.at);
          const limit = (perSecond: number, burst: number) => ({ perSecond: perSecond * share, burst });
          expect(
            excess(
              sent.map((s) => s.at),
              limit(10, Math.max(1, 40 * share)),
            ),
          ).toBeLessThanOrEqual(1e-6);
          expect(excess(of('CreateDeployment'), limit(0.2, 1))).toBeLessThanOrEqual(1e-6);
          expect(excess(of('GetResources'), limit(2.5, 1))).toBeLessThanOrEqual(1e-6);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('loses no time: the last of 600 requests goes out when the limit allows it', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    const all = Promise.all(Array.from({ length: 600 }, () => pace.take('GetStages')));
    await time.run();
    await all;
    // 36 at once, then one each 100 ms.
    expect(time.now()).toBeGreaterThanOrEqual((600 - 36) * 100);
    expect(time.now()).toBeLessThanOrEqual((600 - 36) * 100 + 50);
  });

  test('a slow operation holds nobody else up, and its own requests stay in order', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    const sent: string[] = [];
    for (const [i, operation] of [
      'CreateDeployment',
      'CreateDeployment',
      'GetStages',
      'CreateDeployment',
    ].entries())
      void pace.take(operation).then(() => sent.push(`${i} at ${time.now()}`));
    await time.run();
    expect(sent).toEqual(['0 at 0', '2 at 0', '1 at 5000', '3 at 10000']);
  });

  test('lets requests through in the order in which they came, whatever their lane', async () => {
    const order = ['GetStages', 'GetResources', 'GetStages', 'GetStages'];
    for (const names of [order, [...order.slice(1), 'GetStages'], ['CreateDeployment', ...order]]) {
      const time = virtualTime();
      const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
      for (let i = 0; i < 36; i++) void pace.take('GetRestApis');
      await time.run(0);
      const sent: string[] = [];
      for (const name of names) void pace.take(name).then(() => sent.push(`${name} at ${time.now()}`));
      await time.run();
      expect(sent).toEqual(names.map((name, i) => `${name} at ${100 * (i + 1)}`));
    }
  });

  test('goes on with the lane that may go first', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    const sent: string[] = [];
    for (const name of ['CreateDeployment', 'GetResources', 'CreateDeployment', 'GetResources'])
      void pace.take(name).then(() => sent.push(`${name} at ${time.now()}`));
    await time.run();
    expect(sent).toEqual([
      'CreateDeployment at 0',
      'GetResources at 0',
      'GetResources at 400',
      'CreateDeployment at 5000',
    ]);
  });

  test('finds its speed again step by step, and lowers it once a second at most', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    pace.throttled('GetStages');
    pace.accepted();
    expect(pace.counts.perSecond).toBeCloseTo(5.1, 9);
    await time.run(999);
    pace.throttled('GetStages');
    expect(pace.counts.perSecond).toBeCloseTo(5.1, 9);
    await time.run(1_000);
    pace.throttled('GetStages');
    expect(pace.counts.perSecond).toBeCloseTo(2.55, 9);
  });

  test('that is throttled without being told how long goes on as soon as its speed allows', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    pace.throttled('GetStages');
    const sent: number[] = [];
    for (let i = 0; i < 3; i++) void pace.take('GetStages').then(() => sent.push(time.now()));
    await time.run();
    expect(sent).toEqual([200, 400, 600]);
  });

  test('keeps to another limit than AWS’s where one is given, operations in proportion', async () => {
    const time = virtualTime();
    const pace = createPace({
      share: 1,
      limit: { perSecond: 20, burst: 10 },
      now: time.now,
      setTimer: time.setTimer,
    });
    for (let i = 0; i < 30; i++) void pace.take('GetStages');
    await time.run(0);
    expect(pace.counts.taken).toBe(9);
    await time.run(1_001);
    expect(pace.counts.taken).toBe(29);
    const sent: number[] = [];
    for (let i = 0; i < 4; i++) void pace.take('GetResources').then(() => sent.push(time.now()));
    await time.run();
    // Twice what AWS allows: two together, as fast as all go out, then five a second.
    expect(sent.map((at) => at - (sent[0] ?? 0))).toEqual([0, 50, 200, 400]);
  });

  test('leaves a share free: at 80% it sends 28 at once and 8 a second', async () => {
    const time = virtualTime();
    const pace = createPace({ now: time.now, setTimer: time.setTimer });
    for (let i = 0; i < 100; i++) void pace.take('GetStages');
    await time.run(0);
    expect(pace.counts.taken).toBe(28);
    await time.run(2_001);
    expect(pace.counts.taken).toBe(28 + 16);
  });

  test('waits as long as AWS says, halves its speed once an episode, and finds it again', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    for (let i = 0; i < 30; i++) void pace.take('GetStages');
    await time.run(0);
    expect(pace.counts.taken).toBe(30);
    pace.throttled('GetStages', 3_000);
    pace.throttled('GetStages', 3_000);
    expect(pace.counts.perSecond).toBe(5);
    for (let i = 0; i < 20; i++) void pace.take('GetStages');
    await time.run(2_999);
    expect(pace.counts.taken).toBe(30);
    await time.run(3_001);
    expect(pace.counts.taken).toBe(45);
    for (let i = 0; i < 60; i++) pace.accepted();
    expect(pace.counts).toEqual({ taken: 45, throttled: 2, perSecond: 10 });
  });

  test('an operation with its own limit that is throttled slows only itself', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    pace.throttled('GetResources', 10_000);
    void pace.take('GetResources');
    void pace.take('GetStages');
    await time.run(9_999);
    expect(pace.counts).toMatchObject({ taken: 1, perSecond: 10 });
    await time.run(10_001);
    expect(pace.counts.taken).toBe(2);
  });

  test('never stands still, however often it is throttled', async () => {
    const time = virtualTime();
    const pace = createPace({ share: 1, now: time.now, setTimer: time.setTimer });
    for (let i = 0; i < 50; i++) {
      pace.throttled('GetStages');
      await time.run(time.now() + 2_000);
    }
    expect(pace.counts.perSecond).toBe(0.5);
    const turn = pace.take('GetStages');
    await time.run();
    await turn;
  });
});
