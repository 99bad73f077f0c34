import { listText } from '../core/stages-text.js';
import type { ChalkInstance } from 'chalk';
import { printable } from '../core/printable.js';
import type { BackendCall, CalledFor } from '../core/rotation/calls.js';
import type { BackendProof, Proof, ProofResult } from '../core/rotation/proof.js';
import type { StageWording } from './stage-options.js';

const calledForText = (stages: readonly CalledFor[], wording: StageWording): string =>
  listText(stages.map(({ stage, canary }) => `${canary ? 'canary of ' : ''}${wording(stage)}`));

const timesText = (times: number): string => (times === 1 ? 'once' : `${times} times`);

/** `GET /health → orders.example.com (orders/prod, 12 times)`, a line a call. */
export function callLines(calls: readonly BackendCall[], wording: StageWording = printable): string[] {
  return calls.map(
    ({ method, path, backend, stages, times }) =>
      `  ${printable(`${method} ${path} → ${backend}`)} (${calledForText(stages, wording)}, ${timesText(times)})`,
  );
}

function callerText({ caller, certificateId = '' }: ProofResult): string {
  switch (caller) {
    case 'new':
      return `the new certificate ${certificateId}`;
    case 'old':
      return `the old certificate ${certificateId}`;
    case 'other':
      return `another certificate, ${certificateId}`;
    case 'none':
      return 'a caller without a certificate';
  }
}

function outcomeText(caller: ProofResult, { outcome, tried, status, detail = '' }: BackendProof): string {
  const who = callerText(caller);
  const because = detail === '' ? String(status) : detail;
  switch (outcome) {
    case 'accepted':
      return `${caller.caller === 'old' && caller.wanted === 'refused' ? 'still ' : ''}accepts ${who} (${tried} of ${tried})`;
    case 'refused':
      return `refuses ${who} (${because})`;
    case 'unknown':
      return `does not show whether it accepts ${who} (${because})`;
  }
}

/** What was tried, backend by backend, and what was not; ✓ only where every caller fared as wanted. */
export function proofLines(proof: Proof, style: ChalkInstance, wording: StageWording = printable): string[] {
  const { results, unreached, gone, noOther } = proof;
  const [first] = results;
  const tried = (first?.backends ?? []).map(({ backend, stages }, i) => {
    const answers = results.flatMap((caller) => {
      const answer = caller.backends[i];
      return answer ? [{ caller, answer }] : [];
    });
    const isAsWanted = answers.every(({ caller, answer }) => answer.outcome === caller.wanted);
    const mark = isAsWanted ? style.green('✓') : style.yellow('!');
    const text = answers.map(({ caller, answer }) => outcomeText(caller, answer)).join('; ');
    return `${mark} ${printable(backend)} (${calledForText(stages, wording)}) ${printable(text)}`;
  });
  return [
    ...tried,
    ...unreached.map((backend) => `- ${printable(backend)} was not called: no safe GET request reaches it`),
    ...gone.map((id) => `- ${printable(id)} is deleted, so no call can present it any more`),
    ...(noOther ? ['- no other unused certificate was there to try'] : []),
  ].map((line) => `    ${line}`);
}
