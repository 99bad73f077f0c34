import type { FindingSeverity } from '../core/severity.js';

/** Everything that `backend lint` can find. The command words them. */
export const LINT_CODES = {
  AdmitsExpired: 'error',
  ApiGatewayUnclear: 'warning',
  BrokenPem: 'error',
  CaBundleTrap: 'warning',
  CaNamesTooLarge: 'error',
  CannotTell: 'warning',
  CertificateExpired: 'warning',
  CertificateNotYetValid: 'warning',
  CertificateWithheld: 'error',
  CheckLeftToUpstream: 'warning',
  DuplicateCertificate: 'note',
  EmptyBundle: 'error',
  FirstOfFile: 'error',
  ForeignCertificate: 'warning',
  GluedPem: 'error',
  JsonText: 'error',
  LateRequest: 'error',
  LateRequestTls12: 'warning',
  LineBreaksLost: 'error',
  NobodyAdmitted: 'warning',
  NotACertificate: 'warning',
  Open: 'error',
  PinNotExact: 'error',
  PrivateKey: 'error',
  PublicByDesign: 'note',
  ReferenceUnreadable: 'warning',
  Sha1Pin: 'warning',
  SharedSubject: 'error',
  Utf16Text: 'error',
} as const satisfies Record<string, FindingSeverity>;

export type LintCode = keyof typeof LINT_CODES;

/** A line of a file. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
}

/** Something worth knowing at a place of a file. */
export interface LintFinding extends Place {
  code: LintCode;
  /** What it is about, as it is written there: a directive, a path, a certificate's subject. */
  subject: string;
}

/** That a file which a place names could not be read. @param what as it is written there */
export const referenceUnreadable = ({ file, line }: Place, what: string, why: string): LintFinding => ({
  code: 'ReferenceUnreadable',
  file,
  line,
  subject: `${what} (${why})`,
});

/** A file to judge. */
export interface LintSource {
  file: string;
  text: string;
}
