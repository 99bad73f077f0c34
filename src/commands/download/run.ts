import { X509Certificate } from 'node:crypto';
import type { TrustedCertificate } from '../../certificates/certificate.js';
import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError } from '../../platform/errors.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { reported, type ReportedFinding } from '../../findings/finding.js';
import { bundleFinding } from '../../lint/bundle-finding.js';
import { readBundle, writeBundle } from '../../certificates/bundle.js';
import { certificateOf } from '../../control-plane/read-certificate.js';

export type DownloadEncoding = 'pem' | 'der';

export interface Download {
  certificates: readonly (CertificateView & { pem: string })[];
  /** What the file holds: DER, or PEM with LF line ends and one newline at the end. */
  content: Uint8Array;
  /** What is dangerous about the file: several certificates of API Gateway in one are the rotation trap. */
  findings: readonly ReportedFinding[];
}

/**
 * Fetches certificates as the content of one file. One alone is plain PEM, octet for octet what openssl writes, which
 * some servers compare; several have a line of comment each.
 * @throws AppError `CertificateNotFound`; `Usage` for several in DER; and what the control plane throws
 */
export async function download(
  controlPlane: ControlPlane,
  { ids, encoding, file }: { ids: readonly string[]; encoding: DownloadEncoding; file?: string | undefined },
  now: () => Date,
): Promise<Download> {
  const distinct = [...new Set(ids)];
  if (encoding === 'der' && distinct.length > 1) {
    throw new AppError('Usage', `DER can hold only one certificate, not ${distinct.length}`, {
      hint: 'use --encoding pem, or download each certificate to its own file',
    });
  }
  const at = now();
  const answers = await Promise.all(distinct.map((id) => controlPlane.getClientCertificate(id)));
  const fetched = answers.map(certificateOf);
  const content = contentOf(
    fetched.map(({ trusted }) => trusted),
    encoding,
  );
  return {
    certificates: fetched.map((certificate) => ({
      ...certificateView(certificate, at),
      pem: certificate.trusted.pem,
    })),
    content,
    findings: readBundle(content).findings.map((each) => reported(bundleFinding(each, file))),
  };
}

function contentOf(certificates: readonly TrustedCertificate[], encoding: DownloadEncoding): Uint8Array {
  const [first, ...others] = certificates;
  if (!first || others.length > 0) return Buffer.from(writeBundle(certificates));
  return encoding === 'der' ? new X509Certificate(first.pem).raw : Buffer.from(first.pem);
}
