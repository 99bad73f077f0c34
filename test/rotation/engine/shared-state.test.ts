import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { documentMemory } from '../../support/document-memory.js';
import { explored, run } from './model/command.js';
import {
  COMMANDS,
  finishAll,
  goThrough,
  history,
  PLAINLY,
  runs,
  topologies,
  typed,
  type Drawn,
} from './model/history.js';
import { cycled, type Machine } from './model/machine.js';
import { expectPromises, expectTidy, IS_FULL, prepare, type Scene } from './model/scene.js';

/*
 * Random races of machines that share journal and lease. What two machines without a common disk may leave behind, or
 * cannot know of each other (model.test.ts), these may not.
 */

beforeAll(prepare);

/** Of each race; in full, all races together are 1,000. */
const RACES = Number(process.env['APIGW_CERT_RACES'] ?? (IS_FULL ? 200 : 8));
const SEED = Number(process.env['APIGW_CERT_SEED'] ?? (IS_FULL ? Date.now() % 2 ** 31 : 14));
const TIMEOUT = 120_000 * Math.max(1, RACES / 8);

afterAll(() => {
  if (!IS_FULL) return;
  const { histories, runs: ran, calls, outcomes } = explored;
  const counted = [...outcomes].sort(([, one], [, other]) => other - one);
  process.stderr.write(
    `seed ${SEED}: ${histories} races, ${ran} runs, ${calls} calls; ${counted.map(([word, n]) => `${word} ${n}`).join(', ')}\n`,
  );
});

/** A run writes and reads its journal and its lease beside what it does in AWS. */
const CALLS = 160;

/** Nobody waits for days: a waiting run writes its lease every few seconds. */
const typedHere = COMMANDS.map((command) => ({
  ...command,
  settings: { ...command.settings, keepOld: Math.min(command.settings?.keepOld ?? 0, 120_000) },
}));

const ABORT = fc.constant({ mode: 'abort' as const, stage: 0 });

/** A race of machines, each with its runs, and what must be true whoever was faster. */
const race = (
  lists: fc.Arbitrary<Drawn[][]>,
  go: (the: Scene, machine: Machine, list: readonly Drawn[], nth: number) => Promise<void> = goThrough,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(topologies, lists, (topology, drawn) =>
      history(
        topology,
        drawn.length,
        async (the, machines) => {
          await the.world.time.until(
            Promise.all(machines.map((machine, i) => go(the, machine, drawn[i] ?? [], i))),
          );
          await finishAll(the, machines);
          expectPromises(the);
          expect(the.world.unprotected).toEqual([]);
          expectTidy(the);
        },
        documentMemory(),
      ),
    ),
    { numRuns: RACES, seed: SEED },
  );

const pair = (one: fc.Arbitrary<Drawn[]>, other: fc.Arbitrary<Drawn[]>): fc.Arbitrary<Drawn[][]> =>
  fc.tuple(one, other).map((both) => both);

describe('of machines that share their state', () => {
  test(
    'one aborts what another rotates',
    () => race(pair(runs(2, PLAINLY, CALLS), runs(2, ABORT, CALLS))),
    TIMEOUT,
  );

  test(
    'the hook of one fails, while another rotates',
    () =>
      race(pair(runs(2, PLAINLY, CALLS), runs(2, PLAINLY, CALLS)), async (the, machine, list, nth) => {
        if (nth === 0) return goThrough(the, machine, list);
        for (const { pause, command, fates, latency } of list) {
          await the.world.time.sleep(pause);
          const hooks = { pre: ['false'] };
          await run(machine, { ...typed(the, command), hooks }, { fates, latency: cycled(latency) });
        }
      }),
    TIMEOUT,
  );

  test(
    'one continues after another has',
    () =>
      race(
        fc
          .array(runs(1, typedHere, CALLS), { minLength: 3, maxLength: 5 })
          .map((turns) => [
            turns.filter((_, i) => i % 2 === 0).flat(),
            turns.filter((_, i) => i % 2 === 1).flat(),
          ]),
      ),
    TIMEOUT,
  );

  test(
    'one is stopped for longer than it may hold the lease',
    () =>
      race(
        pair(
          fc
            .tuple(runs(1, PLAINLY, CALLS), fc.nat(CALLS), fc.integer({ min: 25_000, max: 300_000 }))
            .map(([list, after, ms]) =>
              list.map((one) => ({ ...one, fates: [{ after, mishap: { kind: 'stop' as const, for: ms } }] })),
            ),
          runs(3, typedHere, CALLS),
        ),
      ),
    TIMEOUT,
  );

  test(
    'two or three do whatever is typed',
    () => race(fc.array(runs(3, typedHere, CALLS), { minLength: 2, maxLength: 3 })),
    TIMEOUT,
  );
});
