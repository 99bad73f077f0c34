/** The stage's own URL: what its clients see. */
import type { Certificate } from '../../control-plane/certificate.js';
import type { ProofResult } from '../rules/proof.js';
import { stageText } from '../rules/unit.js';
import { account, pause, type Run } from './run.js';

/** After a request that failed, in milliseconds. */
export const RETRY_AFTER = 1_000;
/** Failed requests in a row that count; one alone may be anybody's. */
export const MOST_FAILURES = 3;

/** Asks the stage's own URL, where one is given, until it answers well. @returns what is wrong with it, if it never does */
export async function askStage(run: Run): Promise<string | undefined> {
  const { probeUrl } = run.request;
  if (probeUrl === undefined) return undefined;
  for (let failures = 1; ; failures++) {
    const status = await run.deps.request(probeUrl);
    if (isGood(status)) return undefined;
    if (failures === MOST_FAILURES) return answeredText(probeUrl, status);
    await pause(run, RETRY_AFTER);
  }
}

export const isGood = (status: number): boolean => status >= 200 && status < 400;

export const answeredText = (url: string, status: number): string =>
  `${url} ${status === 0 ? 'did not answer' : `answered ${status}`} ${MOST_FAILURES} times in a row`;

/** The stage's own URL as a proof that the backends accept what the stages present. */
export function stageUrlResult(
  run: Run,
  caller: 'new' | 'old',
  { clientCertificateId: certificateId }: Certificate,
  url: string,
): ProofResult {
  const { host, pathname, search } = new URL(url);
  const stages = account(run).moving.map((stage) => ({ stage: stageText(stage) }));
  const call = `GET ${pathname}${search}`;
  return {
    caller,
    certificateId,
    wanted: 'accepted',
    by: 'stageUrl',
    backends: [{ backend: host, stages, call, tried: 1, outcome: 'accepted', status: 200 }],
  };
}
