/** `apigw-cert iac terraform|cloudformation|cdk|serverless`, against the emulator. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cli, emulatorEnv } from '../support/cli.js';
import {
  attachCertificate,
  clientOf,
  generateCertificate,
  makeApi,
  startLab,
  type Lab,
} from '../support/emulator.js';

let lab: Lab;
let env: Record<string, string>;
let api: { restApiId: string };
let id: string;
beforeAll(async () => {
  lab = await startLab();
  env = emulatorEnv(lab.emulator);
  const client = clientOf(lab.emulator);
  api = await makeApi(lab.emulator, client, 'https://b.example', { name: 'Orders API', stageName: 'prod' });
  await makeApi(lab.emulator, client, 'https://b.example', { name: 'bare', stageName: 'prod' });
  ({ id } = await generateCertificate(client));
  await attachCertificate(client, { ...api, stageName: 'prod' }, id);
  client.destroy();
});
afterAll(() => lab.close());

test('the steps have the ids of today', async () => {
  const { code, stdout } = await cli(['iac', 'terraform', '--stage', 'Orders API/prod'], { env });
  expect(code).toBe(0);
  expect(stdout).toContain(
    `# 1. now: keep the id in use in an SSM parameter; publish: in apigw-cert.yaml writes it at each rotation\naws ssm put-parameter --region eu-central-1 --name /apigw-cert/Orders-API/prod --type String --value ${id} --overwrite\n`,
  );
  expect(stdout).toContain('resource "aws_api_gateway_stage" "orders_api_prod" {');
  expect(stdout).toContain(`id = "${api.restApiId}/prod"`);
  expect(stdout).toContain(`to = aws_api_gateway_client_certificate.orders_api_prod\n  id = "${id}"`);
});

test('names of the code are used where they are specified', async () => {
  const words = ['iac', 'cloudformation', '--api', 'Orders API', '--stage', 'prod'];
  const { json } = await cli(
    [...words, '--name', 'orders', '--parameter', '/team/cert', '--output', 'json'],
    { env },
  );
  expect(json()).toMatchObject({
    tool: 'cloudformation',
    stage: { restApiId: api.restApiId, apiName: 'Orders API', stageName: 'prod' },
    clientCertificateId: id,
    parameter: '/team/cert',
    items: [
      { language: 'yaml', text: expect.stringMatching(`Default: "${id}"`) },
      { language: 'yaml', text: expect.stringMatching(/switch: \{ cloudformation: "STACK", parameter: /) },
      { language: 'sh' },
      { language: 'yaml', text: expect.stringMatching(/Default: "\/team\/cert"\n[^]*\n {2}OrdersStage:/) },
      { language: 'yaml' },
      { language: 'sh' },
    ],
  });
});

test('a stage without a certificate has nothing to keep', async () => {
  const { code, stderr } = await cli(['iac', 'cdk', '--stage', 'bare/prod'], { env });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/error: bare\/prod presents no client certificate\n {2}fix: set one first: /),
  ]);
});
