import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { explored, run, type Ran } from './model/command.js';
import {
  ACM_COMMANDS,
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
import { edits, happens } from './model/people.js';
import {
  calm,
  expectAsBefore,
  expectPromises,
  expectPublished,
  expectTidy,
  IS_FULL,
  OF_ACM,
  picture,
  PLAIN,
  prepare,
} from './model/scene.js';
import { stageText } from '../../../src/rotation/rules/unit.js';
import { LATEST_EFFECT } from './model/world.js';

/*
 * Random histories of rotations in a simulated account: `npm run test:model` explores many more of them than `npm test`.
 */

beforeAll(prepare);

/** How many times as many histories as `npm test` explores. */
const TIMES = IS_FULL ? Number(process.env['APIGW_CERT_MODEL'] ?? 25) : 1;
/** A check of each commit goes through the same ones each time. */
const SEED = Number(process.env['APIGW_CERT_SEED'] ?? (IS_FULL ? Date.now() % 2 ** 31 : 9));
const TIMEOUT = 120_000 * Math.max(1, TIMES);

afterAll(() => {
  if (!IS_FULL) return;
  const { histories, runs: ran, calls, outcomes, unprotected } = explored;
  const counted = [...outcomes].sort(([, one], [, other]) => other - one);
  process.stderr.write(
    `seed ${SEED}: ${histories} histories, ${ran} runs, ${calls} calls; ${unprotected} times what no machine could know of another; ${counted.map(([word, n]) => `${word} ${n}`).join(', ')}\n`,
  );
});

const check = <T extends [unknown, ...unknown[]]>(
  property: fc.IAsyncProperty<T>,
  numRuns: number,
): Promise<void> => fc.assert(property, { numRuns: numRuns * TIMES, seed: SEED });

const losesJournal = (list: readonly Drawn[]): boolean => list.some((one) => one.losesJournal);

describe('in a world of mishaps', () => {
  test(
    'one machine keeps the promises of a rotation, and ends it',
    () =>
      check(
        fc.asyncProperty(topologies, runs(4, PLAINLY), (topology, list) =>
          history(topology, 1, async (the, [machine]) => {
            await the.world.time.until(goThrough(the, machine, list));
            await finishAll(the, [machine]);
            expectPromises(the);
            expectTidy(the, losesJournal(list) ? 'deleted' : 'nothing');
          }),
        ),
        45,
      ),
    TIMEOUT,
  );

  test(
    'whatever is typed on one machine',
    () =>
      check(
        fc.asyncProperty(topologies, runs(5, COMMANDS), (topology, list) =>
          history(topology, 1, async (the, [machine]) => {
            await the.world.time.until(goThrough(the, machine, list));
            await finishAll(the, [machine]);
            expectPromises(the);
            expectTidy(the, 'deleted');
          }),
        ),
        45,
      ),
    TIMEOUT,
  );

  test(
    'whatever is typed on two or three machines at once',
    () =>
      check(
        fc.asyncProperty(
          topologies,
          fc.array(runs(3, COMMANDS), { minLength: 2, maxLength: 3 }),
          (topology, lists) =>
            history(topology, lists.length, async (the, machines) => {
              await the.world.time.until(
                Promise.all(machines.map((machine, i) => goThrough(the, machine, lists[i] ?? []))),
              );
              await finishAll(the, machines);
              expectPromises(the);
              expectTidy(the, 'deleted');
            }),
        ),
        52,
      ),
    TIMEOUT,
  );
});

test(
  'stages move between generated certificates and those of ACM, and what is published is what they present',
  () =>
    check(
      fc.asyncProperty(fc.constantFrom(...OF_ACM), runs(4, ACM_COMMANDS), (topology, list) =>
        history(topology, 1, async (the, [machine]) => {
          await the.world.time.until(goThrough(the, machine, list));
          await finishAll(the, [machine]);
          expectPromises(the);
          expectTidy(the, losesJournal(list) ? 'deleted' : 'nothing');
          expectPublished(the);
        }),
      ),
      25,
    ),
  TIMEOUT,
);

test(
  'an abort from any state ends with the old certificate, or says that there is no way back',
  () =>
    check(
      fc.asyncProperty(
        topologies,
        runs(2, PLAINLY),
        runs(1, fc.constant({ mode: 'abort', stage: 0 })),
        (topology, before, hurt) =>
          history(topology, 1, async (the, [machine]) => {
            const list = [...before, ...hurt];
            await the.world.time.until(goThrough(the, machine, list));
            await calm(the);
            const { outcome } = await the.world.time.until(run(machine, { mode: 'abort' }));
            expect(['aborted', 'nothingToAbort', 'UndoImpossible']).toContain(outcome);
            expectPromises(the);
            if (the.world.exists(the.oldId) && !losesJournal(list)) expectAsBefore(the);
            await finishAll(the, [machine]);
            expectPromises(the);
            expectTidy(the, losesJournal(list) ? 'deleted' : 'nothing');
          }),
      ),
      45,
    ),
  TIMEOUT,
);

test(
  'people may do whatever they want at any moment: nothing is refused because of us, and every rotation ends',
  () =>
    check(
      fc.asyncProperty(
        topologies,
        fc.array(runs(3, COMMANDS), { minLength: 1, maxLength: 2 }),
        edits,
        (topology, lists, happenings) =>
          history(topology, lists.length, async (the, machines) => {
            for (const happening of happenings) happens(the, happening);
            await the.world.time.until(
              Promise.all([
                the.world.time.sleep(150_000),
                ...machines.map((machine, i) => goThrough(the, machine, lists[i] ?? [])),
              ]),
            );
            await finishAll(the, machines, ['completed', 'notDue', 'StageWithoutCertificate']);
            expectPromises(the);
          }),
      ),
      45,
    ),
  TIMEOUT,
);

const WAITS: ReadonlySet<string> = new Set(['soak', 'settle', 'keep']);
/** What the plan shows without a subject. */
const BARE: ReadonlySet<string> = new Set([
  ...WAITS,
  ...['preflight', 'recheck', 'verifySwitch', 'verifyUnused', 'verifyRemoval', 'withdraw', 'finish'],
]);

/** The steps that a dry run lists. */
function planned({ report }: Ran): string[] {
  return (report?.steps ?? []).flatMap(({ step, subject = '', stages }) =>
    WAITS.has(step) ? step : (stages?.map(stageText) ?? [subject]).map((one) => `${step} ${one}`.trim()),
  );
}

/** A step that switches stages, as one for each. */
function stagesOf(subject: string | undefined, stages: unknown, step: string): string[] {
  const names = subject === undefined ? (stages as { stage: string }[]).map(({ stage }) => stage) : [subject];
  return names.map((name) => `${step} ${name}`);
}

/** The steps that a run has taken, as a plan would list them: `(new)` stands for the certificate that it has made. */
function taken({ events }: Ran): string[] {
  const done = events.filter((event) => event.type === 'stepDone');
  const made = done.find(({ step }) => step === 'generate')?.evidence['clientCertificateId'];
  const name = (id: unknown): string => (id === made ? '(new)' : String(id));
  return done.flatMap(({ step, subject, evidence }) => {
    if (step === 'switch' || step === 'rollBack') return stagesOf(subject, evidence['stages'], step);
    if (BARE.has(step) || step === 'generate') return step;
    if (step === 'trust' || step.startsWith('untrust'))
      return `${step} ${subject ?? ''}: ${name(evidence['clientCertificateId'])}`;
    return `${step} ${step.startsWith('delete') ? name(subject) : (subject ?? '')}`;
  });
}

test(
  'a dry run lists the steps that are then taken, whatever is typed in whatever state, and changes nothing',
  () =>
    check(
      fc.asyncProperty(runs(3, COMMANDS), COMMANDS, (list, last) =>
        history(PLAIN, 1, async (the, [machine]) => {
          const { world } = the;
          await world.time.until(goThrough(the, machine, list));
          await world.time.until(world.time.sleep(LATEST_EFFECT));
          const command = typed(the, last);
          const account = world.account();
          const before = JSON.stringify([picture(the), [...machine.records]]);
          const plan = await world.time.until(run(machine, { ...command, dryRun: true }));
          expect(JSON.stringify([picture(the), [...machine.records]])).toBe(before);
          expect(world.account()).toBe(account);

          const real = await world.time.until(run(machine, command));
          const steps = taken(real);
          if (!['planned', 'plannedAbort'].includes(plan.outcome)) {
            expect([real.outcome, steps]).toEqual([plan.outcome, []]);
            return;
          }
          // A run that does not wait ends where the plan has a wait.
          const foreseen = planned(plan);
          const ends = ['RotationWaiting', 'keepingOld'].includes(real.outcome);
          const wait = ends ? foreseen.findIndex((step, i) => i >= steps.length && WAITS.has(step)) : -1;
          expect(steps).toEqual(wait === steps.length ? foreseen.slice(0, wait) : foreseen);
        }),
      ),
      90,
    ),
  TIMEOUT,
);
