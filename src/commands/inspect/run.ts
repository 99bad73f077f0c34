import type { CertificateView } from '../../control-plane/certificate-view.js';
import { certificateView, DEFAULT_THRESHOLDS } from '../../control-plane/certificate-view.js';
import { daysLeft } from '../../certificates/certificate.js';
import { AppError } from '../../platform/errors.js';
import { expiryStatus, type ExpiryStatus } from '../../certificates/expiry.js';
import { inventory, isAcmArn } from '../../control-plane/inventory.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { anatomy, type CertificateAnatomy } from '../../certificates/anatomy.js';
import { reported, type ReportedFinding } from '../../findings/finding.js';
import { bundleFinding } from '../../lint/bundle-finding.js';
import { readBundle, type BundleFinding } from '../../certificates/bundle.js';
import { certificateOf, readPem } from '../../control-plane/read-certificate.js';
import { allStages, type StagesProgress } from '../../control-plane/stages.js';

/** One of the account's certificates, all that it says, and the stages that present it. */
export interface InspectedClientCertificate extends CertificateView, CertificateAnatomy {
  usedBy: readonly NamedStage[];
  /** About a certificate of ACM. */
  findings?: readonly ReportedFinding[];
}

export interface InspectedFile {
  /** Its certificates; `line` is that of the BEGIN, from 1. */
  items: readonly (CertificateAnatomy & { line: number; status: ExpiryStatus; daysLeft: number })[];
  findings: readonly ReportedFinding[];
}

/**
 * Looks at one certificate of the account, and at every stage for its use.
 * @throws AppError `CertificateNotFound`, and what the control plane throws
 */
export async function inspectClientCertificate(
  controlPlane: ControlPlane,
  clientCertificateId: string,
  now: () => Date,
  progress?: StagesProgress,
): Promise<InspectedClientCertificate> {
  if (isAcmArn(clientCertificateId)) {
    const { inspectAcm } = await import('./acm.js');
    return inspectAcm(controlPlane, clientCertificateId, now, progress);
  }
  const [answer, { apis, stages }] = await Promise.all([
    controlPlane.getClientCertificate(clientCertificateId),
    allStages(controlPlane, progress),
  ]);
  const certificate = certificateOf(answer);
  const whole = readPem(answer, anatomy);
  const { usedBy } = inventory({ certificates: [certificate], apis, stages });
  return {
    ...whole,
    ...certificateView(certificate, now()),
    usedBy: usedBy.get(certificate.clientCertificateId) ?? [],
  };
}

/**
 * Looks at every certificate of a file's content, PEM or DER; needs no AWS.
 * @param name how to call the file in an error
 * @throws AppError `CertificateUnreadable` when there is none
 */
export function inspectFile(bytes: Uint8Array, name: string, now: () => Date): InspectedFile {
  const { certificates, findings } = readBundle(bytes);
  if (certificates.length === 0) {
    throw new AppError('CertificateUnreadable', `${name} contains no readable certificate`, {
      hint: hintFor(findings),
      details: { file: name, findings },
    });
  }
  const at = now();
  return {
    items: certificates.map(({ certificate, line }) => ({
      line,
      status: expiryStatus(certificate, DEFAULT_THRESHOLDS, at),
      daysLeft: daysLeft(certificate.notAfter, at),
      ...anatomy(certificate.pem),
    })),
    findings: findings.map((each) => reported(bundleFinding(each, name))),
  };
}

function hintFor(findings: readonly BundleFinding[]): string {
  const [first] = findings;
  switch (first?.code) {
    case 'Utf16Text':
      return "the file is UTF-16, as Windows PowerShell's > writes it: save it as UTF-8";
    case 'PrivateKey':
      return 'the file is a private key: specify the file of its certificate';
    case 'NotACertificate':
      return `the file is a ${first.label}: specify the file of a certificate`;
    case 'BrokenPem':
      return `the content from line ${first.line} is damaged, or not a certificate (a request, PKCS #12): compare it with a good copy, or download it again`;
    default:
      return 'a certificate file is PEM (-----BEGIN CERTIFICATE-----) or DER';
  }
}
