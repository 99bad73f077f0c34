import { finding, type ArgsOf, type Finding, type FindingCode } from '../findings/finding.js';
import type { Severity } from '../findings/severity.js';

/** Everything that `backend lint` can find. */
export const LINT_CODES = [
  'AdmitsExpired',
  'ApiGatewayUnclear',
  'BrokenPem',
  'CaBundleTrap',
  'CaNamesTooLarge',
  'CaTrustedWithoutName',
  'CannotTell',
  'CertificateExpired',
  'CertificateNotYetValid',
  'CertificateWithheld',
  'DuplicateCertificate',
  'EmptyBundle',
  'FirstOfFile',
  'ForeignCertificate',
  'GluedPem',
  'JsonText',
  'LateRequest',
  'LateRequestTls12',
  'LineBreaksLost',
  'NobodyAdmitted',
  'NotACertificate',
  'Open',
  'PinIgnoresCase',
  'PinNotExact',
  'PrivateKey',
  'PublicByDesign',
  'ReferenceUnreadable',
  'Sha1Pin',
  'SharedSubject',
  'UnverifiedSessionResumed',
  'Utf16Text',
] as const satisfies readonly FindingCode[];

export type LintCode = (typeof LINT_CODES)[number];

/** Something worth knowing at a place of a file. */
export type LintFinding = Finding<LintCode>;

/** A line of a file. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
}

/** A finding at a line; `subject` is what it is about, as it is written there: a directive, a path. */
export const lintFinding = <Code extends LintCode>(
  code: Code,
  { file, line }: Place,
  args: ArgsOf<Code>,
  severity?: Severity,
): Finding<Code> => finding(code, { file, line }, args, severity);

/** That a file which a place names could not be read. @param what as it is written there */
export const referenceUnreadable = (at: Place, what: string, why: string): LintFinding =>
  lintFinding('ReferenceUnreadable', at, { subject: `${what} (${why})` });

/** A file to judge. */
export interface LintSource {
  file: string;
  text: string;
}
