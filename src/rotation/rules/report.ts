import type { AcmOrigin } from '../../control-plane/acm-details.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import type { BackendCall } from './calls.js';
import type { RotationWarning } from './event.js';

/** The one change that an update of a stack makes. */
export interface StackChange {
  name: string;
  parameter: string;
  /** Values of the parameter. */
  from: string;
  to: string;
}

/** What a run came to, for people and JSON alike. */
export interface RotationReport {
  /**
   * `notDue`: nothing to do. `completed`: the new certificate is in place and the old one gone, or kept for the
   * stages that still use it. `keepingOld`: in place, the old one stays until `until`. `planned` and `plannedAbort`: a dry run.
   * `renewed`: ACM renewed the certificate, and the backends were tested until the soak after it was over.
   */
  outcome:
    | 'notDue'
    | 'renewed'
    | 'completed'
    | 'keepingOld'
    | 'planned'
    | 'plannedAbort'
    | 'aborted'
    | 'nothingToAbort';
  region: string;
  stages: readonly NamedStage[];
  oldCertificateId: string;
  newCertificateId?: string;
  rotationId?: string;
  /** `notDue`: when it will be. `keepingOld`: when the old one goes. */
  until?: Date;
  /** When the certificate in place expires. */
  notAfter?: Date;
  /** `notDue`: the certificate is one of ACM, and nothing that is rotated unless asked for. */
  acmOrigin?: AcmOrigin;
  /** With `--watch-renewal`: when ACM last renewed it, as far as ACM says. */
  renewedAt?: Date;
  /** What became of the old certificate: deleted, or still presented by other stages, or just still there. */
  oldCertificate: 'deleted' | 'inUse' | 'present';
  /** The calls to backends that are, or would be, made; while a backend reloads, it is called more often. */
  calls: readonly BackendCall[];
  /** What was done, or would be. */
  steps: {
    step: string;
    /** A trust store's name, a certificate's id, or until when is waited. */
    subject?: string;
    /** Where a step is about stages. */
    stages?: readonly NamedStage[];
    /** Where the stack that owns the stages would switch them. */
    stack?: StackChange;
    ms?: number;
    evidence?: Record<string, unknown>;
  }[];
  warnings: { code: RotationWarning; message: string }[];
}
