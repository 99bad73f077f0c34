import type { AcmReading } from './acm-view.js';
import type { RestApi, StagePresentation } from './api-gateway.js';
import type { CertificateView } from './certificate-view.js';

/** Clocks that are less apart, in milliseconds, are the same: certificates are judged to the minute. */
export const CLOCK_TOLERANCE_MS = 60_000;

/** What one account and Region was found to hold. */
export interface SourceReading {
  readAt: Date;
  /** Soonest expiry first. */
  certificates: readonly CertificateView[];
  /** Certificates whose PEM could not be read. */
  unreadable: readonly { clientCertificateId: string; message: string }[];
  /** The certificates of ACM that stages present, where the stages were read, and those that were asked for by ARN. */
  acm?: readonly AcmReading[];
  /** Absent when it was not asked for. */
  usage?: {
    apis: readonly RestApi[];
    stages: readonly StagePresentation[];
    /** APIs with an integration that presents the stage's certificate; absent when integrations were not read. */
    httpsApis?: readonly string[];
  };
  /** Why the stages, which were needed, could not be read. */
  usageError?: { code: string; message: string };
}
