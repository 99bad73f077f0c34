import type { ExpiryReport } from '../findings/check-expiry.js';
import type { InspectedClientCertificate } from '../commands/inspect/run.js';
import type { Listing } from '../control-plane/list.js';
import type { CertificateFilter } from '../control-plane/certificate-filter.js';
import { parseThreshold } from '../platform/duration.js';
import { parseFailOn } from '../findings/fail-on.js';
import type { FleetProgress } from '../control-plane/read-fleet.js';
import type { ClientSettings } from './settings.js';
import { untilAborted } from '../platform/until-aborted.js';
import { accountOf, callCounter, openControlPlane } from './client.js';

/** What {@link list} is asked for. */
export interface ListOptions extends ClientSettings {
  /** Also find out which stages present each certificate: one call more, and one for each API. */
  readonly usage?: boolean;
}

/** What {@link checkExpiry} is asked for. */
export interface CheckExpiryOptions extends ClientSettings {
  /** How long before it expires a certificate is a warning, as `30d` or `33%` of its lifetime. Default: `30d`. */
  readonly warning?: string;
  /** The same for critical. Default: `7d`. */
  readonly critical?: string;
  /** Narrows the certificates; those given by `ids` count whether or not a stage presents them. */
  readonly filter?: CertificateFilter;
  /** Unused certificates count like those in use. */
  readonly all?: boolean;
  /** Also find stages that should have a certificate, and those that never present theirs. */
  readonly compliance?: boolean;
  /** Also read the stages, and check the ACM certificates that they present: one call more, and one for each API. */
  readonly usage?: boolean;
  /** From which severity on findings count: `info`, `warning` (default) or `critical`, with codes added after commas. */
  readonly failOn?: string;
}

/**
 * Every client certificate of the account and Region, soonest expiry first, as `apigw-cert list --output json` prints it.
 * @throws AppError `AccessDenied`, `CredentialsMissing`, `RegionMissing`, `ServiceUnreachable` and others about access
 */
export function list(options: ListOptions = {}): Promise<Listing> {
  return untilAborted(options.signal, async () => {
    const { list: listFleet } = await import('../control-plane/list.js');
    const { fleet, accounts } = accountOf(options);
    return listFleet(fleet, accounts, { usage: options.usage ?? false }, clock, fleetProgress(options));
  });
}

/**
 * One client certificate, all that it says, and the stages that present it, as `apigw-cert inspect --output json` prints
 * it.
 * @throws AppError `CertificateNotFound`, and those about access
 */
export function inspect(
  clientCertificateId: string,
  options: ClientSettings = {},
): Promise<InspectedClientCertificate> {
  return untilAborted(options.signal, async () => {
    const { inspectClientCertificate } = await import('../commands/inspect/run.js');
    const controlPlane = await openControlPlane(options);
    return inspectClientCertificate(controlPlane, clientCertificateId, clock, callCounter(options));
  });
}

/**
 * Whether any certificate is about to expire, as `apigw-cert check-expiry --output json` prints it. An account that
 * cannot be read is `unknown` and not an error.
 * @throws AppError `Usage` for thresholds that cannot be read or are upside down
 */
export function checkExpiry(options: CheckExpiryOptions = {}): Promise<ExpiryReport> {
  const { warning = '30d', critical = '7d', filter = {}, all = false, compliance = false } = options;
  return untilAborted(options.signal, async () => {
    const { checkExpiry: check } = await import('../findings/check-expiry.js');
    const { fleet, accounts } = accountOf(options);
    const question = {
      filter,
      all,
      compliance,
      usage: options.usage ?? false,
      thresholds: { warning: parseThreshold(warning), critical: parseThreshold(critical) },
      failOn: parseFailOn(options.failOn ?? 'warning'),
    };
    return check(fleet, accounts, question, clock, fleetProgress(options));
  });
}

const clock = (): Date => new Date();

function fleetProgress(options: ClientSettings): FleetProgress {
  const counter = callCounter(options);
  return {
    sources: () => undefined,
    sourceDone: () => undefined,
    expect: (_source, calls) => {
      counter.expect(calls);
    },
    callDone: counter.done,
  };
}
