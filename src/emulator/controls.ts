import * as z from 'zod/mini';
import { acmRenewalSchema, findInWorlds, renew } from './acm/renew.js';
import { changedWith } from './acm/run.js';
import type { Clock } from './clock.js';
import type { Fault, FaultInput, Faults } from './faults.js';
import type { History } from './history.js';
import type { AcmRenewal } from './model.js';
import type { Persistence } from './persistence.js';
import type { RateLimiter } from './rate-limit.js';
import type { LoggedRequest, RequestLog } from './request-log.js';
import { faultSchema, instantSchema, settingsSchema } from './schemas.js';
import type { Settings } from './settings.js';
import type { Store } from './store.js';

/** What a test or a demonstration may do to a running emulator; `/_emulator/` offers the same over HTTP. */
export interface Controls {
  /** The emulator's time. */
  now(): Date;
  /** @throws ZodError before 1970 and after 9997 */
  setClock(date: Date): void;
  /** Milliseconds; may be negative. @throws ZodError as setClock */
  advanceClock(ms: number): void;
  /** @throws ZodError when the fault is none */
  addFault(fault: FaultInput): void;
  /**
   * Renews a certificate that a private CA issued, as ACM does by itself, or has the renewal fail or wait. The new
   * certificate has a new key.
   * @throws ServiceError 404 for an unknown one, ZodError
   */
  renewAcmCertificate(certificateArn: string, renewal: AcmRenewal): Promise<void>;
  /** Those that have not hit yet, and those that hit every time. */
  faults(): readonly Fault[];
  clearFaults(): void;
  /** The latest requests (10,000 at most), oldest first. */
  requests(): readonly LoggedRequest[];
  clearRequests(): void;
  settings(): Settings;
  /** Changes the settings given and leaves the others. @throws ZodError */
  configure(settings: Partial<Settings>): void;
}

interface Parts {
  clock: Clock;
  faults: Faults;
  history: History;
  requestLog: RequestLog;
  settings: Settings;
  limiter: RateLimiter;
  store: Store;
  persistence: Persistence;
}

const partialSettings = z.partial(settingsSchema);

export function createControls(parts: Parts): Controls {
  const { clock, faults, history, requestLog, settings, limiter, store, persistence } = parts;
  return {
    now: () => clock.now(),
    setClock(date) {
      clock.set(instantSchema.parse(date));
    },
    advanceClock(ms) {
      clock.set(instantSchema.parse(new Date(clock.now().getTime() + ms)));
    },
    addFault(input) {
      const fault = faultSchema.parse(input);
      if (fault.kind === 'staleRead') history.from(fault.ms);
      faults.add(fault);
    },
    async renewAcmCertificate(arn, input) {
      const renewal = acmRenewalSchema.parse(input);
      const { world, certificate } = findInWorlds(store.worlds(), arn);
      await renew(world, certificate, renewal, clock);
      history.record();
      await persistence.save(world, changedWith(world, arn));
    },
    faults: () => faults.list(),
    clearFaults() {
      faults.clear();
    },
    requests: () => requestLog.list(),
    clearRequests() {
      requestLog.clear();
    },
    settings: () => ({ ...settings }),
    configure(changes) {
      Object.assign(settings, partialSettings.parse(changes));
      if (changes.rateLimit !== undefined) limiter.reset();
    },
  };
}
