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
} from './platform/errors.js';
export { checkExpiry, inspect, list, type CheckExpiryOptions, type ListOptions } from './library/read.js';
export { plan, rotate } from './library/rotate.js';
export type {
  ClientSettings,
  Credentials,
  ProgressEvent,
  RotateOptions,
  TrustStoreDescription,
} from './library/settings.js';
export type { CheckedCertificate, ExpiryReport } from './findings/check-expiry.js';
export type { InspectedClientCertificate } from './commands/inspect/run.js';
export type { Listing } from './control-plane/list.js';
export type { CertificateFilter } from './control-plane/certificate-filter.js';
export type { CertificateView } from './control-plane/certificate-view.js';
export type { ExpiryStatus } from './certificates/expiry.js';
export type { CertificateRow, SourceRow, StageRow } from './control-plane/fleet-view.js';
export type { NamedStage } from './control-plane/named-stage.js';
export type { BackendCall } from './rotation/rules/calls.js';
export type { RotationEvent, RotationWarning } from './rotation/rules/event.js';
export type { RotationReport } from './rotation/rules/report.js';
export type { FindingCode, ReportedFinding, Where } from './findings/finding.js';
export type { CheckLevel, Severity } from './findings/severity.js';
export type { CertificateAnatomy, CertificateExtension } from './certificates/anatomy.js';
export type * from './control-plane/api-gateway.js';
export type * from './certificates/certificate.js';
export type { ControlPlane } from './control-plane/control-plane.js';
export type { TrustStore } from './trust/trust-store.js';
