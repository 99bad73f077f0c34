import { certificateView, type CertificateView } from '../../control-plane/certificate-view.js';
import { AppError } from '../../platform/errors.js';
import { assertGenerated } from '../../control-plane/generated-only.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { certificateOf } from '../../control-plane/read-certificate.js';

/** What of a certificate can be changed. */
export interface Update {
  description?: string;
  tags: Readonly<Record<string, string>>;
  untag: readonly string[];
}

/**
 * Changes the description and tags of a certificate: what the tool and people know it by. Repeating it is harmless.
 * @throws AppError `Usage` when nothing is to be changed, or a tag both set and removed; `CertificateNotFound`,
 * `CertificateOfAcm`
 */
export async function update(
  controlPlane: ControlPlane,
  clientCertificateId: string,
  { description, tags, untag }: Update,
  now: () => Date,
): Promise<CertificateView> {
  assertGenerated(clientCertificateId);
  const setsTags = Object.keys(tags).length > 0;
  if (description === undefined && !setsTags && untag.length === 0) {
    throw new AppError('Usage', `nothing to change in ${clientCertificateId}`, {
      hint: 'specify --description, --tag or --untag',
    });
  }
  const torn = untag.find((key) => Object.hasOwn(tags, key));
  if (torn !== undefined) {
    throw new AppError('Usage', `the tag "${torn}" is both set and removed`, {
      hint: 'specify only one of the two',
    });
  }
  if (description !== undefined) await controlPlane.updateClientCertificate(clientCertificateId, description);
  if (setsTags) await controlPlane.tagClientCertificate(clientCertificateId, tags);
  if (untag.length > 0) await controlPlane.untagClientCertificate(clientCertificateId, untag);
  const certificate = await controlPlane.getClientCertificate(clientCertificateId);
  return certificateView(certificateOf(certificate), now());
}
