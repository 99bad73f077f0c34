/** Importing a certificate into ACM as the new one of a rotation. */
import type { Certificate } from '../../control-plane/certificate.js';
import { AppError, UNKNOWN_OUTCOME } from '../../platform/errors.js';
import { findEither } from './acm.js';
import type { ImportedIdentity } from './ports.js';
import { acmReading, pause, step, type Run } from './run.js';

/** Between two looks for a certificate whose import was not answered, in milliseconds: doubled up to the last. */
const FIRST_LOOK = 1_000;
const LAST_LOOK = 4_000;
/** How often it is imported of which ACM says nothing. */
const TRIES = 2;

/** Says in ACM what made it: the mark itself is written when the rotation takes it. */
const IMPORTED_BY = 'apigw-cert:imported-by';

/**
 * Has the certificate in ACM, once: it is looked for by its content first, so that a run that was killed, a lost answer or an
 * earlier attempt does not make another one.
 */
export async function importNext(run: Run, importing: ImportedIdentity): Promise<void> {
  const certificate = await step(run, 'import', undefined, async () => {
    const found = await findImported(run, importing);
    const value = found ?? (await importOnce(run, importing));
    const { clientCertificateId, trusted } = value;
    return {
      value,
      evidence: {
        clientCertificateId,
        fingerprintSha256: trusted.fingerprintSha256,
        ...(found ? { wasThere: true } : {}),
      },
    };
  });
  run.importedArn = certificate.clientCertificateId;
  run.certificates = [
    ...run.certificates.filter((one) => one.clientCertificateId !== certificate.clientCertificateId),
    certificate,
  ];
}

/** The same certificate in ACM, imported by whomever, presented by no stage. */
async function findImported(run: Run, { acm }: ImportedIdentity): Promise<Certificate | undefined> {
  const { notAfter, fingerprintSha256 } = acm.trusted;
  const presented = new Set(run.stages.map(({ clientCertificateId }) => clientCertificateId));
  const arns = await run.deps.controlPlane.importedAcmCertificates(notAfter);
  for (const arn of arns.filter((each) => !presented.has(each)).sort()) {
    const found = await findEither(acmReading(run), arn);
    // The chain belongs to it: one without it is another import.
    if (found?.trusted.fingerprintSha256 === fingerprintSha256 && found.acm?.chainPem === acm.chainPem)
      return found;
  }
  return undefined;
}

async function importOnce(run: Run, importing: ImportedIdentity): Promise<Certificate> {
  const { controlPlane } = run.deps;
  for (let tries = 1; ; tries++) {
    try {
      run.wroteAt = run.deps.now();
      const arn = await importing.import(controlPlane, { tags: { [IMPORTED_BY]: run.rotationId } });
      return (await findEither(acmReading(run), arn)) ?? (await lookFor(run, importing)) ?? missing(arn);
    } catch (error) {
      if (!(error instanceof AppError) || !UNKNOWN_OUTCOME.has(error.code)) throw error;
      const made = await lookFor(run, importing);
      if (made) return made;
      if (tries === TRIES) throw error;
    }
  }
}

function missing(arn: string): never {
  throw new AppError('ServiceUnreachable', `ACM does not return ${arn}, which it has just imported`, {
    hint: 'run the same command again: it finds the certificate',
  });
}

/** Looks for it as long as an import without an answer may take effect. */
async function lookFor(run: Run, importing: ImportedIdentity): Promise<Certificate | undefined> {
  const deadline = run.deps.now().getTime() + run.request.settings.inFlight;
  for (let wait = FIRST_LOOK; run.deps.now().getTime() < deadline; wait = Math.min(2 * wait, LAST_LOOK)) {
    await pause(run, Math.min(wait, deadline - run.deps.now().getTime()));
    const found = await findImported(run, importing);
    if (found) return found;
  }
  return undefined;
}
