/** What is published, compared with what stages present: by the built program and the real SDK. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateDeploymentCommand } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type AwsDouble, startAwsDouble } from '../support/aws-double.js';
import { cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate } from '../support/emulator.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const PARAMETER = '/orders/id';

let lab: RotationLab;
let aws: AwsDouble;
let file: string;
let spareId: string;
beforeAll(async () => {
  [lab, aws] = await Promise.all([startRotationLab(), startAwsDouble()]);
  file = join(lab.directory, 'id');
  spareId = (await generateCertificate(clientOf(lab.emulator))).id;
});
afterAll(async () => {
  aws.close();
  await lab.close();
});
beforeEach(async () => {
  aws.versions.clear();
  await rm(file, { force: true });
});

async function check(targets: Record<string, unknown>, ...more: string[]) {
  const config = join(lab.directory, 'apigw-cert.yaml');
  await writeFile(config, JSON.stringify({ targets }));
  return cli(['publish', 'check', '--config', config, ...more], {
    env: { ...lab.env, AWS_ENDPOINT_URL_SSM: aws.url, AWS_MAX_ATTEMPTS: '1' },
  });
}

const target = (publish?: unknown[], stages = ['prod'], api = 'orders') => ({
  api,
  stages,
  trust: [{ kind: 'pem-bundle', file: lab.trustFile }],
  publish,
});

test('every place that holds the id in use is current, and nothing is written', async () => {
  await writeFile(file, `${lab.oldId}\n`);
  aws.versions.set(PARAMETER, [lab.oldId]);
  const { code, stdout } = await check({ orders: target([`file:${file}`, `ssm:${PARAMETER}`]) });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `current orders: file:${file} ${lab.oldId} is published, in use by the stage\ncurrent orders: ssm:${PARAMETER} ${lab.oldId} is published, in use by the stage\n`,
  });
  expect(await readFile(file, 'utf8')).toBe(`${lab.oldId}\n`);
  expect(aws.versions.get(PARAMETER)).toEqual([lab.oldId]);
});

test('another id, and none, are different, each with what to do', async () => {
  await writeFile(file, 'abc123\n');
  const { code, stdout } = await check({ orders: target([`file:${file}`, `ssm:${PARAMETER}`]) });
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: [
      `different orders: file:${file} abc123 is published, but orders/prod presents ${lab.oldId}`,
      `different orders: ssm:${PARAMETER} no ID is published, but orders/prod presents ${lab.oldId}`,
      'fix: apigw-cert rotate --target orders publishes the ID in use, also if no certificate is due for renewal\n',
    ].join('\n'),
  });
});

test('what cannot be looked at is unknown, and never current', async () => {
  await writeFile(file, 'somebody else needs this\n');
  const { code, json } = await check(
    {
      orders: target([`file:${file}`, { kind: 'command', set: 'true' }]),
      nowhere: target([`ssm:${PARAMETER}`], ['prod'], 'no-such-api'),
    },
    ...['--output', 'json'],
  );
  const { verdict, items } = json() as { verdict: string; items: { verdict: string; error?: object }[] };
  expect({ code, verdict, verdicts: items.map((item) => item.verdict) }).toEqual({
    code: 1,
    verdict: 'unknown',
    verdicts: ['unknown', 'unknown', 'unknown'],
  });
  expect(items.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual([
    'PublicationUnreadable',
    undefined,
    'StageNotFound',
  ]);
});

test('one id cannot be right for stages that present different certificates', async () => {
  await writeFile(file, `${lab.oldId}\n`);
  const client = clientOf(lab.emulator);
  await client.send(new CreateDeploymentCommand({ restApiId: lab.api.restApiId, stageName: 'beta' }));
  await attachCertificate(client, { restApiId: lab.api.restApiId, stageName: 'beta' }, spareId);
  const targets = { orders: target([`file:${file}`], ['prod', 'beta']) };
  const split = await check(targets);
  expect({ code: split.code, stdout: split.stdout }).toEqual({
    code: 1,
    stdout: `different orders: file:${file} ${lab.oldId} is published, but orders/prod, orders/beta present different certificates: ${lab.oldId}, ${spareId}\n`,
  });
});

test.each([
  ['no target publishes', [], /no target publishes an ID/],
  ['the target does not exist', ['--target', 'x'], /has no target "x"/],
])('where %s, nothing is looked at', async (_what, more, message) => {
  const { code, stderr, stdout } = await check({ orders: target() }, ...more);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
});
