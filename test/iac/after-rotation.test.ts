/** What docs/iac.md says of Terraform: the apply after a rotation, with and without the steps that `iac terraform` prints. */
import type { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { clientOf } from '../support/emulator.js';
import { rotateCli } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';
import { terraformOf, type Terraform, type TerraformConfiguration } from '../support/terraform.js';

let lab: RotationLab;
let client: APIGatewayClient;
let terraform: Terraform;
beforeEach(async () => {
  lab = await startRotationLab();
  client = clientOf(lab.emulator, { region: REGION });
  const stage = { restApiId: lab.api.restApiId, stageName: 'prod' };
  terraform = terraformOf(client, stage, { certificateId: lab.oldId });
});
afterEach(async () => {
  client.destroy();
  await lab.close();
});

/** The resource of the certificate, and a stage that refers to it. */
const AS_USUAL: TerraformConfiguration = { managesCertificate: true, ignoresCertificate: false };
/** After the steps: the certificate is forgotten, and the stage's is ignored. */
const WITH_STEPS: TerraformConfiguration = { managesCertificate: false, ignoresCertificate: true };

const presented = async (): Promise<string | undefined> =>
  (await lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'prod' })).clientCertificateId;
const certificates = async (): Promise<string[]> =>
  (await lab.controlPlane.getClientCertificates()).map(({ clientCertificateId }) => clientCertificateId);
const statusOfCall = async (): Promise<number> => (await fetch(`${lab.api.invokeUrl}/health`)).status;

async function check(
  configuration: TerraformConfiguration,
): Promise<{ code: number | undefined; codes: string[] }> {
  const input = JSON.stringify(await terraform.plan(configuration));
  const { code, json } = await cli(['iac', 'check', '-', '--output', 'json'], { input });
  const { findings } = json() as { findings: { code: string }[] };
  return { code, codes: findings.map((each) => each.code) };
}

async function rotate(): Promise<string> {
  const { code } = await rotateCli(lab);
  expect(code).toBe(0);
  expect(await statusOfCall()).toBe(200);
  return (await presented()) ?? '';
}

test('before a rotation, the plan as usual changes nothing', async () => {
  expect(await check(AS_USUAL)).toEqual({ code: 0, codes: [] });
});

describe('after a rotation', () => {
  test('the apply as usual makes a certificate that no backend trusts and switches to it, and the check says so before', async () => {
    const rotated = await rotate();
    expect(await check(AS_USUAL)).toEqual({
      code: 1,
      codes: ['PlanCreatesCertificate', 'PlanValueUnknown', 'PlanDrift'],
    });
    expect(await statusOfCall()).toBe(200);
    await terraform.apply(AS_USUAL);
    const [untrusted, ...others] = (await certificates()).filter((id) => id !== rotated);
    expect(others).toEqual([]);
    expect(await presented()).toBe(untrusted);
    expect(await statusOfCall()).toBe(403);
  });

  test('with a fixed id and no ignore_changes, the apply sets the deleted certificate, which AWS refuses or no backend trusts', async () => {
    await rotate();
    terraform.forget();
    const fixed = { ...WITH_STEPS, ignoresCertificate: false, certificateId: lab.oldId };
    expect(await check(fixed)).toEqual({ code: 1, codes: ['PlanChangesStageCertificate'] });
  });

  test('with the steps nothing changes: no call but to read, and the stage answers', async () => {
    terraform.forget();
    const rotated = await rotate();
    const before = await certificates();
    lab.emulator.clearRequests();
    expect(await check(WITH_STEPS)).toEqual({ code: 0, codes: [] });
    await terraform.apply(WITH_STEPS);
    const written = lab.emulator.requests().filter(({ operation }) => !operation.startsWith('Get'));
    expect(written).toEqual([]);
    expect([await presented(), await certificates(), await statusOfCall()]).toEqual([rotated, before, 200]);
  });

  test('with the certificate in use imported, the plan as usual changes nothing', async () => {
    const rotated = await rotate();
    terraform.forget();
    terraform.adopt(rotated);
    expect(await check(AS_USUAL)).toEqual({ code: 0, codes: [] });
    await terraform.apply(AS_USUAL);
    expect([await presented(), await statusOfCall()]).toEqual([rotated, 200]);
  });
});

test('an apply that deletes the resource of the certificate in use is refused by AWS, and by the check before', async () => {
  const deleted = { managesCertificate: false, ignoresCertificate: true };
  expect(await check(deleted)).toEqual({ code: 1, codes: ['PlanDeletesCertificate'] });
  await expect(terraform.apply(deleted)).rejects.toThrow(/Bad|Conflict|use/i);
  expect([await presented(), await statusOfCall()]).toEqual([lab.oldId, 200]);
});
