import { certificateView, type CertificateView } from '../core/certificate-view.js';
import type { Gateway } from '../gateway/gateway.js';
import { certificateFacts } from '../x509/certificate.js';

/** Every certificate of the account and Region, soonest expiry first. */
export async function list(gateway: Gateway, now: () => Date): Promise<CertificateView[]> {
  const certificates = await gateway.getClientCertificates();
  return certificates
    .map((certificate) =>
      certificateView(certificate, certificateFacts(certificate.pemEncodedCertificate), now()),
    )
    .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
}
