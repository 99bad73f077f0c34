/** What a host says of the certificates that its server trusts, and what follows from the reports of all hosts. */
import * as z from 'zod/mini';
import { type AuthorityView, viewKey } from '../certificates/trust-entry.js';

/** A fingerprint as this tool writes it. */
const fingerprint = z.string().check(z.regex(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/));
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))));

/** A root with the name that certificates of that CA must have. */
const authority = z.object({
  fingerprintSha256: fingerprint,
  subject: z.exactOptional(z.string().check(z.maxLength(1_000))),
  san: z.exactOptional(z.string().check(z.maxLength(1_000))),
});

const schema = z.object({
  /** Of the format. A report of another is one whose content is not known. */
  version: z.literal(1),
  host: z.string().check(z.minLength(1), z.maxLength(256)),
  trustStore: z.string().check(z.maxLength(4096)),
  listVersion: z.optional(z.int()),
  fingerprintsSha256: z.optional(z.array(fingerprint).check(z.maxLength(5_000))),
  authorities: z.optional(z.array(authority).check(z.maxLength(1_000))),
  reportedAt: time,
  expiresAt: time,
});

/** What one host reports. */
export interface HostReport {
  host: string;
  /** The trust store that it is about: `nginx:/etc/nginx/apigw.map`. */
  trustStore: string;
  /** The version of the published list that is live. */
  listVersion?: number;
  /** The exact certificates that its server trusts now, by SHA-256; absent where that is not known. */
  fingerprintsSha256?: readonly string[];
  /** The roots with a name that it trusts now, where there are any. */
  authorities?: readonly AuthorityView[];
  reportedAt: Date;
  /** Without another report until then, the host is gone. */
  expiresAt: Date;
}

/** Clocks of machines may be that far apart, in milliseconds: a report counts for so much longer. */
export const CLOCKS_APART = 5 * 60_000;

/** A report as it is stored. */
export const writeReport = ({ reportedAt, expiresAt, ...rest }: HostReport): string =>
  `${JSON.stringify({ version: 1, ...rest, reportedAt: reportedAt.toISOString(), expiresAt: expiresAt.toISOString() })}\n`;

/**
 * Reads a report. What cannot be read is a host of which nothing is known.
 * @param name of the document, by which such a host goes
 */
export function readReport(name: string, text: string): HostReport | { unreadable: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { unreadable: name };
  }
  const read = schema.safeParse(json);
  if (!read.success) return { unreadable: name };
  const { host, trustStore, listVersion, fingerprintsSha256, authorities, reportedAt, expiresAt } = read.data;
  return {
    host,
    trustStore,
    ...(listVersion === undefined ? {} : { listVersion }),
    ...(fingerprintsSha256 === undefined ? {} : { fingerprintsSha256 }),
    ...(authorities === undefined ? {} : { authorities }),
    reportedAt: new Date(reportedAt),
    expiresAt: new Date(expiresAt),
  };
}

/** Whether a host may still be there. */
export const mayLive = ({ expiresAt }: HostReport, now: Date): boolean =>
  now.getTime() < expiresAt.getTime() + CLOCKS_APART;

/** What is wanted of the hosts. */
export interface Wanted {
  /** `live`: all of these are trusted. `gone`: none of them is. */
  state: 'live' | 'gone';
  /** Of the entries; see `entryKey`. */
  keys: readonly string[];
  /** At least so many hosts have to be there; 1 for `all`. */
  hosts: number;
}

/** What the reports say. */
export interface Acknowledgement {
  /** Whether enough hosts are there, and all that are there are as wanted. */
  isGiven: boolean;
  /** How many hosts may be there, and how many of them are as wanted. */
  living: number;
  asWanted: number;
  /** Those that are not, or of which it is not known; a few of them, by name. */
  waitingFor: readonly string[];
}

const NAMED = 5;

/**
 * Whether all hosts are as wanted. A host counts until its report has expired for longer than clocks are apart, and one
 * whose report cannot be read for ever: to wait for a host that is gone costs time, not to wait for one that is there
 * fails requests. Without any report nothing is known, which is not enough.
 */
export function acknowledgement(
  reports: readonly (HostReport | { unreadable: string })[],
  { state, keys, hosts }: Wanted,
  now: Date,
): Acknowledgement {
  const isAsWanted = ({ fingerprintsSha256, authorities = [] }: HostReport): boolean => {
    if (fingerprintsSha256 === undefined) return false;
    const trusted = new Set([...fingerprintsSha256, ...authorities.map(viewKey)]);
    return keys.every((key) => trusted.has(key) === (state === 'live'));
  };
  const living = reports.filter((report) => 'unreadable' in report || mayLive(report, now));
  const others = living.filter((report) => 'unreadable' in report || !isAsWanted(report));
  // A host may report for several trust stores.
  const hostOf = (report: HostReport | { unreadable: string }): string =>
    'unreadable' in report ? report.unreadable : report.host;
  const there = new Set(living.map(hostOf));
  const missing = new Set(others.map(hostOf));
  return {
    isGiven: missing.size === 0 && there.size >= Math.max(1, hosts),
    living: there.size,
    asWanted: there.size - missing.size,
    waitingFor: [...missing].sort().slice(0, NAMED),
  };
}
