import { expect, test } from '@jest/globals';
import { findTarget, targetOfCertificate } from '../../../src/rotation/engine/find-target.js';
import { configuredJobs } from '../../../src/rotation/engine/jobs.js';
import { AppError } from '../../../src/platform/errors.js';
import { validateText } from '../../../src/configuration/validate.js';

const role = (account: string, name = 'rotate'): string => `arn:aws:iam::${account}:role/${name}`;
const target = (more: object) => ({
  api: 'orders',
  stages: ['prod'],
  trust: [{ kind: 'ssm', parameter: '/trust' }],
  publish: [{ kind: 'ssm' as const, parameter: '/id' }],
  ...more,
});
const targets = {
  here: target({}),
  shop: target({ roleArn: role('111111111111'), externalId: 'x-1' }),
  beside: target({ stages: ['beta'], roleArn: role('111111111111', 'other') }),
  bank: target({ roleArn: role('222222222222') }),
};

test('a target is rotated in the account of its role, and lends nothing to those of other accounts', () => {
  const jobs = configuredJobs({ targets }, undefined, { account: {}, values: {} });
  const place = { origins: expect.anything() };
  expect(jobs.map(({ account }) => account)).toEqual([
    place,
    { ...place, name: '111111111111', roleArn: role('111111111111'), externalId: 'x-1' },
    { ...place, name: '111111111111', roleArn: role('111111111111', 'other') },
    { ...place, name: '222222222222', roleArn: role('222222222222') },
  ]);
  expect(
    jobs.map(({ others, publishing }) => [others.map(({ stages }) => stages[0]), publishing.length]),
  ).toEqual([
    [[], 1],
    [['beta'], 2],
    [['prod'], 2],
    [[], 1],
  ]);
  expect(Object.keys(jobs[1]?.origins ?? {})).not.toContain('roleArn');
});

test('a certificate of --all belongs to the target whose role is of the account', () => {
  const found = (roleArn?: string) =>
    targetOfCertificate(['orders/prod'], { targets }, { ...(roleArn && { roleArn }), origins: {} })
      .target?.[0];
  expect([found(), found(role('111111111111', 'watch')), found(role('333333333333'))]).toEqual([
    'here',
    'shop',
    undefined,
  ]);
});

test('a stage is looked for once with each external id of a role', async () => {
  const roleArn = role('111111111111');
  const three = {
    one: target({ roleArn, externalId: 'x-1' }),
    other: target({ api: 'pay', roleArn, externalId: 'x-2' }),
    again: target({ api: 'stock', roleArn, externalId: 'x-2' }),
  };
  const asked: (string | undefined)[] = [];
  const found = await findTarget(
    { api: 'a1b2c3', stage: 'prod' },
    { targets: three },
    { account: {} },
    ({ externalId }) => {
      asked.push(externalId);
      if (externalId === 'x-2') return Promise.resolve({ restApiId: 'a1b2c3', apiName: 'pay' });
      return Promise.reject(new AppError('StageNotFound', 'there is none'));
    },
  );
  expect(asked).toEqual(['x-1', 'x-2']);
  expect(found).toMatchObject({ account: { externalId: 'x-2' }, target: ['other', three.other] });
});

test('the same stage may be a target in each account, an external id needs a role, and a number is one', () => {
  const one = (name: string, more: string): string =>
    `  ${name}: { api: orders, stages: [prod], trust: [{ kind: ssm, parameter: /trust }]${more} }\n`;
  const [a, b] = [role('111111111111'), role('222222222222')];
  expect(
    validateText(
      `targets:\n${one('a', `, roleArn: "${a}", externalId: 00123`)}${one('b', `, roleArn: "${b}"`)}`,
      '/',
    ),
  ).toEqual([]);
  const messages = (text: string) => validateText(`targets:\n${text}`, '/').map(({ message }) => message);
  expect(messages(one('a', `, roleArn: "${a}"`) + one('b', `, roleArn: "${a}"`))).toEqual([
    expect.stringContaining('this stage is already specified'),
  ]);
  expect(messages(one('a', ', externalId: x'))).toEqual([
    expect.stringContaining('an external id has a meaning for a roleArn only'),
  ]);
});
