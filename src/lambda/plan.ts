/** Which certificates there are to look after: accounts × Regions × targets. */
import pLimit from 'p-limit';
import { accountKey, accountOfRole } from '../settings/resolve.js';
import type { RotationJob } from '../rotation/engine/jobs.js';
import { asAppError } from './answer.js';
import { executionName } from './execution-name.js';
import type { Opened } from './open.js';
import type { Job, PlanAnswer, PlanRequest, Refusal } from './messages.js';
import { jobOf, round, type RoundContext } from './rotate.js';
import { assertSuitable } from './suitable.js';

type Target = NonNullable<Opened['configuration']['targets']>[string];

/** Targets of one answer: without `due` nothing is asked of AWS. */
const LIMIT = { listed: 1_000, due: 100 };

/** Accounts and Regions that are looked at side by side: each has a request limit of its own. */
const PLACES_AT_ONCE = 10;

/** A job as far as the configuration tells it. */
function listed(name: string, { roleArn, region }: Target, defaultRegion: string | undefined): Job {
  const where = region ?? defaultRegion;
  return {
    target: name,
    ...(roleArn === undefined ? {} : { account: accountOfRole(roleArn) }),
    ...(where === undefined ? {} : { region: where }),
  };
}

function refusal(target: string, error: unknown, shown: (text: string) => string): Refusal {
  const { code, message, hint } = asAppError(error);
  return { target, code, reason: shown(message), ...(hint === undefined ? {} : { remedy: shown(hint) }) };
}

/**
 * The jobs of the configuration, page by page in the order of the file. With `due`, each account and Region is looked at
 * once, and a job is a certificate that is due or being replaced.
 */
export async function plan(
  { due = false, region, account, after, limit }: PlanRequest,
  context: RoundContext,
  shown: (text: string) => string,
): Promise<PlanAnswer> {
  const { targets = {}, region: defaultRegion } = context.configuration;
  const entries = Object.entries(targets);
  const start = after === undefined ? 0 : entries.findIndex(([name]) => name === after) + 1;
  const end = start + (limit ?? (due ? LIMIT.due : LIMIT.listed));
  const jobs: Job[] = [];
  const refused: Refusal[] = [];
  for (const [name, target] of entries.slice(start, end)) {
    const job = listed(name, target, defaultRegion);
    if ((region ?? job.region) !== job.region || (account ?? job.account) !== job.account) continue;
    try {
      assertSuitable({
        trust: target.trust,
        hooks: target.hooks ?? {},
        publish: target.publish ?? [],
        ...(target.acknowledge === undefined ? {} : { acknowledge: target.acknowledge }),
        others: [],
        publishing: [],
      });
      jobs.push(job);
    } catch (error) {
      refused.push(refusal(name, error, shown));
    }
  }
  const [last] = entries[end - 1] ?? [];
  const next = last === undefined || end >= entries.length ? {} : { next: last };
  if (!due) return { request: 'plan', jobs, refused, ...next };
  const found = await dueJobs(jobs, context, shown);
  return { request: 'plan', jobs: found.jobs, refused: [...refused, ...found.refused], ...next };
}

/** The certificates of some targets that are due, or being replaced: what a dry run of each would do something about. */
async function dueJobs(
  candidates: readonly Job[],
  context: RoundContext,
  shown: (text: string) => string,
): Promise<Pick<PlanAnswer, 'jobs' | 'refused'>> {
  const jobs: Job[] = [];
  const refused: Refusal[] = [];
  const places = new Map<string, RotationJob[]>();
  for (const candidate of candidates) {
    try {
      const job = jobOf(candidate, context);
      const key = accountKey(job.account);
      places.set(key, [...(places.get(key) ?? []), job]);
    } catch (error) {
      refused.push(refusal(candidate.target, error, shown));
    }
  }
  const atOnce = pLimit(PLACES_AT_ONCE);
  const results = await Promise.all(
    [...places.values()].map((its) => atOnce(() => round(its, context, { dryRun: true }))),
  );
  for (const { outcomes, place } of results) {
    for (const { target = '', stage, report, error } of outcomes) {
      if (report === undefined) refused.push(refusal(target, error, shown));
      else if (report.outcome !== 'notDue' && stage !== undefined && place !== undefined) {
        const { oldCertificateId: certificateId } = report;
        jobs.push({
          target,
          stage: `${stage.restApiId}/${stage.stageName}`,
          name: executionName(place.leaseKey, certificateId),
          account: place.account,
          region: place.region,
          certificateId,
        });
      }
    }
  }
  return { jobs, refused };
}
