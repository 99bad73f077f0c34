/** The lease that machines share, in virtual time: processes with clocks of their own, answers that are lost, stops, kills. */
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { settledStore } from '../../../src/state/documents.js';
import {
  documentLease,
  HOLD_MS,
  LEASE_MS,
  RENEW_MS,
  type LeaseClock,
} from '../../../src/rotation/journal/document-lease.js';
import type { HeldLease } from '../../../src/rotation/journal/lease.js';
import { documentMemory, type Fate, type Memory } from '../../support/document-memory.js';
import { Time } from '../engine/model/time.js';

const KEY = 'account 123456789012, eu-west-1';

/** How much faster or slower than time the clocks of tests run. */
const RATES = [0.95, 1, 1.05] as const;
/** So long after the check an effect may still take place; clocks that run unlike leave as much. */
const EFFECT_MS = LEASE_MS / 1.05 - HOLD_MS / 0.95 - 100;

/** A process whose clock has its own origin and pace, and that can be stopped and killed. */
class Process {
  readonly clock: LeaseClock;
  isDead = false;
  #stoppedUntil = 0;
  readonly #time: Time;

  constructor(time: Time, { offset = 0, rate = 1 }: { offset?: number; rate?: number } = {}) {
    this.#time = time;
    this.clock = {
      now: () => offset + (time.now - 1) * rate,
      sleep: (ms) => this.sleep(ms / rate),
      after: (ms, happen) => {
        let isOff = false;
        void this.sleep(ms / rate).then(() => {
          if (!isOff) happen();
        });
        return () => {
          isOff = true;
        };
      },
    };
  }

  /** In true time; a stopped process goes on late, a dead one never. */
  async sleep(ms: number): Promise<void> {
    await this.#time.sleep(ms);
    while (this.#time.now < this.#stoppedUntil) await this.#time.sleep(this.#stoppedUntil - this.#time.now);
    if (this.isDead) await new Promise(() => undefined);
  }

  stop(ms: number): void {
    this.#stoppedUntil = Math.max(this.#stoppedUntil, this.#time.now + ms);
  }

  lease(memory: Memory, fate: () => Fate = () => ({})) {
    const adapter = memory.adapter(this.#time, (ms) => this.sleep(ms), fate);
    return documentLease(
      settledStore(adapter, (ms) => this.sleep(ms)),
      this.clock,
    );
  }
}

describe('alone,', () => {
  test('a lease is renewed while its holder waits, and others are told at once who has it', async () => {
    const time = new Time(1);
    const memory = documentMemory();
    const [one, other] = [new Process(time), new Process(time, { offset: 240_000 })];
    await time.until(
      (async () => {
        const held = await one.lease(memory).hold(KEY);
        await one.sleep(10 * LEASE_MS);
        await held.assertHeld();
        const asked = time.now;
        await expect(other.lease(memory).hold(KEY)).rejects.toMatchObject({ code: 'Locked' });
        expect(time.now - asked).toBeLessThanOrEqual(RENEW_MS + 1_000);
        await held.release();
      })(),
    );
  });

  test('the lease of a killed holder is taken over after the lease time, and not before', async () => {
    const time = new Time(1);
    const memory = documentMemory();
    const [one, other] = [new Process(time), new Process(time, { offset: -500_000 })];
    await time.until(
      (async () => {
        await one.lease(memory).hold(KEY);
        one.isDead = true;
        const asked = time.now;
        const held = await other.lease(memory).hold(KEY);
        expect(time.now - asked).toBeGreaterThanOrEqual(LEASE_MS);
        expect(time.now - asked).toBeLessThan(LEASE_MS + 2_000);
        expect(held.fence).toBe(2);
        await held.release();
      })(),
    );
  });

  test('a store that does not answer ends the lease in time, by itself', async () => {
    const time = new Time(1);
    const one = new Process(time);
    let isDown = false;
    await time.until(
      (async () => {
        const held = await one
          .lease(documentMemory(), () => (isDown ? { lost: 'request', after: 4_000 } : {}))
          .hold(KEY);
        isDown = true;
        const begun = time.now;
        await expect(held.assertHeld()).rejects.toMatchObject({
          code: 'LockLost',
          message: expect.stringContaining('cannot be determined'),
        });
        expect(held.signal.aborted).toBe(false);
        await new Promise((resolve) => {
          held.signal.addEventListener('abort', resolve);
        });
        expect(time.now - begun).toBeLessThanOrEqual(HOLD_MS);
        expect(held.signal.reason).toMatchObject({ code: 'LockLost' });
        await held.release();
      })(),
    );
  });

  test('a holder that was stopped for longer than it may hold has lost it, though nobody took it', async () => {
    const time = new Time(1);
    const one = new Process(time);
    await time.until(
      (async () => {
        const held = await one.lease(documentMemory()).hold(KEY);
        one.stop(HOLD_MS + 1_000);
        await one.sleep(1);
        await expect(held.assertHeld()).rejects.toMatchObject({ code: 'LockLost' });
        await held.release();
      })(),
    );
  });

  test('a document that is no lease is not touched', async () => {
    const time = new Time(1);
    const memory = documentMemory();
    const one = new Process(time);
    await time.until(
      (async () => {
        await (await one.lease(memory).hold(KEY)).release();
        const [[path, document] = []] = memory.documents;
        if (path === undefined || document === undefined) throw new Error('there is no lease');
        memory.documents.set(path, { ...document, text: '{"version":2}' });
        await expect(one.lease(memory).hold(KEY)).rejects.toMatchObject({ code: 'StateUnavailable' });
        expect(memory.documents.get(path)?.text).toBe('{"version":2}');
      })(),
    );
  });
});

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ before: fc.nat(300), after: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ before: fc.nat(8_000), after: fc.nat(8_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      before: fc.nat(300),
      after: fc.nat(5_000),
      lost: fc.constantFrom('request' as const, 'answer' as const, 'late' as const),
      late: fc.nat(90_000),
    }),
  },
);

const machine = fc.record({
  offset: fc.integer({ min: -600_000, max: 600_000 }),
  rate: fc.constantFrom(...RATES),
  fates: fc.array(fate, { minLength: 1, maxLength: 40 }),
  /** When it begins, how often it asks for the lease, and how many effects it has each time. */
  begins: fc.nat(20_000),
  times: fc.integer({ min: 1, max: 3 }),
  effects: fc.array(fc.record({ pause: fc.nat(40_000), takes: fc.nat(Math.floor(EFFECT_MS)) }), {
    maxLength: 5,
  }),
  stops: fc.array(fc.record({ at: fc.nat(150_000), for: fc.nat(120_000) }), { maxLength: 3 }),
  killedAt: fc.option(fc.nat(200_000), { nil: undefined }),
});

test('of two or three machines none has an effect once another has the lease, whatever befalls them', async () => {
  const counts = { effects: 0, lost: 0, taken: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(machine, { minLength: 2, maxLength: 3 }), async (machines) => {
      const time = new Time(1);
      const memory = documentMemory();
      /** In the order in which they happened. */
      const story: { fence: number; what: 'taken' | 'effect' }[] = [];
      const work = async (drawn: (typeof machines)[number]): Promise<void> => {
        const process = new Process(time, drawn);
        let n = 0;
        const lease = process.lease(memory, () => drawn.fates[n++ % drawn.fates.length] ?? {});
        for (const stop of drawn.stops) {
          time.after(stop.at, () => {
            process.stop(stop.for);
          });
        }
        if (drawn.killedAt !== undefined) {
          time.after(drawn.killedAt, () => {
            process.isDead = true;
          });
        }
        await process.sleep(drawn.begins);
        for (let i = 0; i < drawn.times; i += 1) {
          let held: HeldLease;
          try {
            held = await lease.hold(KEY, { wait: 60_000 });
          } catch {
            continue;
          }
          const fence = held.fence ?? 0;
          try {
            for (const { pause, takes } of drawn.effects) {
              await process.sleep(pause);
              await held.assertHeld();
              // Sent at once; it takes place when the network likes.
              time.after(takes, () => {
                story.push({ fence, what: 'effect' });
              });
              counts.effects += 1;
              // A run lets nobody else work before the answers of its calls are there.
              await process.sleep(takes);
            }
          } catch {
            counts.lost += 1;
          }
          await held.release();
        }
      };
      const watched = (async (): Promise<void> => {
        let last = 0;
        // Whoever writes a new number has it from then on.
        for (let at = 0; at < 600_000; at += 50) {
          await time.sleep(50);
          const [document] = memory.documents.values();
          const { fence } = JSON.parse(document?.text ?? '{"fence":0}') as { fence: number };
          if (fence > last) {
            last = fence;
            story.push({ fence, what: 'taken' });
            counts.taken += 1;
          }
        }
      })();
      for (const drawn of machines) work(drawn).catch(() => undefined);
      await time.until(watched);
      let highest = 0;
      for (const { fence } of story) {
        expect(fence).toBeGreaterThanOrEqual(highest);
        highest = fence;
      }
      // Whatever happened, the next one gets it.
      const late = new Process(time);
      const held = await time.until(late.lease(memory).hold(KEY, { wait: 2 * LEASE_MS }));
      await time.until(held.assertHeld());
      await time.until(held.release());
    }),
    { numRuns: process.env['APIGW_CERT_FULL'] === undefined ? 40 : 1_000 },
  );
  expect(counts.effects).toBeGreaterThan(0);
});
