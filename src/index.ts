/**
 * The library: what the commands do, for programs. No terminal, no process.exit; each call stands for itself.
 * docs/library.md has examples.
 */
export {
  AppError,
  ERROR_CODES,
  EXIT,
  type ErrorCode,
  type ErrorDetail,
  type ExitCode,
} from './core/errors.js';
export { checkExpiry, inspect, list, type CheckExpiryOptions, type ListOptions } from './library/read.js';
export { plan, rotate } from './library/rotate.js';
export type {
  ClientSettings,
  Credentials,
  ProgressEvent,
  RotateOptions,
  TrustStoreDescription,
} from './library/settings.js';
export type { CheckedCertificate, ExpiryReport } from './app/check-expiry.js';
export type { InspectedClientCertificate } from './app/inspect.js';
export type { Listing } from './app/list.js';
export type { CertificateFilter } from './core/certificate-filter.js';
export type { CertificateView } from './core/certificate-view.js';
export type { ExpiryStatus } from './core/expiry.js';
export type { CertificateRow, SourceRow, StageRow } from './core/fleet-view.js';
export type { NamedStage } from './core/named-stage.js';
export type { BackendCall } from './core/rotation/calls.js';
export type { RotationEvent, RotationWarning } from './core/rotation/event.js';
export type { RotationReport } from './core/rotation/report.js';
export type { FindingCode, ReportedFinding, Where } from './findings/finding.js';
export type { CheckLevel, Severity } from './findings/severity.js';
export type { CertificateAnatomy, CertificateExtension } from './x509/anatomy.js';
export type * from './core/api-gateway.js';
export type * from './core/certificate.js';
export type { Gateway } from './gateway/gateway.js';
export type { TrustStore } from './trust/trust-store.js';
