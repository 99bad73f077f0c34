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
  CertificateInUse: { exit: EXIT.failed, meaning: 'A stage still presents the certificate.' },
  CertificateNotFound: { exit: EXIT.failed, meaning: 'No client certificate has this id in the Region.' },
  CertificateUnreadable: { exit: EXIT.failed, meaning: 'The input holds no certificate that can be read.' },
  ConfirmationNeeded: {
    exit: EXIT.unfinished,
    meaning: 'A person has to do something and say so; nobody was there to answer.',
  },
  CredentialsExpired: { exit: EXIT.failed, meaning: 'The AWS credentials or the SSO session have expired.' },
  CredentialsRefused: { exit: EXIT.failed, meaning: 'AWS does not accept the credentials.' },
  CredentialsMissing: { exit: EXIT.failed, meaning: 'No AWS credentials were found.' },
  FileNotReadable: { exit: EXIT.failed, meaning: 'A file could not be read.' },
  FileNotWritable: { exit: EXIT.failed, meaning: 'A file could not be written; it is as it was before.' },
  Internal: { exit: EXIT.failed, meaning: 'A fault of apigw-cert itself.' },
  Interrupted: { exit: EXIT.interrupted, meaning: 'Stopped by a signal; nothing was left half-done.' },
  JournalBroken: { exit: EXIT.failed, meaning: 'The journal of a rotation cannot be read.' },
  JournalNotWritable: {
    exit: EXIT.failed,
    meaning: 'The state directory cannot be written to, so nothing was begun that could not be resumed.',
  },
  JournalTooNew: { exit: EXIT.failed, meaning: 'The journal was written by a newer apigw-cert.' },
  Locked: { exit: EXIT.unfinished, meaning: 'Another run is at work on the same thing.' },
  LockLost: {
    exit: EXIT.unfinished,
    meaning: 'Another run took the lock over, for example while this machine slept.',
  },
  NotConfirmed: {
    exit: EXIT.failed,
    meaning: 'The question was answered with no, or nobody was there to ask.',
  },
  QuotaExceeded: { exit: EXIT.failed, meaning: 'The account holds as many client certificates as it may.' },
  RegionMissing: { exit: EXIT.usage, meaning: 'No AWS Region was given or configured.' },
  RequestRefused: { exit: EXIT.failed, meaning: 'AWS refused the request as invalid or in conflict.' },
  ServiceUnreachable: { exit: EXIT.failed, meaning: 'The AWS service did not answer.' },
  StageAmbiguous: { exit: EXIT.usage, meaning: 'The name given fits more than one API or stage.' },
  StageNotFound: { exit: EXIT.failed, meaning: 'No such API or stage in the account and Region.' },
  Throttled: { exit: EXIT.failed, meaning: 'AWS kept answering that requests come too fast.' },
  TrustStoreFailed: {
    exit: EXIT.failed,
    meaning: 'A trust store could not be changed; it is as it was before.',
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
 * is not an AppError is a bug and is reported as `Internal`.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, { hint, cause, details = {} }: ErrorDetail = {}) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code].exit;
  }
}
