import type { Probe } from '../rules/probe.js';
import { show } from './show.js';
import type { ProbeResult } from './test-invoke.js';
import { pause, stopIfAsked, type Run } from './run.js';

/** Between two tries of a backend that has not obeyed its trust store yet, in milliseconds: doubled up to the last. */
const FIRST_RETRY = 100;
const LAST_RETRY = 1_000;

/** A server that restarts to read its trust store answers nobody for so long, in milliseconds. */
export const RELOADING = 3_000;

/** What all backends are asked. */
export interface Question {
  probes: readonly Probe[];
  /** Absent: how they treat a caller without a certificate. */
  certificateId?: string;
  wanted: 'accepted' | 'refused';
  /** How often each is asked, where it accepts: a load balancer shows one host a call. */
  times: number;
  /**
   * Another certificate. Where an answer does not tell, the same call is made with it: a backend that accepts this one
   * there and then is up, and so has refused the other.
   */
  control?: string;
  /** Whether a refusal ends it at once: what is presented alternates, and the next call may present the other one. */
  isRefusalFinal?: true;
}

/**
 * Tells a refusal from an outage without knowing how either is worded: the call fails, succeeds with the control, and
 * fails again.
 */
async function compare(
  run: Run,
  candidate: Probe,
  result: ProbeResult,
  { certificateId, control, times }: Question,
): Promise<ProbeResult> {
  if (result.outcome !== 'unknown' || control === undefined) return result;
  if (!(await show(run, candidate, control, 1)).accepted) return result;
  const again = await show(run, candidate, certificateId, times);
  if (again.outcome !== 'unknown') return again;
  const { cause } = again;
  return {
    ...again,
    outcome: 'refused',
    cause: `${cause === undefined ? '' : `${cause}; `}the same call succeeds with ${control}`,
  };
}

/**
 * Asks until all backends answer as wanted, or the time is up that a changed trust store has to be obeyed everywhere:
 * hosts pull files and reload at their own pace. One that has answered as wanted is not asked again. Before each further
 * try, `meanwhile` may end the waiting by throwing.
 *
 * @param settle milliseconds; with 0 each backend is asked once
 * @returns the last answer to each probe, in the order of the probes
 */
export async function askUntil(
  run: Run,
  question: Question,
  settle: number,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<{ asWanted: boolean; results: ProbeResult[] }> {
  const { probes, certificateId, wanted, times, isRefusalFinal = false } = question;
  const { now } = run.deps;
  const deadline = now().getTime() + settle;
  const answers = new Map<Probe, ProbeResult>();
  const ask = async (how: (candidate: Probe) => Promise<ProbeResult>): Promise<boolean> => {
    for (const candidate of probes.filter((one) => answers.get(one)?.outcome !== wanted)) {
      stopIfAsked(run);
      answers.set(candidate, await how(candidate));
    }
    return [...answers.values()].every(({ outcome }) => outcome === wanted);
  };
  const once = async (candidate: Probe): Promise<ProbeResult> => {
    const result = await show(run, candidate, certificateId, times);
    return wanted === 'refused' ? compare(run, candidate, result, question) : result;
  };
  const answered = (asWanted: boolean): { asWanted: boolean; results: ProbeResult[] } => ({
    asWanted,
    results: probes.flatMap((candidate) => answers.get(candidate) ?? []),
  });
  for (let retry = FIRST_RETRY; ; retry = Math.min(2 * retry, LAST_RETRY)) {
    if (await ask(once)) return answered(true);
    if (isRefusalFinal && [...answers.values()].some(({ outcome }) => outcome === 'refused'))
      return answered(false);
    if (now().getTime() >= deadline) break;
    await meanwhile();
    await pause(run, retry);
  }
  if (wanted === 'refused') return answered(false);
  return answered(
    await ask(async (candidate) => {
      const last = answers.get(candidate);
      return last ? compare(run, candidate, last, question) : once(candidate);
    }),
  );
}

/** The answers of so many backends are told. */
const TOLD = 5;

/** `orders.example answered 403 (…)`: every backend that did not accept, with what it answered. */
export function refusalText(results: readonly ProbeResult[]): string {
  const refusals = results.filter(({ accepted }) => !accepted);
  if (refusals.length === 0) return 'every backend accepted it';
  const told = refusals
    .slice(0, TOLD)
    .map(({ backend, cause, ...rest }) => {
      const because = cause === undefined ? '' : ` (${cause})`;
      return `${backend} ${answerText(rest)}${because}`;
    })
    .join('; ');
  return refusals.length > TOLD ? `${told}; and ${refusals.length - TOLD} more backends` : told;
}

function answerText({ progress, status }: Pick<ProbeResult, 'progress' | 'status'>): string {
  if (progress === 'notSent') return 'was not called';
  return progress === 'unanswered' ? 'did not answer' : `answered ${status}`;
}
