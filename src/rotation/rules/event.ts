import type { NamedStage } from '../../control-plane/named-stage.js';
import type { BackendCall } from './calls.js';
import type { StepEvidence } from './proof.js';
import type { RotationStep } from './record.js';

/**
 * What a rotation tells while it runs, for people and pipelines alike (`--events`). `at` is ISO 8601 in UTC, `ms` is
 * milliseconds, `subject` is a stage, a trust store's name or a certificate's id.
 */
export type RotationEvent = { at: string; rotationId: string } & (
  | {
      type: 'started';
      oldCertificateId: string;
      stages: readonly NamedStage[];
      /** Where it switches the stages by its parameter. */
      stack?: { name: string; parameter: string };
      resumed: boolean;
      /** Nothing is rotated: a renewal by ACM is watched. */
      isWatched?: true;
    }
  /** The calls to backends that the run is going to make. */
  | { type: 'calls'; calls: readonly BackendCall[] }
  | { type: 'stepStarted'; step: RotationStep; subject?: string }
  /** How many of the stages that a step moves, with those before it, present what they are to. */
  | { type: 'stepProgress'; step: RotationStep; done: number; of: number }
  /** Something that CloudFormation did while a stack switches the stages. */
  | {
      type: 'stackEvent';
      step: RotationStep;
      /** Its logical id in the template. */
      resource: string;
      resourceType: string;
      status: string;
      reason?: string;
    }
  | { type: 'stepDone'; step: RotationStep; subject?: string; ms: number; evidence: StepEvidence }
  | { type: 'stepFailed'; step: RotationStep; subject?: string; code: string; message: string }
  | { type: 'waiting'; until: string; reason: string }
  | { type: 'warning'; code: RotationWarning; message: string }
  | { type: 'rollingBack'; reason: string }
  | { type: 'ended'; outcome: string }
);

/** What is worth a person's look but stops nothing. */
export type RotationWarning =
  | 'BackendDoesNotCheck'
  | 'BackendUnproved'
  | 'HookFailed'
  | 'JournalLost'
  | 'MarkNotWritten'
  | 'NewCertificateInUse'
  | 'NoRollBack'
  | 'OldCertificateExpired'
  | 'OldCertificateNotTrusted'
  | 'OldCertificateRefused'
  | 'OldCertificateStillAccepted'
  | 'OtherStagesNotRead'
  | 'OtherUsesNotTested'
  | 'PublicationCorrected'
  | 'RefusalNotShown'
  | 'RequestsFailed'
  | 'TrustKept'
  | 'TrustNotSeen'
  | 'TrustStoreNotLive'
  | 'UnpublishedChanges';
