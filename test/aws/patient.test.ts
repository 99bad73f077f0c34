import { expect, test } from '@jest/globals';
import { hasAbandoned } from '../../src/aws/abandoned.js';
import { patient } from '../../src/aws/patient.js';

const identity = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };

test('credentials that come are passed on, and nothing is left to wait for', async () => {
  await expect(patient(() => Promise.resolve(identity), 10)()).resolves.toBe(identity);
  expect(hasAbandoned()).toBe(false);
});

test('credentials that never come are given up, which is remembered for the end of the process', async () => {
  const never = patient(() => new Promise(() => undefined), 10);
  await expect(never()).rejects.toMatchObject({
    name: 'CredentialsTimeout',
    message: 'no answer within 0.01 s',
  });
  expect(hasAbandoned()).toBe(true);
});
