/**
 * A renewal that ACM makes by itself: the ARN stays, and the stages that present it present the old and the new certificate
 * alternately for a while. Nothing is changed here. That the backends are ready is checked before it, and that they accept
 * what the stages present is tested while it spreads.
 */
import { isAcmArn } from '../../control-plane/inventory.js';
import { stagesNow } from '../../control-plane/stages.js';
import { AppError } from '../../platform/errors.js';
import type { Journal } from '../journal/journal.js';
import type { RotationReport } from '../rules/report.js';
import { stageText, type RotationUnit } from '../rules/unit.js';
import { acmNotDue, begin, type Target } from './begin.js';
import { lookAtCertificates, lookAtStages, replaceStages } from './look.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import { urlFails, verifyUse } from './renewal-tests.js';
import { verifyTrust, type Renewable } from './renewal-trust.js';
import { reportOf } from './report.js';
import { account, named, pause, step, stopIfAsked, tell, warn, type Run } from './run.js';
import { answerText, MOST_FAILURES, watchStageUrl, type StageUrlWatch } from './stage-url.js';

/** Between two rounds of test calls while a renewal spreads, in milliseconds. */
const TEST_INTERVAL = 30_000;
/** A private CA dates what it issues an hour back (acm-pca, IssueCertificate, ValidityNotBefore). Milliseconds. */
const BACKDATED = 3_600_000;

/** What only looks is no rotation, and a later run has nothing to resume. */
const NO_JOURNAL: Journal = {
  open: () => Promise.resolve([]),
  isUnended: () => Promise.resolve(false),
  append: () => Promise.resolve(),
  ends: () => Promise.resolve([]),
  read: () => Promise.resolve(undefined),
  remove: () => Promise.resolve(false),
};

/**
 * Checks that the trust stores and the backends are ready for a renewal; after one, tests the backends until the soak is over.
 * A dry run looks at the trust stores and calls no backend.
 * @throws AppError `CertificateUnsuitable` and `CertificateOfAcm` for what ACM does not renew, or could not; `Usage`;
 * `RenewalNotTrusted`, `RenewalRefused`, `ProofInconclusive`, `BackendNotProvable`, `StageChanged`; `RotationWaiting` with `--no-wait`
 */
export async function watchRenewal(
  deps: RotationDeps,
  request: RotationRequest,
  target: Target,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<RotationReport> {
  const begun = await begin(deps, request, target);
  const run: Run = { ...begun.run, deps: { ...deps, journal: NO_JOURNAL } };
  const first = renewableOf(run, begun.unit, target);
  const idle = acmNotDue(run, target, first);
  await lookAtStages(run, { known: true });
  tell(run, {
    type: 'started',
    oldCertificateId: run.oldId,
    stages: account(run).moving.map((stage) => named(run, stage)),
    resumed: false,
    isWatched: true,
  });
  await verifyTrust(run, first);
  if (dryRun) return { ...reportOf(run, 'notDue'), ...idle, steps: reportOf(run, 'notDue').steps };
  await step(run, 'verifyUse', run.oldId, async () => ({
    value: undefined,
    evidence: await verifyUse(run, first),
  }));
  const renewedAt = renewalOf(first, run);
  const isOver = renewedAt === undefined || soakEnd(renewedAt, run) <= deps.now();
  const outcome = isOver ? 'notDue' : 'renewed';
  const last = isOver ? first : await watch(run, first, soakEnd(renewedAt, run));
  // Whoever took the root out meanwhile did it by no test: the old certificate may be all that was presented since.
  if (!isOver) await verifyTrust(run, last);
  const at = isOver ? renewedAt : renewalOf(last, run);
  tell(run, { type: 'ended', outcome });
  const { until, acmOrigin } = idle;
  return {
    ...reportOf(run, outcome),
    ...(isOver && until ? { until } : {}),
    ...(acmOrigin === undefined ? {} : { acmOrigin }),
    ...(at === undefined ? {} : { renewedAt: at }),
    notAfter: last.trusted.notAfter,
  };
}

/** The certificate that the target presents. @throws AppError where ACM does not renew it, or could not */
function renewableOf(run: Run, { old, next }: RotationUnit, target: Target): Renewable {
  const { clientCertificateId: id = '' } = target;
  const stage = stageText(target);
  if (!isAcmArn(id)) {
    throw new AppError(
      'CertificateUnsuitable',
      `${stage} presents the generated certificate ${id}, which ACM does not renew`,
      { hint: 'omit --watch-renewal to rotate it when it is due' },
    );
  }
  if (run.oldId !== id || next !== undefined) {
    throw new AppError(
      'Usage',
      `${stage}: a rotation from ${run.oldId} to ${next?.clientCertificateId ?? id} is in progress, so no renewal is watched`,
      {
        hint: 'run the command without --watch-renewal first: it completes that rotation, or with --abort aborts it',
        details: { clientCertificateId: id },
      },
    );
  }
  if (old?.acm === undefined) throw new Error(`nothing is known of ${id}`);
  const { origin, renewal, renewalEligibility } = old.acm.details;
  if (origin !== 'privateCa') {
    throw new AppError(
      'CertificateOfAcm',
      origin === 'imported'
        ? `${stage} presents ${id}, which was imported: ACM does not renew it`
        : `${stage} presents ${id}, a public certificate: Amazon issues none for client authentication any more`,
      {
        hint:
          origin === 'imported'
            ? `import the next one in time: \`apigw-cert rotate --stage ${stage} --import FILE --key FILE\``
            : 'specify what replaces it: --to with another ARN, or --to generated',
        details: { clientCertificateId: id },
      },
    );
  }
  const failure =
    renewal?.status === 'FAILED'
      ? `ACM could not renew it${renewal.reason === undefined ? '' : ` (${renewal.reason})`}`
      : renewalEligibility === 'INELIGIBLE'
        ? 'ACM would not renew it'
        : undefined;
  if (failure !== undefined) {
    throw new AppError(
      'CertificateOfAcm',
      `${stage} presents the ACM certificate ${id}, which expires at ${old.trusted.notAfter.toISOString()}: ${failure}`,
      {
        hint: `\`apigw-cert inspect ${id}\` says why; or specify what replaces it: --to with another ARN, or --to generated`,
        details: { clientCertificateId: id },
      },
    );
  }
  return { ...old, acm: old.acm };
}

/**
 * When ACM last renewed a certificate, by its own word, or by what the certificate says: the documentation of RenewalSummary
 * speaks of Amazon's own certificates alone, and one that is younger than its ARN was renewed. Nothing where it was not.
 */
function renewalOf({ acm, trusted }: Renewable, { deps }: Run): Date | undefined {
  const { renewal } = acm.details;
  const told = renewal?.status === 'SUCCESS' ? renewal.updatedAt : undefined;
  const isYounger = trusted.notBefore.getTime() > acm.createdDate.getTime() + BACKDATED;
  if (renewal?.status !== 'SUCCESS' && !isYounger) return undefined;
  const at =
    told === undefined
      ? trusted.notBefore.getTime() + BACKDATED
      : Math.max(told.getTime(), trusted.notBefore.getTime());
  return new Date(Math.min(at, deps.now().getTime()));
}

const soakEnd = (renewedAt: Date, { request }: Run): Date =>
  new Date(renewedAt.getTime() + request.settings.soak);

/**
 * Tests the backends again and again until the soak after the renewal is over; a further renewal restarts it.
 * @returns the certificate as it is at the end
 */
async function watch(run: Run, first: Renewable, end: Date): Promise<Renewable> {
  const { deps, request } = run;
  const { probeUrl, settings } = request;
  if (!settings.wait) {
    throw new AppError(
      'RotationWaiting',
      `ACM renewed ${run.oldId}: until the soak is over, at ${end.toISOString()}, its stages count as presenting the old certificate too`,
      { hint: 'run the same command again until then: each run tests the backends' },
    );
  }
  tell(run, { type: 'waiting', until: end.toISOString(), reason: 'soak after the renewal' });
  return step(run, 'watch', run.oldId, async () => {
    const url = probeUrl === undefined ? undefined : watchStageUrl(run, probeUrl);
    let current = first;
    let until = end;
    let rounds = 0;
    let failedBefore = 0;
    let tests = urlTests(run);
    let nextRound = deps.now().getTime() + TEST_INTERVAL;
    for (;;) {
      stopIfAsked(run);
      const failure = (await url?.ask()) ?? (url && failureOf(run, url, failedBefore));
      if (failure !== undefined) {
        // What was switched or deleted fails too, and then says nothing about the renewal.
        await assertPresented(run);
        throw urlFails(failure, current);
      }
      if (deps.now().getTime() >= Math.min(nextRound, until.getTime())) {
        await assertPresented(run);
        const known = current;
        current = await lookAgain(run, known);
        const isOther = current.trusted.fingerprintSha256 !== known.trusted.fingerprintSha256;
        const renewedAt = isOther ? deps.now() : renewalOf(current, run);
        if (renewedAt !== undefined && soakEnd(renewedAt, run) > until) until = soakEnd(renewedAt, run);
        const evidence = await verifyUse(run, current);
        rounds += 1;
        const again = urlTests(run);
        tests = { requests: tests.requests + again.requests, failed: tests.failed + again.failed };
        failedBefore = url?.failed ?? 0;
        if (deps.now() >= until) {
          const requests = tests.requests + (url?.requests ?? 0);
          const failed = tests.failed + (url?.failed ?? 0);
          warnOfFailed(run, requests, failed);
          return { value: current, evidence: { ...evidence, requests, failed, rounds } };
        }
        nextRound = deps.now().getTime() + TEST_INTERVAL;
      }
      const left = until.getTime() - deps.now().getTime();
      const next = Math.min(left, nextRound - deps.now().getTime(), url?.pauseFor ?? left);
      // Nothing that is done here needs a look at the whole account, so that those of others need not wait for it.
      await pause(run, Math.max(1, next), Infinity);
    }
  });
}

/**
 * While the old and the new certificate alternate, a backend that refuses one of them fails every second request, and never
 * several in a row.
 */
function failureOf(run: Run, { failed, lastFailure }: StageUrlWatch, before: number): string | undefined {
  if (failed - before < MOST_FAILURES) return undefined;
  return `${run.request.probeUrl ?? ''} failed ${failed - before} times within ${TEST_INTERVAL / 1_000} seconds (it last ${answerText(lastFailure)})`;
}

/** The requests to the stage's own URL that the last tests took, all but the last of which failed. */
const urlTests = ({ urlAnswer }: Run): { requests: number; failed: number } =>
  urlAnswer === undefined
    ? { requests: 0, failed: 0 }
    : { requests: urlAnswer.tried, failed: urlAnswer.tried - 1 };

/** Too few for a verdict, and still no success. */
function warnOfFailed(run: Run, requests: number, failed: number): void {
  if (failed === 0) return;
  warn(
    run,
    'RequestsFailed',
    `${failed} of ${requests} requests to ${run.request.probeUrl ?? ''} failed during the soak: if the logs of the backend show that it refused the certificate, not every host trusts the root with the name`,
  );
}

/** What stages show that present another certificate meanwhile is nothing about this one. @throws AppError `StageChanged` */
async function assertPresented(run: Run): Promise<void> {
  const { moving } = account(run);
  const seen = await stagesNow(run.deps.controlPlane, moving);
  replaceStages(run, seen);
  const other = seen.find(({ clientCertificateId }) => clientCertificateId !== run.oldId);
  if (other === undefined) return;
  const { clientCertificateId = 'no client certificate' } = other;
  throw new AppError(
    'StageChanged',
    `${stageText(other)} now presents ${clientCertificateId} instead of ${run.oldId}, so its renewal is watched no longer`,
    {
      hint: 'find out who changed the stage; to watch the renewal for the stages that still present it, run the same command again',
      details: { clientCertificateId: run.oldId },
    },
  );
}

/** What ACM contains now; what it has renewed since must be trusted as well. */
async function lookAgain(run: Run, known: Renewable): Promise<Renewable> {
  await lookAtCertificates(run);
  const found = run.certificates.find(({ clientCertificateId }) => clientCertificateId === run.oldId);
  if (found?.acm === undefined) {
    throw new AppError('CertificateNotFound', `ACM no longer returns ${run.oldId}`, {
      hint: `check it: aws acm describe-certificate --certificate-arn ${run.oldId}`,
    });
  }
  const current = { ...found, acm: found.acm };
  if (current.trusted.fingerprintSha256 !== known.trusted.fingerprintSha256) await verifyTrust(run, current);
  return current;
}
