import { certificateView, type CertificateView } from '../core/certificate-view.js';
import { inventory, type Inventory, type StageUse } from '../core/inventory.js';
import type { Gateway } from '../gateway/gateway.js';
import { certificateFacts } from '../x509/certificate.js';
import { allStages } from './stages.js';

/** Every certificate of the account and Region, soonest expiry first. One call. */
export async function list(gateway: Gateway, now: () => Date): Promise<CertificateView[]> {
  const certificates = await gateway.getClientCertificates();
  return certificates
    .map((certificate) =>
      certificateView(certificate, certificateFacts(certificate.pemEncodedCertificate), now()),
    )
    .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
}

export interface Usage {
  items: (CertificateView & { usedBy: readonly StageUse[] })[];
  unused: Inventory['unused'];
  quotaLeft: number;
  elsewhere: Inventory['elsewhere'];
}

/** {@link list} with the stages that present each certificate: one call more, and one an API. */
export async function listUsage(gateway: Gateway, now: () => Date): Promise<Usage> {
  const [certificates, stages] = await Promise.all([list(gateway, now), allStages(gateway)]);
  const { usedBy, unused, quotaLeft, elsewhere } = inventory({ certificates, ...stages });
  return {
    items: certificates.map((certificate) => ({
      ...certificate,
      usedBy: usedBy.get(certificate.clientCertificateId) ?? [],
    })),
    unused,
    quotaLeft,
    elsewhere,
  };
}
