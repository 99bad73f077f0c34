import type { CheckLevel } from './check-level.js';
import type { Source } from './fleet.js';

/** `info` is told but changes no exit code unless `--fail-on` says so. */
export type Severity = 'info' | Exclude<CheckLevel, 'ok'>;

/** Everything that `check-expiry` can find: how bad it is, and what it means. docs/monitoring.md lists them. */
export const FINDINGS = {
  AcmCertificateNotWatched: {
    severity: 'info',
    meaning: 'A stage presents a certificate of ACM, whose end is not looked at here.',
  },
  CertificateCritical: {
    severity: 'critical',
    meaning: 'A certificate ends within the critical threshold.',
  },
  CertificateExpired: { severity: 'critical', meaning: 'A certificate has ended: backends refuse it.' },
  CertificateMissing: {
    severity: 'unknown',
    meaning: 'A certificate that was asked for by its id is in no source.',
  },
  CertificateNotYetValid: {
    severity: 'warning',
    meaning: 'A certificate is not valid yet: a clock is wrong.',
  },
  CertificateUnreadable: { severity: 'unknown', meaning: 'A certificate’s PEM could not be read.' },
  CertificateWarning: { severity: 'warning', meaning: 'A certificate ends within the warning threshold.' },
  ClockSkew: {
    severity: 'warning',
    meaning: 'The clock of this machine and that of AWS are over a minute apart.',
  },
  EndDatesDiffer: {
    severity: 'warning',
    meaning: 'API Gateway tells another end than the certificate itself.',
  },
  NeverPresented: {
    severity: 'info',
    meaning: 'A stage has a certificate but no https integration that would present it.',
  },
  NothingMatched: {
    severity: 'unknown',
    meaning:
      'What was asked for by tags, description, API, stage or id fits no certificate: perhaps a typing error.',
  },
  NotificationFailed: {
    severity: 'unknown',
    meaning: 'Somebody who had to be told of a change was not; the next check tells again.',
  },
  QuotaNearlyUsed: {
    severity: 'warning',
    meaning: 'A source holds 80 % or more of the certificates that it may.',
  },
  RotationStuck: {
    severity: 'warning',
    meaning: 'A rotation was begun over a week ago, and the certificate that it replaces is still there.',
  },
  SourceUnknown: { severity: 'unknown', meaning: 'An account and Region could not be read.' },
  StageCertificateMissing: {
    severity: 'warning',
    meaning: 'A stage names a certificate that the account does not have.',
  },
  StageWithoutCertificate: {
    severity: 'warning',
    meaning: 'A stage calls https backends without a certificate (AWS Security Hub APIGateway.2).',
  },
  UnusedCertificate: { severity: 'info', meaning: 'No stage presents the certificate.' },
  UsageUnknown: {
    severity: 'warning',
    meaning: 'The stages could not be read: certificates in trouble count as in use.',
  },
} as const satisfies Record<string, { severity: Severity; meaning: string }>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding extends Source {
  code: FindingCode;
  severity: Severity;
  /** One line in plain words. What comes from outside is made printable. */
  message: string;
  /** What to do about it, where there is something to say. */
  hint?: string;
  clientCertificateId?: string;
  /** `apiId/stageName` */
  stage?: string;
}
