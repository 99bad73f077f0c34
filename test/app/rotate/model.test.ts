import fc from 'fast-check';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { remembering } from '../../../src/app/rotate/remembering.js';
import { abort, rotate } from '../../../src/app/rotate/rotate.js';
import type { TrustedCertificate } from '../../../src/core/certificate.js';
import { AppError } from '../../../src/core/errors.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../../src/core/rotation/settings.js';
import { manyLike, mintIdentity } from '../../support/certificates.js';
import { Machine, Model, PROPAGATION, STAGES, type Mishap } from './model.js';

let oldCertificate: TrustedCertificate;
let fresh: TrustedCertificate[];

beforeAll(async () => {
  oldCertificate = (await mintIdentity('old', 340)).certificate;
  fresh = manyLike((await mintIdentity('fresh')).certificate, 200);
});

const SETTINGS: RotationSettings = { ...DEFAULT_SETTINGS, probes: 1, settle: 5_000, soak: 2 * PROPAGATION };
/** More calls than the longest of runs makes, waiting for reloads included. */
const MOST_CALLS = 3_000;

/** `c00001` on both stages, nearly a year old and trusted; beside it a stranger's, trusted too. */
function world(): { model: Model; oldId: string; foreignId: string } {
  const model = new Model([oldCertificate, ...fresh], Date.now());
  const oldId = model.make('user').clientCertificateId;
  const foreignId = model.make('stranger').clientCertificateId;
  for (const held of model.stores.values()) {
    held.add(model.fingerprint(oldId));
    held.add(model.fingerprint(foreignId));
  }
  for (const name of STAGES) model.stages.set(name, { current: oldId, changedAt: model.time - 3_600_000 });
  return { model, oldId, foreignId };
}

/** One run of the command on a machine; what it came to, as a word. */
async function run(
  model: Model,
  machine: Machine,
  { mode = 'rotate', settings = SETTINGS }: { mode?: 'rotate' | 'abort'; settings?: RotationSettings } = {},
): Promise<string> {
  const gateway = remembering(machine.gateway());
  let made = 0;
  const work = async (): Promise<string> => {
    const target = await gateway.getStage({ restApiId: 'api', stageName: 'prod' });
    const stores = machine.stores();
    const deps = {
      gateway,
      stores: () => stores,
      journal: machine.journal(),
      now: () => new Date(model.time),
      sleep: (ms: number) => model.sleep(ms),
      newRotationId: () => `${machine.name}-${model.calls}-${made++}`,
      emit: () => undefined,
      signal: new AbortController().signal,
      assertHeld: () => Promise.resolve(),
      confirm: () => Promise.resolve(),
      request: () => Promise.resolve(200),
    };
    const request = { settings, hooks: {}, probeCalls: new Map() };
    return (mode === 'abort' ? await abort(deps, request, target) : await rotate(deps, request, target))
      .outcome;
  };
  return Promise.race([
    work().catch((error: unknown) => {
      // Anything else would be reported to the user as a fault of the tool.
      if (error instanceof AppError) return error.code;
      throw error;
    }),
    machine.death.then(() => 'killed'),
  ]);
}

const nothing = (): Machine['records'] => new Map();

const well = (model: Model, name: string): Machine =>
  new Machine(
    model,
    name,
    () => 'none',
    () => 20,
  );

/** Mishaps by the number of the call; beyond the list all is well. */
function drawn(mishaps: readonly Mishap[]): () => Mishap {
  let n = 0;
  return () => mishaps[n++] ?? 'none';
}

const mishaps = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: fc.constant<Mishap>('none') },
      { weight: 1, arbitrary: fc.constantFrom<Mishap>('lostBefore', 'lostAfter', 'throttled') },
      { weight: 1, arbitrary: fc.constantFrom<Mishap>('killBefore', 'killAfter') },
    ),
    { maxLength: 80 },
  )
  // Fall on any call, not mostly on the first ones.
  .map((list) => list);

const latencies = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 });
const cycled = (list: readonly number[]): (() => number) => {
  let n = 0;
  return () => list[n++ % list.length] ?? 20;
};

interface End {
  certificates: string[];
  presented: string[];
  trusted: Record<string, string[]>;
}

function end(model: Model): End {
  const name = (fingerprint: string): string =>
    [...model.certificates.keys(), ...model.deleted.map(({ id }) => id)].find(
      (id) => model.fingerprint(id) === fingerprint,
    ) ?? fingerprint;
  return {
    certificates: [...model.certificates.keys()].sort(),
    presented: [...model.stages.values()].map(({ current }) => current),
    trusted: Object.fromEntries(
      [...model.stores].map(([store, held]) => [store, [...held].map(name).sort()]),
    ),
  };
}

/** The new certificate alone, beside what is the stranger's. */
function expectRotated(model: Model, oldId: string, foreignId: string): void {
  const [newId = ''] = [...model.certificates.keys()].filter((id) => id !== foreignId);
  expect(newId).not.toBe(oldId);
  const both = [foreignId, newId].sort();
  expect(end(model)).toEqual({
    certificates: both,
    presented: STAGES.map(() => newId),
    trusted: { file: both, blind: both },
  });
}

function expectPromises(model: Model, foreignId: string): void {
  expect(model.violations).toEqual([]);
  expect(model.deleted.filter(({ id }) => id === foreignId)).toEqual([]);
  expect(model.calls).toBeLessThan(MOST_CALLS);
}

/** Runs until nothing is left to do. */
async function finish(model: Model, machine: Machine): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = 0; i < 8; i++) {
    const outcome = await model.until(run(model, machine));
    outcomes.push(outcome);
    if (outcome === 'completed' || outcome === 'notDue') break;
  }
  return outcomes;
}

describe('in a world of mishaps', () => {
  test('a rotation keeps its promises through crashes, lost answers and lost journals, and ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ mishaps, loseJournal: fc.boolean(), skip: fc.nat(60) }), { maxLength: 4 }),
        latencies,
        async (runs, latency) => {
          const { model, oldId, foreignId } = world();
          let memory = well(model, 'm').records;
          for (const { mishaps: list, loseJournal, skip } of runs) {
            const padded = [...Array.from({ length: skip }, (): Mishap => 'none'), ...list];
            const machine = new Machine(model, 'm', drawn(padded), cycled(latency));
            machine.records = memory;
            await model.until(run(model, machine));
            memory = loseJournal ? nothing() : machine.records;
          }
          const machine = well(model, 'm');
          machine.records = memory;
          const outcomes = await finish(model, machine);
          expect(['completed', 'notDue']).toContain(outcomes.at(-1));
          expectPromises(model, foreignId);
          expectRotated(model, oldId, foreignId);
        },
      ),
      { numRuns: 400 },
    );
  }, 120_000);

  test('of two machines that race, one wins and the other takes its certificate back', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(latencies, latencies, fc.integer({ min: 0, max: 70_000 }), async (a, b, head) => {
        const { model, oldId, foreignId } = world();
        const first = new Machine(model, 'm1', () => 'none', cycled(a));
        const second = new Machine(model, 'm2', () => 'none', cycled(b));
        const outcomes = await model.until(
          Promise.all([run(model, first), model.sleep(head).then(() => run(model, second))]),
        );
        const key = [...outcomes].sort().join();
        seen.set(key, (seen.get(key) ?? 0) + 1);
        expect(model.violations).toEqual([]);
        await finish(model, first);
        expectPromises(model, foreignId);
        expectRotated(model, oldId, foreignId);
      }),
      { numRuns: 300 },
    );
    const words = new Set([...seen.keys()].flatMap((key) => key.split(',')));
    expect(words).toContain('RotationOvertaken');
    expect(words).toContain('completed');
    // The one that comes late finds nothing to do.
    expect([...words].filter((word) => !['RotationOvertaken', 'completed', 'notDue'].includes(word))).toEqual(
      [],
    );
  }, 120_000);

  test('an abort from any state ends with the old certificate, or says that there is no way back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(90),
        fc.boolean(),
        mishaps,
        latencies,
        async (killAt, loseJournal, list, latency) => {
          const { model, oldId, foreignId } = world();
          const victim = new Machine(
            model,
            'm',
            drawn([...Array.from({ length: killAt }, (): Mishap => 'none'), 'killAfter']),
            cycled(latency),
          );
          await model.until(run(model, victim));
          const memory = loseJournal ? nothing() : victim.records;
          const hurt = new Machine(model, 'm', drawn(list), cycled(latency));
          hurt.records = memory;
          await model.until(run(model, hurt, { mode: 'abort' }));
          const machine = well(model, 'm');
          machine.records = loseJournal ? nothing() : hurt.records;
          const outcome = await model.until(run(model, machine, { mode: 'abort' }));
          expect(['aborted', 'nothingToAbort', 'UndoImpossible']).toContain(outcome);
          expectPromises(model, foreignId);
          if (model.certificates.has(oldId)) {
            const both = [oldId, foreignId];
            expect(end(model)).toEqual({
              certificates: both,
              presented: [oldId, oldId],
              trusted: { file: both, blind: both },
            });
          } else {
            await finish(model, machine);
            expectRotated(model, oldId, foreignId);
          }
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  test('whatever people do meanwhile, nothing in use is refused because of us, and every run ends', async () => {
    const edit = fc.constantFrom(
      'attachForeign',
      'attachOld',
      'attachNew',
      'deleteNew',
      'deleteOld',
      'emptyFile',
      'none',
    );
    const runs = fc.array(
      fc.record({
        before: edit,
        within: edit,
        at: fc.integer({ min: 0, max: 90_000 }),
        mishaps,
        mode: fc.constantFrom('rotate' as const, 'abort' as const),
        loseJournal: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(runs, latencies, fc.constantFrom(...STAGES), async (list, latency, stage) => {
        const { model, oldId, foreignId } = world();
        const newest = (): string | undefined =>
          [...model.certificates].filter(([, { maker }]) => maker === 'm').at(-1)?.[0];
        const remove = (id: string | undefined): void => {
          if (id !== undefined && !model.isPresented(id)) model.certificates.delete(id);
        };
        /** People attach what the backend accepts. Whatever they break, they break themselves. */
        const attach = (id: string | undefined): void => {
          if (id !== undefined && model.certificates.has(id) && model.accepts(id)) model.attach(stage, id);
        };
        const edits: Record<string, () => void> = {
          attachForeign: () => {
            attach(foreignId);
          },
          attachOld: () => {
            attach(oldId);
          },
          attachNew: () => {
            attach(newest());
          },
          deleteNew: () => {
            remove(newest());
          },
          deleteOld: () => {
            remove(oldId);
          },
          emptyFile: () => {
            model.stores.get('file')?.clear();
          },
          none: () => undefined,
        };
        let memory = nothing();
        for (const { before, within, at, mishaps: drawnMishaps, mode, loseJournal } of list) {
          edits[before]?.();
          const machine = new Machine(model, 'm', drawn(drawnMishaps), cycled(latency));
          machine.records = memory;
          // Within a run people are at work only while it waits: no tool can exclude what happens between its look
          // and its act.
          model.whileWaiting(at, () => edits[within]?.());
          await model.until(run(model, machine, { mode }));
          memory = loseJournal ? nothing() : machine.records;
        }
        const machine = well(model, 'm');
        machine.records = memory;
        const outcomes = await finish(model, machine);
        expect(['completed', 'notDue', 'aborted']).toContain(outcomes.at(-1));
        expectPromises(model, foreignId);
        const madeOrReplaced = model.deleted.every(({ id, maker }) => maker === 'm' || id === oldId);
        expect(madeOrReplaced).toBe(true);
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});
