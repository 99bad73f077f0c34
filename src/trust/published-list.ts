/**
 * The published form of a list of certificates: a PEM bundle whose first line has a version and a checksum. Whoever reads PEM
 * takes the line for a comment; whoever follows the list can tell that it is complete, and not older than what it has.
 *
 *     # apigw-cert list version 7 sha256 9f86d0…0a08
 *
 * The version is one more at each change. The checksum is the SHA-256 of all octets behind this line.
 */
import { createHash } from 'node:crypto';
import { readBundle } from '../certificates/bundle.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import { crossing, entryKey, type TrustedAuthority, type TrustEntry } from '../certificates/trust-entry.js';
import { AppError } from '../platform/errors.js';
import { pemFormat } from './pem-format.js';

const HEADER = /^# apigw-cert list version ([1-9]\d{0,15}) sha256 ([0-9a-f]{64})\n/;
/** The same line, wherever it is and whatever has become of it. */
const HEADERS = /^[^\S\n]*#[^\S\n]*apigw-cert list version\b[^\d\n]*(\d{0,16})[^\n]*(?:\n|$)/gm;

/** One octet a character, so that any octets are a text. */
const OCTETS = 'latin1';

/** No list is larger, in octets: 1 MiB, some 700 certificates. */
export const MAX_LIST_OCTETS = 1024 * 1024;

const sha256 = (text: string, encoding: BufferEncoding): string =>
  createHash('sha256').update(text, encoding).digest('hex');

/** What the first line says, and whether that is so. */
function header(
  text: string,
  encoding: BufferEncoding,
): { version: number; sha256: string; isIntact: boolean } | undefined {
  const [line = '', version = '', stated = ''] = HEADER.exec(text) ?? [];
  if (line === '' || !Number.isSafeInteger(Number(version))) return undefined;
  const isIntact = sha256(text.slice(line.length), encoding) === stated;
  return { version: Number(version), sha256: stated, isIntact };
}

/** The highest version that any such line of a text has; 0 without one. */
const versionIn = (text: string): number =>
  Math.max(0, ...[...text.matchAll(HEADERS)].map(([, version]) => Number(version)));

/** Whether a text has the line of a published list, wherever it is and whatever has become of it. */
export const isPublished = (text: string): boolean => text.search(HEADERS) !== -1;

/**
 * Puts the line with version and checksum at the front of a list that is about to be written.
 * @param before what is replaced: the version counts on from there. Where nothing changes and nothing is wrong, the text
 * stays as it is
 * @param encoding how the text becomes octets
 * @throws AppError `TrustStoreUnreadable` where there is no higher version
 */
export function sealed(text: string, before: string, encoding: BufferEncoding): string {
  const isWrong = isPublished(text) && header(text, encoding)?.isIntact !== true;
  if (text === before && !isWrong) return text;
  const version = Math.max(versionIn(before), versionIn(text)) + 1;
  if (!Number.isSafeInteger(version)) {
    throw new AppError('TrustStoreUnreadable', 'the version in its first line cannot be counted on', {
      hint: 'delete the line "# apigw-cert list version …", then run the same command again',
    });
  }
  const body = text.replaceAll(HEADERS, '');
  return `# apigw-cert list version ${version} sha256 ${sha256(body, encoding)}\n${body}`;
}

/** A list by what tells it from others. */
export interface ListIdentity {
  /** Absent for a list without a line that says it. */
  version?: number;
  /** Of what is behind the line, in lower-case hex; of the whole text without one. */
  sha256: string;
}

/** A list that may be put in place. */
export interface AcceptedList extends ListIdentity {
  /** Exact certificates, then roots with a name. */
  entries: readonly TrustEntry[];
  /** Whether it is known to be the whole list and not older than the last one: what is not in it may be removed. */
  isWhole: boolean;
}

/** Why a list is not put in place. */
export type ListRefusal =
  'tooLarge' | 'unreadable' | 'incomplete' | 'empty' | 'older' | 'conflicting' | 'noVersion';

function refused(reason: ListRefusal, what: string, hint: string): AppError {
  return new AppError('ListRefused', what, { hint, details: { reason } });
}

const ACCEPT_ONCE = 'to apply it all the same, run once with --allow-older';

/**
 * Decides whether a list may take the place of the last one. Whatever is missing something, is damaged or is older is
 * refused whole. A list without a version, as long as none with one was seen, may be an older one or a part: it is
 * accepted for what it adds.
 *
 * @param octets as they were read, whatever they are
 * @param known the last list that was accepted
 * @param allowOlder the user says that the age is of no matter; a list that is damaged or empty is refused all the same
 * @throws AppError `ListRefused` with `reason` in its details
 */
export function acceptList(
  octets: Uint8Array,
  known: ListIdentity | undefined,
  allowOlder: boolean,
): AcceptedList {
  if (octets.length > MAX_LIST_OCTETS) {
    throw refused('tooLarge', 'the list is larger than 1 MiB', 'specify a list of certificates in PEM');
  }
  const text = Buffer.from(octets).toString(OCTETS);
  const head = header(text, OCTETS);
  if (isPublished(text) && head?.isIntact !== true) {
    throw refused(
      'incomplete',
      'the list is incomplete, or was changed by something other than apigw-cert: its checksum does not match',
      'if it was changed by hand, publish it again: apigw-cert backend add with a certificate that it holds',
    );
  }
  const entries = entriesIn(text);
  if (entries.length === 0) {
    throw refused('empty', 'the list holds no certificate', 'check that this is the list that is published');
  }
  if (head === undefined) return withoutVersion({ sha256: sha256(text, OCTETS), entries }, known, allowOlder);
  const { version } = head;
  const accepted = { version, sha256: head.sha256, entries, isWhole: true };
  if (known?.version === undefined || allowOlder) return accepted;
  if (version < known.version) {
    throw refused(
      'older',
      `the list has version ${version}, and version ${known.version} was seen before`,
      ACCEPT_ONCE,
    );
  }
  if (version === known.version && head.sha256 !== known.sha256) {
    throw refused(
      'conflicting',
      `the list of version ${version} has another content than the one that was seen before`,
      `publish it again: apigw-cert backend add with a certificate that it lacks; or ${ACCEPT_ONCE}`,
    );
  }
  return accepted;
}

function withoutVersion(
  list: Omit<AcceptedList, 'isWhole'>,
  known: ListIdentity | undefined,
  allowOlder: boolean,
): AcceptedList {
  if (allowOlder || known?.version === undefined) return { ...list, isWhole: allowOlder };
  throw refused(
    'noVersion',
    `the list has no version, and version ${known.version} was seen before`,
    `publish it with apigw-cert; or ${ACCEPT_ONCE}`,
  );
}

function entriesIn(text: string): TrustEntry[] {
  try {
    // Refuses what must not be in a list of trusted certificates, which reading alone does not.
    pemFormat.parse(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw refused(
      'unreadable',
      `the list cannot be used: ${error.message}`,
      error.hint ?? 'publish it again',
    );
  }
  const { certificates, authorities } = readBundle(Buffer.from(text, OCTETS));
  const roots = distinct(authorities.map(({ authority }) => authority));
  const problem = crossing(roots);
  if (problem !== undefined)
    throw refused('unreadable', `the list cannot be used: ${problem}`, 'publish it again');
  return [...certificates.map(({ certificate }): TrustedCertificate => certificate), ...roots];
}

const distinct = (authorities: readonly TrustedAuthority[]): TrustedAuthority[] => [
  ...new Map(authorities.map((authority) => [entryKey(authority), authority])).values(),
];
