/** Whoever else manages a stage or certificate is asked for by every command that changes one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TagResourceCommand, UntagResourceCommand, type APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { clientOf, generateCertificate } from '../support/emulator.js';
import { rotateWords, stateOf } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
let client: APIGatewayClient;
let spare: string;
beforeAll(async () => {
  lab = await startRotationLab();
  client = clientOf(lab.emulator, { region: REGION });
  ({ id: spare } = await generateCertificate(client));
});
afterAll(async () => {
  client.destroy();
  await lab.close();
});

const tag = async (arn: string, tags: Record<string, string>): Promise<void> => {
  const resourceArn = `arn:aws:apigateway:${REGION}::/${arn}`;
  await client.send(new TagResourceCommand({ resourceArn, tags }));
};
beforeEach(() => {
  configure('{}\n');
});

const configure = (text: string): void => {
  writeFileSync(join(lab.directory, 'apigw-cert.yaml'), text);
};
const run = (...words: string[]) => cli(words, { env: lab.env, cwd: lab.directory });

const CHANGES = (id: string): string[][] => [
  rotateWords(lab),
  ['attach', id, '--stage', 'orders/prod', '--yes'],
  ['detach', '--stage', 'orders/prod', '--yes'],
];

test('a stage that Terraform has tagged: rotate, attach and detach say the same and change nothing', async () => {
  await tag(`restapis/${lab.api.restApiId}/stages/prod`, { ManagedBy: 'Terraform' });
  const before = await stateOf(lab);
  for (const words of CHANGES(spare)) {
    const { code, stderr } = await run(...words);
    expect([words[0], code, stderr]).toEqual([
      words[0],
      1,
      expect.stringMatching(
        new RegExp(
          `${lab.api.restApiId}/prod is managed by Terraform, whose next apply may revert this change\\n` +
            ` {2}fix: add what \`apigw-cert iac terraform --stage ${lab.api.restApiId}/prod\` prints`,
        ),
      ),
    ]);
  }
  expect(await stateOf(lab)).toEqual(before);
  const attached = await run('attach', spare, '--stage', 'orders/prod', '--yes', '--allow-drift');
  expect(attached.code).toBe(0);
  expect((await run('attach', lab.oldId, '--stage', 'orders/prod', '--yes', '--allow-drift')).code).toBe(0);
  // What is so already needs no consent.
  expect((await run('attach', lab.oldId, '--stage', 'orders/prod', '--yes')).code).toBe(0);
});

test('a certificate of Terraform is not deleted, by its tags or by the file', async () => {
  const { id } = await generateCertificate(client);
  const message = `error: client certificate ${id} is managed by Terraform, whose next apply may revert this change\n`;
  configure('managedBy: terraform\n');
  expect(await run('delete', id, '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  });
  configure('{}\n');
  await tag(`clientcertificates/${id}`, { iac: 'OpenTofu' });
  expect(await run('delete', id, '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  });
  expect((await run('delete', id, '--yes', '--allow-drift')).code).toBe(0);
});

test('a target says who manages its stage, and that drift is accepted', async () => {
  const resourceArn = `arn:aws:apigateway:${REGION}::/restapis/${lab.api.restApiId}/stages/prod`;
  await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['ManagedBy'] }));
  const target = (more: string): string =>
    `targets:\n  orders:\n    api: ${lab.api.restApiId}\n    stages: [prod]\n    trust: [{ kind: manual, instructions: x }]\n${more}`;
  configure(target('    managedBy: cloudformation\n'));
  const { code, stderr } = await run(
    'detach',
    '--stage',
    'orders/prod',
    '--yes',
    '--managed-by',
    'cloudformation',
  );
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('is managed by CloudFormation, whose next update'),
  ]);
  configure(target('    managedBy: cloudformation\n    allowDrift: true\n'));
  expect((await run('attach', spare, '--stage', 'orders/prod', '--yes')).code).toBe(0);
  expect((await run('attach', spare, '--stage', 'orders/prod', '--managed-by', 'x')).code).toBe(2);
});
