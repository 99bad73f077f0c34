import fc from 'fast-check';
import { expect } from '@jest/globals';
import { explored, run, type Command, type Ran } from './command.js';
import { cycled, Machine } from './machine.js';
import { ANY_TROUBLE, fates, type Fate } from './mishap.js';
import { calm, DISOBEDIENT, finish, LARGE, PLAIN, scene, told, type Scene } from './scene.js';
import type { Memory } from '../../../support/document-memory.js';
import type { Topology } from './world.js';

/** A run and what befalls it; `to` stands for the certificate that the user has made. */
export interface Drawn {
  /** How long after the one before, in milliseconds. */
  pause: number;
  command: Typed;
  fates: Fate[];
  latency: number[];
  losesJournal: boolean;
}

/** What is typed; the stage is the one of that number, and so is a certificate of ACM. */
export interface Typed {
  mode?: 'rotate' | 'abort';
  stage: number;
  settings?: NonNullable<Command['settings']>;
  to?: 'spare' | 'generated' | 'import' | number;
}

const DAY = 86_400_000;

export const topologies: fc.Arbitrary<Topology> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(PLAIN) },
  { weight: 1, arbitrary: fc.constant(LARGE) },
  ...DISOBEDIENT.map((topology) => ({ weight: 1, arbitrary: fc.constant(topology) })),
);

/** Mostly as it is by itself. */
const seldom = <T>(usual: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });

const stageNumber = fc.nat(3);

/** The command with nothing but a stage. */
export const PLAINLY: fc.Arbitrary<Typed> = fc.record({ stage: stageNumber });

/** Anything that can be typed. */
export const COMMANDS: fc.Arbitrary<Typed> = fc
  .record({
    mode: fc.oneof({ weight: 3, arbitrary: fc.constant('rotate' as const) }, fc.constant('abort' as const)),
    stage: stageNumber,
    to: seldom<'spare' | undefined>(undefined, fc.constant('spare')),
    wait: fc.boolean(),
    onlyStage: seldom(false, fc.constant(true)),
    keepOld: seldom<number | undefined>(undefined, fc.constantFrom(0, 1_500, 120_000, 7 * DAY)),
    force: seldom(false, fc.constant(true)),
  })
  .map(({ mode, stage, to, keepOld, ...rest }) => ({
    mode,
    stage,
    settings: { ...rest, ...(keepOld === undefined ? {} : { keepOld }) },
    ...(to === undefined ? {} : { to }),
  }));

/** Moves between the sorts, and what continues or aborts them. */
export const ACM_COMMANDS: fc.Arbitrary<Typed> = fc
  .record({
    mode: fc.oneof({ weight: 5, arbitrary: fc.constant('rotate' as const) }, fc.constant('abort' as const)),
    stage: stageNumber,
    to: fc.constantFrom<NonNullable<Typed['to']> | undefined>(
      0,
      0,
      1,
      'generated',
      'generated',
      'import',
      undefined,
    ),
    wait: fc.boolean(),
  })
  .map(({ mode, stage, to, wait }) => ({
    mode,
    stage,
    settings: { wait },
    ...(to === undefined || mode === 'abort' ? {} : { to }),
  }));

/** @param calls how many most of them make */
export function runs(most: number, command: fc.Arbitrary<Typed>, calls?: number): fc.Arbitrary<Drawn[]> {
  return fc.array(
    fc.record<Drawn>({
      pause: fc.oneof(fc.constant(0), fc.nat(3_000), fc.nat(120_000)),
      command,
      fates: fates(ANY_TROUBLE, undefined, calls),
      latency: fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 }),
      losesJournal: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
    { minLength: 1, maxLength: most },
  );
}

/** Nothing calls the backend of a WebSocket stage that is alone; all others are proved nonetheless. */
const ALLOWED = { allowUnproved: true };

/** What was drawn, for the stages that there are. */
export function typed({ world, spareId, arns }: Scene, { stage, to, settings, ...rest }: Typed): Command {
  const names = Object.keys(world.topology.stages);
  const name = names[stage % names.length];
  return {
    ...rest,
    settings: { ...settings, ...ALLOWED },
    ...(name === undefined ? {} : { stage: name }),
    ...(to === 'generated' ? { toGenerated: true } : {}),
    ...(to === 'import' ? { imports: true } : {}),
    ...(to === 'spare' ? { to: spareId } : {}),
    ...(typeof to === 'number' ? { to: arns[to] ?? '' } : {}),
  };
}

/** One run after the other on a machine. */
export async function goThrough(the: Scene, machine: Machine, list: readonly Drawn[]): Promise<void> {
  for (const { pause, command, fates: drawn, latency, losesJournal } of list) {
    await the.world.time.sleep(pause);
    await run(machine, typed(the, command), { fates: drawn, latency: cycled(latency) });
    if (losesJournal) machine.loseJournal();
  }
}

/** What a run that finishes is told: nothing is kept any longer, all stages move. */
const FINISH = { settings: { keepOld: 0, ...ALLOWED } };

/** Everything settles; on each machine and of each stage the command is run until nothing is left to do. */
export async function finishAll(
  the: Scene,
  machines: readonly Machine[],
  ends: readonly Ran['outcome'][] = ['completed', 'notDue'],
): Promise<void> {
  await calm(the);
  the.world.obey();
  for (const machine of machines) {
    for (const stage of the.world.account().stages.keys()) {
      const ran = await finish(the, machine, { ...FINISH, stage });
      expect(ends).toContain(ran.at(-1)?.outcome);
    }
  }
}

/** One history, told in full where it fails. */
export async function history(
  topology: Topology,
  machineCount: number,
  work: (the: Scene, machines: readonly [Machine, ...Machine[]]) => Promise<void>,
  /** The state that the machines share; each has its own where it is left away. */
  shared?: Memory,
): Promise<void> {
  const the = scene(topology);
  const [first, ...others] = Array.from(
    { length: machineCount },
    (_, i) => new Machine(the.world, 'abc'.charAt(i), shared),
  );
  if (!first) throw new Error('a history needs a machine');
  await told(
    () => the,
    () => work(the, [first, ...others]),
  );
  explored.unprotected += the.world.unprotected.length;
}
