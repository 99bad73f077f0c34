import pLimit from 'p-limit';
import { AppError } from '../platform/errors.js';
import { regionlessSource, type FleetAccount, type Source, type SourceResult } from '../settings/accounts.js';
import type { Fleet, OpenSource } from './fleet-port.js';

/** Sources read at once. Each waits for its own request limit most of the time; memory is what bounds it. */
const SIDE_BY_SIDE = 256;

/** What is told on the way: sources as they become known, the calls that they need, and what is done. */
export interface FleetProgress {
  sources(count: number): void;
  sourceDone(): void;
  /** More calls that one source is known to need, and how fast they may go (a second). */
  expect(source: Source, calls: number, perSecond: () => number): void;
  callDone(source: Source): void;
}

/** The part of the progress that the reader of one source tells. */
export interface SourceProgress {
  expect(calls: number): void;
  done(): void;
}

export type ReadSource<T> = (open: OpenSource, source: Source, progress: SourceProgress) => Promise<T>;

/** A fault of our own in one source must not take the others with it either. */
function known(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('Internal', `unexpected: ${reason}`, { cause: error });
}

/**
 * Reads every account in every one of its Regions, side by side: one that is slow or denied holds nobody up. The
 * results come in the order of accounts and Regions.
 */
export async function overFleet<T>(
  fleet: Fleet,
  accounts: readonly FleetAccount[],
  read: ReadSource<T>,
  progress?: FleetProgress,
): Promise<SourceResult<T>[]> {
  const limit = pLimit(SIDE_BY_SIDE);

  async function readOne(account: FleetAccount, region: string | undefined): Promise<SourceResult<T>> {
    let source: Source =
      region === undefined ? regionlessSource(account.name, 'default') : { account: account.name, region };
    let open: OpenSource | undefined;
    const clock = (): { clockOffsetMs?: number } => {
      const clockOffsetMs = open?.clockOffsetMs();
      return clockOffsetMs === undefined ? {} : { clockOffsetMs };
    };
    try {
      open = await fleet.open(account, region);
      const { counts } = open;
      source = { account: account.name, region: open.controlPlane.region };
      const { accountId } = open;
      const value = await read(open, source, {
        expect: (calls) => progress?.expect(source, calls, () => counts().perSecond),
        done: () => progress?.callDone(source),
      });
      return {
        state: 'read',
        source,
        ...(accountId === undefined ? {} : { accountId }),
        ...clock(),
        value,
      };
    } catch (error) {
      return { state: 'unknown', source, ...clock(), error: known(error) };
    } finally {
      progress?.sourceDone();
    }
  }

  async function readAccount(account: FleetAccount): Promise<SourceResult<T>[]> {
    let regions: readonly (string | undefined)[];
    try {
      regions =
        account.regions === 'all'
          ? await fleet.enabledRegions(account)
          : account.regions === 'default'
            ? [undefined]
            : account.regions;
    } catch (error) {
      const source = regionlessSource(account.name, account.regions);
      return [{ state: 'unknown', source, error: known(error) }];
    }
    progress?.sources(regions.length);
    return Promise.all(regions.map((region) => limit(() => readOne(account, region))));
  }

  return (await Promise.all(accounts.map(readAccount))).flat();
}
