import { AppError } from '../platform/errors.js';
import type { ClientCertificate } from './api-gateway.js';
import type { ControlPlane } from './control-plane.js';

/** Asks for one certificate by its id, since lists come late; nothing where AWS knows none. @throws AppError */
export async function findCertificate(
  controlPlane: Pick<ControlPlane, 'getClientCertificate'>,
  clientCertificateId: string,
): Promise<ClientCertificate | undefined> {
  try {
    return await controlPlane.getClientCertificate(clientCertificateId);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CertificateNotFound') return undefined;
    throw error;
  }
}
