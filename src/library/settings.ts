import type { RotationEvent } from '../rotation/rules/event.js';

/** Credentials of AWS, as `fromIni()` and the other providers of `@aws-sdk/credential-providers` return them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When to ask for new ones. */
  readonly expiration?: Date;
  /** Twelve digits. */
  readonly accountId?: string;
}

/** How far a call has come: API calls that have been answered, and those that are known to be needed. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly done: number;
  readonly expected: number;
}

/**
 * How one account and Region are reached. What is omitted comes from the environment and the AWS configuration files, in
 * the order of the AWS CLI.
 */
export interface ClientSettings {
  /** A profile of the AWS configuration files. */
  readonly profile?: string;
  readonly region?: string;
  /** The URL of another API Gateway, such as the emulator's. */
  readonly endpoint?: string;
  /** Where credentials come from; called again when they expire. */
  readonly credentials?: () => Promise<Credentials>;
  /** Aborts the call: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called as the look at the account goes on. What it throws is thrown by the call. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/**
 * Where a backend keeps the certificates that it accepts, with the members that docs/trust-stores.md names for its kind:
 * `{ "kind": "nginx", "file": "/etc/nginx/apigw.pem" }`.
 */
export type TrustStoreDescription = Readonly<Record<string, unknown>> & { readonly kind: string };

/** What `rotate` and `plan` are asked for. Durations have a unit: `5m`, `1d12h`. */
export interface RotateOptions extends ClientSettings {
  /** A stage that presents the certificate, as `orders/prod`, with the name or the id of its API. */
  readonly stage: string;
  /** Every trust store of the backends behind all stages that present the certificate. */
  readonly trust: readonly TrustStoreDescription[];
  /** The call that shows whether the backend accepts a certificate: `GET /health`. Default: safe GET methods of the API. */
  readonly probe?: string;
  /** How many times in a row a backend has to answer as it should. Default: 5. */
  readonly probeCount?: number;
  /** When a certificate is due: this long before it expires, or at this share of its lifetime. Default: `33%`. */
  readonly renewBefore?: string;
  /** Rotate now, due or not. */
  readonly force?: boolean;
  /** Rotate to this certificate instead of a new one. */
  readonly to?: string;
  /** How long backends may take to accept a change of a trust store. Default: `30s`. */
  readonly settle?: string;
  /** How long the new certificate is in use before the old one is deleted. Default: `5m`. */
  readonly soak?: string;
  /** How long the old certificate stays trusted and undeleted after the switch. */
  readonly keepOld?: string;
  /** Without waiting, a rotation that has to wait rejects with `RotationWaiting`, and a later call goes on. Default: true. */
  readonly wait?: boolean;
  /** Also where CloudFormation or Terraform manages the stage or its certificate. */
  readonly allowDrift?: boolean;
  /** Also where the backend accepts requests without a certificate. */
  readonly allowUncheckedBackend?: boolean;
  /** Also where no safe GET request reaches a backend. */
  readonly allowUnproved?: boolean;
  /** The state directory: journals and locks. Default: that of the command line. */
  readonly stateDirectory?: string;
  /** Called with each event of the rotation, in order. What it throws is thrown by the call, after the current step. */
  readonly onEvent?: (event: RotationEvent) => void;
  /** Asked before what cannot be undone, and by a `manual` trust store. Default: nobody agrees. */
  readonly confirm?: (question: string) => boolean | Promise<boolean>;
  /** Told what a person has to do, by a `manual` trust store. */
  readonly announce?: (text: string) => void;
}
