/** The stage's own URL: what its clients see. */
import type { StageRef } from '../../control-plane/api-gateway.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { ProofResult } from '../rules/proof.js';
import { stageText } from '../rules/unit.js';
import { account, pause, type Run } from './run.js';

/** After a request that failed, in milliseconds. */
const RETRY_AFTER = 1_000;
/** Failed requests in a row that count; one alone may be anybody's. */
export const MOST_FAILURES = 3;

/** Asks the stage's own URL, where one is given, until it answers well. @returns what is wrong with it, if it never does */
export async function askStage(run: Run): Promise<string | undefined> {
  const { probeUrl } = run.request;
  if (probeUrl === undefined) return undefined;
  for (let failures = 1; ; failures++) {
    const status = await run.deps.request(probeUrl);
    if (isGood(status)) {
      run.urlAnswer = { status, tried: failures };
      return undefined;
    }
    if (failures === MOST_FAILURES) return answeredText(probeUrl, status);
    await pause(run, RETRY_AFTER);
  }
}

/** Between two requests to the stage's own URL while it is watched, in milliseconds. */
const WATCH_INTERVAL = 5_000;

/** The stage's own URL, requested again and again. */
export interface StageUrlWatch {
  /** How many requests were made. */
  readonly requests: number;
  /** How many of them failed, and what the last of these was answered; 0 for no answer. */
  readonly failed: number;
  readonly lastFailure: number;
  /** When the next one is to follow, in milliseconds. */
  readonly pauseFor: number;
  /** One request more. @returns what is wrong with the URL, once as many in a row have failed as count */
  ask(): Promise<string | undefined>;
}

/** Begins to watch the stage's own URL. */
export function watchStageUrl(run: Run, url: string): StageUrlWatch {
  let requests = 0;
  let failures = 0;
  let failed = 0;
  let lastFailure = 0;
  return {
    get requests() {
      return requests;
    },
    get failed() {
      return failed;
    },
    get lastFailure() {
      return lastFailure;
    },
    get pauseFor() {
      return failures > 0 ? RETRY_AFTER : WATCH_INTERVAL;
    },
    async ask() {
      const status = await run.deps.request(url);
      requests += 1;
      failures = isGood(status) ? 0 : failures + 1;
      if (isGood(status)) run.urlAnswer = { status, tried: 1 };
      else {
        failed += 1;
        lastFailure = status;
      }
      return failures === MOST_FAILURES ? answeredText(url, status) : undefined;
    },
  };
}

const isGood = (status: number): boolean => status >= 200 && status < 400;

/** `answered 403`, `did not answer`. */
export const answerText = (status: number): string =>
  status === 0 ? 'did not answer' : `answered ${status}`;

const answeredText = (url: string, status: number): string =>
  `${url} ${answerText(status)} ${MOST_FAILURES} times in a row`;

/**
 * The stage's own URL as a proof that what the stages present is accepted: of the one stage that moves, or of the one that the URL
 * names (`API.execute-api.REGION.amazonaws.com/STAGE`); of which of several stages another domain is, is not known.
 * @returns nothing where this run has not asked it
 */
export function stageUrlResults(
  run: Run,
  caller: 'new' | 'old' | 'current',
  { clientCertificateId: certificateId }: Certificate,
): ProofResult[] {
  const { urlAnswer, request } = run;
  if (urlAnswer === undefined || request.probeUrl === undefined) return [];
  const url = new URL(request.probeUrl);
  const { moving } = account(run);
  const shown = moving.length === 1 ? moving : moving.filter((stage) => isOf(url, stage));
  const stages = shown.map((stage) => ({ stage: stageText(stage) }));
  const call = `GET ${url.pathname}${url.search}`;
  return [
    {
      caller,
      certificateId,
      wanted: 'accepted',
      by: 'stageUrl',
      backends: [{ backend: url.host, stages, call, ...urlAnswer, outcome: 'accepted' }],
    },
  ];
}

const isOf = ({ hostname, pathname }: URL, { restApiId, stageName }: StageRef): boolean =>
  hostname.startsWith(`${restApiId}.execute-api.`) && pathname.split('/')[1] === stageName;
