/**
 * An API Gateway on loopback: control plane and data plane, for trying things out and for tests.
 * `docs/emulator.md` is its specification.
 */
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { certificateFacts } from '../certificates/parse.js';
import { createClock } from './clock.js';
import { createControls, type Controls } from './controls.js';
import { createBackendCaller } from './data-plane/backend.js';
import { createFaults } from './faults.js';
import { createHistory } from './history.js';
import { createPersistence, noPersistence } from './persistence.js';
import { createRateLimiter } from './rate-limit.js';
import { createRequestLog } from './request-log.js';
import { createServer } from './server.js';
import { instantSchema, settingsSchema } from './schemas.js';
import { DEFAULT_SETTINGS, type Settings } from './settings.js';
import { createStore, type Store } from './store.js';
import { createTimers } from './timers.js';

export type { AcmRenewal } from './model.js';
export type { Controls } from './controls.js';
export type { Fault, FaultInput, LateAnswer } from './faults.js';
export type { LoggedRequest } from './request-log.js';
export type { Settings } from './settings.js';

/** How to start; all {@link Settings} may be given too, and changed later by `configure`. */
export interface EmulatorOptions extends Partial<Settings> {
  /** The address to listen at, 127.0.0.1 by default: nobody else's business. */
  host?: string;
  /** 0, the default, is any free port. */
  port?: number;
  /** Keeps the state over restarts. One emulator a directory. */
  dataDir?: string;
  /** PEM: trust anchors for the backends' own certificates, beside Node's default roots. */
  backendCa?: string | readonly string[];
  /** Where the emulator's clock starts, the real time by default; it runs on from there. */
  clock?: Date;
  /**
   * Chooses between a stage and its canary: a number from 0 (inclusive) to 1 for each request, by default at random. The
   * request goes to the canary when it is below the canary's share.
   */
  random?: () => number;
}

export interface Emulator extends Controls {
  /** For `--endpoint-url` and the SDK's `endpoint`: `http://127.0.0.1:4599`. */
  readonly url: string;
  /** Ends it; connections are closed at once. */
  close(): Promise<void>;
}

/** The address as a URL: one that means "every address" is reached by loopback. */
function urlOf({ address, family, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`;
}

/**
 * Starts an emulator.
 * @throws AppError `CertificateUnreadable` for a trust anchor, `FileNotReadable` or `FileNotWritable` for the
 * state; Node's own error when the address cannot be listened at
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const {
    host = '127.0.0.1',
    port = 0,
    dataDir,
    backendCa = [],
    clock: start,
    random = Math.random,
    ...given
  } = options;
  const anchors = typeof backendCa === 'string' ? [backendCa] : backendCa;
  for (const anchor of anchors) certificateFacts(anchor);
  const settings = settingsSchema.parse({ ...DEFAULT_SETTINGS, ...given });
  const persistence =
    dataDir === undefined ? noPersistence : createPersistence(dataDir, () => store.worlds());
  const clock = createClock(start && instantSchema.parse(start));
  const store: Store = createStore(persistence.load());
  const history = createHistory(store);
  const timers = createTimers();
  const faults = createFaults();
  const limiter = createRateLimiter();
  const requestLog = createRequestLog();
  const backend = createBackendCaller(anchors);
  const controls = createControls({
    ...{ clock, faults, history, requestLog, settings, limiter, store, persistence },
  });
  const server = createServer({
    surroundings: { clock, settings, store, backend, random },
    controls,
    faults,
    limiter,
    requestLog,
    persistence,
    history,
    timers,
  });
  server.listen(port, host);
  await once(server, 'listening');
  async function close(): Promise<void> {
    backend.close();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    await timers.stop();
    await persistence.close();
  }
  let closing: Promise<void> | undefined;
  return {
    ...controls,
    url: urlOf(server.address() as AddressInfo),
    close: () => (closing ??= close()),
  };
}
