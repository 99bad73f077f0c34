import { certificateView, type CertificateView } from '../core/certificate-view.js';
import type { Gateway } from '../gateway/gateway.js';
import { trustedCertificate } from '../x509/certificate.js';

export interface Generated {
  certificate: CertificateView;
  /** LF line ends, one newline at the end. */
  pem: string;
}

/** Makes one certificate in the gateway's account and Region. */
export async function generate(
  gateway: Gateway,
  input: { description?: string; tags?: Readonly<Record<string, string>> },
  now: () => Date,
): Promise<Generated> {
  const certificate = await gateway.generateClientCertificate(input);
  const trusted = trustedCertificate(certificate.pemEncodedCertificate);
  return { certificate: certificateView(certificate, trusted, now()), pem: trusted.pem };
}
