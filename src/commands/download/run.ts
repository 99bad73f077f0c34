import { X509Certificate } from 'node:crypto';
import type { TrustedCertificate } from '../../certificates/certificate.js';
import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError } from '../../platform/errors.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { reported, type ReportedFinding } from '../../findings/finding.js';
import { bundleFinding } from '../../lint/bundle-finding.js';
import { readBundle, writeBundle } from '../../certificates/bundle.js';
import { acmView } from '../../control-plane/acm-view.js';
import { isAcmArn } from '../../control-plane/inventory.js';
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
  const fetched = await Promise.all(
    distinct.map((id) => (isAcmArn(id) ? fetchAcm(controlPlane, id, at) : fetch(controlPlane, id, at))),
  );
  const content = contentOf(fetched, encoding);
  return {
    certificates: fetched.map(({ view, pem }) => ({ ...view, pem })),
    content,
    findings: readBundle(content).findings.map((each) => reported(bundleFinding(each, file))),
  };
}

interface Fetched {
  view: CertificateView;
  /** Of ACM, with its chain: PEM as it is written to a file. */
  pem: string;
  certificates: readonly TrustedCertificate[];
}

async function fetch(controlPlane: ControlPlane, id: string, now: Date): Promise<Fetched> {
  const certificate = certificateOf(await controlPlane.getClientCertificate(id));
  const { trusted } = certificate;
  return { view: certificateView(certificate, now), pem: trusted.pem, certificates: [trusted] };
}

async function fetchAcm(controlPlane: ControlPlane, arn: string, now: Date): Promise<Fetched> {
  const certificate = await controlPlane.getAcmCertificate(arn);
  const { trusted, chainPem } = certificate;
  const above = readBundle(Buffer.from(chainPem)).certificates.map(({ certificate: each }) => each);
  return {
    view: acmView(certificate, now),
    pem: `${trusted.pem}${chainPem}`,
    certificates: [trusted, ...above],
  };
}

/** @throws AppError `Usage` for a chain in DER */
function contentOf(fetched: readonly Fetched[], encoding: DownloadEncoding): Uint8Array {
  const [first, ...others] = fetched;
  if (!first || others.length > 0) {
    return Buffer.from(writeBundle(fetched.flatMap(({ certificates }) => certificates)));
  }
  if (encoding === 'pem') return Buffer.from(first.pem);
  if (first.certificates.length > 1) {
    throw new AppError('Usage', 'DER can hold only one certificate, and this one has a chain', {
      hint: 'use --encoding pem',
    });
  }
  return new X509Certificate(first.pem).raw;
}
