import type { Certificate } from '../../control-plane/certificate.js';
import { stageIdsText } from '../../control-plane/stages-text.js';
import { listText, verbOf } from '../../platform/list-text.js';
import { AppError } from '../../platform/errors.js';
import type { ProofEvidence, ProofResult } from '../rules/proof.js';
import { stageText } from '../rules/unit.js';
import type { ProbeResult } from './test-invoke.js';
import { askUntil, refusalText, RELOADING } from './ask.js';
import { askStage, stageUrlResults } from './stage-url.js';
import {
  acceptedBy,
  asking,
  evidenceOf,
  meansOf,
  names,
  presenting,
  refusing,
  resultOf,
  strangerTo,
  unlessDeleted,
  unproved,
  warnOfUnclear,
  warnOfUnreached,
  warnOfUntested,
  type Means,
} from './means.js';
import { account, warnOnce, type Run } from './run.js';

export { callsToCome, probeChoices, probesOf } from './means.js';

/**
 * Proves before the switch that every backend accepts the new certificate and still the old one, and tries what it makes
 * of a caller without one, and of another client certificate of the account where there is one.
 * @throws AppError `NewCertificateRefused`, `OldCertificateRefused`, `BackendDoesNotCheck`, `ProofInconclusive`
 */
export async function proveBoth(
  run: Run,
  old: Certificate | undefined,
  next: Certificate,
): Promise<ProofEvidence> {
  const { settings } = run.request;
  const by = await meansOf(run, [next, old]);
  warnOfUnreached(run, by);
  if (by.probes.length === 0) return evidenceOf(by, []);
  const current = inDate(run, old);
  const isShown = by.shown.has(next.clientCertificateId);
  if (!isShown) warnOfUntested(run, next);
  const accepted = !isShown
    ? undefined
    : await askUntil(
        run,
        asking(by, next, settings.probes, current),
        settings.settle,
        // Waiting for the new one is only safe as long as the change has not hurt the old one.
        async () => {
          if (!settings.force && current && by.shown.has(current.clientCertificateId))
            await proveOld(run, by, current, next, 'refused');
        },
      );
  if (accepted?.asWanted === false) {
    throw unproved(
      accepted.results,
      next.clientCertificateId,
      new AppError(
        'NewCertificateRefused',
        `the backend refuses the new certificate ${next.clientCertificateId} although the trust stores hold it: ${refusalText(accepted.results)}`,
        {
          hint: 'check that the backend uses this trust store and has reloaded it. With a CA bundle, nginx, HAProxy, Apache and Node.js accept only the first of the two certificates: see docs/trust-stores.md',
        },
      ),
    );
  }
  const still = current && (await proveCurrent(run, by, current, next));
  const others = await proveOthers(run, by, [next, current]);
  const newResult = accepted && resultOf(presenting('new', next, 'accepted'), by, accepted.results);
  const untested = [...(newResult ? [] : [next]), ...(current && !still ? [current] : [])];
  return evidenceOf(by, [newResult, still, ...others], {
    noOther: others.length === 1,
    untested: untested.map(({ clientCertificateId }) => clientCertificateId),
  });
}

/** The certificate in use: by test calls, or where AWS makes none with it by what the stage itself answers. */
async function proveCurrent(
  run: Run,
  by: Means,
  current: Certificate,
  next: Certificate,
): Promise<ProofResult | undefined> {
  const { clientCertificateId: id } = current;
  if (by.shown.has(id)) return proveOld(run, by, current, next, 'accepted');
  const { probeUrl, settings } = run.request;
  const isInUse = account(run).moving.every(({ clientCertificateId }) => clientCertificateId === id);
  if (probeUrl === undefined || !isInUse) {
    warnOfUntested(run, current);
    return undefined;
  }
  const failure = await askStage(run);
  if (failure === undefined) return stageUrlResults(run, 'old', current)[0];
  if (!settings.force) {
    throw new AppError('OldCertificateRefused', `${failure} while the stage presents ${id}`, {
      hint: OLD_REFUSED_HINTS.accepted,
    });
  }
  warnOnce(run, 'OldCertificateRefused', `${failure} while the stage presents ${id}`);
  return undefined;
}

/** The old certificate unless it has expired: then every backend refuses it, trusted or not. */
function inDate(run: Run, old: Certificate | undefined): Certificate | undefined {
  if (!old || old.trusted.notAfter > run.deps.now()) return old;
  warnOnce(
    run,
    'OldCertificateExpired',
    `the old certificate ${old.clientCertificateId} has expired, so backends refuse it`,
  );
  return undefined;
}

/**
 * The old certificate has to be accepted still, unless some stages have left it already. A refusal is a live outage, so
 * there is no long wait: only as long as a server takes to start again.
 *
 * @param newIs while the new one is not accepted yet, one try each is enough, and only a refusal ends the waiting
 */
async function proveOld(
  run: Run,
  by: Means,
  old: Certificate,
  next: Certificate,
  newIs: 'accepted' | 'refused',
): Promise<ProofResult> {
  const { settings } = run.request;
  const { clientCertificateId: id } = old;
  const isAccepted = newIs === 'accepted';
  const { asWanted, results } = await askUntil(
    run,
    asking(by, old, isAccepted ? settings.probes : 1, isAccepted ? next : undefined),
    Math.min(settings.settle, RELOADING),
  );
  const result = resultOf(presenting('old', old, 'accepted'), by, results);
  const isRefused = results.some(({ outcome }) => outcome === 'refused');
  if (asWanted || (!isAccepted && !isRefused)) return result;
  const message = `the backend refuses the certificate in use, ${id}: ${refusalText(results)}`;
  const switchedInPart = account(run).moving.some((stage) => stage.clientCertificateId !== id);
  if (!settings.force && !switchedInPart) {
    throw unproved(
      results,
      id,
      new AppError('OldCertificateRefused', message, { hint: OLD_REFUSED_HINTS[newIs] }),
    );
  }
  warnOnce(
    run,
    'OldCertificateRefused',
    isRefused
      ? message
      : `whether the backends accept the old certificate ${id} could not be determined: ${refusalText(results)}`,
  );
  return result;
}

const OLD_REFUSED_HINTS = {
  accepted:
    'if the backend refused it before this run too, the API is already failing: use --force to switch to the new certificate, which is accepted',
  refused:
    'the new certificate is refused as well, so the certificates may not be the cause: check the logs of the backend',
} as const;

/**
 * A backend that answers a caller whom it has no reason to know does not check, and then no acceptance proves anything.
 * One call a backend without a certificate, and one with another certificate of the account where it has one.
 */
async function proveOthers(
  run: Run,
  by: Means,
  controls: readonly (Certificate | undefined)[],
): Promise<ProofResult[]> {
  const question = refusing(by, controls);
  const { results } = await askUntil(run, question, 0);
  judgeOther(run, results, 'a caller without a certificate', 'it does not check certificates');
  const without = resultOf({ caller: 'none', wanted: 'refused' }, by, results);
  const other = strangerTo(run);
  if (!other) return [without];
  const { clientCertificateId: id } = other;
  const answers = await unlessDeleted(() => askUntil(run, { ...question, certificateId: id }, 0));
  if (!answers) return [without];
  judgeOther(
    run,
    answers.results,
    `the client certificate ${id}, which no trust store of this rotation holds`,
    'it does not compare whole certificates',
  );
  return [without, resultOf(presenting('other', other, 'refused'), by, answers.results)];
}

function judgeOther(run: Run, results: readonly ProbeResult[], caller: string, so: string): void {
  warnOfUnclear(run, results, caller);
  const unchecked = names(results, 'accepted');
  if (unchecked.length === 0) return;
  const message = `${listText(unchecked)} ${verbOf(unchecked, 'accept')} ${caller}: ${so}, so accepting the new one proves nothing`;
  if (!run.request.settings.allowUncheckedBackend) {
    throw new AppError('BackendDoesNotCheck', message, {
      hint: 'make the backend require the certificate and compare the whole certificate (run `apigw-cert backend config SERVER` for the configuration), or use --allow-unchecked-backend to continue anyway',
    });
  }
  warnOnce(run, 'BackendDoesNotCheck', message);
}

/**
 * Proves after the switch that every backend accepts the new certificate.
 * @throws AppError `NewCertificateRefused`, `ProofInconclusive`
 */
export async function proveNew(run: Run, next: Certificate): Promise<ProofEvidence> {
  const { probes: times, settle } = run.request.settings;
  const { old } = account(run).unit;
  const by = await meansOf(run, [next, old]);
  if (!by.shown.has(next.clientCertificateId)) return byUse(run, by, next);
  const moving = account(run).moving.map(stageText);
  const { asWanted, results } = await askUntil(run, asking(by, next, times, old), settle);
  if (!asWanted) {
    throw unproved(
      results,
      next.clientCertificateId,
      new AppError(
        'NewCertificateRefused',
        `the backend refuses the new certificate ${next.clientCertificateId}, which ${stageIdsText(moving)} ${verbOf(moving, 'present')}: ${refusalText(results)}`,
        { hint: 'check the logs of the backend' },
      ),
    );
  }
  return evidenceOf(by, acceptedBy(by, presenting('new', next, 'accepted'), results));
}

/** What the stages present is shown by their own URL alone, which has just been asked; without one, by nothing. */
function byUse(run: Run, by: Means, next: Certificate): ProofEvidence {
  const results = stageUrlResults(run, 'new', next);
  if (results.length > 0) return evidenceOf(by, results);
  if (by.probes.length === 0) return evidenceOf(by, []);
  warnOfUntested(run, next);
  return evidenceOf(by, [], { untested: [next.clientCertificateId] });
}
