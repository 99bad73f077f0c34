/** What users read who have not installed a package that is optional: the built program, where nothing is installed. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-optional-'));
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(root, part), join(folder, part), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['client-s3', '{ kind: s3, bucket: b, key: k }'],
  ['client-secrets-manager', '{ kind: secretsmanager, secret: s }'],
  ['client-ssm', '{ kind: ssm, parameter: p }'],
  ['client-eks', '{ kind: kubernetes, resource: secret, name: n, key: k, api: "eks:shop" }'],
])('@aws-sdk/%s is asked for by its name', async (name, trust) => {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `region: eu-west-1\ntargets: { orders: { api: a, stages: [prod], trust: [${trust}] } }\n`,
    { mode: 0o600 },
  );
  const words = ['backend', 'show', '--target', 'orders', '--config', file, '--output', 'json'];
  const { exitCode, stdout } = await execa(
    process.execPath,
    [join(folder, 'bin', 'apigw-cert.js'), ...words],
    {
      reject: false,
      env: { AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 'x', AWS_EC2_METADATA_DISABLED: 'true' },
    },
  );
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`the package @aws-sdk/${name} is not installed`);
  expect(stdout).toContain(`npm install -g @aws-sdk/${name}`);
});

test.each([
  ['client-s3', 's3://bucket/prefix'],
  ['client-dynamodb', 'dynamodb:table'],
])('@aws-sdk/%s is asked for by its name, for the state', async (name, place) => {
  const { exitCode, stdout } = await execa(
    process.execPath,
    [join(folder, 'bin', 'apigw-cert.js'), 'status', '--state', place, '--output', 'json'],
    { reject: false, env: { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' } },
  );
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'StateUnavailable', message: `the package @aws-sdk/${name} is not installed` },
  });
});
