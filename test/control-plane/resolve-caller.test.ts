/** Who calls, found out by the real SDK from a user's configuration; nothing is called. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { AwsClientOptions } from '../../src/control-plane/aws-client.js';

const CONFIG = `[default]
region = eu-west-1
[profile x]
region = eu-west-1
[profile named]
aws_account_id = 123456789012
region = eu-west-1
[profile emulated]
region = eu-west-1
endpoint_url = http://127.0.0.1:4599/
`;
const CREDENTIALS = ['default', 'x', 'named', 'emulated']
  .map((name) => `[${name}]\naws_access_key_id = AKIAY34FZKBOKMUTVV7A\naws_secret_access_key = secret\n`)
  .join('');

let directory: string;
const before = { ...process.env };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-caller-'));
  const [config, credentials] = [join(directory, 'config'), join(directory, 'credentials')];
  writeFileSync(config, CONFIG);
  writeFileSync(credentials, CREDENTIALS);
  for (const name of Object.keys(process.env))
    if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials });
});
afterEach(() => {
  for (const name of Object.keys(process.env))
    if (!(name in before)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, before);
  rmSync(directory, { recursive: true });
});

async function caller(options: AwsClientOptions, environment: Record<string, string> = {}) {
  Object.assign(process.env, environment);
  return (await createAwsControlPlane(options)).caller();
}

const OWN = { accessKeyId: 'AKIAY34FZKBOKMUTVV7A', region: 'eu-west-1' };

test.each<[string, AwsClientOptions, Record<string, string>, Record<string, string>]>([
  ['by the default profile', {}, {}, {}],
  ['by a profile', { profile: 'x' }, {}, {}],
  ['by a profile of the environment', {}, { AWS_PROFILE: 'x' }, {}],
  ['by a Region that is named', { region: 'eu-west-2' }, {}, { region: 'eu-west-2' }],
  ['by a profile that names its account', { profile: 'named' }, {}, { accountId: '123456789012' }],
  [
    'by keys of the environment',
    {},
    { AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 's', AWS_ACCOUNT_ID: '210987654321' },
    { accessKeyId: 'AKIDTEST', accountId: '210987654321' },
  ],
  ['at an endpoint that is AWS’s own', { endpoint: 'https://apigateway.eu-west-1.amazonaws.com/' }, {}, {}],
  ['at AWS’s own with FIPS', {}, { AWS_USE_FIPS_ENDPOINT: 'true' }, {}],
  ['at AWS’s own by both protocols', {}, { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, {}],
  [
    'at AWS’s own through a VPC',
    { endpoint: 'https://vpce-0a-1b.apigateway.eu-west-1.vpce.amazonaws.com' },
    {},
    {},
  ],
  ['at an emulator', { endpoint: 'http://localhost:4599' }, {}, { endpoint: 'http://localhost:4599' }],
  [
    'at an emulator by address',
    { endpoint: 'http://127.0.0.1:4599/' },
    {},
    { endpoint: 'http://localhost:4599' },
  ],
  [
    'at an emulator of the environment',
    {},
    { AWS_ENDPOINT_URL: 'http://LOCALHOST:4599//' },
    { endpoint: 'http://localhost:4599' },
  ],
  [
    'at an emulator of the environment, for this service',
    {},
    { AWS_ENDPOINT_URL_API_GATEWAY: 'http://[::1]:4599' },
    { endpoint: 'http://localhost:4599' },
  ],
  ['at an emulator of a profile', {}, { AWS_PROFILE: 'emulated' }, { endpoint: 'http://localhost:4599' }],
  [
    'at an emulator of somebody who calls himself like AWS',
    { endpoint: 'https://amazonaws.com.example.com/x' },
    {},
    { endpoint: 'https://amazonaws.com.example.com/x' },
  ],
])('%s', async (_how, options, environment, expected) => {
  const found = await caller(options, environment);
  expect(found).toEqual({ ...OWN, ...expected });
  expect(JSON.stringify(found)).not.toContain('secret');
});

test('without credentials it is the same error as of a call', async () => {
  await expect(caller({ profile: 'missing', region: 'eu-west-1' })).rejects.toMatchObject({
    code: 'CredentialsMissing',
    message: expect.stringContaining('"missing"'),
  });
});
