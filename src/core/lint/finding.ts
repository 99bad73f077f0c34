import type { FindingSeverity } from '../severity.js';

/** Everything that `backend lint` can find. The command words them. */
export const LINT_CODES = {
  AdmitsExpired: 'error',
  BrokenPem: 'error',
  CaBundleTrap: 'warning',
  CertificateExpired: 'warning',
  CertificateNotYetValid: 'warning',
  CheckLeftToUpstream: 'warning',
  DefaultAdmits: 'error',
  DuplicateCertificate: 'note',
  EmptyBundle: 'error',
  EmptyKeyAdmits: 'error',
  EmptyPinAdmits: 'error',
  ForeignCertificate: 'warning',
  GluedPem: 'error',
  GuardAdmits: 'error',
  JsonText: 'error',
  LineBreaksLost: 'error',
  NotACertificate: 'warning',
  NothingAsked: 'note',
  OptionalUnchecked: 'error',
  PinNotExact: 'error',
  PrivateKey: 'error',
  ReferenceUnreadable: 'note',
  Sha1Pin: 'warning',
  SharedSubject: 'error',
  UnpinnedAnyIssuer: 'error',
  Utf16Text: 'error',
  WeakPin: 'error',
} as const satisfies Record<string, FindingSeverity>;

export type LintCode = keyof typeof LINT_CODES;

/** A line of a file. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
}

/** Something dangerous at a place of a file. */
export interface LintFinding extends Place {
  code: LintCode;
  /** What it is about, as it is written there: a directive, a path, a certificate's subject. */
  subject: string;
}

/** How a file that a configuration names is read by the server. */
export type ReferenceUse = 'ca-bundle' | 'apache-pin' | 'haproxy-pins';

/** A file that decides together with the configuration who is let in. */
export interface LintReference extends Place {
  use: ReferenceUse;
  /** As it is written. */
  path: string;
}

/** A file to judge. */
export interface LintSource {
  file: string;
  text: string;
}

/** Gives the files that an `include` in `from` means, by a path or a pattern; `undefined` when there are none to read. */
export type ReadIncluded = (pattern: string, from: string) => readonly LintSource[] | undefined;

/** How deep includes are followed; servers have limits of their own, and a file may include itself. */
export const DEEPEST_INCLUDE = 8;

export interface LintResult {
  findings: LintFinding[];
  references: LintReference[];
}

/** What a pin is compared with, from the surest to the most foolish. */
export type PinClass = 'whole' | 'sha1' | 'name' | 'verify' | 'presence' | 'unknown';

/**
 * Judges what decides about a caller where TLS itself lets any self-made certificate pass.
 * @param classes what the configuration compares
 */
export function judgePins(classes: ReadonlySet<PinClass>): LintCode | undefined {
  if (classes.has('whole') || classes.has('unknown')) return undefined;
  if (classes.has('sha1')) return 'Sha1Pin';
  return classes.has('name') ? 'WeakPin' : 'UnpinnedAnyIssuer';
}
