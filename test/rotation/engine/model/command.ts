import { observedAccount } from '../../../../src/rotation/engine/observed-account.js';
import { remembering } from '../../../../src/control-plane/remembering.js';
import type { RotationReport } from '../../../../src/rotation/rules/report.js';
import { takingTurns } from '../../../../src/rotation/engine/turns.js';
import { abort, rotate } from '../../../../src/rotation/engine/rotate.js';
import type { Stage } from '../../../../src/control-plane/api-gateway.js';
import { AppError } from '../../../../src/platform/errors.js';
import type { RotationEvent } from '../../../../src/rotation/rules/event.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../../../src/settings/rotation.js';
import type { TrustStore } from '../../../../src/trust/trust-store.js';
import { steadyClock } from '../../../../src/platform/clock.js';
import { fencedBy } from '../../../../src/rotation/journal/journal.js';
import type { HeldLease } from '../../../../src/rotation/journal/lease.js';
import type { Hooks, RotationDeps, RotationRequest } from '../../../../src/rotation/engine/ports.js';
import { isAcmArn } from '../../../../src/control-plane/inventory.js';
import { Process, type Machine } from './machine.js';
import type { Fate } from './mishap.js';
import { PROPAGATION, stageKey, type Topology, type World } from './world.js';

export const SETTINGS: RotationSettings = {
  ...DEFAULT_SETTINGS,
  probes: 1,
  settle: 5_000,
  soak: 2 * PROPAGATION,
};

export const PROBE_URL = 'https://orders.example/prod/health';

/** What is typed. */
export interface Command {
  mode?: 'rotate' | 'abort';
  /** `apiId/stageName` */
  stage?: string;
  settings?: Partial<RotationSettings>;
  to?: string;
  /** A certificate that is not of ACM, in place of one that is. */
  toGenerated?: boolean;
  /** The one that the user has is imported. */
  imports?: boolean;
  dryRun?: boolean;
  /** Names of the trust stores behind each stage; all behind each when left away. */
  storesOf?: Readonly<Record<string, readonly string[]>>;
  /** They take no virtual time. */
  hooks?: Hooks;
  /** The target's name in the configuration. */
  target?: string;
}

/** Under what circumstances it runs. */
export interface Circumstances {
  fates?: readonly Fate[];
  latency?: () => number;
  /** What the stage's own URL answers, where one is given. */
  answers?: () => number;
}

/** What a run came to. */
export interface Ran {
  /** The report's outcome, the code of an error, or `killed`. */
  outcome: string;
  report?: RotationReport;
  error?: AppError;
  events: RotationEvent[];
  calls: number;
}

/** What all histories together came to. */
export const explored = {
  histories: 0,
  runs: 0,
  calls: 0,
  outcomes: new Map<string, number>(),
  unprotected: 0,
};

/** Who only looks has none. */
const NO_LEASE: HeldLease = {
  signal: new AbortController().signal,
  assertHeld: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

/** The target whose id is published, where one is. */
function publishingOf(
  process: Process,
  { publishes }: Topology,
  own: string,
): Pick<RotationDeps, 'publishing'> {
  if (publishes === undefined) return {};
  const publications = [process.publication()];
  const refs = publishes.map((name) => {
    const [restApiId = '', stageName = ''] = name.split('/');
    return { restApiId, stageName };
  });
  return {
    publishing: [
      {
        isOwn: publishes.includes(own),
        has: (stage) => publishes.includes(stageKey(stage)),
        stages: (controlPlane) => Promise.all(refs.map((ref) => controlPlane.getStage(ref))),
        publications: () => Promise.resolve(publications),
      },
    ],
  };
}

/** What a user has for a certificate of ACM: its key, and the one to be imported. */
function ofAcm(
  process: Process,
  world: World,
  to: string | undefined,
  imports: boolean,
): Pick<RotationRequest, 'identity' | 'importing'> {
  const { importable } = world;
  const [first] = world.account().acm.keys();
  if (first === undefined || importable === undefined) return {};
  if (imports) {
    const { trusted, chainPem: chain } = importable;
    return {
      identity: process.identity(trusted, first),
      importing: {
        acm: importable,
        import: (controlPlane, as) =>
          controlPlane.importAcmCertificate({ certificate: trusted.pem, chain, privateKey: '', as }),
      },
    };
  }
  if (to === undefined || !isAcmArn(to)) return {};
  return { identity: process.identity(world.acm(to).certificate.trusted, to) };
}

/** A wait that ends at once when the signal is aborted. */
function orAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      reject(signal.reason as AppError);
    };
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    void wait.then(() => {
      signal.removeEventListener('abort', fail);
      resolve();
    });
  });
}

/** One run of the command on a machine, to its end or its death. */
export async function run(
  machine: Machine,
  {
    mode = 'rotate',
    stage = 'api/prod',
    settings = {},
    to,
    toGenerated = false,
    imports = false,
    dryRun = false,
    storesOf,
    hooks = {},
    target: named,
  }: Command = {},
  { fates = [], latency, answers }: Circumstances = {},
): Promise<Ran> {
  const process = new Process(machine, fates, latency);
  const events: RotationEvent[] = [];
  machine.world.tell(
    `${machine.name} runs ${mode} ${stage}${dryRun ? ' --dry-run' : ''} ${JSON.stringify({ ...settings, to, ...(toGenerated ? { toGenerated } : {}), ...(imports ? { imports } : {}) })}`,
  );
  let made = 0;
  const work = async (): Promise<Omit<Ran, 'events' | 'calls'>> => {
    let lease: HeldLease = NO_LEASE;
    try {
      if (!dryRun) lease = await process.hold();
      const clock = steadyClock(
        () => process.wall(),
        () => process.monotonic(),
      );
      process.onAnswer(clock.correct);
      const controlPlane = remembering(process.controlPlane(), clock.now);
      const turns = takingTurns(observedAccount(controlPlane, clock.now), clock.now);
      const [restApiId = '', stageName = ''] = stage.split('/');
      const protocolType = machine.world.topology.apis[restApiId]?.protocolType;
      const target = await controlPlane.getStage({
        restApiId,
        stageName,
        ...(protocolType === undefined ? {} : { protocolType }),
      });
      const all = process.stores();
      const storesBehind = (moving: readonly Stage[], changed: readonly string[]): TrustStore[] => {
        if (!storesOf) return all;
        const names = [...moving.flatMap((one) => storesOf[stageKey(one)] ?? []), ...changed];
        return all.filter(({ name }) => names.includes(name));
      };
      const deps = {
        controlPlane,
        apis: [],
        probeCalls: new Map(),
        account: turns.account,
        stores: storesBehind,
        journal: fencedBy(process.journal(), lease.fence),
        now: clock.now,
        sleep: (ms: number, signal: AbortSignal) =>
          turns.aside(ms, () => orAborted(process.sleep(ms), signal)),
        newRotationId: () => `${machine.name}-${explored.runs}-${made++}`,
        emit: (event: RotationEvent) => {
          events.push(event);
        },
        signal: lease.signal,
        assertHeld: () => lease.assertHeld(),
        confirm: () => Promise.resolve(),
        request: () => Promise.resolve(answers?.() ?? 200),
        ...publishingOf(process, machine.world.topology, stage),
      };
      const request = {
        settings: { ...SETTINGS, ...settings },
        hooks,
        ...(named === undefined ? {} : { target: named }),
        ...(to === undefined ? {} : { to }),
        ...(toGenerated ? { toGenerated } : {}),
        ...ofAcm(process, machine.world, to, imports),
        ...(answers === undefined ? {} : { probeUrl: PROBE_URL }),
      };
      const work = mode === 'abort' ? abort : rotate;
      const report = await turns.take(() => work(deps, request, target, { dryRun }));
      return { outcome: report.outcome, report };
    } catch (error) {
      // Anything else would be reported to the user as a fault of the tool.
      if (!(error instanceof AppError)) throw error;
      return { outcome: error.code, error };
    } finally {
      await lease.release();
    }
  };
  const ran = await Promise.race([work(), process.death.then(() => ({ outcome: 'killed' }))]);
  machine.world.tell(
    `${machine.name} ends: ${ran.outcome}${'error' in ran ? ` (${ran.error.message})` : ''}`,
  );
  explored.runs += 1;
  explored.calls += process.calls;
  explored.outcomes.set(ran.outcome, (explored.outcomes.get(ran.outcome) ?? 0) + 1);
  return { ...ran, events, calls: process.calls };
}
