import type { Threshold } from '../platform/duration.js';
import { DEFAULT_RENEW_BEFORE } from '../certificates/expiry.js';

/**
 * What manages stages and certificates from code. `sam` and `serverless` cannot set a client certificate, so that their
 * deployments leave one as it is.
 */
export const MANAGERS = ['cloudformation', 'sam', 'serverless', 'terraform'] as const;

export type Manager = (typeof MANAGERS)[number];

/** How a rotation is to be done. Durations are in milliseconds. */
export interface RotationSettings {
  /** How long before its end a certificate is due. */
  renewBefore: Threshold;
  /** Rotate although it is not due, or although an earlier try was rolled back. */
  force: boolean;
  /** Move the named stage alone and keep the old certificate for the others that share it. */
  onlyStage: boolean;
  /** How many times in a row each proof is tried: a load balancer shows one host a call. */
  probes: number;
  /** How long a changed trust store may take to be obeyed by every host. */
  settle: number;
  /** How long the new certificate is in use before the old one is taken away: API Gateway's own propagation. */
  soak: number;
  /** How long after the switch the old certificate stays trusted and undeleted; absent: as an earlier run was told. */
  keepOld?: number;
  /** How long a write whose answer was lost may still take effect in AWS. */
  inFlight: number;
  /** Wait within the run; otherwise a wait ends the run unfinished, and a later one goes on. */
  wait: boolean;
  /** What manages the stages and their certificate; absent: what their tags say. */
  managedBy?: Manager;
  allowDrift: boolean;
  allowUncheckedBackend: boolean;
  allowUnproved: boolean;
  redeploy: 'never' | 'always';
  /** Rotate nothing: test what a renewal by ACM needs, and the backends while it spreads. */
  watchRenewal: boolean;
}

/** What holds where neither a flag nor the configuration says otherwise. */
export const DEFAULT_SETTINGS: RotationSettings = {
  renewBefore: DEFAULT_RENEW_BEFORE,
  force: false,
  onlyStage: false,
  probes: 5,
  settle: 30_000,
  soak: 5 * 60_000,
  inFlight: 60_000,
  wait: true,
  allowDrift: false,
  allowUncheckedBackend: false,
  allowUnproved: false,
  redeploy: 'never',
  watchRenewal: false,
};
