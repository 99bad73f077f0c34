/** Certificates of ACM in a rotation: they are in no list that a run reads, so that each is asked for by its ARN. */
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import { acmTrust, type NamedBy } from '../../control-plane/acm-authority.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { findCertificate } from '../../control-plane/find-certificate.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { acmSuccessor, readMark, type Mark } from '../../control-plane/marks.js';
import { certificateOf } from '../../control-plane/read-certificate.js';
import { AppError } from '../../platform/errors.js';

/** How what backends trust is worked out. */
export interface AcmReading {
  controlPlane: Pick<ControlPlane, 'getAcmCertificate' | 'getAcmTags' | 'getClientCertificate'>;
  namedBy: NamedBy;
  /** PEM; empty for none. */
  roots: string;
}

/** A certificate of ACM as a rotation has every certificate. */
export function acmCertificateOf(
  acm: AcmCertificate,
  tags: Readonly<Record<string, string>>,
  { namedBy, roots }: Pick<AcmReading, 'namedBy' | 'roots'>,
): Certificate {
  const { arn: clientCertificateId, createdDate, trusted } = acm;
  const mark = readMark({ tags });
  const { authority } = acmTrust(acm, namedBy, roots);
  return {
    clientCertificateId,
    createdDate,
    expirationDate: trusted.notAfter,
    pemEncodedCertificate: trusted.pem,
    tags,
    trusted,
    acm,
    ...(authority ? { authority } : {}),
    ...(mark ? { mark } : {}),
  };
}

/** Asks for one certificate of either sort by its id; nothing where AWS knows none. Three calls to ACM for an ARN. */
export async function findEither(reading: AcmReading, id: string): Promise<Certificate | undefined> {
  const { controlPlane } = reading;
  if (!isAcmArn(id)) {
    const found = await findCertificate(controlPlane, id);
    return found && certificateOf(found);
  }
  try {
    const [acm, tags] = await Promise.all([controlPlane.getAcmCertificate(id), controlPlane.getAcmTags(id)]);
    return acmCertificateOf(acm, tags, reading);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CertificateNotFound') return undefined;
    throw error;
  }
}

/** The certificates of ACM that the rotations of some certificates are about, by what their marks say. */
function arnsOf(
  certificates: readonly Certificate[],
  ids: readonly string[],
  isFollowed: (mark: Mark) => boolean,
): string[] {
  const about = certificates.filter(({ clientCertificateId }) => ids.includes(clientCertificateId));
  const named = about.flatMap(({ tags, mark }) => [
    acmSuccessor(tags)?.arn,
    mark?.replacesSha256 === undefined || !isFollowed(mark) ? undefined : mark.replaces,
  ]);
  return [...ids, ...named].filter((id): id is string => id !== undefined && isAcmArn(id));
}

/**
 * One of ACM outlives the rotation that has replaced it, and what replaced it keeps the mark: when the rotation is over,
 * that says nothing about the next one.
 */
function withoutFinished(certificate: Certificate): Certificate {
  const { mark } = certificate;
  if (mark === undefined || mark.replacesSha256 !== undefined || !isAcmArn(mark.replaces)) return certificate;
  const plain = { ...certificate };
  delete plain.mark;
  return plain;
}

/**
 * Completes the certificates that API Gateway lists by those of ACM that rotations of some of them are about.
 * @param ids of certificates of either sort
 * @param isFollowed whether what a mark says is replaced counts
 */
export async function withAcm(
  reading: AcmReading,
  listed: readonly Certificate[],
  ids: readonly string[],
  isFollowed: (mark: Mark) => boolean = () => true,
): Promise<Certificate[]> {
  const all = listed.map(withoutFinished);
  const asked = new Set(listed.map(({ clientCertificateId }) => clientCertificateId));
  for (let about = ids; ;) {
    const missing = [...new Set(arnsOf(all, about, isFollowed))].filter((arn) => !asked.has(arn));
    if (missing.length === 0) return all;
    for (const arn of missing) {
      asked.add(arn);
      const found = await findEither(reading, arn);
      if (found) all.push(withoutFinished(found));
    }
    about = [...new Set([...about, ...missing])];
  }
}
