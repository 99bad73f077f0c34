import { withoutCredentials } from './uri.js';

/** Exit codes of every command but `check-expiry`, which speaks the monitoring plugins' language. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unfinished: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * Every error this tool reports on purpose: its exit code, and what it means in a sentence. `docs/exit-codes.md`
 * is made from this list, so a code that is missing there cannot be thrown.
 */
export const ERROR_CODES = {
  AccessDenied: { exit: EXIT.failed, meaning: 'AWS denied the request: the credentials lack a permission.' },
  AddressUnavailable: {
    exit: EXIT.failed,
    meaning: 'The emulator cannot listen on the specified address and port.',
  },
  BackendCertificateNotAccepted: {
    exit: EXIT.failed,
    meaning:
      "API Gateway does not accept the backend's own server certificate, so no call reaches the backend.",
  },
  BackendDoesNotCheck: {
    exit: EXIT.failed,
    meaning: 'The backend accepts callers without a certificate, so it does not check the certificate.',
  },
  BackendNotProvable: {
    exit: EXIT.failed,
    meaning:
      'No safe GET request reaches a backend, so it cannot be verified that the backend accepts a certificate.',
  },
  BackendUnreachable: {
    exit: EXIT.failed,
    meaning: 'No TLS server responds at the address of the backend.',
  },
  CertificateInUse: {
    exit: EXIT.failed,
    meaning: 'A stage still presents the certificate, or a rotation in progress needs it.',
  },
  CertificateNotFound: { exit: EXIT.failed, meaning: 'The Region has no client certificate with this ID.' },
  CertificateUnsuitable: {
    exit: EXIT.failed,
    meaning: 'A stage cannot present the certificate, or backends would refuse it; nothing was changed.',
  },
  CertificateUnreadable: { exit: EXIT.failed, meaning: 'The input contains no readable certificate.' },
  CertificateOfAcm: {
    exit: EXIT.failed,
    meaning: 'The certificate is an ACM certificate, which the command does not support.',
  },
  ConcurrentModification: {
    exit: EXIT.failed,
    meaning: 'AWS reported a concurrent modification; the change may have been made.',
  },
  ConfirmationNeeded: {
    exit: EXIT.unfinished,
    meaning: 'Someone has to complete a manual step and confirm it, but there is no terminal to ask on.',
  },
  ConfigurationInvalid: {
    exit: EXIT.usage,
    meaning: 'The configuration file is invalid or cannot be trusted.',
  },
  CredentialsExpired: { exit: EXIT.failed, meaning: 'The AWS credentials or the SSO session have expired.' },
  CredentialsMissing: { exit: EXIT.failed, meaning: 'No AWS credentials were found.' },
  CredentialsRefused: { exit: EXIT.failed, meaning: 'AWS does not accept the credentials.' },
  FileNotReadable: { exit: EXIT.failed, meaning: 'A file could not be read.' },
  FileNotWritable: { exit: EXIT.failed, meaning: 'A file could not be written; its content is unchanged.' },
  HookFailed: { exit: EXIT.failed, meaning: 'A hook did not exit with code 0.' },
  Internal: { exit: EXIT.failed, meaning: 'An internal error in apigw-cert.' },
  Interrupted: {
    exit: EXIT.interrupted,
    meaning: 'The command was stopped by a signal; no step was left incomplete.',
  },
  JournalBroken: { exit: EXIT.failed, meaning: 'The journal of a rotation cannot be read.' },
  JournalNotWritable: {
    exit: EXIT.failed,
    meaning: 'The state directory is not writable, so nothing was started that could not be resumed.',
  },
  JournalTooNew: { exit: EXIT.failed, meaning: 'The journal was written by a newer version of apigw-cert.' },
  ListRefused: {
    exit: EXIT.failed,
    meaning:
      'A published list of certificates is empty, damaged, incomplete or older than the last one; it was not applied.',
  },
  LockLost: {
    exit: EXIT.unfinished,
    meaning: 'Another run took over the lock, for example while this machine was asleep.',
  },
  Locked: { exit: EXIT.unfinished, meaning: 'Another run is already working on the same resource.' },
  LookOutdated: {
    exit: EXIT.unfinished,
    meaning:
      'The state read from the account no longer allows a certificate to be removed; the run reads it again.',
  },
  MachineNeeded: {
    exit: EXIT.usage,
    meaning:
      'A target uses files, commands or a terminal of a machine, which a Lambda function does not have.',
  },
  NeverPresented: {
    exit: EXIT.failed,
    meaning: 'The stage has no https integration, so its certificate is never presented.',
  },
  NewCertificateRefused: {
    exit: EXIT.failed,
    meaning: 'The backend refuses the new certificate; nothing was switched.',
  },
  NothingMatched: {
    exit: EXIT.failed,
    meaning: 'No certificate matches the filters.',
  },
  NotConfirmed: {
    exit: EXIT.failed,
    meaning: 'The confirmation was declined, or there is no terminal to ask on.',
  },
  NotificationFailed: {
    exit: EXIT.failed,
    meaning: 'A notification could not be delivered; the next check retries it.',
  },
  OldCertificateRefused: {
    exit: EXIT.failed,
    meaning: 'The backend refuses the certificate in use.',
  },
  ProbeNotFound: {
    exit: EXIT.failed,
    meaning: 'The call specified with `--probe` does not exist or does not reach an https backend.',
  },
  ProofInconclusive: {
    exit: EXIT.failed,
    meaning:
      'The response of a backend does not show whether it accepts the certificate, such as during an outage.',
  },
  PublicationAmbiguous: {
    exit: EXIT.failed,
    meaning:
      'The stages of a target present, or would present, different certificates; one ID can be published.',
  },
  PublicationFailed: {
    exit: EXIT.failed,
    meaning:
      'The ID of the certificate in use could not be published; the certificate whose ID is published is kept until it is.',
  },
  PublicationUnreadable: {
    exit: EXIT.failed,
    meaning:
      'It could not be determined which certificate ID is published, or something else is in its place.',
  },
  QuotaExceeded: { exit: EXIT.failed, meaning: 'The account has reached its client certificate quota.' },
  RegionMissing: { exit: EXIT.usage, meaning: 'No AWS Region is specified or configured.' },
  RequestRefused: { exit: EXIT.failed, meaning: 'AWS rejected the request as invalid or conflicting.' },
  RolledBack: {
    exit: EXIT.failed,
    meaning: 'The new certificate failed after the switch; the stages present the old one again.',
  },
  RolledBackBefore: {
    exit: EXIT.failed,
    meaning:
      'An earlier attempt of this rotation was rolled back after the switch; someone has to find out why.',
  },
  RotationOvertaken: {
    exit: EXIT.unfinished,
    meaning: 'Another run is rotating the same certificate and takes precedence.',
  },
  RenewalNotTrusted: {
    exit: EXIT.failed,
    meaning:
      'A trust store does not hold the root and the name of an ACM certificate, so the backend would refuse the certificate that ACM renews.',
  },
  RenewalRefused: {
    exit: EXIT.failed,
    meaning:
      'A backend refuses the ACM certificate that the stages present, or another certificate of the same root and name.',
  },
  RotationWaiting: {
    exit: EXIT.unfinished,
    meaning: 'The rotation is waiting; run the same command again later.',
  },
  ServiceUnreachable: { exit: EXIT.failed, meaning: 'The AWS service did not respond.' },
  StackNotUsable: {
    exit: EXIT.failed,
    meaning: 'The CloudFormation stack that is to switch the stages cannot do that; nothing was changed.',
  },
  StackUpdateFailed: {
    exit: EXIT.failed,
    meaning: 'The update of the CloudFormation stack failed, so the stages were not all switched.',
  },
  StageAmbiguous: { exit: EXIT.usage, meaning: 'The specified name matches more than one API or stage.' },
  StageChanged: { exit: EXIT.failed, meaning: 'Someone else changed the stage during the rotation.' },
  StageManagedByCloudFormation: {
    exit: EXIT.failed,
    meaning: 'A CloudFormation stack manages the stage or certificate, and may revert the change.',
  },
  StageManagedByTerraform: {
    exit: EXIT.failed,
    meaning: 'Terraform manages the stage or certificate, and may revert the change.',
  },
  StageNotFound: { exit: EXIT.failed, meaning: 'The account and Region have no such API or stage.' },
  StageUrlFails: {
    exit: EXIT.failed,
    meaning: 'The stage’s own URL (`--probe-url`) failed before anything was changed.',
  },
  StageWithoutCertificate: { exit: EXIT.failed, meaning: 'The stage presents no client certificate.' },
  StateUnavailable: {
    exit: EXIT.failed,
    meaning:
      'The shared state (`--state`) cannot be used: it does not exist, its client is not installed, or its content is not of apigw-cert.',
  },
  Throttled: { exit: EXIT.failed, meaning: 'AWS kept throttling the requests.' },
  TrustStoreAmbiguous: { exit: EXIT.usage, meaning: 'Two trust stores have the same name.' },
  TrustStoreFailed: {
    exit: EXIT.failed,
    meaning:
      'A trust store could not be changed; its content is unchanged unless the message says otherwise.',
  },
  TrustStoreLocked: {
    exit: EXIT.unfinished,
    meaning: 'Another run is changing the same trust store; this one has not changed it.',
  },
  TrustStoreMissing: { exit: EXIT.usage, meaning: 'No trust store is specified for the rotation.' },
  TrustStoreNotLive: {
    exit: EXIT.failed,
    meaning: 'The content of a trust store is correct, but its server could not be made to reload it.',
  },
  TrustStoreNotRestored: {
    exit: EXIT.failed,
    meaning: 'A trust store could not be changed, and its previous content could not be restored.',
  },
  TrustStoreUnreadable: {
    exit: EXIT.failed,
    meaning: 'The content of a trust store could not be determined.',
  },
  TrustStoreUnsuitable: {
    exit: EXIT.usage,
    meaning: 'This kind of trust store cannot accept two such certificates at once.',
  },
  UndoImpossible: {
    exit: EXIT.failed,
    meaning:
      'The old certificate has been deleted or is no longer accepted, so the rotation cannot be rolled back.',
  },
  Usage: { exit: EXIT.usage, meaning: 'The command line is invalid.' },
} as const satisfies Record<string, { exit: ExitCode; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Errors of a write that leave open whether it was, or will be, done. One is interrupted between two tries alone. */
export const UNKNOWN_OUTCOME: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ConcurrentModification',
  'Interrupted',
  'ServiceUnreachable',
]);

/** What an error carries beside its code and sentence. */
export interface ErrorDetail {
  /** What to do next, as a sentence or a command. */
  hint?: string;
  cause?: unknown;
  /** Facts for machines (ids, file names); part of the JSON output, so no secrets. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * An error that a user can do something about: what happened, to what, and what to do next. Anything thrown that
 * is not an AppError is a bug and is reported as `Internal`. Credentials in the URLs of its message and hint are left out.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, { hint, cause, details = {} }: ErrorDetail = {}) {
    super(withoutCredentials(message), { cause });
    this.code = code;
    this.hint = hint === undefined ? undefined : withoutCredentials(hint);
    this.details = details;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code].exit;
  }
}
