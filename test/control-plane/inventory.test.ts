import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Stage } from '../../src/control-plane/api-gateway.js';
import { inventory } from '../../src/control-plane/inventory.js';

const ACM = 'arn:aws-cn:acm:cn-north-1:123456789012:certificate/1234';

function stage(restApiId: string, stageName: string, clientCertificateId?: string): Stage {
  return {
    restApiId,
    stageName,
    deploymentId: 'd1',
    tags: {},
    variables: {},
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
  };
}

function certificates(...ids: string[]): { clientCertificateId: string }[] {
  return ids.map((clientCertificateId) => ({ clientCertificateId }));
}

test('joins certificates with the stages that present them', () => {
  const result = inventory({
    certificates: certificates('aaaaaa', 'bbbbbb', 'cccccc'),
    apis: [
      { id: 'api1', name: 'orders' },
      { id: 'api2', name: 'billing' },
    ],
    stages: [
      stage('api1', 'prod', 'bbbbbb'),
      stage('api1', 'plain'),
      stage('api2', 'prod', 'bbbbbb'),
      stage('api2', 'acm', ACM),
      stage('api2', 'gone', 'zzzzzz'),
      stage('api3', 'prod', 'aaaaaa'),
    ],
  });
  expect([...result.usedBy]).toEqual([
    ['aaaaaa', [{ restApiId: 'api3', stageName: 'prod', apiName: 'api3' }]],
    [
      'bbbbbb',
      [
        { restApiId: 'api1', stageName: 'prod', apiName: 'orders' },
        { restApiId: 'api2', stageName: 'prod', apiName: 'billing' },
      ],
    ],
    ['cccccc', []],
  ]);
  expect(result.unused).toEqual(['cccccc']);
  expect(result.elsewhere).toEqual([
    { restApiId: 'api2', stageName: 'acm', apiName: 'billing', clientCertificateId: ACM, kind: 'acm' },
    {
      restApiId: 'api2',
      stageName: 'gone',
      apiName: 'billing',
      clientCertificateId: 'zzzzzz',
      kind: 'unknown',
    },
  ]);
});

describe('the quota left', () => {
  test.each([
    [0, undefined, 60],
    [59, undefined, 1],
    [60, undefined, 0],
    [61, undefined, 0],
    [61, 100, 39],
  ])('%d certificates of %p: %d', (count, quota, left) => {
    const ids = Array.from({ length: count }, (_, i) => `c${i}`);
    const { quotaLeft } = inventory({
      certificates: certificates(...ids),
      apis: [],
      stages: [],
      ...(quota === undefined ? {} : { quota }),
    });
    expect(quotaLeft).toBe(left);
  });
});

test('accounts for every stage with a certificate exactly once, and calls unused what none of them names', () => {
  const id = fc.constantFrom('aaaaaa', 'bbbbbb', 'cccccc', 'zzzzzz', ACM, '__proto__');
  fc.assert(
    fc.property(fc.uniqueArray(id), fc.array(fc.option(id, { nil: undefined })), (ids, presented) => {
      const stages = presented.map((certificate, i) => stage('api', `s${i}`, certificate));
      const { usedBy, unused, elsewhere } = inventory({
        certificates: certificates(...ids),
        apis: [],
        stages,
      });
      const uses = [...[...usedBy.values()].flat(), ...elsewhere].map(({ stageName }) => stageName);
      const withCertificate = stages.filter((s) => s.clientCertificateId !== undefined);
      expect(uses.sort()).toEqual(withCertificate.map(({ stageName }) => stageName).sort());
      expect(unused).toEqual(ids.filter((one) => !presented.includes(one)));
    }),
  );
});
