import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError } from '../../platform/errors.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { certificateOf } from '../../control-plane/read-certificate.js';

export interface Generated {
  certificate: CertificateView;
  /** LF line ends, one newline at the end. */
  pem: string;
}

/** What GenerateClientCertificate takes. */
type Input = Parameters<ControlPlane['generateClientCertificate']>[0];

/** Makes one certificate in the control plane's account and Region. */
export async function generate(
  controlPlane: ControlPlane,
  input: Input,
  now: () => Date,
): Promise<Generated> {
  const certificate = certificateOf(await made(controlPlane, input));
  return { certificate: certificateView(certificate, now()), pem: certificate.trusted.pem };
}

async function made(
  controlPlane: ControlPlane,
  input: Input,
): ReturnType<ControlPlane['generateClientCertificate']> {
  try {
    return await controlPlane.generateClientCertificate(input);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ServiceUnreachable') throw error;
    throw new AppError(error.code, error.message, {
      hint: 'the certificate may have been generated: check `apigw-cert list` before running this again',
      cause: error,
      details: error.details,
    });
  }
}
