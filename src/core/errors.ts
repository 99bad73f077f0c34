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
  AccessDenied: { exit: EXIT.failed, meaning: 'AWS refused the call: the credentials lack a permission.' },
  AddressUnavailable: {
    exit: EXIT.failed,
    meaning: 'The emulator cannot listen at the address and port given.',
  },
  BackendCertificateNotAccepted: {
    exit: EXIT.failed,
    meaning:
      "API Gateway does not accept the backend's own server certificate, so no call reaches the backend.",
  },
  BackendDoesNotCheck: {
    exit: EXIT.failed,
    meaning: 'The backend answers callers without a certificate: it does not check at all.',
  },
  BackendNotProvable: {
    exit: EXIT.failed,
    meaning: 'No safe GET request reaches a backend, so it cannot be proved that it accepts a certificate.',
  },
  BackendUnreachable: {
    exit: EXIT.failed,
    meaning: 'No TLS server answers at the address of the backend.',
  },
  CertificateInUse: {
    exit: EXIT.failed,
    meaning: 'A stage still presents the certificate, or a rotation in progress needs it.',
  },
  CertificateNotFound: { exit: EXIT.failed, meaning: 'No client certificate has this id in the Region.' },
  CertificateUnreadable: { exit: EXIT.failed, meaning: 'The input holds no certificate that can be read.' },
  CertificateOfAcm: {
    exit: EXIT.failed,
    meaning: 'The stage presents a certificate of ACM, which no rotation here touches.',
  },
  ConcurrentModification: {
    exit: EXIT.failed,
    meaning:
      'AWS answered that something else was being changed at the same time; the change may have been made.',
  },
  ConfirmationNeeded: {
    exit: EXIT.unfinished,
    meaning: 'A person has to do something and say so; nobody was there to answer.',
  },
  ConfigurationInvalid: {
    exit: EXIT.usage,
    meaning: 'The configuration file is wrong, or not to be trusted.',
  },
  CredentialsExpired: { exit: EXIT.failed, meaning: 'The AWS credentials or the SSO session have expired.' },
  CredentialsMissing: { exit: EXIT.failed, meaning: 'No AWS credentials were found.' },
  CredentialsRefused: { exit: EXIT.failed, meaning: 'AWS does not accept the credentials.' },
  FileNotReadable: { exit: EXIT.failed, meaning: 'A file could not be read.' },
  FileNotWritable: { exit: EXIT.failed, meaning: 'A file could not be written; it is as it was before.' },
  HookFailed: { exit: EXIT.failed, meaning: "A hook of the user's did not end with exit code 0." },
  Internal: { exit: EXIT.failed, meaning: 'A fault of apigw-cert itself.' },
  Interrupted: { exit: EXIT.interrupted, meaning: 'Stopped by a signal; nothing was left half-done.' },
  JournalBroken: { exit: EXIT.failed, meaning: 'The journal of a rotation cannot be read.' },
  JournalNotWritable: {
    exit: EXIT.failed,
    meaning: 'The state directory cannot be written to, so nothing was begun that could not be resumed.',
  },
  JournalTooNew: { exit: EXIT.failed, meaning: 'The journal was written by a newer apigw-cert.' },
  LockLost: {
    exit: EXIT.unfinished,
    meaning: 'Another run took the lock over, for example while this machine slept.',
  },
  Locked: { exit: EXIT.unfinished, meaning: 'Another run is at work on the same thing.' },
  LookOutdated: {
    exit: EXIT.unfinished,
    meaning: 'What was seen of the account no longer allows trust to end; the run looks again.',
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
    meaning: 'No certificate matches the filters, so there is nothing to report.',
  },
  NotConfirmed: {
    exit: EXIT.failed,
    meaning: 'The question was answered with no, or nobody was there to ask.',
  },
  NotificationFailed: {
    exit: EXIT.failed,
    meaning: 'Somebody who had to be told was not; the next check tells again.',
  },
  OldCertificateRefused: {
    exit: EXIT.failed,
    meaning: 'The backend refuses the certificate that is in use.',
  },
  ProbeNotFound: {
    exit: EXIT.failed,
    meaning: 'The call named as probe does not exist or reaches no https backend.',
  },
  ProofInconclusive: {
    exit: EXIT.failed,
    meaning:
      'A backend answered in a way that does not show whether it accepts the certificate, such as during an outage.',
  },
  QuotaExceeded: { exit: EXIT.failed, meaning: 'The account holds as many client certificates as it may.' },
  RegionMissing: { exit: EXIT.usage, meaning: 'No AWS Region was given or configured.' },
  RequestRefused: { exit: EXIT.failed, meaning: 'AWS refused the request as invalid or in conflict.' },
  RolledBack: {
    exit: EXIT.failed,
    meaning: 'The new certificate failed in use; the stages are back on the old one.',
  },
  RolledBackBefore: {
    exit: EXIT.failed,
    meaning: 'An earlier try of this rotation failed in use, and needs a person.',
  },
  RotationOvertaken: {
    exit: EXIT.unfinished,
    meaning: 'Another run rotates the same certificate and goes first.',
  },
  RotationWaiting: {
    exit: EXIT.unfinished,
    meaning: 'The rotation waits; run the same command again later.',
  },
  ServiceUnreachable: { exit: EXIT.failed, meaning: 'The AWS service did not answer.' },
  StageAmbiguous: { exit: EXIT.usage, meaning: 'The name given fits more than one API or stage.' },
  StageChanged: { exit: EXIT.failed, meaning: 'Somebody else changed the stage during the rotation.' },
  StageManagedByCloudFormation: {
    exit: EXIT.failed,
    meaning: 'A CloudFormation stack would revert the rotation.',
  },
  StageNotFound: { exit: EXIT.failed, meaning: 'No such API or stage in the account and Region.' },
  StageUrlFails: {
    exit: EXIT.failed,
    meaning: 'The stage’s own URL (`--probe-url`) fails before anything was changed.',
  },
  StageWithoutCertificate: { exit: EXIT.failed, meaning: 'The stage presents no client certificate.' },
  Throttled: { exit: EXIT.failed, meaning: 'AWS kept answering that requests come too fast.' },
  TrustStoreAmbiguous: { exit: EXIT.usage, meaning: 'Two trust stores have the same name.' },
  TrustStoreFailed: {
    exit: EXIT.failed,
    meaning:
      'A trust store could not be changed; its content is as it was before, unless the message says otherwise.',
  },
  TrustStoreLocked: {
    exit: EXIT.unfinished,
    meaning: 'Another run is changing the same trust store; this one has not changed it.',
  },
  TrustStoreMissing: { exit: EXIT.usage, meaning: 'No trust store is named for the rotation.' },
  TrustStoreNotLive: {
    exit: EXIT.failed,
    meaning: 'A trust store holds what it should, but its server could not be made to use it.',
  },
  TrustStoreNotRestored: {
    exit: EXIT.failed,
    meaning: 'A trust store could not be changed, and its former content could not be put back.',
  },
  TrustStoreUnreadable: { exit: EXIT.failed, meaning: 'What a trust store holds could not be determined.' },
  TrustStoreUnsuitable: {
    exit: EXIT.usage,
    meaning: 'This kind of trust store cannot accept two such certificates at once.',
  },
  UndoImpossible: {
    exit: EXIT.failed,
    meaning: 'The old certificate is gone, so the rotation cannot be rolled back.',
  },
  Usage: { exit: EXIT.usage, meaning: 'The command line is wrong.' },
} as const satisfies Record<string, { exit: ExitCode; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

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
