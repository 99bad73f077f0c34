import { AppError } from '../core/errors.js';
import { inventory } from '../core/inventory.js';
import { readMark } from '../core/rotation/marks.js';
import type { Gateway } from '../gateway/gateway.js';
import { allStages } from './stages.js';

/**
 * Refuses what a rotation in progress still needs: the certificate that it may have to go back to, and the one that it
 * made. One call.
 * @throws AppError `CertificateInUse`
 */
export async function assertNoRotationNeeds(gateway: Gateway, clientCertificateId: string): Promise<void> {
  const all = await gateway.getClientCertificates();
  const refuse = (what: string): never => {
    throw new AppError('CertificateInUse', `the certificate ${clientCertificateId} is not deleted: ${what}`, {
      hint: 'let the rotation finish, or abort it (`apigw-cert rotate --abort`); `apigw-cert status` shows it',
      details: { clientCertificateId },
    });
  };
  for (const certificate of all) {
    const mark = readMark(certificate);
    if (mark === undefined || mark.rolledBack !== undefined) continue;
    if (mark.replaces === clientCertificateId) {
      refuse(`the rotation to ${certificate.clientCertificateId} may have to go back to it`);
    }
    const isUnfinished = all.some((other) => other.clientCertificateId === mark.replaces);
    if (certificate.clientCertificateId === clientCertificateId && isUnfinished && mark.adopted !== true) {
      refuse(`a rotation in progress made it in the place of ${mark.replaces}`);
    }
  }
}

/**
 * Deletes a certificate that no stage presents. AWS itself refuses to delete one in use, so the stages are only
 * looked at to say which they are.
 * @throws AppError `CertificateNotFound`, `CertificateInUse` with the stages
 */
export async function deleteCertificate(gateway: Gateway, clientCertificateId: string): Promise<void> {
  try {
    await gateway.deleteClientCertificate(clientCertificateId);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'RequestRefused') throw error;
    const certificates = [{ clientCertificateId }];
    // Where the stages may not be read either, AWS's own refusal says more than that.
    const found = await allStages(gateway).catch(() => undefined);
    if (found === undefined) throw error;
    const { usedBy } = inventory({ certificates, ...found });
    const stages = usedBy.get(clientCertificateId) ?? [];
    if (stages.length === 0) throw error;
    const names = stages.map(({ apiName, restApiId, stageName }) => `${apiName}/${stageName} (${restApiId})`);
    throw new AppError(
      'CertificateInUse',
      `the certificate ${clientCertificateId} is not deleted: ${names.join(', ')} present${stages.length === 1 ? 's' : ''} it`,
      {
        hint: 'rotate it (`apigw-cert rotate`), or attach another certificate to each of these stages first',
        cause: error,
        details: { clientCertificateId, stages },
      },
    );
  }
}
