import type { CheckLevel } from './check-level.js';
import type { Source } from './fleet.js';

/** `info` is told but changes no exit code unless `--fail-on` says so. */
export type Severity = 'info' | Exclude<CheckLevel, 'ok'>;

/** Everything that `check-expiry` can find: how bad it is, and what it means. docs/monitoring.md lists them. */
export const FINDINGS = {
  AcmCertificateNotWatched: {
    severity: 'info',
    meaning: 'A stage presents an ACM certificate, whose expiry is not checked here.',
  },
  CertificateCritical: {
    severity: 'critical',
    meaning: 'A certificate expires within the critical threshold.',
  },
  CertificateExpired: { severity: 'critical', meaning: 'A certificate has expired: backends refuse it.' },
  CertificateMissing: {
    severity: 'unknown',
    meaning: 'A certificate specified by its id is in none of the accounts and Regions.',
  },
  CertificateNotYetValid: {
    severity: 'warning',
    meaning: 'A certificate is not valid yet, so a clock is wrong.',
  },
  CertificateUnreadable: { severity: 'unknown', meaning: 'A certificate’s PEM could not be read.' },
  CertificateWarning: { severity: 'warning', meaning: 'A certificate expires within the warning threshold.' },
  ClockSkew: {
    severity: 'warning',
    meaning: 'The clocks of this machine and of AWS differ by more than a minute.',
  },
  EndDatesDiffer: {
    severity: 'warning',
    meaning: 'API Gateway reports a different expiry date than the certificate.',
  },
  NeverPresented: {
    severity: 'info',
    meaning: 'A stage has a certificate but no https integration that would present it.',
  },
  NothingMatched: {
    severity: 'unknown',
    meaning:
      'No certificate matches the specified tags, description, API, stage or id; check for typing errors.',
  },
  NotificationFailed: {
    severity: 'unknown',
    meaning: 'A notification could not be delivered; the next check retries it.',
  },
  QuotaNearlyUsed: {
    severity: 'warning',
    meaning: 'An account and Region has used 80 % or more of its client certificate quota.',
  },
  RotationStuck: {
    severity: 'warning',
    meaning: 'A rotation started over a week ago, and the certificate that it replaces still exists.',
  },
  SourceUnknown: { severity: 'unknown', meaning: 'An account and Region could not be read.' },
  StageCertificateMissing: {
    severity: 'warning',
    meaning: 'A stage refers to a certificate that does not exist.',
  },
  StageWithoutCertificate: {
    severity: 'warning',
    meaning: 'A stage calls https backends without a certificate (AWS Security Hub APIGateway.2).',
  },
  UnusedCertificate: { severity: 'info', meaning: 'No stage presents the certificate.' },
  UsageUnknown: {
    severity: 'warning',
    meaning: 'The stages could not be read, so certificates with findings count as in use.',
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
