import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { openReports } from '../../../acknowledgements/reports.js';
import { parseDuration } from '../../../platform/duration.js';
import { AppError } from '../../../platform/errors.js';
import { sleep } from '../../../platform/timer.js';
import { parseReportPlace } from '../../../settings/report-place.js';
import type { Context } from '../../../terminal/context.js';
import { asAppError, printError } from '../../../terminal/output.js';
import { openDestination } from './destination.js';
import { openHealth, parseAddress } from './health.js';
import { follow, followOn, type Follower } from './loop.js';
import type { FollowStatus } from './rules.js';
import { openSource } from './source.js';
import { NOT_IN_LIST, statusText } from './text.js';

/** The options of `backend follow`, under commander's names. */
export interface FollowOptions {
  from?: string;
  to?: string;
  once?: boolean;
  check?: string;
  reload?: string;
  interval: string;
  statusFile?: string;
  health?: string;
  report?: string;
  host?: string;
  allowOlder?: boolean;
}

type FollowContext = Context<FollowOptions>;

/** Looks once, or until a signal. */
export async function runFollow(context: FollowContext): Promise<void> {
  const { options, out, now } = context;
  const stop = new AbortController();
  const health = await healthOf(options, now);
  const follower: Follower = {
    ...followerOf(context),
    onStatus: teller(context, (status) => health?.update(status)),
    signal: stop.signal,
  };
  const onSignal = (): void => {
    stop.abort(new AppError('Interrupted', 'stopped by a signal', { hint: 'run the same command again' }));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    if (options.once === true) {
      const { status, changed } = await follow(follower);
      if (status.notInList) out.warn(NOT_IN_LIST);
      out.result({ ...status, changed }, () => statusText(status, changed));
      return;
    }
    if (health) out.note(`status at ${health.url}`);
    const status = await followOn(follower);
    out.result({ ...status, changed: false }, () => statusText(status, false));
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    health?.close();
  }
}

function followerOf({ options, now }: FollowContext): Omit<Follower, 'onStatus' | 'signal'> {
  const { from = '', to = '', profile, region, allowOlder, statusFile, report } = options;
  return {
    source: openSource(from, { profile, region }),
    destination: openDestination(to, options),
    host: hostOf(options),
    allowOlder: allowOlder === true,
    interval: intervalOf(options.interval),
    statusFile,
    reports: report === undefined ? undefined : reportsOf(report, { profile, region }),
    now,
    sleep,
    random: Math.random,
    asError: asAppError,
  };
}

/** Says what changes: once for each thing that goes wrong, and not at each look. */
function teller(
  { options, out }: FollowContext,
  update: (status: FollowStatus) => void,
): Follower['onStatus'] {
  let said = '';
  return (status, changed, error) => {
    update(status);
    if (options.once === true) return;
    const { notInList = [], updatedAt } = status;
    const saying = `${error?.code ?? ''} ${error?.message ?? ''} ${notInList.join()}`;
    if (saying !== said && error) printError(error, options);
    else if (saying !== said && notInList.length > 0) out.warn(NOT_IN_LIST);
    said = saying;
    if (changed) out.note(`${updatedAt} ${statusText(status, changed)}`);
  };
}

const SHORTEST = 1_000;
const LONGEST = 86_400_000;

function intervalOf(text: string): number {
  const interval = parseDuration(text);
  if (interval >= SHORTEST && interval <= LONGEST) return interval;
  throw new AppError('Usage', `--interval "${text}" is not between 1s and 24h`, {
    hint: 'specify 30s, for example',
  });
}

function hostOf({ host }: FollowOptions): string {
  const name = host ?? hostname();
  if (/^[^\p{Cc}]{1,256}$/u.test(name)) return name;
  throw new AppError('Usage', '--host is not a name of 1 to 256 characters', {
    hint: 'omit it to use the host name',
  });
}

async function healthOf({ health, once }: FollowOptions, now: () => Date) {
  if (health === undefined) return undefined;
  if (once === true) {
    throw new AppError('Usage', '--once and --health cannot be used together', {
      hint: 'use --status-file with --once',
    });
  }
  return openHealth(parseAddress(health), now);
}

function reportsOf(report: string, access: { profile?: string | undefined; region?: string | undefined }) {
  const place = parseReportPlace(report);
  return openReports(
    place.kind === 'folder' ? { ...place, directory: resolve(place.directory) } : place,
    access,
  );
}
