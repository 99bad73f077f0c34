/**
 * A year of a fleet in the simulated account of the rotation's model: each certificate becomes due once, and is rotated in
 * rounds by functions that share their state, as `apigw-cert/durable` does it, while calls are lost, throttled, denied,
 * late or stale and functions are killed or stopped. `APIGW_CERT_FULL=1 APIGW_CERT_YEAR=N npm test -- test/lambda/year`.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from '@jest/globals';
import { roundOfError } from '../../src/lambda/answer.js';
import { documentMemory } from '../support/document-memory.js';
import { run, type Ran } from '../rotation/engine/model/command.js';
import { cycled, Machine } from '../rotation/engine/model/machine.js';
import { ANY_TROUBLE, fates, type Fate } from '../rotation/engine/model/mishap.js';
import { expectPromises, PLAIN, prepare, scene } from '../rotation/engine/model/scene.js';

beforeAll(prepare);

const CERTIFICATES = Number(process.env['APIGW_CERT_YEAR'] ?? 500);
const SEED = Number(process.env['APIGW_CERT_SEED'] ?? 2026);
/** Rounds that something befalls, in percent: far more than AWS fails. */
const TROUBLED = 25;
const KEEP_OLD = 7 * 86_400_000;
const DAY = 86_400_000;
/** As the workflow waits after temporary failures, and after a function that was killed. */
const SOON = [60_000, 300_000, 900_000];
const MOST_ROUNDS = 60;

interface Circumstance {
  fates: Fate[];
  latency: number[];
}
const circumstance: fc.Arbitrary<Circumstance> = fc.record({
  fates: fc.oneof(
    { weight: 100 - TROUBLED, arbitrary: fc.constant<Fate[]>([]) },
    { weight: TROUBLED, arbitrary: fates(ANY_TROUBLE, 2) },
  ),
  latency: fc.array(fc.integer({ min: 10, max: 400 }), { minLength: 1, maxLength: 8 }),
});

/** How long until the next round, in milliseconds; nothing where the rotation is done. */
function pauseAfter(ran: Ran, now: number, temporary: number): { ms: number; what: string } | undefined {
  if (ran.outcome === 'killed') return { ms: SOON[0] ?? 0, what: 'killed' };
  if (ran.error === undefined) {
    const { outcome, until } = ran.report ?? {};
    if (outcome === 'keepingOld')
      return { ms: Math.max(1_000, (until?.getTime() ?? 0) - now), what: 'waiting' };
    // Aborted: the next plan begins anew.
    return outcome === 'completed' || outcome === 'notDue' ? undefined : { ms: DAY, what: 'again' };
  }
  const round = roundOfError(ran.error, new Date(now), String);
  if (round.status === 'waiting')
    return { ms: Math.max(1_000, Date.parse(round.until) - now), what: 'waiting' };
  const isTemporary = round.status === 'attention' && round.isTemporary;
  const soon = isTemporary ? SOON[temporary] : undefined;
  return soon === undefined ? { ms: DAY, what: 'attention' } : { ms: soon, what: 'temporary' };
}

test('every certificate is replaced, and no stage ever presents what its backend refuses', async () => {
  const figures = { rounds: 0, calls: 0, most: 0, days: 0, longestDays: 0, troubled: 0 };
  const pauses = new Map<string, number>();
  const begun = performance.now();
  const drawn = fc.sample(fc.array(circumstance, { minLength: MOST_ROUNDS, maxLength: MOST_ROUNDS }), {
    numRuns: CERTIFICATES,
    seed: SEED,
  });
  for (const circumstances of drawn) {
    const the = scene(PLAIN);
    const { world } = the;
    const shared = documentMemory();
    // Each invocation may meet another environment of the function.
    const machines = ['a', 'b', 'c'].map((name) => new Machine(world, name, shared));
    const start = world.time.now;
    let temporary = 0;
    let force = false;
    let rounds = 0;
    for (const { fates: befalling, latency } of circumstances) {
      const machine = machines[rounds % machines.length] ?? machines[0];
      if (machine === undefined) throw new Error('there are machines');
      rounds += 1;
      if (befalling.length > 0) figures.troubled += 1;
      const ran: Ran = await world.time.until(
        run(
          machine,
          { settings: { wait: false, keepOld: KEEP_OLD, allowUnproved: true, force } },
          { fates: befalling, latency: cycled(latency) },
        ),
      );
      figures.calls += ran.calls;
      const pause = pauseAfter(ran, world.time.now, temporary);
      if (pause === undefined) break;
      pauses.set(pause.what, (pauses.get(pause.what) ?? 0) + 1);
      temporary = pause.what === 'temporary' ? temporary + 1 : 0;
      // A person has looked at what was rolled back.
      force = ran.outcome === 'RolledBackBefore' || ran.outcome === 'RolledBack';
      await world.time.until(world.time.sleep(pause.ms));
    }
    expectPromises(the);
    expect([...world.account().stages.values()].map(({ current }) => current)).not.toContain(the.oldId);
    expect(rounds).toBeLessThan(MOST_ROUNDS);
    const days = (world.time.now - start) / DAY;
    figures.rounds += rounds;
    figures.most = Math.max(figures.most, rounds);
    figures.days += days;
    figures.longestDays = Math.max(figures.longestDays, days);
  }
  const each = (sum: number): number => Math.round((100 * sum) / CERTIFICATES) / 100;
  process.stderr.write(
    `${JSON.stringify({
      certificates: CERTIFICATES,
      seed: SEED,
      seconds: Math.round((performance.now() - begun) / 1_000),
      rounds: figures.rounds,
      roundsEach: each(figures.rounds),
      mostRounds: figures.most,
      troubledRounds: figures.troubled,
      callsEach: each(figures.calls),
      daysEach: each(figures.days),
      longestDays: Math.round(10 * figures.longestDays) / 10,
      pauses: Object.fromEntries(pauses),
    })}\n`,
  );
});
