/** The findings of `check-expiry`, for a function. */
import { createAwsFleet } from '../control-plane/aws-fleet.js';
import { DEFAULT_THRESHOLDS } from '../control-plane/certificate-view.js';
import { checkExpiry } from '../findings/check-expiry.js';
import { parseFailOn } from '../findings/fail-on.js';
import { parseThreshold } from '../platform/duration.js';
import { fleetAccounts } from '../settings/resolve.js';
import { missingHosts } from './hosts.js';
import type { RoundContext } from './rotate.js';
import type { CheckAnswer, CheckRequest } from './messages.js';

/** An answer of a function has 6 MB at most, and a message of a queue 256 KB. */
const MOST = 500;

/**
 * Looks at the certificates of `accounts` and their Regions, and at the hosts of targets with `acknowledge`. What cannot be
 * read is unknown.
 * @throws AppError `Usage` for an account that the configuration does not have, and for thresholds upside down
 */
export async function check(
  { account, regions, usage = false, warning, critical }: CheckRequest,
  context: Pick<RoundContext, 'configuration' | 'access' | 'now' | 'onCall'>,
  shown: (text: string) => string,
): Promise<CheckAnswer> {
  const { configuration, now, onCall } = context;
  const { thresholds = DEFAULT_THRESHOLDS } = configuration;
  const accounts = fleetAccounts({
    accountFlag: account,
    regionFlag: regions?.join(','),
    environmentRegion: process.env['AWS_REGION'],
    configuration,
  });
  const { level, checkedAt, acmUnchecked, sources, items, findings } = await checkExpiry(
    createAwsFleet({ onCall }),
    accounts,
    {
      filter: {},
      all: false,
      compliance: false,
      usage,
      thresholds: {
        warning: warning === undefined ? thresholds.warning : parseThreshold(warning),
        critical: critical === undefined ? thresholds.critical : parseThreshold(critical),
      },
      failOn: parseFailOn('warning'),
    },
    now,
  );
  const missing = account === undefined ? await missingHosts(context, shown) : [];
  return {
    request: 'check',
    level,
    checkedAt: checkedAt.toISOString(),
    sources: sources.length,
    unknownSources: sources.filter(({ state }) => state === 'unknown').length,
    certificates: items.length,
    acmUnchecked,
    findings: findings.slice(0, MOST).map(({ message, remedy, ...rest }) => ({
      ...rest,
      message: shown(message),
      ...(remedy === undefined ? {} : { remedy: shown(remedy) }),
    })),
    findingCount: findings.length,
    missingHosts: missing.slice(0, MOST),
    missingHostsCount: missing.length,
  };
}
