/** How a run begins: what AWS and the journal tell of the certificate that the target presents. */
import { certificateOf } from '../../control-plane/read-certificate.js';
import { findCertificate } from '../../control-plane/find-certificate.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { dueAt, isDue } from '../../certificates/expiry.js';
import { placeOfArn, type AcmCertificate } from '../../control-plane/acm-certificate.js';
import { isAcmVersion } from '../../control-plane/acm-version.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { withAcm } from './acm.js';
import type { RotationRecord } from '../rules/record.js';
import { concerns, oldIdOf, stageText, unitOf, type RotationUnit } from '../rules/unit.js';
import type { JournalledRotation } from '../journal/journal.js';
import { sameCaller } from '../journal/same-caller.js';
import { isOldMissing, isRemovedLeft, lookAtCertificates, lookAtStages } from './look.js';
import { observeCertificates, sameStage } from './observe.js';
import { see } from './observed-account.js';
import type { RotationDeps, RotationRequest } from './ports.js';
import type { RotationReport } from '../rules/report.js';
import { reportOf } from './report.js';
import { acmReading, named, newRun, type Run } from './run.js';

/** How often a list that lacks something is asked for. */
const MOST_LISTS = 5;
/** Before a list that lacks something is asked for again, in milliseconds. */
const LIST_AGAIN_AFTER = 2_000;

/** What to rotate: the certificate that this stage presents, with all stages that share it. */
export type Target = Stage;

/**
 * The account's certificates. AWS deletes none that a stage presents, so that a list without this one is no list of them
 * all, and is asked for again.
 * @throws AppError `ServiceUnreachable` when it stays so
 */
async function certificatesWith(
  { controlPlane, sleep, signal }: RotationDeps,
  currentId: string,
): Promise<Certificate[]> {
  if (isAcmArn(currentId)) return (await controlPlane.knownCertificates()).map(certificateOf);
  for (let tries = 1; ; tries++) {
    const certificates =
      tries === 1
        ? (await controlPlane.knownCertificates()).map(certificateOf)
        : await observeCertificates(controlPlane);
    if (certificates.some(({ clientCertificateId }) => clientCertificateId === currentId))
      return certificates;
    if ((await findCertificate(controlPlane, currentId)) === undefined) return certificates;
    if (tries === MOST_LISTS) {
      throw new AppError(
        'ServiceUnreachable',
        `AWS's list of client certificates lacks ${currentId}, which AWS returns when queried by ID`,
        { hint: 'nothing was changed; run the same command again later' },
      );
    }
    await sleep(LIST_AGAIN_AFTER, signal);
  }
}

/** Everything about the certificate that the target presents, before anything is asked of trust stores or backends. */
export async function begin(
  deps: RotationDeps,
  request: RotationRequest,
  target: Target,
): Promise<{ unit: RotationUnit; run: Run }> {
  const currentId = target.clientCertificateId;
  if (currentId === undefined) {
    throw new AppError('StageWithoutCertificate', `${stageText(target)} presents no client certificate`, {
      hint: `generate and attach one: \`apigw-cert generate\`, then \`apigw-cert attach <id> --stage ${stageText(target)}\``,
    });
  }
  const { to } = request;
  if (to !== undefined && isAcmArn(to) && !isAcmVersion(to)) await assertHere(deps, to);
  const certificates = await withAcm(
    acmReading({ deps, request, namedBy: 'subject' }),
    await certificatesWith(deps, currentId),
    [currentId, ...(to === undefined ? [] : [to])],
  );
  const scope = stageText(target);
  const { mark } = certificates.find(({ clientCertificateId }) => clientCertificateId === currentId) ?? {};
  // Where this machine has not seen its end, all that is left of a rotation may be a hook.
  const oldId =
    mark && concerns(mark, scope) && (await deps.journal.isUnended(mark.rotationId))
      ? mark.replaces
      : oldIdOf(currentId, certificates, scope);
  const unit = unitOf(oldId, certificates, new Set([currentId]), scope);
  if (
    isAcmArn(currentId) &&
    !certificates.some(({ clientCertificateId }) => clientCertificateId === currentId)
  ) {
    throw new AppError('CertificateNotFound', `ACM does not return ${currentId}, which ${scope} presents`, {
      hint: `check it: aws acm describe-certificate --certificate-arn ${currentId}`,
    });
  }
  const run = newRun({
    deps,
    request,
    rotationId: unit.next?.mark?.rotationId ?? deps.newRotationId(),
    oldId,
    target,
    onlyTarget: request.settings.onlyStage || unit.next?.mark?.onlyStage === scope,
    since: deps.now(),
    certificates,
    stages: [target],
  });
  see(deps.account, [target], deps.now());
  return { unit, run };
}

/**
 * Reads the journal. A run that was stopped before it had a certificate left nothing in AWS that tells its id, so it
 * is looked for by what it was about.
 */
export async function readJournal({ unit, run }: { unit: RotationUnit; run: Run }): Promise<Run> {
  const { deps, oldId, target } = run;
  const { journal, controlPlane } = deps;
  if (unit.next) return { ...run, records: await journal.open(run.rotationId) };
  const caller = await controlPlane.caller();
  // With --only-stage it may have come to a certificate since, which is none of this stage's.
  const elsewhere = new Set(run.certificates.map(({ mark }) => mark?.rotationId));
  const isOurs = ([first, ...rest]: readonly RotationRecord[]): boolean =>
    first?.type === 'started' &&
    rest.at(-1)?.type !== 'ended' &&
    first.oldCertificateId === oldId &&
    sameCaller(first, caller) &&
    first.stages.some((stage) => sameStage(stage, target));
  const candidates = (await journal.ends()).filter(
    ({ rotationId, ended }) => !ended && !elsewhere.has(rotationId),
  );
  let latest: JournalledRotation | undefined;
  for (const { rotationId } of candidates) {
    const unended = await journal.read(rotationId);
    if (!unended || !isOurs(unended.records)) continue;
    if (begunAt(unended) >= begunAt(latest)) latest = unended;
  }
  return latest ? { ...run, ...latest } : run;
}

const begunAt = (rotation: JournalledRotation | undefined): string => rotation?.records[0]?.at ?? '';

/** Nothing to do, and since when there will be: the answer of almost every run from a timer. */
export function notDue(
  { unit, run }: { unit: RotationUnit; run: Run },
  target: Target,
): RotationReport | undefined {
  const { settings } = run.request;
  const { old, next } = unit;
  const { to } = run.request;
  const wanted = to !== undefined && to !== run.oldId;
  const { toGenerated, importing } = run.request;
  const isPresented =
    importing !== undefined &&
    old?.trusted.fingerprintSha256 === importing.acm.trusted.fingerprintSha256 &&
    old.acm?.chainPem === importing.acm.chainPem;
  if (next || !old || wanted || (importing && !isPresented) || (old.acm && toGenerated)) return undefined;
  if (old.acm && to === undefined) return acmNotDue(run, target, { ...old, acm: old.acm });
  if (settings.force) return undefined;
  if (to === undefined && isDue(old.trusted, settings.renewBefore, run.deps.now())) return undefined;
  return {
    ...reportOf(run, 'notDue'),
    stages: [named(run, target)],
    until: dueAt(old.trusted, settings.renewBefore),
    notAfter: old.trusted.notAfter,
  };
}

/** ACM renews what a private CA issued about 60 days before the expiry, and sends events from 45 days before it on. */
const RENEWED_BEFORE = { kind: 'duration', ms: 45 * 86_400_000 } as const;

/**
 * A certificate of ACM is nothing that is rotated by itself: ACM renews it, or a person imports the next one.
 * @throws AppError `CertificateOfAcm` where neither has been done in time, and for `--force`
 */
export function acmNotDue(
  run: Run,
  target: Target,
  { clientCertificateId: arn, trusted, acm }: Certificate & { acm: AcmCertificate },
): RotationReport {
  const { settings } = run.request;
  const { origin } = acm.details;
  const before = origin === 'privateCa' ? RENEWED_BEFORE : settings.renewBefore;
  const expires = `expires at ${trusted.notAfter.toISOString()}`;
  const due = isDue(trusted, before, run.deps.now());
  if (due || settings.force) {
    const why = !due
      ? '--force does not say which certificate is to replace it'
      : origin === 'privateCa'
        ? 'ACM should have renewed it by now'
        : 'ACM does not renew it';
    throw new AppError(
      'CertificateOfAcm',
      `${stageText(target)} presents the ACM certificate ${arn}, which ${expires}: ${why}`,
      {
        hint:
          origin === 'privateCa' && due
            ? `find out why: \`apigw-cert inspect ${arn}\`; or specify what replaces it: --to with another ARN, or --to generated`
            : 'import the next one as a new certificate (aws acm import-certificate) and specify its ARN with --to; or use --to generated',
        details: { clientCertificateId: arn },
      },
    );
  }
  return {
    ...reportOf(run, 'notDue'),
    stages: [named(run, target)],
    until: dueAt(trusted, before),
    notAfter: trusted.notAfter,
    acmOrigin: origin,
  };
}

/** @throws AppError `CertificateUnsuitable` for an ARN that no stage of this account and Region can present */
async function assertHere({ controlPlane }: RotationDeps, arn: string): Promise<void> {
  const place = placeOfArn(arn);
  const { region } = controlPlane;
  const { accountId } = await controlPlane.caller();
  const isOther = accountId !== undefined && place?.accountId !== accountId;
  if (place?.region === region && !isOther) return;
  throw new AppError(
    'CertificateUnsuitable',
    place
      ? `${arn} is of account ${place.accountId} and ${place.region}; a stage presents only certificates of its own account and Region`
      : `"${arn}" is not the ARN of an ACM certificate`,
    { hint: `specify the ARN of a certificate in ${region} with --to` },
  );
}

/** Reads what the journal and AWS tell of the rotation, and looks at every stage. */
export async function lookAtAll(begun: { unit: RotationUnit; run: Run }): Promise<Run> {
  const run = await readJournal(begun);
  await lookAtStages(run, { known: true });
  // What the journal names and the list lacks is asked for itself: trust may be left in what is deleted.
  await lookAtMissingCertificates(run);
  return run;
}

/** Asks for the certificates that the journal or a mark names, where the list of a moment ago lacks one. */
export async function lookAtMissingCertificates(run: Run): Promise<void> {
  const listed = new Set(run.certificates.map(({ clientCertificateId }) => clientCertificateId));
  const isLacking = run.records.some(
    (entry) => entry.type === 'certificate' && !listed.has(entry.clientCertificateId),
  );
  if (isLacking || isOldMissing(run) || isRemovedLeft(run)) await lookAtCertificates(run);
}
