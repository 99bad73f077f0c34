import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cli, emulatorEnv } from '../support/cli.js';
import { startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
let env: Record<string, string>;
beforeAll(async () => {
  lab = await startLab();
  env = { ...emulatorEnv(lab.emulator), AWS_REGION: 'us-east-1' };
});
afterAll(() => lab.close());

const arn = (): string => `arn:aws:apigateway:eu-central-1::/clientcertificates/${lab.certificate.id}`;
const invoke = (): string =>
  `https://${lab.api.restApiId}.execute-api.eu-central-1.amazonaws.com/${lab.api.stageName}/health`;

test.each([
  ['inspect', () => ['inspect', arn()]],
  ['download', () => ['download', arn()]],
  ['update', () => ['update', arn(), '--description', 'x']],
  ['attach', () => ['attach', arn(), '--stage', invoke()]],
  [
    'detach by an ARN',
    () => [
      'detach',
      '--yes',
      '--stage',
      `arn:aws:apigateway:eu-central-1::/restapis/${lab.api.restApiId}/stages/prod`,
    ],
  ],
  ['attach again', () => ['attach', lab.certificate.id, '--stage', invoke()]],
  [
    'test-invoke',
    () => [
      'test-invoke',
      '--api',
      lab.api.restApiId,
      '--path',
      '/health',
      '--method',
      'GET',
      '--certificate',
      arn(),
    ],
  ],
  ['doctor', () => ['doctor', '--stage', invoke()]],
  ['rotate', () => ['rotate', '--stage', invoke(), '--trust', 'manual', '--dry-run', '--force']],
  ['check-expiry', () => ['check-expiry', arn()]],
  ['backend config', () => ['backend', 'config', 'nginx', '--certificate', arn()]],
])('%s finds the Region in what it is given', async (_name, words) => {
  const { code, stderr } = await cli(words(), { env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
});

test('another Region than --region is a sentence', async () => {
  const { code, stderr } = await cli(['inspect', arn(), '--region', 'eu-west-1'], { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/is in eu-central-1, but --region says eu-west-1\n {2}fix: omit --region/);
});

test.each(['12345e6789', '0123456789', '0x12345678'])('an id that YAML reads as a number: %s', async (id) => {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-'));
  const file = join(directory, 'apigw-cert.yaml');
  await writeFile(
    file,
    `region: eu-central-1\ntargets:\n  t:\n    api: ${id}\n    stages: [1]\n    trust:\n      - { kind: manual }\n`,
  );
  const { stderr } = await cli(['rotate', '--config', file, '--dry-run'], { env });
  expect(stderr).toContain(`there is no REST or WebSocket API "${id}" in eu-central-1`);
});
