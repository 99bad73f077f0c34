import { expect, test } from '@jest/globals';
import {
  isAsWanted,
  type BackendProof,
  type ProofOutcome,
  type ProofResult,
} from '../../../src/core/rotation/proof.js';

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
