import type { ClientCertificate } from './api-gateway.js';
import { isAcmArn } from './inventory.js';

/**
 * What a rotation writes on its certificate in AWS: the memory that survives the loss of the machine. It is set by
 * the very call that makes the certificate, so none is ever without it.
 */
export interface Mark {
  rotationId: string;
  /** The id of the certificate that this one takes the place of. */
  replaces: string;
  /** `apiId/stageName` when only that stage is to move and the old certificate stays in use elsewhere. */
  onlyStage?: string;
  /** The rotation did not make this certificate (`--to`), so undoing it must not delete it. */
  adopted?: boolean;
  /** It was in a trust store before the rotation adopted it, so that an abort must leave it there. */
  trustedBefore?: boolean;
  /** When the stages were switched back from it, ISO 8601: it failed in use, and no run may try it again by itself. */
  rolledBack?: string;
  /** Since when the rotation is being aborted, ISO 8601: no run, on whatever machine, may switch a stage to it. */
  withdrawn?: string;
  /** How long after the switch the certificate that it replaces is to be kept: `--keep-old`, in seconds (`604800s`). */
  keepOld?: string;
  /**
   * The SHA-256 fingerprint of the certificate that this one replaces, for as long as trust in that one may be left
   * somewhere: once it is deleted, nothing else in AWS tells what a trust store has to lose.
   */
  replacesSha256?: string;
  /**
   * Since when no stage may go back to the certificate that this one replaces, ISO 8601: one of ACM, which is never
   * deleted, so that only this tells other runs that the trust in it ends.
   */
  retired?: string;
}

const PREFIX = 'apigw-cert:';

const FIELDS = [
  ['rotationId', 'rotation'],
  ['replaces', 'replaces'],
  ['onlyStage', 'only-stage'],
  ['adopted', 'adopted'],
  ['trustedBefore', 'trusted-before'],
  ['rolledBack', 'rolled-back'],
  ['withdrawn', 'withdrawn'],
  ['keepOld', 'keep-old'],
  ['replacesSha256', 'replaces-sha256'],
  ['retired', 'retired'],
] as const;

/** The mark as tags. */
export function markTags(mark: Mark): Record<string, string> {
  return Object.fromEntries(
    FIELDS.flatMap(([field, tag]) =>
      mark[field] === undefined ? [] : [[PREFIX + tag, String(mark[field])]],
    ),
  );
}

/** The tags that a mark uses, whether or not a certificate has them. */
export const MARK_TAG_KEYS: readonly string[] = FIELDS.map(([, tag]) => PREFIX + tag);

/**
 * The mark as the end of a description, for accounts where tags are denied:
 * `orders [apigw-cert rotation=… replaces=…]`.
 */
export function markedDescription(description: string, mark: Mark): string {
  const words = FIELDS.flatMap(([field, tag]) =>
    mark[field] === undefined ? [] : [`${tag}=${mark[field]}`],
  );
  return `${plainDescription(description)} [apigw-cert ${words.join(' ')}]`.trim();
}

const IN_DESCRIPTION = /\s*\[apigw-cert ((?:[a-z0-9-]+=\S+ ?)+)\]$/;

/** The description without a mark. */
export function plainDescription(description: string): string {
  return description.replace(IN_DESCRIPTION, '');
}

/** Anybody may write tags, and the id names a file. */
const ROTATION_ID = /^[A-Za-z0-9_-]{1,128}$/;
const SHA256 = /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/;
const SECONDS = /^(\d{1,10})s$/;

/** `--keep-old` as a mark holds it. @param ms milliseconds */
export const keepOldMark = (ms: number): string => `${Math.ceil(ms / 1000)}s`;

/** `--keep-old` from a mark, in milliseconds; undefined where there is none. */
export function keepOldOf({ keepOld }: Mark): number | undefined {
  const seconds = SECONDS.exec(keepOld ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/**
 * The mark on a certificate. One in the description was written where tags are denied, so that it is the later one:
 * what it does not say, tags must not add. One that cannot be ours is none.
 */
export function readMark({
  tags,
  description = '',
}: Pick<ClientCertificate, 'tags' | 'description'>): Mark | undefined {
  const words = new Map(
    IN_DESCRIPTION.exec(description)?.[1]
      ?.split(' ')
      .map((word) => word.split('=') as [string, string]),
  );
  return markOf((field) => words.get(field)) ?? markOf((field) => tags[PREFIX + field]);
}

function markOf(value: (tag: (typeof FIELDS)[number][1]) => string | undefined): Mark | undefined {
  const rotationId = value('rotation');
  const replaces = value('replaces');
  if (!rotationId || !replaces || !ROTATION_ID.test(rotationId)) return undefined;
  const onlyStage = value('only-stage');
  const rolledBack = value('rolled-back');
  const withdrawn = value('withdrawn');
  const keepOld = value('keep-old');
  const replacesSha256 = value('replaces-sha256');
  const retired = value('retired');
  return {
    rotationId,
    replaces,
    ...(onlyStage ? { onlyStage } : {}),
    ...(value('adopted') === 'true' ? { adopted: true } : {}),
    ...(value('trusted-before') === 'true' ? { trustedBefore: true } : {}),
    ...(rolledBack ? { rolledBack } : {}),
    ...(withdrawn ? { withdrawn } : {}),
    ...(keepOld && SECONDS.test(keepOld) ? { keepOld } : {}),
    ...(replacesSha256 && SHA256.test(replacesSha256) ? { replacesSha256 } : {}),
    ...(retired ? { retired } : {}),
  };
}

const REMOVED = `${PREFIX}removed:`;
const CERTIFICATE_ID = /^[A-Za-z0-9]{1,64}$/;

/** A certificate that a rotation has deleted, as the one that is left remembers it. */
export interface RemovedCertificate {
  clientCertificateId: string;
  fingerprintSha256: string;
  /** As the mark of the rotation that deleted it: whose trust stores may hold it. */
  onlyStage?: string;
}

/**
 * The tag by which the certificate that is left remembers one that is deleted, for as long as trust in that one may be
 * left somewhere.
 */
export const removedTag = ({
  clientCertificateId,
  fingerprintSha256,
  onlyStage,
}: RemovedCertificate): Record<string, string> => ({
  [REMOVED + clientCertificateId]:
    onlyStage === undefined ? fingerprintSha256 : `${fingerprintSha256} ${onlyStage}`,
});

/** The certificates that the tags remember as deleted. What cannot be ours is left out. */
export function removedCertificates(tags: Readonly<Record<string, string>>): RemovedCertificate[] {
  return Object.entries(tags).flatMap(([key, value]) => {
    if (!key.startsWith(REMOVED)) return [];
    const clientCertificateId = key.slice(REMOVED.length);
    const [fingerprintSha256 = '', onlyStage, ...rest] = value.split(' ');
    if (!CERTIFICATE_ID.test(clientCertificateId) || !SHA256.test(fingerprintSha256) || rest.length > 0)
      return [];
    return [{ clientCertificateId, fingerprintSha256, ...(onlyStage === undefined ? {} : { onlyStage }) }];
  });
}

const NEXT = `${PREFIX}next`;

/** What the certificate that is replaced says of a certificate of ACM that takes its place. */
export interface AcmSuccessor {
  arn: string;
  rotationId: string;
}

/**
 * The tag by which a certificate names the certificate of ACM that takes its place, from before that one is marked until
 * the rotation is over: the marks of ACM's certificates are not in any list that a run reads.
 */
export const nextTag = ({ arn, rotationId }: AcmSuccessor): Record<string, string> => ({
  [NEXT]: `${arn} ${rotationId}`,
});

export const NEXT_TAG_KEY = NEXT;

/** The certificate of ACM that takes the place of one with these tags; nothing where none does. */
export function acmSuccessor(tags: Readonly<Record<string, string>>): AcmSuccessor | undefined {
  const [arn = '', rotationId = '', ...rest] = (tags[NEXT] ?? '').split(' ');
  return isAcmArn(arn) && ROTATION_ID.test(rotationId) && rest.length === 0 ? { arn, rotationId } : undefined;
}

/** Whether a tag of that key is written by a rotation. */
export const isMarkTag = (key: string): boolean =>
  MARK_TAG_KEYS.includes(key) || key === NEXT || key.startsWith(REMOVED);

/** The tags of the old certificate that its successor takes over: the user's, not AWS's and not a mark. */
export function inheritedTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(([key]) => !key.startsWith('aws:') && !key.startsWith(PREFIX)),
  );
}
