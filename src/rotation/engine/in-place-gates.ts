/** What must hold, and be confirmed, before a certificate is imported in place. */
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import { replacementFaults, returnFaults } from '../../control-plane/acm-replacement.js';
import { arnOfVersion } from '../../control-plane/acm-version.js';
import type { StageRef } from '../../control-plane/api-gateway.js';
import { unusableBecause } from '../../control-plane/acm-faults.js';
import { AppError } from '../../platform/errors.js';
import { listText } from '../../platform/list-text.js';
import { account, warn, type Run } from './run.js';

/** @throws AppError `CertificateUnsuitable`, `Usage`, `NotConfirmed` */
export async function passInPlaceGates(run: Run, next: AcmCertificate): Promise<void> {
  const { inPlace, settings } = run.request;
  const { unit, moving } = account(run);
  const old = unit.old?.acm;
  if (inPlace === undefined || old === undefined) return;
  const arn = arnOfVersion(run.oldId);
  if (settings.onlyStage) {
    throw new AppError('Usage', '--only-stage and --in-place cannot be used together', {
      hint: 'an import in place reaches every stage that presents the ARN; omit --in-place to switch one stage to a new ARN',
    });
  }
  const faults = replacementFaults(old, next);
  if (faults.length > 0) {
    throw new AppError(
      'CertificateUnsuitable',
      `the certificate of --import cannot be imported under ${arn}: ${faults.join('; ')}`,
      {
        hint: 'nothing was changed; omit --in-place to import it under a new ARN and rotate to it',
        details: { clientCertificateId: arn, reasons: faults },
      },
    );
  }
  assertReturnable(run, old, next, arn);
  const others = otherUses(old.details.inUseBy, moving);
  if (others.length > 0) {
    const what = `${listText(others)}, which ACM lists as users of ${arn}, present the new certificate at the same time, and this rotation does not test them`;
    warn(run, 'OtherUsesNotTested', what);
    await run.deps.confirm(`Import the certificate in place? ${what}.`);
  }
  if (inPlace.previous !== undefined) return;
  const what = `ACM keeps no earlier certificate of ${arn}, and its key is not specified (--previous-cert, --previous-key): once the import is made, it cannot be rolled back`;
  warn(run, 'NoRollBack', what);
  await run.deps.confirm(`Import the certificate in place? ${what}.`);
}

/** @throws AppError `CertificateUnsuitable` where the previous certificate could not be imported again */
function assertReturnable(run: Run, old: AcmCertificate, next: AcmCertificate, arn: string): void {
  const previous = run.request.inPlace?.previous?.importing.acm;
  if (previous === undefined) return;
  const now = run.deps.now();
  const reasons = [...new Set([...unusableBecause(previous, now), ...returnFaults(old, next, now)])];
  if (reasons.length === 0) return;
  throw new AppError(
    'CertificateUnsuitable',
    `the certificate of --previous-cert cannot be imported under ${arn} again: ${reasons.join('; ')}`,
    {
      hint: 'nothing was changed; specify its complete chain, or omit --previous-cert and confirm that the import cannot be rolled back; or omit --in-place to import under a new ARN',
      details: { clientCertificateId: arn, reasons },
    },
  );
}

/** Uses that are not known to be one of the stages that move. In what form ACM names stages is not documented. */
export const otherUses = (inUseBy: readonly string[], moving: readonly StageRef[]): string[] =>
  inUseBy.filter(
    (use) =>
      !moving.some(({ restApiId, stageName }) => use.endsWith(`:/restapis/${restApiId}/stages/${stageName}`)),
  );
