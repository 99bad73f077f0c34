import { isAcmVersion } from '../control-plane/acm-version.js';
import { stageIdsText } from '../control-plane/stages-text.js';
import { listText } from '../platform/list-text.js';
import type { ChalkInstance } from 'chalk';
import { printable } from '../platform/printable.js';
import type { BackendCall } from '../rotation/rules/calls.js';
import type { BackendProof, Proof, ProofResult, ProvedFor } from '../rotation/rules/proof.js';
import { stageText } from '../rotation/rules/unit.js';
import type { StageWording } from './stage-options.js';

/** So many calls and backends have a line of their own. */
const MOST_LINES = 20;

const calledForText = (stages: readonly ProvedFor[], wording: StageWording): string =>
  stageIdsText(
    stages.map(({ stage }) => stage),
    (stage) => {
      const isCanary = stages.some((one) => one.stage === stage && one.canary === true);
      return `${isCanary ? 'canary of ' : ''}${wording(stage)}`;
    },
  );

const timesText = (times: number): string => (times === 1 ? 'once' : `${times} times`);

/** The items that are alike, in the order of the first of each kind. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}

/** `GET /health → orders.example.com (orders/prod, 12 times)`: a line for each call that differs, and not too many. */
export function callLines(calls: readonly BackendCall[], wording: StageWording = printable): string[] {
  const lines = grouped(calls, ({ method, path, backend }) => JSON.stringify([method, path, backend])).map(
    (alike) => {
      const [{ method, path, backend } = { method: '', path: '', backend: '' }] = alike;
      const stages = alike.flatMap((call) =>
        call.stages.map(({ canary, ...stage }) => ({
          stage: stageText(stage),
          ...(canary ? { canary } : {}),
        })),
      );
      const times = alike.reduce((sum, call) => sum + call.times, 0);
      return {
        times,
        line: `  ${printable(`${method} ${path} → ${backend}`)} (${calledForText(stages, wording)}, ${timesText(times)})`,
      };
    },
  );
  const shown = lines.length > MOST_LINES ? lines.slice(0, MOST_LINES - 1) : lines;
  const rest = lines.slice(shown.length);
  const times = rest.reduce((sum, one) => sum + one.times, 0);
  return [
    ...shown.map(({ line }) => line),
    ...(rest.length > 0
      ? [`  and ${rest.length} more, ${timesText(times)} in all (--output json lists them)`]
      : []),
  ];
}

function callerText({ caller, certificateId = '' }: ProofResult): string {
  switch (caller) {
    case 'new':
      return `the new certificate ${certificateId}`;
    case 'old':
      return `the old certificate ${certificateId}`;
    case 'other':
      return `another certificate, ${certificateId}`;
    case 'current':
      return `the certificate in use ${certificateId}`;
    case 'sameName':
      return 'the certificate of --cert, with the same root and name,';
    case 'none':
      return 'a caller without a certificate';
  }
}

function outcomeText(caller: ProofResult, { outcome, tried, status, detail = '' }: BackendProof): string {
  const who = callerText(caller);
  const because = detail === '' ? String(status) : detail;
  const by = caller.by === undefined ? '' : ` ${BY[caller.by]}`;
  const times = caller.by === 'stageUrl' ? status : `${tried} of ${tried}`;
  switch (outcome) {
    case 'accepted':
      return `${caller.caller === 'old' && caller.wanted === 'refused' ? 'still ' : ''}accepts ${who}${by} (${times})`;
    case 'refused':
      return `refuses ${who}${by} (${because})`;
    case 'unknown':
      return `does not show whether it accepts ${who}${by} (${because})`;
  }
}

/** What a certificate was presented by where AWS makes no test calls with it. */
const BY: Readonly<Record<NonNullable<ProofResult['by']>, string>> = {
  handshake: 'presented from this machine',
  stageUrl: 'presented by the stage',
};

/** What callers that were shown to the same backends came to there. */
function triedAt(results: readonly ProofResult[], style: ChalkInstance) {
  const [first] = results;
  return (first?.backends ?? []).map(({ backend, stages }, i) => {
    const answers = results.flatMap((caller) => {
      const answer = caller.backends[i];
      return answer ? [{ caller, answer }] : [];
    });
    const isAsWanted = answers.every(({ caller, answer }) => answer.outcome === caller.wanted);
    const text = answers.map(({ caller, answer }) => outcomeText(caller, answer)).join('; ');
    return {
      backend,
      stages,
      mark: isAsWanted ? style.green('✓') : style.yellow('!'),
      text: printable(text),
    };
  });
}

/** What was tried, backend by backend, and what was not; ✓ only where every caller fared as wanted. */
export function proofLines(proof: Proof, style: ChalkInstance, wording: StageWording = printable): string[] {
  const { unreached, gone, noOther, untested = [] } = proof;
  const byUrl = proof.results.filter(({ by }) => by === 'stageUrl');
  const tried = [proof.results.filter(({ by }) => by !== 'stageUrl'), byUrl].flatMap((results) =>
    triedAt(results, style),
  );
  const lines = grouped(tried, ({ backend, text }) => JSON.stringify([backend, text])).map((alike) => {
    const [{ backend, mark, text } = { backend: '', mark: '', text: '' }] = alike;
    const stages = alike.flatMap((one) => one.stages);
    return {
      backend,
      stages,
      mark,
      text,
      line: `${mark} ${printable(backend)}${stages.length === 0 ? '' : ` (${calledForText(stages, wording)})`} ${text}`,
    };
  });
  // Where many backends answer alike, one line says so of all of them.
  const shown = grouped(lines, ({ text }) => text).flatMap((alike) => {
    const [one] = alike;
    if (one === undefined || lines.length <= MOST_LINES || alike.length === 1)
      return alike.map(({ line }) => line);
    const names = listText(alike.map(({ backend }) => printable(backend)));
    const stages = calledForText(
      alike.flatMap((each) => each.stages),
      wording,
    );
    return [`${one.mark} ${alike.length} backends (${names}; ${stages}), each of them: ${one.text}`];
  });
  return [
    ...shown,
    ...(unreached.length > MOST_LINES
      ? [
          `- ${unreached.length} backends (${listText(unreached.map(printable))}) were not called: no safe GET request reaches them`,
        ]
      : unreached.map((backend) => `- ${printable(backend)} was not called: no safe GET request reaches it`)),
    ...gone.map((id) =>
      isAcmVersion(id)
        ? `- ${printable(id)} is no longer in ACM, so nothing shows whether it is refused`
        : `- ${printable(id)} is deleted, so no test call can present it any more`,
    ),
    ...untested.map((id) => `- ${printable(id)} was not tested: AWS makes no test calls with it`),
    ...(noOther ? ['- there was no other unused certificate to test with'] : []),
  ].map((line) => `    ${line}`);
}
