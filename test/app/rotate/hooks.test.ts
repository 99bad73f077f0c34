import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { stageVariables } from '../../../src/app/rotate/hooks.js';

const stages = (count: number): string[] => Array.from({ length: count }, (_, i) => `a1b2c3d4e5/stage-${i}`);

test('a hook is told the stages, and how many there are', () => {
  expect(stageVariables(['api/prod', 'api/beta'])).toEqual({
    APIGW_CERT_STAGE_COUNT: '2',
    APIGW_CERT_STAGES: 'api/prod api/beta',
  });
});

test.each([1, 4_000, 13_200])('of %i stages it is told what the system takes', (count) => {
  const env = stageVariables(stages(count));
  const told = execFileSync('/bin/sh', ['-c', 'echo $APIGW_CERT_STAGE_COUNT'], { env, encoding: 'utf8' });
  expect(told).toBe(`${count}\n`);
  expect(env['APIGW_CERT_STAGES'] === undefined).toBe(count > 5_000);
});
