/** What the function is asked and what it answers. All of it is JSON; times are ISO 8601 in UTC. */
import type { ReportedFinding } from '../findings/finding.js';
import type { CheckLevel } from '../findings/severity.js';
import type { ErrorCode } from '../platform/errors.js';
import type { RotationWarning } from '../rotation/rules/event.js';

/** One certificate to look after. `target` and `stage` alone say which; the rest is for people. */
export interface Job {
  /** A target of `apigw-cert.yaml`. */
  target: string;
  /** `API/STAGE`: only the certificate of this stage of the target. */
  stage?: string;
  /** What an execution that rotates it is called; from `plan` with `due`. */
  name?: string;
  /** The account's number, where the configuration or AWS says it. */
  account?: string;
  region?: string;
  /** The certificate to replace. */
  certificateId?: string;
}

export interface PlanRequest {
  request: 'plan';
  /** Looks into the accounts, and returns a job for each certificate that is due or being replaced. */
  due?: boolean;
  /** The number of an account, and a Region, where not all are meant. */
  account?: string;
  region?: string;
  /** How many targets to go through, at most 1,000; the next request continues after them. Default: 1,000, or 100 with `due`. */
  limit?: number;
  /** `next` of the answer before. */
  after?: string;
}

export interface RotateRequest {
  request: 'rotate';
  job: Job;
  /**
   * `required`: stops before the switch and answers `attention` with `ConfirmationNeeded`, as with `approve: before-switch`
   * in the target. `given`: someone has approved it.
   */
  approval?: 'required' | 'given';
  /** Aborts the rotation in progress. */
  abort?: boolean;
  /** Rotates although the certificate is not due, or although an earlier attempt was rolled back. */
  force?: boolean;
}

export interface CheckRequest {
  request: 'check';
  /** The name of one of `accounts`, and Regions, where not all are meant. */
  account?: string;
  regions?: string[];
  /** Also reads the stages, and checks the ACM certificates that they present. */
  usage?: boolean;
  /** As in `apigw-cert check-expiry`: `30d`, `33%`. */
  warning?: string;
  critical?: string;
}

/** What the function is asked. */
export type Request = PlanRequest | RotateRequest | CheckRequest;

/** A target that cannot be rotated here, and why. */
export interface Refusal {
  target: string;
  code: ErrorCode;
  reason: string;
  remedy?: string;
}

export interface PlanAnswer {
  request: 'plan';
  jobs: Job[];
  /** Targets that need a machine; with `due` also those that could not be looked at. */
  refused: Refusal[];
  /** There is more: the next request's `after`. */
  next?: string;
}

/** What became of one certificate in one round. */
export type Round =
  | {
      status: 'done';
      /** `notDue`, `completed`, `aborted` or `nothingToAbort`. */
      outcome: string;
      /** When it will be due. */
      dueAt?: string;
    }
  | {
      status: 'waiting';
      /** When to ask again. */
      until: string;
      code: ErrorCode | 'KeepingOld';
      reason: string;
    }
  | {
      status: 'attention';
      code: ErrorCode;
      reason: string;
      remedy?: string;
      /** Such as throttling: the same request may succeed in a few minutes. */
      isTemporary: boolean;
    };

/** A certificate and what became of it. */
export type CertificateRound = Round & {
  /** `API/STAGE`, once it is known. */
  stage?: string;
  oldCertificateId?: string;
  newCertificateId?: string;
  warnings?: { code: RotationWarning; message: string }[];
};

export type RotateAnswer = Round & {
  request: 'rotate';
  target: string;
  /** Each certificate of the job. The answer itself says what is worst, or what comes first. */
  certificates: CertificateRound[];
};

export interface CheckAnswer {
  request: 'check';
  /** `ok`, `warning`, `critical` or `unknown`: the worst that counts. */
  level: CheckLevel;
  checkedAt: string;
  /** Accounts and Regions, and those of them that could not be read. */
  sources: number;
  unknownSources: number;
  certificates: number;
  /** The stages were not read, so ACM certificates that they present were not checked. */
  acmUnchecked: boolean;
  /** Worst first, at most 500. */
  findings: ReportedFinding[];
  /** How many findings there are in all. */
  findingCount: number;
  /** The targets with `acknowledge` whose hosts are not all known to have the list live, at most 500. Not with `account`. */
  missingHosts: MissingHosts[];
  /** How many of them there are in all. */
  missingHostsCount: number;
}

/** Hosts of a target that do not report, or do not have the published list live. */
export interface MissingHosts {
  target: string;
  /** At least so many have to report. */
  required: number;
  /** How many report, and how many of them have the list live; absent where that could not be read. */
  reporting?: number;
  live?: number;
  reason: string;
}

export type Answer = PlanAnswer | RotateAnswer | CheckAnswer;
