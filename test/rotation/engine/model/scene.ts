import type { TrustedCertificate } from '../../../../src/certificates/certificate.js';
import { expect } from '@jest/globals';
import type { AcmCertificate } from '../../../../src/control-plane/acm-certificate.js';
import { clientIdentity } from '../../../../src/certificates/client-identity.js';
import { importedIdentity } from '../../../../src/rotation/engine/identity.js';
import { mintAuthority } from '../../../support/authority.js';
import { manyLike, mintIdentity } from '../../../support/certificates.js';
import { explored, run, type Command, type Ran } from './command.js';
import type { Machine } from './machine.js';
import { LATEST_EFFECT, PROPAGATION, World, type Topology } from './world.js';

/** Whether many more histories are explored than a check of each commit has time for. */
export const IS_FULL = process.env['APIGW_CERT_FULL'] !== undefined;

/** One API with two stages in front of one backend, which goes by a file that can be read and a list that cannot. */
export const PLAIN: Topology = {
  apis: { api: { name: 'orders', hosts: ['orders.example'] } },
  stages: { 'api/prod': {}, 'api/beta': {} },
  hosts: { 'orders.example': { stores: ['file', 'blind'] } },
  stores: { file: {}, blind: { isBlind: true } },
};

/** Two REST APIs and a WebSocket API, a canary, three backends that follow at their own pace, one with two stores. */
export const LARGE: Topology = {
  apis: {
    api: { name: 'orders', hosts: ['orders.example', 'stock.example'] },
    pay: { name: 'payments', hosts: ['pay.example'] },
    ws: { name: 'chat', protocolType: 'WEBSOCKET', hosts: ['orders.example'] },
  },
  stages: { 'api/prod': { canaryHost: 'pay.example' }, 'api/beta': {}, 'pay/prod': {}, 'ws/live': {} },
  hosts: {
    'orders.example': { stores: ['file'] },
    'stock.example': { stores: ['file', 'blind'] },
    'pay.example': { stores: ['slow'] },
  },
  stores: { file: {}, blind: { isBlind: true }, slow: { lag: 3_000 } },
};

/** The same as {@link LARGE}, but one backend does not notice what its store gains, or what it loses. */
export const DISOBEDIENT: readonly Topology[] = (['additions', 'removals'] as const).map((ignores) => ({
  ...LARGE,
  stores: { ...LARGE.stores, slow: { lag: 3_000, ignores } },
}));

/** The same as {@link PLAIN} and {@link LARGE}, without a WebSocket API, which presents no certificates of ACM; an id is published. */
export const OF_ACM: readonly Topology[] = [
  { ...PLAIN, publishes: ['api/prod', 'api/beta'] },
  {
    apis: {
      api: { name: 'orders', hosts: ['orders.example', 'stock.example'] },
      pay: { name: 'payments', hosts: ['pay.example'] },
    },
    stages: { 'api/prod': { canaryHost: 'pay.example' }, 'api/beta': {}, 'pay/prod': {} },
    hosts: LARGE.hosts,
    stores: LARGE.stores,
    takesArns: true,
    publishes: ['api/prod', 'api/beta', 'pay/prod'],
  },
];

interface Identities {
  old: TrustedCertificate;
  fresh: TrustedCertificate[];
  /** Of one CA with one name: two in ACM, one that is not. */
  ofAcm: readonly AcmCertificate[];
}

let identities: Identities | undefined;

/** Certificates of ACM with their chains, as a run reads them. */
async function ofOneCa(count: number): Promise<AcmCertificate[]> {
  const authority = await mintAuthority();
  const leaves = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      authority.issue('CN=orders-gateway,O=Example', { days: 395 - i }),
    ),
  );
  return leaves.map(({ chainPem, privateKeyPem }) => {
    const [certificate, privateKey] = [chainPem + authority.root.pem, privateKeyPem].map((pem) =>
      Buffer.from(pem),
    );
    if (!certificate || !privateKey) throw new Error('nothing was issued');
    return importedIdentity(clientIdentity({ certificate, privateKey }), new Date()).acm;
  });
}

/** A certificate that is due, fresh ones, and some of ACM: made once. */
export async function prepare(): Promise<void> {
  identities ??= {
    old: (await mintIdentity('old', 340)).certificate,
    fresh: manyLike((await mintIdentity('fresh')).certificate, 200),
    ofAcm: await ofOneCa(3),
  };
}

export interface Scene {
  world: World;
  /** On every stage, nearly a year old and trusted. */
  oldId: string;
  /** A stranger's, trusted too, on no stage. */
  foreignId: string;
  /** A fresh one of the user's, on no stage and nowhere trusted. */
  spareId: string;
  /** Two of ACM of one CA with one name, on no stage and nowhere trusted. */
  arns: readonly string[];
}

export function scene(topology: Topology = PLAIN): Scene {
  if (!identities) throw new Error('prepare() first');
  const world = new World(topology, [identities.old, ...identities.fresh], Date.now());
  const oldId = world.make('user').clientCertificateId;
  const foreignId = world.make('stranger').clientCertificateId;
  const spareId = world.make('user').clientCertificateId;
  for (const name of world.stores.keys()) {
    world.furnish(name, world.fingerprint(oldId));
    world.furnish(name, world.fingerprint(foreignId));
  }
  for (const name of Object.keys(topology.stages)) world.place(name, oldId);
  const [first, second, importable] = identities.ofAcm;
  const arns = [first, second].flatMap((one) => (one ? world.importAcm('user', one) : []));
  world.importable = importable;
  if (topology.publishes !== undefined) world.published = oldId;
  world.age();
  explored.histories += 1;
  return { world, oldId, foreignId, spareId, arns };
}

/** Nothing is in flight any more: what was lost has landed, and what was switched has spread. */
export async function calm({ world }: Scene): Promise<void> {
  await world.time.until(world.time.sleep(LATEST_EFFECT + PROPAGATION + 15_000));
}

/** More runs than any history needs. */
const MOST_RUNS = 8;
const DONE: ReadonlySet<string> = new Set(['completed', 'notDue']);

/** Runs until nothing is left to do. */
export async function finish({ world }: Scene, machine: Machine, command: Command = {}): Promise<Ran[]> {
  const runs: Ran[] = [];
  while (runs.length < MOST_RUNS) {
    // What failed in use is tried again once a person has looked.
    const force = runs.at(-1)?.outcome === 'RolledBackBefore';
    const settings = { ...command.settings, ...(force ? { force } : {}) };
    const ran = await world.time.until(run(machine, { ...command, settings }));
    runs.push(ran);
    if (DONE.has(ran.outcome)) break;
  }
  return runs;
}

/** What there is, with names instead of fingerprints. */
export function picture({ world }: Scene): {
  certificates: string[];
  presented: Record<string, string | undefined>;
  trusted: Record<string, string[]>;
} {
  const { certificates, stages } = world.account();
  return {
    certificates: [...certificates.keys()].sort(),
    presented: Object.fromEntries([...stages].map(([name, { current }]) => [name, current])),
    trusted: Object.fromEntries(
      [...world.stores].map(([name, { held }]) => [name, [...held].map((one) => world.idOf(one)).sort()]),
    ),
  };
}

/** The invariants that hold at every moment of every history. */
export function expectPromises({ world, foreignId, spareId }: Scene): void {
  expect(world.violations).toEqual([]);
  // Certificates that others made go only once they were in use and have been rotated themselves.
  const others = [foreignId, spareId].filter((id) => !world.replaced.has(id));
  expect(world.deleted.filter(({ id }) => others.includes(id))).toEqual([]);
  expect([...world.madeBy].filter(([, made]) => made > 2)).toEqual([]);
}

/** What is published is what the stages of the target present, where they present one. */
export function expectPublished({ world }: Scene): void {
  const { publishes = [] } = world.topology;
  const { stages } = world.account();
  const ids = new Set(publishes.map((name) => stages.get(name)?.current));
  if (ids.size === 1) expect([world.published]).toEqual([...ids]);
}

/**
 * Nothing but what stages present is left of the rotations, in the account and in the stores, beside what others put there.
 *
 * @param forgotten whether the journal of another machine, or a lost one, is all that knew of what a store may hold: where
 * that cannot be looked into, and for certificates that nothing in AWS tells of any more, it may be left
 */
export function expectTidy(the: Scene, forgotten: 'nothing' | 'blind' | 'deleted' = 'nothing'): void {
  const { world, oldId, foreignId, spareId } = the;
  const { certificates, presented, trusted } = picture(the);
  const inUse = Object.values(presented).flatMap((id) => id ?? []);
  // Of two --only-stage rotations that end at the same moment, each may take the old one for the other's.
  const unused = certificates.filter((id) => !inUse.includes(id));
  const mayStay = [foreignId, spareId, ...(forgotten === 'deleted' ? [oldId] : [])];
  expect(unused.filter((id) => !mayStay.includes(id))).toEqual([]);
  expect(certificates).toContain(foreignId);
  // One that `--to` named may have been trusted before: what tells that it was not is the journal.
  const known = new Set([...world.deleted.map(({ id }) => id), spareId, ...mayStay]);
  // Certificates of ACM of one CA with one name are trusted by the same entry.
  const wanted = new Set([foreignId, ...inUse].map((id) => world.idOf(world.fingerprint(id))));
  for (const [name, held] of Object.entries(trusted)) {
    const mayBeLeft =
      forgotten === 'deleted' || (forgotten === 'blind' && world.stores.get(name)?.isBlind === true);
    const extra = held.filter((id) => !wanted.has(id));
    expect([name, mayBeLeft ? extra.filter((id) => !known.has(id)) : extra]).toEqual([name, []]);
    expect([name, [...wanted].filter((id) => !held.includes(id))]).toEqual([name, []]);
  }
}

/** One certificate on every stage, and it is not the old one. */
export function expectRotated(the: Scene, forgotten?: Parameters<typeof expectTidy>[1]): void {
  const stages = Object.values(picture(the).presented);
  expect(new Set(stages).size).toBe(1);
  expect(stages).not.toContain(the.oldId);
  expectTidy(the, forgotten);
}

/** All is as it was at the start. */
export function expectAsBefore(the: Scene): void {
  const { world, oldId, foreignId, spareId } = the;
  expect(picture(the)).toEqual({
    certificates: [oldId, foreignId, spareId],
    presented: Object.fromEntries(Object.keys(world.topology.stages).map((name) => [name, oldId])),
    trusted: Object.fromEntries([...world.stores.keys()].map((name) => [name, [oldId, foreignId]])),
  });
}

/** Has a failing history told in full. */
export async function told<T>(the: () => Scene, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) error.message += `\n\nwhat happened:\n${the().world.story.join('\n')}`;
    throw error;
  }
}
