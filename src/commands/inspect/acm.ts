import { anatomy, type CertificateAnatomy } from '../../certificates/anatomy.js';
import { acmView } from '../../control-plane/acm-view.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import type { CertificateView } from '../../control-plane/certificate-view.js';
import { apiNamesOf, namedStage, type NamedStage } from '../../control-plane/named-stage.js';
import { allStages, type StagesProgress } from '../../control-plane/stages.js';
import { reported, type ReportedFinding } from '../../findings/finding.js';
import { acmFindings } from '../../findings/rules/acm.js';

/** A certificate of ACM, all that it and ACM say, the stages that present it, and what is wrong with it. */
interface InspectedAcmCertificate extends CertificateView, CertificateAnatomy {
  usedBy: readonly NamedStage[];
  findings: readonly ReportedFinding[];
}

/**
 * Looks at a certificate of ACM, and at every stage for its use.
 * @throws AppError `CertificateNotFound` and `AccessDenied` for what ACM does not tell
 */
export async function inspectAcm(
  controlPlane: ControlPlane,
  arn: string,
  now: () => Date,
  progress?: StagesProgress,
): Promise<InspectedAcmCertificate> {
  const [certificate, { apis, stages }] = await Promise.all([
    controlPlane.getAcmCertificate(arn),
    allStages(controlPlane, progress),
  ]);
  const at = now();
  const view = acmView(certificate, at);
  const names = apiNamesOf(apis);
  const where = { region: controlPlane.region, clientCertificateId: arn };
  return {
    ...anatomy(certificate.trusted.pem),
    ...view,
    usedBy: stages.flatMap((stage) => (stage.clientCertificateId === arn ? [namedStage(stage, names)] : [])),
    findings: acmFindings({ state: 'read', arn, certificate, view }, where, at).map(reported),
  };
}
