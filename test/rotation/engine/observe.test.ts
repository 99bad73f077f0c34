import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { probeChoices } from '../../../src/rotation/engine/means.js';
import { observeStores } from '../../../src/rotation/engine/observe.js';
import { remembering } from '../../../src/control-plane/remembering.js';
import type { NamedProbe, ProbeRequest } from '../../../src/rotation/rules/probe.js';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import type { RotationUnit } from '../../../src/rotation/rules/unit.js';
import { JOURNAL_VERSION } from '../../../src/rotation/rules/record.js';
import type { TrustStore } from '../../../src/trust/trust-store.js';
import { Machine, Process } from './model/machine.js';
import { LARGE, prepare, scene, type Scene } from './model/scene.js';

/* What a run makes of what it sees, and of what it cannot see. */

beforeAll(prepare);

let the: Scene;
beforeEach(() => {
  the = scene(LARGE);
});

describe('a trust store that cannot tell what it holds', () => {
  const AT = '2026-11-28T12:00:00.000Z';
  const started = (more: object = {}): RotationRecord => ({
    type: 'started',
    version: JOURNAL_VERSION,
    at: AT,
    rotationId: 'r1',
    region: 'eu-west-1',
    oldCertificateId: the.oldId,
    stages: [],
    ...more,
  });
  const change = (type: 'intent' | 'done', step: string, fingerprintSha256: string, subject = 'blind') =>
    ({ type, at: AT, step, subject, evidence: { fingerprintSha256 }, ms: 1 }) as RotationRecord;

  /** Letters for the fingerprints of the old, the new and a spare one. */
  async function seen(
    records: (letters: Readonly<Record<'O' | 'N' | 'S', string>>) => RotationRecord[],
    {
      unit: more = {},
      adopted,
      isSeen = false,
      isOldDeleted = false,
    }: {
      unit?: Partial<RotationUnit>;
      adopted?: { trustedBefore?: true };
      isSeen?: boolean;
      isOldDeleted?: boolean;
    } = {},
  ): Promise<{ trusts: string; mayTrust: string; added: string }> {
    const { world, oldId, foreignId, spareId } = the;
    const [old, next, spare] = [oldId, foreignId, spareId].map((id) => certificateOf(world.certificate(id)));
    if (!old || !next || !spare) throw new Error('there are three');
    const letters = {
      O: world.fingerprint(oldId),
      N: world.fingerprint(foreignId),
      S: world.fingerprint(spareId),
    };
    const mark = {
      rotationId: 'r1',
      replaces: oldId,
      ...(adopted ? { adopted: true as const, ...adopted } : {}),
    };
    const unit = {
      oldId,
      ...(isOldDeleted ? {} : { old }),
      next: { ...next, mark },
      spares: [spare],
      ...more,
    };
    const deleted = isOldDeleted ? [{ clientCertificateId: oldId, trusted: old.trusted }] : [];
    const store: TrustStore = {
      name: 'blind',
      observe: () => Promise.resolve(isSeen ? [letters.S] : undefined),
      objection: () => undefined,
      add: () => Promise.resolve(),
      remove: () => Promise.resolve(),
    };
    const [view] = await observeStores([store], unit, deleted, records(letters), 'r1');
    const inLetters = (list: readonly string[] = []): string =>
      Object.entries(letters)
        .flatMap(([letter, value]) => (list.includes(value) ? [letter] : []))
        .join('');
    expect(view?.name).toBe('blind');
    return {
      trusts: inLetters(view?.trusts),
      mayTrust: inLetters(view?.mayTrust),
      added: inLetters(view?.added),
    };
  }

  test('holds the old one, what was added for certain, and perhaps what was begun', async () => {
    expect(await seen(() => [started()])).toEqual({ trusts: 'O', mayTrust: 'O', added: '' });
    expect(await seen(({ N }) => [started(), change('intent', 'trust', N)])).toEqual({
      trusts: 'O',
      mayTrust: 'ON',
      added: 'N',
    });
    const both = ({ N }: { N: string }) => [
      started(),
      change('intent', 'trust', N),
      change('done', 'trust', N),
    ];
    expect(await seen(both)).toEqual({ trusts: 'ON', mayTrust: 'ON', added: 'N' });
  });

  test.each(['untrust', 'untrustNew'])(
    'holds no more what %s took away, and perhaps what it began to',
    async (step) => {
      expect(await seen(({ O }) => [started(), change('intent', step, O)])).toEqual({
        trusts: '',
        mayTrust: 'O',
        added: '',
      });
      expect(await seen(({ O }) => [started(), change('intent', step, O), change('done', step, O)])).toEqual({
        trusts: '',
        mayTrust: '',
        added: '',
      });
    },
  );

  test('is not the store of another name, and other steps change none', async () => {
    const records = ({ N, O }: { N: string; O: string }): RotationRecord[] => [
      started(),
      change('done', 'trust', N, 'other'),
      change('done', 'preflight', N),
      change('done', 'delete', O),
      { type: 'failed', at: AT, step: 'trust', subject: 'blind', code: 'Locked', message: '' },
    ];
    expect(await seen(records)).toEqual({ trusts: 'O', mayTrust: 'O', added: '' });
  });

  test('held the old one also where that is deleted', async () => {
    expect(await seen(() => [started()], { isOldDeleted: true })).toEqual({
      trusts: 'O',
      mayTrust: 'O',
      added: '',
    });
  });

  test.each([
    ['begins amid the rotation', () => [started({ foundUnderWay: true })]],
    ['is empty', () => []],
  ])('may hold all, and nothing for certain, where the journal %s', async (_, records) => {
    expect(await seen(records)).toEqual({ trusts: '', mayTrust: 'ONS', added: '' });
    expect(await seen(records, { adopted: {} })).toEqual({ trusts: '', mayTrust: 'ONS', added: 'N' });
    const was = { adopted: { trustedBefore: true } } as const;
    expect(await seen(records, was)).toEqual({ trusts: '', mayTrust: 'ONS', added: '' });
  });

  test('holds the old one where nothing is begun and nothing is recorded', async () => {
    const { old, oldId } = { oldId: the.oldId, old: certificateOf(the.world.certificate(the.oldId)) };
    const none = { unit: { oldId, old, next: undefined, spares: [] } as unknown as RotationUnit };
    expect(await seen(() => [], none)).toEqual({ trusts: 'O', mayTrust: 'O', added: '' });
  });

  test('and one that can tell is believed, but for what the rotation added', async () => {
    const added = ({ N }: { N: string }) => [started(), change('intent', 'trust', N)];
    const yes = { isSeen: true };
    expect(await seen(added, yes)).toEqual({ trusts: 'S', mayTrust: 'S', added: 'N' });
    expect(await seen(() => [started()], yes)).toEqual({ trusts: 'S', mayTrust: 'S', added: '' });
    expect(await seen(() => [started()], { ...yes, adopted: {} })).toEqual({
      trusts: 'S',
      mayTrust: 'S',
      added: 'N',
    });
  });
});

describe('the calls that a user names', () => {
  const call = (of: string, path = '/health0'): NamedProbe => ({ of, method: 'GET', path });

  /** For each stage, `backend call`. */
  async function chosen(
    namedProbes: readonly NamedProbe[],
    probeCalls: readonly (readonly [string, ProbeRequest])[] = [],
  ): Promise<string[][]> {
    const { world } = the;
    const controlPlane = remembering(
      new Process(new Machine(world, 'a')).controlPlane(),
      () => new Date(world.time.now),
    );
    const stages = ['api/beta', 'pay/prod'].map((name) => world.stage(name));
    const deps = { controlPlane, probeCalls: new Map(probeCalls) };
    const run = { deps, request: { namedProbes }, choices: new WeakMap() } as unknown as Parameters<
      typeof probeChoices
    >[0];
    const choices = await world.time.until(probeChoices(run, stages));
    return choices.map(({ probes }) => probes.map((one) => `${one.backend} ${one.pathWithQueryString}`));
  }

  test('are for the API of that name or id alone, and go before its other call', async () => {
    const all = [['orders.example /health0', 'stock.example /health1'], ['pay.example /health0']];
    expect(await chosen([])).toEqual(all);
    for (const name of ['api', 'orders'])
      expect(await chosen([call(name, '/health1')])).toEqual([['stock.example /health1'], all[1]]);
    const other = [['api', { method: 'GET', path: '/health0' }]] as const;
    expect((await chosen([], other))[0]).toEqual(['orders.example /health0']);
    expect((await chosen([call('api', '/health1')], other))[0]).toEqual(['stock.example /health1']);
  });

  test('are refused where no API or backend has that name', async () => {
    await expect(chosen([call('stock.example', '/health1'), call('nobody')])).rejects.toMatchObject({
      code: 'ProbeNotFound',
      message: '--probe: this rotation has no API or backend nobody',
      hint: 'the backends are orders.example, pay.example, stock.example; specify an API by its name or ID',
    });
    // An API of the account that the rotation does not reach is none of it.
    await expect(chosen([call('ws')])).rejects.toMatchObject({ code: 'ProbeNotFound' });
  });
});
