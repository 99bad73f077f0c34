import { DEFAULT_THRESHOLDS } from './certificate-view.js';
import type { FleetAccount, Source, SourceResult } from '../settings/accounts.js';
import {
  certificateRows,
  sourceRow,
  stageRows,
  usageOf,
  type CertificateRow,
  type SourceRow,
  type StageRow,
} from './fleet-view.js';
import type { Inventory } from './inventory.js';
import type { SourceReading } from './source-reading.js';
import type { ExpiryThresholds } from '../certificates/expiry.js';
import type { Fleet } from './fleet-port.js';
import { overFleet, type FleetProgress } from './read-fleet.js';
import { readSource } from './read-source.js';

/** What a fleet holds. */
export interface Listing {
  sources: SourceRow[];
  /** Soonest expiry first. */
  items: CertificateRow[];
  /** Every stage, where they were wanted. */
  stages: StageRow[];
  /** Stages whose certificate is none of the account's client certificates, where the stages were read. */
  elsewhere: readonly (Source & Inventory['elsewhere'][number])[];
}

export interface ListWish {
  /** Also which stages present them: one call more, and one an API. */
  usage: boolean;
  /** With `usage`: also a row a stage. An account can have 13,200. */
  stages?: boolean;
  thresholds?: ExpiryThresholds;
}

/**
 * Every certificate of a fleet: one call an account and Region.
 * @throws AppError the source's own when there is only one and it cannot be read
 */
export async function list(
  fleet: Fleet,
  accounts: readonly FleetAccount[],
  { usage, stages = false, thresholds = DEFAULT_THRESHOLDS }: ListWish,
  now: () => Date,
  progress?: FleetProgress,
): Promise<Listing> {
  const results = await overFleet(
    fleet,
    accounts,
    (open, _source, sourceProgress) =>
      readSource(
        open,
        { usage: usage ? 'always' : 'never', integrations: false, thresholds },
        now,
        sourceProgress,
      ),
    progress,
  );
  const [only] = results;
  if (results.length === 1 && only?.state === 'unknown') throw only.error;
  return listing(results, stages);
}

function listing(results: readonly SourceResult<SourceReading>[], stages: boolean): Listing {
  return {
    sources: results.map(sourceRow),
    items: certificateRows(results),
    stages: stages ? stageRows(results) : [],
    elsewhere: results.flatMap((result) =>
      result.state === 'read'
        ? (usageOf(result.value)?.elsewhere ?? []).map((use) => ({ ...result.source, ...use }))
        : [],
    ),
  };
}
