import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StageRef } from '../../../src/control-plane/api-gateway.js';
import { namedStage } from '../../../src/control-plane/named-stage.js';
import { backendCalls, callsKey, distinctProbes, timesCalled } from '../../../src/rotation/rules/calls.js';
import type { Probe } from '../../../src/rotation/rules/probe.js';

const probe = (rest: Partial<Probe> = {}): Probe => ({
  stage: { restApiId: 'api', stageName: 'prod' },
  resourceId: 'r1',
  httpMethod: 'GET',
  pathWithQueryString: '/health',
  stageVariables: { a: '1', b: '2' },
  backend: 'orders.example',
  backendPath: '/',
  ...rest,
});
const beta = { stage: { restApiId: 'api', stageName: 'beta' } };

const OTHERS: readonly (readonly [string, Partial<Probe>])[] = [
  ['API', { stage: { restApiId: 'other', stageName: 'prod' } }],
  ['resource', { resourceId: 'r2' }],
  ['method', { httpMethod: 'HEAD' }],
  ['path', { pathWithQueryString: '/health?x' }],
  ['variables', { stageVariables: { a: '1' } }],
  ['value of a variable', { stageVariables: { a: '1', b: '3' } }],
  ['backend', { backend: 'pay.example' }],
];

describe('a call', () => {
  test('stands for all stages and canaries for which it is the same', () => {
    const same = [probe(), probe({ ...beta, stageVariables: { b: '2', a: '1' } }), probe({ canary: true })];
    expect(distinctProbes(same)).toEqual([
      {
        probe: same[0],
        stages: [{ stage: probe().stage }, beta, { stage: probe().stage, canary: true }],
      },
    ]);
    const named = (stage: StageRef) => namedStage(stage, new Map([['api', 'orders']]));
    expect(backendCalls(distinctProbes(same), 12, named)).toEqual([
      {
        method: 'GET',
        path: '/health',
        backend: 'orders.example',
        stages: [
          { restApiId: 'api', apiName: 'orders', stageName: 'prod' },
          { restApiId: 'api', apiName: 'orders', stageName: 'beta' },
          { restApiId: 'api', apiName: 'orders', stageName: 'prod', canary: true },
        ],
        times: 12,
      },
    ]);
  });

  test.each(OTHERS)('with another %s is another', (_, rest) => {
    expect(distinctProbes([probe(), probe(rest)])).toHaveLength(2);
    expect(callsKey([probe(rest)])).not.toBe(callsKey([probe()]));
    expect(callsKey([probe(), probe(rest)])).not.toBe(callsKey([probe()]));
  });

  test('its key depends neither on the order nor on the stages that share it', () => {
    const all = OTHERS.map(([, rest]) => probe(rest));
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(callsKey([...shuffled, ...shuffled])).toBe(callsKey(all));
      }),
    );
    expect(callsKey([probe(beta)])).toBe(callsKey([probe()]));
    expect(callsKey([])).not.toBe(callsKey([probe()]));
  });
});

describe('timesCalled', () => {
  const all = [
    'generate',
    'trust',
    'trust',
    'preflight',
    'recheck',
    'switch',
    'verifySwitch',
    'soak',
    'untrust',
    'verifyRemoval',
    'delete',
  ];
  const plain = { tries: 5, hasOld: true, hasOther: false, goesBack: false };
  test.each([
    ['a plain rotation: 5 + 5 + 1 before, 5 + 1 + 1 after', all, plain, 18],
    ['one with another certificate to try', all, { ...plain, hasOther: true }, 19],
    ['one whose old certificate has expired', all, { ...plain, hasOld: false }, 12],
    ['the old one deleted before the last proof', ['preflight', 'delete', 'verifyRemoval'], plain, 17],
    [
      'one that goes on after the switch',
      ['verifySwitch', 'soak', 'untrust', 'verifyRemoval', 'delete'],
      plain,
      12,
    ],
    ['a way back', ['preflight', 'switch'], { ...plain, goesBack: true }, 5],
    ['nothing to prove', ['untrustNew', 'deleteNew'], plain, 0],
  ])('%s', (_, steps, how, times) => {
    expect(timesCalled(steps, how)).toBe(times);
  });
});
