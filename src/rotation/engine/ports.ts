import type { RestApi, Stage, StageRef } from '../../control-plane/api-gateway.js';
import type { AcmCertificate, AcmImport } from '../../control-plane/acm-certificate.js';
import type { HostReports } from '../../acknowledgements/reports.js';
import type { RotationEvent } from '../rules/event.js';
import type { NamedProbe, ProbeRequest } from '../rules/probe.js';
import type { ProofOutcome } from '../rules/proof.js';
import type { RotationSettings } from '../../settings/rotation.js';
import type { Journal } from '../journal/journal.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import type { Publication } from '../../publications/publication.js';
import type { StackSwitchSettings } from '../../settings/stack-switch.js';
import type { Stack } from '../../stacks/stack.js';
import type { Command } from '../../trust/run-command.js';
import type { TrustStore } from '../../trust/trust-store.js';
import type { ObservedAccount } from './observed-account.js';
import type { RememberingControlPlane } from '../../control-plane/remembering.js';

/** A target of the configuration, or what flags name in its place, whose certificate's id is published. */
export interface PublishingTarget {
  /** Whether it is the one that the rotation was asked for. */
  isOwn: boolean;
  /** Whether a stage is one of it. */
  has: (stage: StageRef) => boolean;
  /** All its stages, as they are or were a moment ago. */
  stages: (controlPlane: Pick<ControlPlane, 'getStage'>) => Promise<Stage[]>;
  /** Opened when they are first needed, and the same each time. */
  publications: () => Promise<readonly Publication[]>;
}

/** Hosts that follow the published list of a target, and report. */
export interface Acknowledger {
  reports: Pick<HostReports, 'name' | 'list'>;
  /** At least so many of them; 1 where all that report count. */
  hosts: number;
  /** How long a run waits for them, in milliseconds. */
  timeout: number;
}

/** The stack that owns the stages and switches them. */
export interface SwitchingStack extends Stack {
  readonly settings: StackSwitchSettings;
}

/** A target of the configuration in another account or Region. */
export interface RemoteTarget {
  /** Its name in the configuration. */
  name: string;
  /** Whether one of these trust stores may be one of its own. */
  sharesAny: (stores: readonly TrustStore[]) => Promise<boolean>;
  /** Its stages as they are now, and where they are. @throws AppError */
  look: () => Promise<{
    controlPlane: Pick<ControlPlane, 'caller' | 'getAcmCertificate' | 'getAcmTags' | 'getClientCertificate'>;
    stages: Stage[];
  }>;
}

/** The world as a rotation needs it. */
export interface RotationDeps {
  controlPlane: RememberingControlPlane;
  account: ObservedAccount;
  /** APIs whose names are known before all stages are looked at. */
  apis: readonly RestApi[];
  /**
   * Every trust store of the backends behind these stages, in the order in which they are changed; asked for only when
   * something is due.
   * @param changed names of stores that the rotation has changed already: one that is known by such a name belongs to
   * it, whatever has become of the stage that lent it
   */
  stores: (
    moving: readonly Stage[],
    changed: readonly string[],
  ) => readonly TrustStore[] | Promise<readonly TrustStore[]>;
  /** By the API's id, the call that proves its backend; for an API without one safe GETs are chosen. */
  probeCalls: ReadonlyMap<string, ProbeRequest>;
  /** The targets of the account and Region that publish an id, the rotation's own first; absent where none does. */
  publishing?: readonly PublishingTarget[] | undefined;
  /** The hosts behind these stages whose word is waited for; absent where none is. */
  acknowledgers?: ((moving: readonly Stage[]) => readonly Acknowledger[]) | undefined;
  /** Switches the stages, which it owns; absent where each is switched by itself. */
  stack?: SwitchingStack | undefined;
  /** The configuration's targets of other accounts and Regions, whose backends may be the same; absent where there are none. */
  remote?: readonly RemoteTarget[] | undefined;
  journal: Journal;
  /** The time; within a run it only goes on, whatever becomes of the machine's clock. */
  now: () => Date;
  /**
   * Waits so many milliseconds; rejects as soon as the signal is aborted. Other rotations of the same process go on
   * meanwhile. `away` is how long it will be until this one has something else to do than to wait.
   */
  sleep: (ms: number, signal: AbortSignal, away?: number) => Promise<void>;
  /** A new rotation's id: letters, digits, `-` and `_`. */
  newRotationId: () => string;
  emit: (event: RotationEvent) => void;
  /** Aborted when the run is to stop; the current step is completed. */
  signal: AbortSignal;
  /** Called before each effect; throws once another run has taken over. */
  assertHeld: () => Promise<void>;
  /** Has a person, or a flag, agree to what cannot be undone. @throws AppError `NotConfirmed` */
  confirm: (question: string) => Promise<void>;
  /** Has a person approve the switch. Absent: nobody has to. @throws AppError `ConfirmationNeeded` */
  approve?: ((question: string) => Promise<void>) | undefined;
  /** Asks the stage's own URL, as a client would, and returns the status; 0 when there was no answer. */
  request: (url: string) => Promise<number>;
}

/** What a backend made of a certificate that was presented from this machine. */
export interface Presented {
  outcome: ProofOutcome;
  /** Of HTTP; 0 where there was none. */
  status: number;
  /** Unless accepted: what was seen. */
  detail?: string;
}

/** When a hook runs; `failed` also when the rotation was rolled back. */
export type HookName = 'pre' | 'trusted' | 'switched' | 'done' | 'failed';

/** A user's commands at the turns of a rotation. */
export type Hooks = Partial<Record<HookName, Command>> & { timeout?: string };

/** A certificate whose key is at hand; the key itself is not in reach of the engine. */
export interface PresentedIdentity {
  /** SHA-256 of the certificate itself. */
  fingerprintSha256: string;
  /** What it says itself, and its chain. */
  certificate: Pick<AcmCertificate, 'trusted' | 'chainPem'>;
  /** Presents it to a backend from this machine. @param url https */
  present: (url: string) => Promise<Presented>;
}

/** A certificate that is to be imported into ACM. */
export interface ImportedIdentity {
  /** As it will be in ACM; its ARN is not known yet. */
  acm: AcmCertificate;
  /** Imports it. @returns its ARN */
  import: (controlPlane: Pick<ControlPlane, 'importAcmCertificate'>, as: AcmImport['as']) => Promise<string>;
}

/** A certificate of ACM with its key: it can be presented from this machine and imported again. */
export interface HeldIdentity {
  identity: PresentedIdentity;
  importing: ImportedIdentity;
}

/** The import takes the place of the certificate that the stages present, under the same ARN. */
export interface InPlace {
  /** The certificate that is replaced: the only way back, since ACM keeps no earlier one. */
  previous?: HeldIdentity | undefined;
}

/** What is asked of one rotation. */
export interface RotationRequest {
  settings: RotationSettings;
  /** Calls for single APIs or backends, which go before those of {@link RotationDeps.probeCalls}. */
  namedProbes?: readonly NamedProbe[] | undefined;
  /** The stage's own URL, asked during the soak. */
  probeUrl?: string | undefined;
  /** Rotate to this certificate instead of a new one: an id, or the ARN of one of ACM. */
  to?: string | undefined;
  /** Replace a certificate of ACM with one that API Gateway generates. */
  toGenerated?: boolean;
  /** Rotate to this certificate, which is not in ACM yet. */
  importing?: ImportedIdentity | undefined;
  /** Import it under the ARN that the stages present. */
  inPlace?: InPlace | undefined;
  /** PEM of roots that chains in ACM may omit. */
  roots?: string | undefined;
  /** The certificate of ACM that the rotation is about with its key, to present it to backends from this machine. */
  identity?: PresentedIdentity | undefined;
  hooks: Hooks;
  /** The target's name in the configuration. */
  target?: string | undefined;
}
