/** Whether the hosts that follow published lists are there and have them live, also where nothing is rotated. */
import pLimit from 'p-limit';
import { acknowledgement } from '../acknowledgements/host-report.js';
import { openReports } from '../acknowledgements/reports.js';
import { listText } from '../platform/list-text.js';
import { parseReportPlace } from '../settings/report-place.js';
import { createTrustStore, trustStoreSchema } from '../trust/kinds/index.js';
import { asAppError } from './answer.js';
import type { MissingHosts } from './messages.js';
import type { RoundContext } from './rotate.js';

type Target = NonNullable<RoundContext['configuration']['targets']>[string];

/** Targets that are looked at side by side. */
const AT_ONCE = 10;

/** The keys of the entries that all of the lists have. */
async function published({ trust }: Target): Promise<string[]> {
  const lists = await Promise.all(
    trust.map((entry) =>
      createTrustStore(trustStoreSchema.parse(entry), { announce: () => undefined }).observe(),
    ),
  );
  const [first = [], ...others] = lists.filter((list) => list !== undefined);
  return first.filter((key) => others.every((list) => list.includes(key)));
}

async function look(
  [target, settings]: [string, Target],
  { access, now }: Pick<RoundContext, 'access' | 'now'>,
  shown: (text: string) => string,
): Promise<MissingHosts | undefined> {
  const { acknowledge } = settings;
  if (acknowledge === undefined) return undefined;
  const required = acknowledge.hosts === 'all' ? 1 : acknowledge.hosts;
  try {
    const [reports, keys] = await Promise.all([
      openReports(parseReportPlace(acknowledge.reports), access).list(),
      published(settings),
    ]);
    const wanted = { state: 'live', keys, hosts: required } as const;
    const { isGiven, living, asWanted, waitingFor } = acknowledgement(reports, wanted, now());
    if (isGiven) return undefined;
    const others = waitingFor.length === 0 ? '' : `; not ${shown(listText(waitingFor))}`;
    return {
      target,
      required,
      reporting: living,
      live: asWanted,
      reason: `${asWanted} of ${living} hosts that report have the list live, and at least ${required} must${others}`,
    };
  } catch (error) {
    return { target, required, reason: shown(`it is not known: ${asAppError(error).message}`) };
  }
}

/** The targets with `acknowledge` whose hosts are not all known to be there with the list live. */
export async function missingHosts(
  context: Pick<RoundContext, 'configuration' | 'access' | 'now'>,
  shown: (text: string) => string,
): Promise<MissingHosts[]> {
  const atOnce = pLimit(AT_ONCE);
  const targets = Object.entries(context.configuration.targets ?? {});
  const looks = await Promise.all(targets.map((entry) => atOnce(() => look(entry, context, shown))));
  return looks.filter((missing) => missing !== undefined);
}
