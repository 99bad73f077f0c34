import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  lookingAnew,
  type AccountLook,
  type AskedLook,
} from '../../../src/rotation/engine/observed-account.js';
import { takingTurns } from '../../../src/rotation/engine/turns.js';
import { Time } from './model/time.js';

/** What one of those that take turns does, and how long it takes, in milliseconds. */
type Deed =
  | { kind: 'act'; ms: number }
  | { kind: 'sleep'; ms: number }
  | { kind: 'look'; known: boolean }
  | { kind: 'fail' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('act' as const), ms: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ kind: fc.constant('sleep' as const), ms: fc.integer({ min: 0, max: 500_000 }) }),
  fc.record({ kind: fc.constant('look' as const), known: fc.boolean() }),
  fc.record({ kind: fc.constant('fail' as const) }),
);

/** Plays what all of them do; each look takes so long. */
async function play(deeds: readonly (readonly Deed[])[], lookMs: number, breaks: readonly boolean[] = []) {
  const time = new Time(1_000_000);
  const now = (): Date => new Date(time.now);
  const looks: AccountLook[] = [];
  let asked = 0;
  const turns = takingTurns(
    {
      sightings: new Map(),
      async look() {
        const begun = now();
        await time.sleep(lookMs);
        if (breaks[asked++] === true) throw new Error('broken look');
        const look = { apis: [], stages: [], begun, ended: now() };
        looks.push(look);
        return look;
      },
    },
    now,
  );
  let acting = 0;
  const problems: string[] = [];
  const ended: number[] = [];
  const work = async (its: readonly Deed[], who: number): Promise<void> => {
    const enter = (): void => {
      if (++acting > 1) problems.push(`${who} acts beside another at ${time.now}`);
    };
    const leave = (): void => {
      acting -= 1;
    };
    enter();
    try {
      for (const one of its) {
        if (one.kind === 'act') await time.sleep(one.ms);
        else if (one.kind === 'fail') throw new Error('failed');
        else if (one.kind === 'sleep') {
          leave();
          await turns.aside(one.ms, () => time.sleep(one.ms)).finally(enter);
        } else {
          const at = time.now;
          if (!one.known) leave();
          const look = await turns.account.look(one).finally(() => {
            if (!one.known) enter();
          });
          if (!one.known && look.begun.getTime() < at) problems.push(`${who} got a look of before`);
        }
      }
    } finally {
      leave();
      ended.push(who);
    }
  };
  const all = Promise.allSettled(deeds.map((its, who) => turns.take(() => work(its, who))));
  const results = await time.until(all);
  return { looks, problems, ended, results, took: time.now - 1_000_000 };
}

test('one acts at a time, every look is as new as asked for, and all come to an end', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(deed, { maxLength: 8 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 300 }),
      fc.array(fc.boolean(), { maxLength: 5 }),
      async (deeds, lookMs, breaks) => {
        const { problems, ended } = await play(deeds, lookMs, breaks);
        expect(problems).toEqual([]);
        expect(ended).toHaveLength(deeds.length);
      },
    ),
  ));

test('one look serves all who need one, however long their ways to it are', async () => {
  const way = (ms: number): Deed[] => [
    { kind: 'look', known: true },
    { kind: 'act', ms },
    { kind: 'sleep', ms: 90 },
    { kind: 'look', known: false },
    { kind: 'act', ms: 5 },
  ];
  const { looks, took } = await play([way(10), way(30), way(1), way(40)], 165);
  expect(looks).toHaveLength(2);
  // The first look; all act, one after another; the last one sleeps; the second look; all act.
  expect(took).toBe(165 + 81 + 90 + 165 + 4 * 5);
});

test('who is away for more than five minutes is not waited for', async () => {
  const { looks, took, ended } = await play(
    [
      [
        { kind: 'look', known: true },
        { kind: 'sleep', ms: 300_101 },
        { kind: 'look', known: false },
      ],
      [{ kind: 'look', known: false }],
    ],
    100,
  );
  expect(looks).toHaveLength(3);
  expect(ended).toEqual([1, 0]);
  expect(took).toBe(100 + 300_101 + 100);
});

test('who needs a look while there is one, waits for the next', async () => {
  const { looks, took } = await play(
    [
      [{ kind: 'look', known: false }],
      [
        { kind: 'sleep', ms: 300_101 },
        { kind: 'look', known: false },
      ],
    ],
    400_000,
  );
  const times = looks.map(({ begun, ended }) => [begun, ended].map((at) => at.getTime() - 1_000_000));
  expect(times).toEqual([
    [0, 400_000],
    [400_000, 800_000],
  ]);
  expect(took).toBe(800_000);
});

test('a look that fails, fails for those it was for, and the next one may go well', async () => {
  const both: Deed[] = [{ kind: 'look', known: false }];
  const { results, looks } = await play([both, both, [...both, ...both]], 10, [true]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(looks).toHaveLength(0);
  const second = await play([[{ kind: 'sleep', ms: 300_050 }, ...both], both], 10, [true]);
  expect(second.results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('what is urgent waits neither for who is away nor for who has not begun', async () => {
  const time = new Time(1_000_000);
  const now = (): Date => new Date(time.now);
  const turns = takingTurns(
    {
      sightings: new Map(),
      async look() {
        const begun = now();
        await time.sleep(100);
        return { apis: [], stages: [], begun, ended: now() };
      },
    },
    now,
  );
  const order: string[] = [];
  const all = Promise.all([
    turns.take(async () => {
      await turns.aside(200_000, () => time.sleep(200_000));
    }),
    turns.take(async () => {
      await turns.aside(10, () => time.sleep(10));
      const look = await turns.account.look({ known: false, isUrgent: true });
      order.push(`looked at ${look.begun.getTime() - 1_000_000}`);
    }),
    turns.take(async () => {
      await time.sleep(50);
    }),
    turns.take(() => {
      order.push('began');
      return Promise.resolve();
    }),
  ]);
  await time.until(all);
  expect(order).toEqual(['looked at 50', 'began']);
});

test('an account that is looked at anew is asked for new looks, as urgently as before', async () => {
  const asked: AskedLook[] = [];
  const look = { apis: [], stages: [], begun: new Date(0), ended: new Date(0) };
  const account = lookingAnew({
    sightings: new Map(),
    look: (one) => {
      asked.push(one);
      return Promise.resolve(look);
    },
  });
  await account.look({ known: true });
  await account.look({ known: false, isUrgent: true });
  expect(asked).toEqual([{ known: false }, { known: false, isUrgent: true }]);
});
