import { expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import { callLines, proofLines } from '../../src/terminal/proof-text.js';
import { stepText } from '../../src/terminal/rotation-progress.js';
import type { BackendCall } from '../../src/rotation/rules/calls.js';
import type { BackendProof, Proof } from '../../src/rotation/rules/proof.js';

const style = new Chalk({ level: 0 });
const call = (api: number, backend: string, path = '/health'): BackendCall => ({
  method: 'GET',
  path,
  backend,
  stages: [{ restApiId: `api${api}`, apiName: `Orders ${api}`, stageName: 'prod' }],
  times: 5,
});
const answer = (
  api: number,
  backend: string,
  outcome: 'accepted' | 'refused' = 'accepted',
): BackendProof => ({
  backend,
  stages: [{ stage: `api${api}/prod` }],
  call: 'GET /health',
  outcome,
  tried: 1,
  status: outcome === 'accepted' ? 200 : 403,
});
const proof = (backends: BackendProof[], unreached: string[] = []): Proof => ({
  results: [{ caller: 'new', certificateId: 'new1', wanted: 'accepted', backends }],
  unreached,
  gone: [],
  noOther: false,
});
const many = Array.from({ length: 30 }, (_, i) => i);

test('what an import has replaced is not called deleted', () => {
  const arn = 'arn:aws:acm:eu-central-1:123456789012:certificate/1@0123456789ABCDEF';
  expect(proofLines({ ...proof([]), gone: ['a1b2c3', arn] }, style)).toEqual(
    expect.arrayContaining([
      '    - a1b2c3 is deleted, so no test call can present it any more',
      `    - ${arn} is no longer in ACM, so nothing shows whether it is refused`,
    ]),
  );
});

test('steps of an import say that nothing else is changed', () => {
  expect(stepText({ step: 'switch', subject: 'a1/prod', isInPlace: true })).toBe(
    'import the certificate under the ARN of the stages: a1/prod',
  );
  expect(stepText({ step: 'rollBack', isInPlace: true })).toBe(
    'import the old certificate again under the ARN of the stages',
  );
  expect(stepText({ step: 'trust', subject: 'manual', isInPlace: true })).toBe(
    'add the certificate to the trust store: manual',
  );
  expect(stepText({ step: 'switch', subject: 'a1/prod' })).toBe('switch the stage: a1/prod');
});

test('calls that differ in nothing but their API are one line', () => {
  expect(callLines([call(1, 'a.example'), call(2, 'a.example'), call(3, 'a.example', '/other')])).toEqual([
    '  GET /health → a.example (api1/prod, api2/prod, 10 times)',
    '  GET /other → a.example (api3/prod, 5 times)',
  ]);
  expect(callLines(many.map((i) => call(i, 'a.example')))).toEqual([
    '  GET /health → a.example (30 stages in 30 APIs (api0/prod, api1/prod and 28 more), 150 times)',
  ]);
});

test('of many different calls the first are shown and the others counted', () => {
  const lines = callLines(many.map((i) => call(i, `b${i}.example`)));
  expect(lines).toHaveLength(20);
  expect(lines.at(-2)).toBe('  GET /health → b18.example (api18/prod, 5 times)');
  expect(lines.at(-1)).toBe('  and 11 more, 55 times in all (--output json lists them)');
});

test('a canary is called so among many stages too', () => {
  const { stages, ...rest } = call(1, 'a.example');
  expect(
    callLines([
      {
        ...rest,
        stages: [...stages, { restApiId: 'api2', apiName: 'Orders 2', stageName: 'prod', canary: true }],
      },
    ]),
  ).toEqual(['  GET /health → a.example (api1/prod, canary of api2/prod, 5 times)']);
});

test('a backend that answers alike for several APIs is one line, and two where it does not', () => {
  expect(
    proofLines(
      proof([answer(1, 'a.example'), answer(2, 'a.example'), answer(3, 'a.example', 'refused')]),
      style,
    ),
  ).toEqual([
    '    ✓ a.example (api1/prod, api2/prod) accepts the new certificate new1 (1 of 1)',
    '    ! a.example (api3/prod) refuses the new certificate new1 (403)',
  ]);
});

test('of many backends those that answer alike are one line, and each that does not has its own', () => {
  const backends = many.map((i) => answer(i, `b${i}.example`, i === 7 ? 'refused' : 'accepted'));
  const unreached = many.map((i) => `u${i}.example`);
  expect(proofLines(proof(backends, unreached), style)).toEqual([
    '    ✓ 29 backends (b0.example, b1.example and 27 more; 29 stages in 29 APIs (api0/prod, api1/prod and 27 more)), each of them: accepts the new certificate new1 (1 of 1)',
    '    ! b7.example (api7/prod) refuses the new certificate new1 (403)',
    '    - 30 backends (u0.example, u1.example and 28 more) were not called: no safe GET request reaches them',
  ]);
});

test('says what a certificate was presented by where AWS makes no test calls with it, and what was not tested', () => {
  const ofStage = { ...answer(1, 'api.example'), call: 'GET /health' };
  expect(
    proofLines(
      {
        results: [
          {
            caller: 'new',
            certificateId: 'arn',
            wanted: 'accepted',
            by: 'handshake',
            backends: [answer(1, 'a.example')],
          },
          { caller: 'old', certificateId: 'old1', wanted: 'accepted', by: 'stageUrl', backends: [ofStage] },
          { caller: 'none', wanted: 'refused', backends: [answer(1, 'a.example', 'refused')] },
        ],
        unreached: [],
        gone: [],
        noOther: false,
        untested: ['arn2'],
      },
      style,
    ),
  ).toEqual([
    '    ✓ a.example (api1/prod) accepts the new certificate arn presented from this machine (1 of 1); refuses a caller without a certificate (403)',
    '    ✓ api.example (api1/prod) accepts the old certificate old1 presented by the stage (200)',
    '    - arn2 was not tested: AWS makes no test calls with it',
  ]);
});
