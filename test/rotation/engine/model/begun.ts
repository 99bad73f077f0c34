import { observedAccount, type AskedLook } from '../../../../src/rotation/engine/observed-account.js';
import { certificateOf } from '../../../../src/control-plane/read-certificate.js';
import type { RotationDeps, RotationRequest } from '../../../../src/rotation/engine/ports.js';
import { remembering } from '../../../../src/control-plane/remembering.js';
import { newRun, type Run } from '../../../../src/rotation/engine/run.js';
import type { RotationEvent } from '../../../../src/rotation/rules/event.js';
import { markTags, type Mark } from '../../../../src/control-plane/marks.js';
import type { RotationRecord } from '../../../../src/rotation/rules/record.js';
import type { RotationSettings } from '../../../../src/settings/rotation.js';
import type { ControlPlane } from '../../../../src/control-plane/control-plane.js';
import { SETTINGS } from './command.js';
import { Machine, Process } from './machine.js';
import type { Fate } from './mishap.js';
import type { Scene } from './scene.js';

/** A run that has looked and done nothing yet, for one part of the engine to be called by itself. */
export interface Begun {
  run: Run;
  events: RotationEvent[];
  /** The calls of the control plane, with their arguments. */
  calls: string[];
  /** What was waited, in milliseconds. */
  slept: number[];
  /** The looks at the whole account. */
  looks: AskedLook[];
}

export interface BegunOptions {
  fates?: readonly Fate[];
  /** In place of the world's own. */
  controlPlane?: Partial<ControlPlane>;
  deps?: Partial<RotationDeps>;
  latency?: number;
  settings?: Partial<RotationSettings>;
  request?: Partial<RotationRequest>;
  records?: readonly RotationRecord[];
  onlyTarget?: boolean;
}

/** Makes a certificate to take the place of the old one. */
export const successor = ({ world, oldId }: Scene, mark: Partial<Mark> = {}): string =>
  world.make('a', markTags({ rotationId: 'r1', replaces: oldId, ...mark })).clientCertificateId;

/** The rotation `r1` of the old certificate, for `api/prod`; calls take no time unless told. */
export function begun(
  { world, oldId }: Scene,
  {
    fates,
    controlPlane: own = {},
    deps = {},
    latency = 0,
    settings = {},
    request = {},
    records = [],
    onlyTarget = false,
  }: BegunOptions = {},
): Begun {
  const process = new Process(new Machine(world, 'a'), fates, () => latency);
  const lease = process.lock();
  const calls: string[] = [];
  const told = <T extends object>(controlPlane: T): T =>
    new Proxy(controlPlane, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          calls.push([String(key), ...args.map((one) => JSON.stringify(one))].join(' '));
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  const now = (): Date => new Date(world.time.now);
  const inner = { ...process.controlPlane(), ...own };
  const names = Object.keys(inner) as (keyof ControlPlane)[];
  const watched = told(inner);
  // The gateway is spread by whoever wraps it.
  const controlPlane = remembering(
    Object.fromEntries(names.map((name) => [name, watched[name]])) as unknown as ControlPlane,
    now,
  );
  const looks: AskedLook[] = [];
  const account = observedAccount(controlPlane, now);
  const events: RotationEvent[] = [];
  const slept: number[] = [];
  const run = newRun({
    deps: {
      controlPlane,
      apis: [],
      probeCalls: new Map(),
      account: {
        sightings: account.sightings,
        look: (asked) => {
          looks.push(asked);
          return account.look(asked);
        },
      },
      stores: () => process.stores(),
      journal: process.journal(),
      now,
      sleep: (ms) => {
        slept.push(ms);
        return process.sleep(ms);
      },
      newRotationId: () => 'r1',
      emit: (event) => {
        events.push(event);
      },
      signal: new AbortController().signal,
      assertHeld: () => lease.assertHeld(),
      confirm: () => Promise.resolve(),
      request: () => Promise.resolve(200),
      ...deps,
    },
    request: { settings: { ...SETTINGS, ...settings }, hooks: {}, ...request },
    rotationId: 'r1',
    oldId,
    target: { restApiId: 'api', stageName: 'prod' },
    onlyTarget,
    since: now(),
    certificates: [...world.account().certificates.values()].map(certificateOf),
    stages: [...world.account().stages.keys()].map((name) => world.stage(name)),
  });
  run.records = [...records];
  return { run, events, calls, slept, looks };
}
