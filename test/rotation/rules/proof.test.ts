import { expect, test } from '@jest/globals';
import {
  isAsWanted,
  journalEvidence,
  type BackendProof,
  type ProofOutcome,
  type ProofResult,
} from '../../../src/rotation/rules/proof.js';

const backend = (outcome: ProofOutcome): BackendProof => ({
  backend: 'orders.example',
  stages: [],
  call: 'GET /health',
  tried: 1,
  outcome,
  status: 200,
});
const accepted = (...outcomes: ProofOutcome[]): ProofResult => ({
  caller: 'new',
  wanted: 'accepted',
  backends: outcomes.map(backend),
});
const refused = (...outcomes: ProofOutcome[]): ProofResult => ({
  caller: 'none',
  wanted: 'refused',
  backends: outcomes.map(backend),
});

test.each<[string, ProofResult[], boolean]>([
  ['every caller fared as wanted', [accepted('accepted', 'accepted'), refused('refused')], true],
  ['the only caller fared as wanted', [accepted('accepted')], true],
  ['one of two backends refuses the new one', [accepted('accepted', 'refused')], false],
  ['one of two backends does not tell', [accepted('accepted', 'unknown')], false],
  ['one of two backends accepts a caller without a certificate', [refused('refused', 'accepted')], false],
  ['an outage is no refusal', [accepted('accepted'), refused('unknown')], false],
  ['of two callers the first fared otherwise', [accepted('refused'), refused('refused')], false],
  ['of two callers the second fared otherwise', [accepted('accepted'), refused('accepted')], false],
  ['nobody was tried', [], false],
])('a proof is as wanted or not: %s', (_, results, expected) => {
  expect(isAsWanted({ results, unreached: [], gone: [], noOther: false })).toBe(expected);
});

test('the journal names the first five stages of a backend and counts the others', () => {
  const stages = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => ({ stage: `api/${name}` }));
  const five = { ...backend('accepted'), stages: stages.slice(0, 5) };
  const seven = { ...backend('refused'), stages };
  const proof = {
    results: [{ ...accepted(), backends: [seven, five] }, refused()],
    unreached: ['pay.example'],
    gone: ['c00001'],
    noOther: true,
  };
  expect(journalEvidence({ requests: 3, proof })).toEqual({
    requests: 3,
    proof: {
      results: [
        {
          caller: 'new',
          wanted: 'accepted',
          backends: [{ ...seven, stages: stages.slice(0, 5), moreStages: 2 }, five],
        },
        refused(),
      ],
      unreached: ['pay.example'],
      gone: ['c00001'],
      noOther: true,
    },
  });
  expect(journalEvidence({ requests: 3 })).toEqual({ requests: 3 });
});
