/** What the hosts say that follow a published list: awaited beside the test calls, which reach some hosts only. */
import { acknowledgement, type Acknowledgement } from '../../acknowledgements/host-report.js';
import { AppError } from '../../platform/errors.js';
import { listText } from '../../platform/list-text.js';
import { acknowledgeKey, type Step } from '../rules/next-step.js';
import { trustKey } from '../rules/trust-key.js';
import type { Acknowledger } from './ports.js';
import { account, pause, step, stopIfAsked, tell, type Run } from './run.js';

type AcknowledgeStep = Extract<Step, { kind: 'acknowledge' }>;
type Wanted = Pick<AcknowledgeStep, 'wanted' | 'certificates'>;

/** Between the first two looks at the reports, and at most, in milliseconds; each pause is half as long again. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

/** The groups of hosts whose backends the rotation concerns. */
export const acknowledgersOf = ({ deps, ...run }: Run): readonly Acknowledger[] =>
  deps.acknowledgers?.(account({ deps, ...run }).moving) ?? [];

/**
 * Reads the reports once, before anything begins, so that a place that cannot be read stops nothing half-way.
 * @throws AppError
 */
export async function assertReportsReadable(run: Run): Promise<void> {
  for (const { reports } of acknowledgersOf(run)) await reports.list();
}

/** What one group of hosts says, and how much of it is required. */
interface Sight {
  acknowledger: Acknowledger;
  seen: Acknowledgement;
}

async function look(run: Run, { wanted: state, certificates }: Wanted): Promise<Sight[]> {
  const keys = certificates.map(trustKey);
  return Promise.all(
    acknowledgersOf(run).map(async (acknowledger) => {
      const { reports, hosts } = acknowledger;
      const found = await reports.list();
      return {
        acknowledger,
        seen: acknowledgement(found, { state, keys, hosts }, run.deps.now()),
      };
    }),
  );
}

const areAllGiven = (sights: readonly Sight[]): boolean => sights.every(({ seen }) => seen.isGiven);

/** Whether all hosts have the certificate live now, in a fresh look. */
export const isLiveEverywhere = async (
  run: Run,
  certificates: AcknowledgeStep['certificates'],
): Promise<boolean> => areAllGiven(await look(run, { wanted: 'live', certificates }));

/**
 * Waits until all hosts that report trust a certificate, or trust those that are gone no more.
 * @throws AppError `RotationWaiting` without `--wait`, and after the time that the target sets
 */
export async function acknowledge(run: Run, next: AcknowledgeStep): Promise<void> {
  const { now } = run.deps;
  const first = await look(run, next);
  const isWaiting = !areAllGiven(first);
  if (isWaiting && !run.request.settings.wait) throw waitingError(first, next);
  const timeout = Math.max(...first.map(({ acknowledger }) => acknowledger.timeout));
  const until = now().getTime() + timeout;
  if (isWaiting) {
    tell(run, { type: 'waiting', until: new Date(until).toISOString(), reason: 'reports of the hosts' });
  }
  const ids = next.certificates.map(({ clientCertificateId }) => clientCertificateId).join(', ');
  await step(run, 'acknowledge', ids, async () => {
    let ms = FIRST_PAUSE;
    for (let sights = first; ; sights = await look(run, next)) {
      stopIfAsked(run);
      if (areAllGiven(sights)) {
        const hosts = sights.reduce((sum, { seen }) => sum + seen.living, 0);
        return { value: undefined, evidence: { wanted: next.wanted, hosts } };
      }
      const left = until - now().getTime();
      if (left <= 0) throw waitingError(sights, next);
      await pause(run, Math.min(left, ms), left);
      ms = Math.min(ms * 1.5, LONGEST_PAUSE);
    }
  });
  run.progress = { ...run.progress, acknowledged: acknowledgeKey(next.wanted, next.certificates) };
}

function sightText({ acknowledger: { reports, hosts }, seen }: Sight): string {
  const { living, asWanted, waitingFor } = seen;
  if (living === 0) return `no host reports in ${reports.name}`;
  const others = living - asWanted;
  const named = others > waitingFor.length ? `${listText(waitingFor)} and others` : listText(waitingFor);
  const missing = others === 0 ? '' : `; not ${named}`;
  const required = living < hosts ? `, and ${hosts} are required` : '';
  return `${asWanted} of ${living} hosts in ${reports.name} report it${missing}${required}`;
}

function waitingError(sights: readonly Sight[], { wanted, certificates }: Wanted): AppError {
  const ids = listText(certificates.map(({ clientCertificateId }) => clientCertificateId));
  const open = sights.filter(({ seen }) => !seen.isGiven);
  return new AppError(
    'RotationWaiting',
    `whether all hosts ${wanted === 'live' ? `trust ${ids}` : `no longer trust ${ids}`} is not known: ${open.map(sightText).join('; ')}`,
    {
      hint: 'check the followers on these hosts (docs/follow.md), then run the same command again',
      details: { waitingFor: open.flatMap(({ seen }) => seen.waitingFor) },
    },
  );
}
