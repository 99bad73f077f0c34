import { AppError } from '../core/errors.js';
import { inventory } from '../core/inventory.js';
import type { Gateway } from '../gateway/gateway.js';
import { allStages } from './stages.js';

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
