/** What a stage presents, for the configuration of its backend. */
import { X509Certificate } from 'node:crypto';
import { subjectOf } from '../../../certificates/caller-name.js';
import type { TrustedCertificate } from '../../../certificates/certificate.js';
import { type TrustedAuthority } from '../../../certificates/trust-entry.js';
import { acmTrust, hasNameFor, isOfRoot } from '../../../control-plane/acm-authority.js';
import type { ControlPlane } from '../../../control-plane/control-plane.js';
import { isAcmArn } from '../../../control-plane/inventory.js';
import { certificateOf } from '../../../control-plane/read-certificate.js';
import type { ResolvedStage } from '../../../control-plane/resolve-stage.js';
import { AppError } from '../../../platform/errors.js';

/**
 * The certificates of a stage that the backend has to list: none where the root and name beside the list cover what it presents.
 * @param named the root and name of `--ca`
 * @throws AppError `StageWithoutCertificate`, `CertificateOfAcm`, and `CertificateUnsuitable` for a root or
 * name that is not that of the ACM certificate
 */
export async function presentedCertificates(
  controlPlane: ControlPlane,
  { apiName, stageName, clientCertificateId: id }: ResolvedStage,
  named: TrustedAuthority | undefined,
): Promise<TrustedCertificate[]> {
  const stage = `${apiName}/${stageName}`;
  if (id === undefined) {
    throw new AppError('StageWithoutCertificate', `the stage ${stage} presents no client certificate`, {
      hint: 'generate one and attach it: apigw-cert generate, apigw-cert attach',
    });
  }
  if (!isAcmArn(id)) return [certificateOf(await controlPlane.getClientCertificate(id)).trusted];
  const acm = await controlPlane.getAcmCertificate(id);
  const { authority, problem } = acmTrust(acm, 'subject', named?.ca.pem ?? '');
  // It is its own issuer.
  if (authority === undefined && problem === undefined) return [acm.trusted];
  if (named === undefined) {
    // Of the certificate itself, also where its chain in ACM omits the root.
    const subject = subjectOf(new X509Certificate(acm.trusted.pem).raw) ?? 'NAME';
    throw new AppError(
      'CertificateOfAcm',
      `the stage ${stage} presents the ACM certificate ${id}, which a backend trusts by the root of its CA and its name`,
      { hint: `add both: --ca FILE --subject '${subject}'`, details: { clientCertificateId: id } },
    );
  }
  if (!isOfRoot(acm, named) || !hasNameFor(acm, named)) {
    const { ca, ...name } = named;
    const { fingerprintSha256 } = ca;
    throw new AppError(
      'CertificateUnsuitable',
      `the stage ${stage} presents the ACM certificate ${id}, which does not have the root and the name of --ca`,
      {
        hint: `its subject is ${acm.trusted.subject}; \`apigw-cert inspect ${id}\` shows its chain`,
        details: { clientCertificateId: id, ...name, fingerprintSha256 },
      },
    );
  }
  return [];
}
