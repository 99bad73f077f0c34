import type { FleetAccount } from '../settings/accounts.js';
import type { ControlPlane } from './control-plane.js';

/** The control plane of one account and Region, and what was learned on the way. */
export interface OpenSource {
  controlPlane: ControlPlane;
  /** Twelve digits, where the credentials tell. */
  accountId?: string;
  /** How far the clock of this machine is ahead of AWS's, in ms, once there was an answer. */
  clockOffsetMs: () => number | undefined;
  /** Requests sent, throttled answers, and the speed allowed now in requests a second. */
  counts: () => Readonly<{ taken: number; throttled: number; perSecond: number }>;
}

/** Where the control planes of a fleet come from. Both methods throw AppErrors about access. */
export interface Fleet {
  /** The Regions that are enabled in the account. */
  enabledRegions(account: FleetAccount): Promise<string[]>;

  /** Without a Region: the one that the environment or the profile names. Throws `RegionMissing`. */
  open(account: FleetAccount, region: string | undefined): Promise<OpenSource>;
}
