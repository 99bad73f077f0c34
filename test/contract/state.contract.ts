/** What every place of state promises: its journal, its leases and its memos. Run on a folder, dynalite, DynamoDB Local and S3. */
import { describe, expect, test, beforeEach } from '@jest/globals';
import type { RotationRecord } from '../../src/rotation/rules/record.js';
import type { State } from '../../src/rotation/journal/state.js';

const at = (second: number): string => new Date(Date.UTC(2026, 10, 29, 2, 0, second)).toISOString();

export const started = (rotationId: string, stages = 1): RotationRecord => ({
  type: 'started',
  version: 3,
  at: at(0),
  rotationId,
  region: 'eu-west-1',
  account: '123456789012',
  oldCertificateId: 'old123',
  stages: Array.from({ length: stages }, (_, i) => ({ restApiId: `api${i}`, stageName: 'prod' })),
});
const intent: RotationRecord = { type: 'intent', at: at(1), step: 'generate' };
const done: RotationRecord = {
  type: 'done',
  at: at(2),
  step: 'generate',
  ms: 12,
  evidence: { 'a "b"': 'é\n' },
};
export const ended: RotationRecord = { type: 'ended', at: at(3), outcome: 'completed' };

/** @param open the place as one more machine opens it */
export function stateContract(name: string, open: () => Promise<State>): void {
  describe(`${name}:`, () => {
    let state: State;
    let other: State;
    let n = 0;
    let id: string;

    beforeEach(async () => {
      [state, other] = await Promise.all([open(), open()]);
      id = `r${++n}-${name.toLowerCase().replaceAll(/[^a-z]/g, '')}`;
    });

    const write = async (...records: RotationRecord[]): Promise<void> => {
      for (const record of records) await state.journal.append(id, record);
    };

    test('an unknown rotation has no records and is not unended', async () => {
      expect(await state.journal.open(id)).toEqual([]);
      expect(await state.journal.isUnended(id)).toBe(false);
      expect(await state.journal.read(id)).toBeUndefined();
      expect(await state.journal.remove(id)).toBe(false);
    });

    test('another machine reads the records in their order, each as it was written', async () => {
      const records = [started(id), intent, done];
      await write(...records);
      expect(await other.journal.open(id)).toEqual(records);
      expect(await other.journal.read(id)).toEqual({ rotationId: id, records });
      expect(await other.journal.isUnended(id)).toBe(true);
      expect(await other.journal.ends()).toContainEqual({ rotationId: id });
    });

    test('another machine goes on with it and ends it', async () => {
      await write(started(id), intent);
      await other.journal.append(id, done);
      await state.journal.append(id, ended);
      expect(await other.journal.open(id)).toEqual([started(id), intent, done, ended]);
      expect(await other.journal.isUnended(id)).toBe(false);
      expect(await other.journal.ends()).toContainEqual({
        rotationId: id,
        ended: { at: at(3), outcome: 'completed' },
      });
    });

    test('a record after the end makes it unended', async () => {
      await write(started(id), ended);
      await other.journal.append(id, intent);
      expect(await state.journal.isUnended(id)).toBe(true);
      expect(await state.journal.ends()).toContainEqual({ rotationId: id });
      expect(await state.journal.remove(id)).toBe(false);
    });

    test('appends at the same time are all there, none torn', async () => {
      await write(started(id));
      const notes = Array.from({ length: 8 }, (_, i): RotationRecord => ({
        type: 'note',
        at: at(i),
        text: `${i}`,
      }));
      if (!state.isShared) {
        // Within a folder a lock keeps runs apart: one after the other.
        for (const note of notes) await state.journal.append(id, note);
      } else await Promise.all(notes.map(async (note) => (await open()).journal.append(id, note)));
      const [first, ...rest] = await other.journal.open(id);
      expect(first).toEqual(started(id));
      expect(rest.map((record) => (record as { text: string }).text).sort()).toEqual(
        notes.map((record) => (record as { text: string }).text),
      );
    });

    test('a rotation of 1,300 stages has its journal', async () => {
      await write(started(id, 1_300));
      for (let i = 0; i < 33; i += 1) {
        const stages = Array.from({ length: 40 }, (_, j) => ({
          stage: `api${40 * i + j}/prod`,
          was: 'old123',
        }));
        await state.journal.append(id, {
          type: 'done',
          at: at(4),
          step: 'switch',
          ms: 1,
          evidence: { stages },
        });
      }
      const records = await other.journal.open(id);
      expect(records).toHaveLength(34);
      expect(records[0]).toEqual(started(id, 1_300));
    });

    test('the journal of an ended rotation is removed, and gone for all', async () => {
      await write(started(id), intent, ended);
      expect(await state.journal.remove(id)).toBe(true);
      expect(await other.journal.open(id)).toEqual([]);
      expect(await other.journal.read(id)).toBeUndefined();
      expect((await other.journal.ends()).map(({ rotationId }) => rotationId)).not.toContain(id);
    });

    test('an id that would leave its place is refused', async () => {
      for (const bad of ['../x', 'a/b', '', 'x'.repeat(200)]) {
        await expect(state.journal.append(bad, intent)).rejects.toMatchObject({ code: 'Usage' });
        await expect(state.journal.open(bad)).rejects.toMatchObject({ code: 'Usage' });
        expect(await state.journal.isUnended(bad)).toBe(false);
      }
    });

    test('one has the lease, and the next one after it has been released', async () => {
      const held = await state.lease.hold(id);
      await held.assertHeld();
      expect(held.signal.aborted).toBe(false);
      await held.release();
      const next = await other.lease.hold(id);
      await next.assertHeld();
      if (state.isShared) expect([held.fence, next.fence]).toEqual([1, 2]);
      await held.release();
      await next.assertHeld();
      await next.release();
    });

    test('who waits gets the lease when it is released', async () => {
      const held = await state.lease.hold(id);
      const waiting = other.lease.hold(id, { wait: 20_000 });
      await held.release();
      const next = await waiting;
      await next.assertHeld();
      await next.release();
    });

    test('of many at once each has the lease alone', async () => {
      let working = 0;
      let most = 0;
      const work = async (): Promise<void> => {
        const { lease } = await open();
        const held = await lease.hold(id, { wait: 60_000 });
        most = Math.max(most, ++working);
        await held.assertHeld();
        working -= 1;
        await held.release();
      };
      await Promise.all(Array.from({ length: 5 }, work));
      expect([most, working]).toEqual([1, 0]);
    });

    test('leases of other names are free', async () => {
      const one = await state.lease.hold(`${id} one`);
      const two = await other.lease.hold(`${id} two`);
      await one.assertHeld();
      await two.assertHeld();
      await Promise.all([one.release(), two.release()]);
    });

    test('a memo is what was written last', async () => {
      const memo = state.memo(`${n}abc`);
      expect(await memo.read()).toBeUndefined();
      await memo.write('one\n');
      await other.memo(`${n}abc`).write('two é\n');
      expect(await memo.read()).toBe('two é\n');
      expect(other.memo(`${n}abc`).name).toBe(memo.name);
    });
  });
}
