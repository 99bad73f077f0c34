import { certificateOf } from '../../control-plane/read-certificate.js';
import type { Certificate } from '../../control-plane/certificate.js';
import { AppError, type ErrorCode } from '../../platform/errors.js';
import {
  acmSuccessor,
  markedDescription,
  markTags,
  MARK_TAG_KEYS,
  NEXT_TAG_KEY,
  nextTag,
  plainDescription,
  removedCertificates,
  removedTag,
  type Mark,
  type RemovedCertificate,
} from '../../control-plane/marks.js';
import { concerns, stageText } from '../rules/unit.js';
import { account, type Run } from './run.js';

/**
 * Marks a certificate that exists, in place of any mark that it has: by tags, or where those are denied in its
 * description. One in the description goes before tags, so that it is erased after they are written.
 * @returns the certificate with its mark
 */
export async function writeMark(
  { deps: { controlPlane } }: Pick<Run, 'deps'>,
  certificate: Certificate,
  mark: Mark,
): Promise<Certificate> {
  const { clientCertificateId: id, description = '' } = certificate;
  let { tags } = certificate;
  const marked = markTags(mark);
  const stale = MARK_TAG_KEYS.filter((key) => key in tags && !(key in marked));
  try {
    const fresh = Object.fromEntries(Object.entries(marked).filter(([key, value]) => tags[key] !== value));
    if (Object.keys(fresh).length > 0) await controlPlane.tagClientCertificate(id, fresh);
    tags = { ...tags, ...fresh };
    if (stale.length > 0) await controlPlane.untagClientCertificate(id, stale);
    tags = Object.fromEntries(Object.entries(tags).filter(([key]) => !stale.includes(key)));
    const plain = plainDescription(description);
    if (plain === description) return { ...certificate, tags, mark };
    return certificateOf({ ...(await controlPlane.updateClientCertificate(id, plain)), tags });
  } catch (error) {
    // Certificates of ACM have no description.
    if (!(error instanceof AppError) || error.code !== 'AccessDenied' || certificate.acm) throw error;
    return certificateOf({
      ...(await controlPlane.updateClientCertificate(id, markedDescription(description, mark))),
      tags,
    });
  }
}

/** Lets a certificate name the one of ACM that is to take its place: see `nextTag`. */
export async function nameSuccessor(run: Run, old: Certificate, arn: string): Promise<void> {
  const tag = nextTag({ arn, rotationId: run.rotationId });
  await run.deps.controlPlane.tagClientCertificate(old.clientCertificateId, tag);
}

/** Takes the tag of {@link nameSuccessor} away where the old certificate is left. Where that is denied, it does no harm. */
export async function forgetSuccessor(run: Run): Promise<void> {
  const old = run.certificates.find(({ clientCertificateId }) => clientCertificateId === run.oldId);
  // With --only-stage, another rotation of the same certificate may be in progress.
  if (!old || acmSuccessor(old.tags)?.rotationId !== run.rotationId) return;
  try {
    await run.deps.controlPlane.untagClientCertificate(run.oldId, [NEXT_TAG_KEY]);
  } catch (error) {
    if (!isOneOf(error, 'AccessDenied', 'CertificateNotFound')) throw error;
  }
}

/** Takes a mark away from wherever it stands. */
export async function eraseMark({ deps: { controlPlane } }: Run, certificate: Certificate): Promise<void> {
  const { clientCertificateId: id, description = '', tags } = certificate;
  const keys = MARK_TAG_KEYS.filter((key) => key in tags);
  if (keys.length > 0) await controlPlane.untagClientCertificate(id, keys);
  const plain = plainDescription(description);
  if (plain !== description) await controlPlane.updateClientCertificate(id, plain);
}

/**
 * Lets the certificate that is left remember one that is about to be deleted: where the journal is lost in between, its
 * tag is all that tells which trust has to end. Where tags are denied, the journal remembers alone.
 * @returns the certificate that remembers
 */
export async function rememberRemoved(
  { deps: { controlPlane } }: Pick<Run, 'deps'>,
  left: Certificate,
  { clientCertificateId, trusted: { fingerprintSha256 }, mark }: Certificate,
): Promise<Certificate> {
  const { onlyStage } = mark ?? {};
  const tag = removedTag({
    clientCertificateId,
    fingerprintSha256,
    ...(onlyStage === undefined ? {} : { onlyStage }),
  });
  if (Object.entries(tag).every(([key, value]) => left.tags[key] === value)) return left;
  try {
    await controlPlane.tagClientCertificate(left.clientCertificateId, tag);
    return { ...left, tags: { ...left.tags, ...tag } };
  } catch (error) {
    // The user's own tags may leave no room; or another run has rotated what was to be left.
    if (isOneOf(error, 'AccessDenied', 'RequestRefused', 'CertificateNotFound')) return left;
    throw error;
  }
}

/** What a certificate remembers as deleted by rotations of the run's stages: each may have trust stores of its own. */
export function rememberedBy(run: Run, { tags }: Certificate): RemovedCertificate[] {
  const stages = [run.target, ...account(run).moving].map(stageText);
  return removedCertificates(tags).filter((one) => stages.some((stage) => concerns(one, stage)));
}

/** Takes the tags of {@link rememberRemoved} away: no trust is left. Where that is denied, they do no harm. */
export async function forgetRemoved(run: Run, left: Certificate): Promise<Certificate> {
  const { controlPlane } = run.deps;
  const keys = rememberedBy(run, left).flatMap((one) => Object.keys(removedTag(one)));
  if (keys.length === 0) return left;
  try {
    await controlPlane.untagClientCertificate(left.clientCertificateId, keys);
  } catch (error) {
    if (isOneOf(error, 'AccessDenied', 'CertificateNotFound')) return left;
    throw error;
  }
  return {
    ...left,
    tags: Object.fromEntries(Object.entries(left.tags).filter(([key]) => !keys.includes(key))),
  };
}

const isOneOf = (error: unknown, ...codes: ErrorCode[]): boolean =>
  error instanceof AppError && codes.includes(error.code);
