import type { Stage } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import { chooseProbes, type Probe, type ProbeChoice } from '../../core/rotation/probe.js';
import { stageText, type RotationCertificate } from '../../core/rotation/unit.js';
import { probe, type ProbeResult } from '../../verify/test-invoke.js';
import { account, pause, stopIfAsked, warn, type Run } from './run.js';

/** Between two tries of a backend that has not obeyed its trust store yet, in milliseconds: doubled up to the last. */
const FIRST_RETRY = 100;
const LAST_RETRY = 1_000;
/** A server that is started anew to read its trust store answers nobody for so long, in milliseconds. */
const RELOADING = 3_000;

/** For each stage, how its backends can be asked. One call a page of an API's resources. */
export async function probeChoices(
  { deps: { gateway }, request }: Pick<Run, 'deps' | 'request'>,
  stages: readonly Stage[],
): Promise<ProbeChoice[]> {
  const apiIds = [...new Set(stages.map(({ restApiId }) => restApiId))];
  const resources = new Map(
    await Promise.all(apiIds.map(async (id) => [id, await gateway.getResources(id)] as const)),
  );
  return stages.map((stage) =>
    chooseProbes(stage, resources.get(stage.restApiId) ?? [], request.probeCalls.get(stage.restApiId)),
  );
}

/** Stages of one API that differ in nothing which a probe depends on are proved by one. */
function distinct(probes: readonly Probe[]): Probe[] {
  const seen = new Map<string, Probe>();
  for (const candidate of probes) {
    const { stage, stageVariables, ...call } = candidate;
    const key = JSON.stringify([stage.restApiId, call, Object.entries(stageVariables).sort()]);
    if (!seen.has(key)) seen.set(key, candidate);
  }
  return [...seen.values()];
}

/** The probes of all moving stages. */
export async function probesOf(run: Run): Promise<Probe[]> {
  const choices = await probeChoices(run, account(run).moving);
  return distinct(choices.flatMap(({ probes }) => probes));
}

/** Asks every backend in turn and stops at the first that refuses. */
async function ask(
  run: Run,
  probes: readonly Probe[],
  certificateId: string | undefined,
  times: number,
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const candidate of probes) {
    stopIfAsked(run);
    const result = await probe(run.deps.gateway, candidate, certificateId, times);
    results.push(result);
    if (!result.accepted) break;
  }
  return results;
}

/**
 * Asks until all backends answer as wanted, or the time is up that a changed trust store has to be obeyed everywhere:
 * hosts pull files and reload at their own pace. Before each further try, `meanwhile` may end the waiting by throwing.
 */
export async function askUntil(
  run: Run,
  question: {
    probes: readonly Probe[];
    certificateId: string;
    wanted: 'accepted' | 'refused';
    times: number;
  },
  settle: number,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<{ asWanted: boolean; results: ProbeResult[] }> {
  const { probes, certificateId, wanted, times } = question;
  const { now } = run.deps;
  const deadline = now().getTime() + settle;
  for (let retry = FIRST_RETRY; ; retry = Math.min(2 * retry, LAST_RETRY)) {
    const results = await ask(run, probes, certificateId, times);
    const accepted = results.every((result) => result.accepted);
    const asWanted = wanted === 'accepted' ? accepted : !accepted || probes.length === 0;
    if (asWanted || now().getTime() >= deadline) return { asWanted, results };
    await meanwhile();
    await pause(run, retry);
  }
}

/** `orders.example:443 answered 403 (…)`: the backend that decided. */
export function refusalText(results: readonly ProbeResult[]): string {
  const refusal = results.find(({ accepted }) => !accepted);
  if (!refusal) return 'every backend accepted it';
  return `${refusal.backend} answered ${refusal.status}${refusal.cause === undefined ? '' : ` (${refusal.cause})`}`;
}

/**
 * Proves before the switch that every backend accepts the new certificate and still the old one, and that it refuses
 * a caller without any.
 * @throws AppError `NewCertificateRefused`, `OldCertificateRefused`, `BackendDoesNotCheck`
 */
export async function proveBoth(
  run: Run,
  old: RotationCertificate | undefined,
  next: RotationCertificate,
): Promise<Record<string, unknown>> {
  const { settings } = run.request;
  const probes = await probesOf(run);
  if (probes.length === 0) warn(run, 'BackendUnproved', 'no call reaches the backends: nothing was proved');

  const accepted = await askUntil(
    run,
    { probes, certificateId: next.clientCertificateId, wanted: 'accepted', times: settings.probes },
    settings.settle,
    // Waiting for the new one is only safe as long as the change has not hurt the old one.
    async () => {
      if (!settings.force) await proveOld(run, probes, old, 1, 'refused');
    },
  );
  if (!accepted.asWanted) {
    throw new AppError(
      'NewCertificateRefused',
      `the backend refuses the new certificate ${next.clientCertificateId} although the trust stores hold it: ${refusalText(accepted.results)}`,
      {
        hint: 'check that the backend reads that trust store and has reloaded it. On nginx, HAProxy, Apache and Node.js a CA bundle with both certificates accepts only the first: see docs/trust-stores.md',
      },
    );
  }
  const stillAccepted = await proveOld(run, probes, old, settings.probes, 'accepted');
  const withoutCertificate = await proveChecked(run, probes);
  return { accepted: accepted.results, stillAccepted, withoutCertificate };
}

/**
 * The old certificate has to be accepted still, unless it is past its end or some stages have left it already. A
 * refusal is a live outage, so there is no long wait: only as long as a server takes to start again.
 */
async function proveOld(
  run: Run,
  probes: readonly Probe[],
  old: RotationCertificate | undefined,
  times: number,
  newIs: 'accepted' | 'refused',
): Promise<ProbeResult[]> {
  if (!old) return [];
  const { clientCertificateId: certificateId, trusted } = old;
  if (trusted.notAfter <= run.deps.now()) {
    warn(
      run,
      'OldCertificateExpired',
      `the old certificate ${certificateId} has expired, so backends refuse it`,
    );
    return [];
  }
  const { asWanted, results } = await askUntil(
    run,
    { probes, certificateId, wanted: 'accepted', times },
    Math.min(run.request.settings.settle, RELOADING),
  );
  if (asWanted) return results;
  const message = `the backend refuses the certificate in use, ${certificateId}: ${refusalText(results)}`;
  const switchedInPart = account(run).moving.some((stage) => stage.clientCertificateId !== certificateId);
  if (!run.request.settings.force && !switchedInPart) {
    throw new AppError('OldCertificateRefused', message, {
      hint: OLD_REFUSED_HINTS[newIs],
    });
  }
  warn(run, 'OldCertificateRefused', message);
  return results;
}

const OLD_REFUSED_HINTS = {
  accepted:
    'if it was refused before too, the API fails already, and --force moves it to the new certificate, which is accepted',
  refused: 'the new one is refused as well: see what the backend logs; the certificates may not be the cause',
} as const;

/** A backend that answers a caller without a certificate does not check, and then no acceptance proves anything. */
async function proveChecked(run: Run, probes: readonly Probe[]): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const candidate of probes) {
    stopIfAsked(run);
    results.push(await probe(run.deps.gateway, candidate, undefined, 1));
  }
  const unchecked = results.filter(({ accepted }) => accepted).map(({ backend }) => backend);
  if (unchecked.length === 0) return results;
  const message = `${unchecked.join(', ')} answers a caller without any certificate: it does not check at all, so its acceptance proves nothing`;
  if (!run.request.settings.allowUncheckedBackend) {
    throw new AppError('BackendDoesNotCheck', message, {
      hint: 'make the backend demand the certificate, or go on all the same by --allow-unchecked-backend',
    });
  }
  warn(run, 'BackendDoesNotCheck', message);
  return results;
}

/**
 * Proves after the switch that every backend accepts the new certificate.
 * @throws AppError `NewCertificateRefused`
 */
export async function proveNew(run: Run, next: RotationCertificate): Promise<ProbeResult[]> {
  const probes = await probesOf(run);
  const { probes: times, settle } = run.request.settings;
  const { asWanted, results } = await askUntil(
    run,
    { probes, certificateId: next.clientCertificateId, wanted: 'accepted', times },
    settle,
  );
  if (asWanted) return results;
  throw new AppError(
    'NewCertificateRefused',
    `the backend refuses the new certificate ${next.clientCertificateId}, which ${account(run).moving.map(stageText).join(', ')} presents: ${refusalText(results)}`,
    { hint: 'see what the backend logs about it' },
  );
}
