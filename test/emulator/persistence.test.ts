import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateDeploymentCommand,
  CreateRestApiCommand,
  DeleteClientCertificateCommand,
  DeleteRestApiCommand,
  DeleteStageCommand,
  GenerateClientCertificateCommand,
  GetClientCertificateCommand,
  GetResourcesCommand,
  GetStageCommand,
  PutIntegrationCommand,
  PutMethodCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateClientCertificateCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startEmulator } from '../../src/emulator/index.js';
import type { World } from '../../src/emulator/model.js';
import { createPersistence } from '../../src/emulator/persistence.js';
import { clientOf, makeWebSocketApi, startLab, v2ClientOf } from '../support/emulator.js';

let dataDir: string;
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'apigw-cert-')), 'state');
});
afterEach(() => {
  rmSync(join(dataDir, '..'), { recursive: true, force: true });
});

test('what was made is there after a restart, and still presented', async () => {
  const lab = await startLab({ dataDir });
  const { api, certificate, backend, client } = lab;
  const tags = { __proto__x: '1', constructor: '2', $map: '3' };
  const resourceArn = `arn:aws:apigateway:eu-central-1::/clientcertificates/${certificate.id}`;
  await client.send(new TagResourceCommand({ resourceArn, tags }));
  const stage = await client.send(new GetStageCommand(api));
  await lab.emulator.close();

  const again = await startEmulator({ dataDir, rateLimit: false, backendCa: backend.caPem });
  try {
    const restarted = clientOf(again);
    const { pemEncodedCertificate, tags: kept } = await restarted.send(
      new GetClientCertificateCommand({ clientCertificateId: certificate.id }),
    );
    expect({ pemEncodedCertificate, kept }).toEqual({ pemEncodedCertificate: certificate.pem, kept: tags });
    const stageAgain = await restarted.send(new GetStageCommand(api));
    expect({ ...stageAgain, $metadata: 0 }).toEqual({ ...stage, $metadata: 0 });
    const invokeUrl = api.invokeUrl.replace(lab.emulator.url, again.url);
    expect((await fetch(`${invokeUrl}/health`)).status).toBe(200);
    expect([...backend.accepted.keys()]).toEqual([certificate.fingerprint]);
  } finally {
    await again.close();
    await backend.close();
  }
});

/** The worlds that an emulator would begin with, if it were killed now. */
function afterKill(): World[] {
  const copy = `${dataDir}-copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(dataDir, copy, { recursive: true });
  return createPersistence(copy, () => []).load();
}

const changesFile = (): string =>
  join(dataDir, readdirSync(dataDir).find((name) => name.startsWith('changes-')) ?? 'none');

test('an answered call is in the files, which their owner alone can read', async () => {
  const emulator = await startEmulator({ dataDir, rateLimit: false });
  try {
    const client = clientOf(emulator);
    const made = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { clientCertificateId } = await client.send(new GenerateClientCertificateCommand({}));
        return afterKill().some(({ certificates }) => certificates.has(String(clientCertificateId)));
      }),
    );
    expect(made).toEqual([true, true, true, true, true]);
    await client.send(new GenerateClientCertificateCommand({}));
    expect(readdirSync(dataDir).sort()).toEqual(['changes-1.jsonl', 'state.json']);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dataDir)) expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  } finally {
    await emulator.close();
  }
});

test('a kill at whatever byte leaves what was answered, and the next emulator goes on from there', async () => {
  const emulator = await startEmulator({ dataDir, rateLimit: false });
  const client = clientOf(emulator);
  const generate = async (): Promise<string> =>
    String((await client.send(new GenerateClientCertificateCommand({}))).clientCertificateId);
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(await generate());
  await client.send(new DeleteClientCertificateCommand({ clientCertificateId: ids[1] }));
  const killed = `${dataDir}-killed`;
  cpSync(dataDir, killed, { recursive: true });
  const changes = readFileSync(changesFile());
  await emulator.close();
  // The first is in the snapshot; then two lines of one each, and one that deletes.
  const after = [
    ids.slice(0, 1),
    ids.slice(0, 2),
    ids.slice(0, 3),
    ids.slice(0, 4),
    [ids[0], ids[2], ids[3]],
  ];
  expect(String(changes).split('\n')).toHaveLength(5);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: changes.length }), async (length) => {
      rmSync(dataDir, { recursive: true, force: true });
      cpSync(killed, dataDir, { recursive: true });
      const left = changes.subarray(0, length);
      writeFileSync(changesFile(), left);
      const expected = after[String(left).split('\n').length - 1] ?? [];
      const again = await startEmulator({ dataDir, rateLimit: false });
      const made = await clientOf(again).send(new GenerateClientCertificateCommand({}));
      const [world] = afterKill();
      expect([...(world?.certificates.keys() ?? [])]).toEqual([...expected, made.clientCertificateId]);
      await again.close();
    }),
    { numRuns: 25, examples: [[0], [1], [changes.length - 1], [changes.length]] },
  );
});

test('a kill between a snapshot and the end of the changes before it brings nothing back', async () => {
  const emulator = await startEmulator({ dataDir, rateLimit: false });
  const client = clientOf(emulator);
  await client.send(new GenerateClientCertificateCommand({}));
  const { clientCertificateId } = await client.send(new GenerateClientCertificateCommand({}));
  const [file, changes] = [changesFile(), readFileSync(changesFile())];
  await client.send(new DeleteClientCertificateCommand({ clientCertificateId }));
  await emulator.close();
  writeFileSync(file, changes);
  const [world] = afterKill();
  expect(world?.certificates.size).toBe(1);
});

test('changes outgrow the snapshot once, and are one again', async () => {
  const emulator = await startEmulator({ dataDir, rateLimit: false });
  const client = clientOf(emulator);
  const { clientCertificateId: id } = await client.send(new GenerateClientCertificateCommand({}));
  const description = 'x'.repeat(1_000);
  const sizes: number[] = [];
  for (let i = 0; i < 400; i++) {
    await client.send(
      new UpdateClientCertificateCommand({
        clientCertificateId: id,
        patchOperations: [{ op: 'replace', path: '/description', value: description }],
      }),
    );
    sizes.push(readdirSync(dataDir).reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0));
  }
  expect(Math.max(...sizes)).toBeGreaterThan(1_048_576);
  expect(Math.max(...sizes)).toBeLessThan(1_100_000);
  expect(sizes.at(-1)).toBeLessThan(1_048_576);
  await emulator.close();
  expect(readdirSync(dataDir)).toEqual(['state.json']);
});

test('whatever operations change is among the changes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 11 }), fc.nat(), fc.nat()), { minLength: 1, maxLength: 25 }),
      async (orders) => {
        rmSync(dataDir, { recursive: true, force: true });
        const emulator = await startEmulator({ dataDir, rateLimit: false });
        const client = clientOf(emulator);
        const v2 = v2ClientOf(emulator);
        const { id: restApiId } = await client.send(new CreateRestApiCommand({ name: 'a' }));
        const certificates: string[] = [];
        const apis = [String(restApiId)];
        let stages = 0;
        const pick = (from: readonly string[], n: number): string => from[n % from.length] ?? 'none';
        const kinds: ((a: number, b: number) => Promise<unknown>)[] = [
          async () => {
            const made = await client.send(new GenerateClientCertificateCommand({}));
            certificates.push(String(made.clientCertificateId));
          },
          async () => {
            const made = await client.send(new CreateRestApiCommand({ name: 'b', tags: { a: 'b' } }));
            apis.push(String(made.id));
          },
          (a) => client.send(new DeleteRestApiCommand({ restApiId: pick(apis, a) })),
          (a) =>
            client.send(new DeleteClientCertificateCommand({ clientCertificateId: pick(certificates, a) })),
          async (a) => {
            const api = pick(apis, a);
            const { items = [] } = await client.send(new GetResourcesCommand({ restApiId: api }));
            const root = { restApiId: api, resourceId: String(items[0]?.id), httpMethod: 'GET' };
            await client.send(new PutMethodCommand({ ...root, authorizationType: 'NONE' }));
            const uri = 'https://backend.example/';
            await client.send(
              new PutIntegrationCommand({ ...root, type: 'HTTP_PROXY', integrationHttpMethod: 'GET', uri }),
            );
          },
          (a) =>
            client.send(
              new CreateDeploymentCommand({ restApiId: pick(apis, a), stageName: `s${(stages += 1)}` }),
            ),
          (a, b) =>
            client.send(
              new UpdateStageCommand({
                restApiId: pick(apis, a),
                stageName: `s${1 + (b % Math.max(1, stages))}`,
                patchOperations: [
                  { op: 'replace', path: '/clientCertificateId', value: pick(certificates, b) },
                ],
              }),
            ),
          (a, b) =>
            client.send(
              new DeleteStageCommand({
                restApiId: pick(apis, a),
                stageName: `s${1 + (b % Math.max(1, stages))}`,
              }),
            ),
          (a, b) =>
            client.send(
              new TagResourceCommand({
                resourceArn: `arn:aws:apigateway:eu-central-1::/clientcertificates/${pick(certificates, a)}`,
                tags: { [`k${b % 3}`]: String(b) },
              }),
            ),
          (a, b) =>
            client.send(
              new TagResourceCommand({
                resourceArn: `arn:aws:apigateway:eu-central-1::/restapis/${pick(apis, a)}/stages/s1`,
                tags: { [`k${b % 3}`]: String(b) },
              }),
            ),
          () => makeWebSocketApi(emulator, v2),
          (a) =>
            client.send(
              new UntagResourceCommand({
                resourceArn: `arn:aws:apigateway:eu-central-1::/clientcertificates/${pick(certificates, a)}`,
                tagKeys: ['k1'],
              }),
            ),
        ];
        // What is refused changes nothing.
        for (const [kind, a, b] of orders) await kinds[kind]?.(a, b).catch(() => undefined);
        const killed = afterKill();
        await emulator.close();
        expect(killed).toEqual(afterKill());
      },
    ),
    { numRuns: 15 },
  );
});

test.each(['{', '{"format":3,"worlds":[]}', '{"format":2,"worlds":0}'])(
  'a state that is none stops the start: %s',
  async (text) => {
    const emulator = await startEmulator({ dataDir });
    await emulator.close();
    writeFileSync(join(dataDir, 'state.json'), text);
    await expect(startEmulator({ dataDir })).rejects.toMatchObject({ code: 'FileNotReadable' });
    expect(readFileSync(join(dataDir, 'state.json'), 'utf8')).toBe(text);
  },
);
