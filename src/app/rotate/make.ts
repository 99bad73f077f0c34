import type { ClientCertificate } from '../../core/api-gateway.js';
import { AppError } from '../../core/errors.js';
import {
  inheritedTags,
  markedDescription,
  markTags,
  plainDescription,
  type Mark,
} from '../../core/rotation/marks.js';
import { stageText, type RotationCertificate } from '../../core/rotation/unit.js';
import { writeMark } from './mark.js';
import { observeCertificates, rotationCertificate } from './observe.js';
import { account, pause, step, type Run } from './run.js';

/** Before AWS is asked what became of a call without an answer, in milliseconds. */
const AFTER_LOST_ANSWER = 1_000;
const TRIES = 3;
/** What one resource of AWS may have. */
const MOST_TAGS = 50;

/** Provides the new certificate: makes one, or takes the one that `--to` names. */
export async function makeNext(run: Run): Promise<void> {
  const { unit } = account(run);
  const mark: Mark = {
    rotationId: run.rotationId,
    replaces: run.oldId,
    ...(run.onlyTarget ? { onlyStage: stageText(run.target) } : {}),
  };
  const made = await step(run, 'generate', run.request.to, async () => {
    const value =
      run.request.to === undefined
        ? await generate(run, unit.old, mark)
        : await writeMark(run, assertAdoptable(run, run.request.to), { ...mark, adopted: true });
    const { clientCertificateId, trusted } = value;
    return {
      value,
      evidence: {
        clientCertificateId,
        fingerprintSha256: trusted.fingerprintSha256,
        notAfter: trusted.notAfter.toISOString(),
      },
    };
  });
  if (run.request.to === undefined) run.generatedId = made.clientCertificateId;
  const others = run.certificates.filter(
    ({ clientCertificateId }) => clientCertificateId !== made.clientCertificateId,
  );
  run.certificates = [...others, made];
}

/**
 * Makes a certificate with its mark in the same call. The call has no idempotency token: when its answer is lost,
 * the mark tells whether it took effect, and only then is it sent again.
 */
async function generate(
  run: Run,
  old: RotationCertificate | undefined,
  mark: Mark,
): Promise<RotationCertificate> {
  for (let tries = 1; ; tries++) {
    try {
      return rotationCertificate(await generateMarked(run, old, mark));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'ServiceUnreachable') throw error;
      await pause(run, AFTER_LOST_ANSWER);
      run.certificates = await observeCertificates(run.deps.gateway);
      const made = run.certificates.find(
        (certificate) =>
          certificate.mark?.rotationId === mark.rotationId && certificate.mark.adopted !== true,
      );
      if (made) return made;
      if (tries === TRIES) throw error;
    }
  }
}

/** With tags, or where those are denied with the mark in the description. */
async function generateMarked(
  { deps: { gateway } }: Run,
  old: RotationCertificate | undefined,
  mark: Mark,
): Promise<ClientCertificate> {
  const description = plainDescription(old?.description ?? '');
  const tags = { ...inheritedTags(old?.tags ?? {}), ...markTags(mark) };
  try {
    return await gateway.generateClientCertificate({ ...(description === '' ? {} : { description }), tags });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const marked = markedDescription(description, mark);
    if (error.code === 'AccessDenied') return gateway.generateClientCertificate({ description: marked });
    // The user's own tags leave no room for ours.
    if (Object.keys(tags).length <= MOST_TAGS) throw error;
    return gateway.generateClientCertificate({ description: marked, tags: inheritedTags(old?.tags ?? {}) });
  }
}

/**
 * Whether `--to` names a certificate that can be rotated to.
 * @throws AppError `CertificateNotFound`, `CertificateInUse`, `Usage`
 */
export function assertAdoptable(run: Run, id: string): RotationCertificate {
  const certificate = run.certificates.find(({ clientCertificateId }) => clientCertificateId === id);
  if (!certificate) {
    throw new AppError(
      'CertificateNotFound',
      `there is no client certificate ${id} in this account and Region`,
      {
        hint: '`apigw-cert list` shows the ones there are',
      },
    );
  }
  if (id === run.oldId) {
    throw new AppError('Usage', `the stage presents ${id} already`, {
      hint: 'name another certificate by --to',
    });
  }
  if (certificate.trusted.notAfter <= run.deps.now()) {
    throw new AppError('Usage', `the certificate ${id} has expired`, {
      hint: 'rotate to a new one by leaving --to away',
    });
  }
  const users = run.stages.filter(({ clientCertificateId }) => clientCertificateId === id).map(stageText);
  if (users.length > 0) {
    throw new AppError(
      'CertificateInUse',
      `${users.join(', ')} presents ${id} already, so undoing a rotation to it could not tell whose it was`,
      { hint: `to share it, make the backend trust it and use \`apigw-cert attach ${id}\`` },
    );
  }
  return certificate;
}
