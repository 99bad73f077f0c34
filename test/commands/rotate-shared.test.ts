import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateDeploymentCommand, type APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { rotateCli, stateOf } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
let client: APIGatewayClient;
beforeEach(async () => {
  lab = await startRotationLab();
  client = clientOf(lab.emulator, { region: REGION });
});
afterEach(async () => {
  client.destroy();
  await lab.close();
});

interface Report {
  items: { outcome?: string; oldCertificateId?: string; newCertificateId?: string; stages?: object[] }[];
}

/** A stage of the lab's API, as documents have it. */
const named = (stageName: string) => ({ restApiId: lab.api.restApiId, apiName: 'orders', stageName });

const beta = () => lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'beta' });

/** A second stage of the API, that presents this certificate. */
async function addBeta(clientCertificateId: string): Promise<void> {
  const { restApiId } = lab.api;
  await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'beta' }));
  await attachCertificate(client, { restApiId, stageName: 'beta' }, clientCertificateId);
}

async function configure(): Promise<string> {
  const file = join(lab.directory, 'c.yaml');
  const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
  await writeFile(
    file,
    `targets: { t: { api: orders, stages: [prod, beta], soak: 300ms, trust: ${trust} } }\n`,
  );
  return file;
}

const run = async (...words: string[]): Promise<{ code: number | undefined; rotations: Report['items'] }> => {
  const config = await configure();
  const { code, json } = await cli(['rotate', '--config', config, '--output', 'json', ...words], {
    env: lab.env,
  });
  return { code, rotations: (json() as Report).items };
};

test('a switch that is to be approved stays where it is until someone has approved it', async () => {
  const file = join(lab.directory, 'approve.yaml');
  const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
  await writeFile(
    file,
    `targets: { t: { api: orders, stages: [prod], soak: 300ms, approve: before-switch, trust: ${trust} } }\n`,
  );
  const rotate = (...words: string[]) => cli(['rotate', '--config', file, ...words], { env: lab.env });
  const { code, stderr } = await rotate();
  expect([code, stderr]).toEqual([75, expect.stringContaining('not approved: switch orders/prod to ')]);
  expect(await stateOf(lab)).toMatchObject({
    presented: lab.oldId,
    trusted: [expect.anything(), expect.anything()],
  });
  expect((await rotate('--yes')).code).toBe(0);
  expect((await stateOf(lab)).presented).not.toBe(lab.oldId);
});

test('a target whose stages present two certificates rotates both', async () => {
  lab.emulator.advanceClock(-340 * 86_400_000);
  const second = await generateCertificate(client);
  lab.emulator.setClock(new Date());
  const both = (await readFile(lab.trustFile, 'utf8')) + trustedCertificate(second.pem).pem;
  await writeFile(lab.trustFile, both);
  await addBeta(second.id);
  const { code, rotations } = await run();
  expect(code).toBe(0);
  expect(rotations).toMatchObject([
    { outcome: 'completed', oldCertificateId: lab.oldId, stages: [named('prod')] },
    { outcome: 'completed', oldCertificateId: second.id, stages: [named('beta')] },
  ]);
  const { certificates, presented, trusted } = await stateOf(lab);
  const expected = [presented, (await beta()).clientCertificateId].sort();
  expect({ certificates, trusted }).toEqual({ certificates: expected, trusted: expected });
});

/** Lets the rotation move one stage, and denies it the other. */
async function stopBetweenSwitches(): Promise<void> {
  // The run tries the second one once more, after a look.
  for (const occurrence of [2, 3]) {
    lab.emulator.addFault({
      operation: 'UpdateStage',
      occurrence,
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
      message: 'no',
    });
  }
  const { code, rotations } = await run();
  expect(code).toBe(1);
  expect(rotations).toMatchObject([
    {
      error: {
        code: 'AccessDenied',
        message: expect.stringMatching(
          /; 1 of 2 stages present \w+, 1 do not, and the trust stores accept what each presents$/,
        ) as unknown,
        details: { switched: 1, stages: 2 },
      },
    },
  ]);
}

test('a target that was stopped between the switches of its two stages is one rotation', async () => {
  await addBeta(lab.oldId);
  await stopBetweenSwitches();
  const half = [(await stateOf(lab)).presented, (await beta()).clientCertificateId];
  expect(new Set(half).size).toBe(2);
  const { code, rotations } = await run();
  expect(code).toBe(0);
  expect(rotations).toHaveLength(1);
  const { certificates, presented } = await stateOf(lab);
  expect(certificates).toEqual([presented]);
  expect((await beta()).clientCertificateId).toBe(presented);
});

test('what was stopped between the switches of its two stages can be taken back', async () => {
  await addBeta(lab.oldId);
  await stopBetweenSwitches();
  expect((await rotateCli(lab, '--abort')).code).toBe(0);
  expect(await stateOf(lab)).toEqual({
    certificates: [lab.oldId],
    presented: lab.oldId,
    trusted: [lab.oldId],
  });
  expect((await beta()).clientCertificateId).toBe(lab.oldId);
});

test("--all rotates each certificate in its target's way, and one without a target holds nobody up", async () => {
  lab.emulator.advanceClock(-340 * 86_400_000);
  const stray = await generateCertificate(client);
  lab.emulator.setClock(new Date());
  const other = await makeApi(lab.emulator, client, 'https://localhost:1', { name: 'aaa' });
  await attachCertificate(client, other, stray.id);
  await addBeta(lab.oldId);
  // The Region is only in the configuration, the API there by its name.
  const config = join(lab.directory, 'all.yaml');
  const trust = `[{ kind: pem-bundle, file: ${lab.trustFile} }]`;
  await writeFile(
    config,
    `region: ${REGION}\ntargets: { t: { api: orders, stages: [beta], soak: 300ms, trust: ${trust} } }\n`,
  );
  const env = Object.fromEntries(Object.entries(lab.env).filter(([name]) => name !== 'AWS_REGION'));
  const { code, json, stderr } = await cli(['rotate', '--all', '--config', config, '--output', 'json'], {
    env,
  });
  // A missing --trust is a usage error.
  expect(code).toBe(2);
  const { items: rotations } = json() as { items: Record<string, unknown>[] };
  expect(rotations.toSorted((a, b) => Number('error' in a) - Number('error' in b))).toMatchObject([
    { target: 't', outcome: 'completed', oldCertificateId: lab.oldId },
    {
      stages: [{ restApiId: other.restApiId, apiName: 'aaa', stageName: 'prod' }],
      error: { code: 'TrustStoreMissing' },
    },
  ]);
  expect(stderr).toContain(`error: aaa/prod (${other.restApiId}): no trust store is specified`);
  const { certificates, presented } = await stateOf(lab);
  expect(certificates).toEqual([presented, stray.id].sort());
  expect((await beta()).clientCertificateId).toBe(presented);
});

test('two targets that share a certificate, each with a backend of its own, move together', async () => {
  const { url, trustFile } = await lab.addBackend('second');
  const second = await makeApi(lab.emulator, client, url, { name: 'second' });
  await attachCertificate(client, second, lab.oldId);
  const config = join(lab.directory, 'two.yaml');
  const target = (api: string, file: string): string =>
    `{ api: ${api}, stages: [prod], soak: 300ms, probe: { path: /health }, trust: [{ kind: pem-bundle, file: ${file} }] }`;
  await writeFile(
    config,
    `targets:\n  a: ${target('orders', lab.trustFile)}\n  b: ${target('second', trustFile)}\n`,
  );
  const { code, json } = await cli(['rotate', '--config', config, '--output', 'json'], { env: lab.env });
  expect({ code, rotations: (json() as Report).items }).toMatchObject({
    code: 0,
    rotations: [
      {
        target: 'a',
        outcome: 'completed',
        stages: expect.arrayContaining([
          named('prod'),
          { restApiId: second.restApiId, apiName: 'second', stageName: 'prod' },
        ]) as unknown,
      },
      { target: 'b', outcome: 'notDue' },
    ],
  });
  const { presented, trusted } = await stateOf(lab);
  expect(trusted).toEqual([presented]);
  expect(await readFile(trustFile, 'utf8')).toBe(await readFile(lab.trustFile, 'utf8'));
});
