/** Stages of WebSocket APIs present the same certificates; only apigatewayv2 shows them. */
import { GenerateClientCertificateCommand, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
import {
  CreateApiCommand,
  CreateStageCommand,
  GetStageCommand,
  UpdateStageCommand,
  type ApiGatewayV2Client,
} from '@aws-sdk/client-apigatewayv2';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StageRef } from '../../src/control-plane/api-gateway.js';
import { markTags } from '../../src/control-plane/marks.js';
import { stageText } from '../../src/rotation/rules/unit.js';
import { cli, emulatorEnv, type CliResult } from '../support/cli.js';
import {
  attachCertificate,
  generateCertificate,
  makeWebSocketApi,
  startLab,
  v2ClientOf,
  type Lab,
  type WebSocketFixture,
} from '../support/emulator.js';
import { stateOf, rotateCli } from '../support/rotate-cli.js';
import { startRotationLab } from '../support/rotation.js';

let lab: Lab;
let v2: ApiGatewayV2Client;
let chat: WebSocketFixture;
/** Presented by the stage of the WebSocket API alone. */
let own: string;
beforeEach(async () => {
  lab = await startLab();
  v2 = v2ClientOf(lab.emulator);
  own = (await generateCertificate(lab.client)).id;
  chat = await makeWebSocketApi(lab.emulator, v2, { backendUrl: lab.backend.url, certificateId: own });
  // An HTTP API has no client certificates.
  const { ApiId } = await v2.send(new CreateApiCommand({ Name: 'web', ProtocolType: 'HTTP' }));
  await v2.send(new CreateStageCommand({ ApiId, StageName: '$default' }));
});
afterEach(async () => {
  v2.destroy();
  await lab.close();
});

const run = (...words: string[]): Promise<CliResult> => cli(words, { env: emulatorEnv(lab.emulator) });
const presented = async (): Promise<string | undefined> =>
  (await v2.send(new GetStageCommand({ ApiId: chat.apiId, StageName: chat.stageName }))).ClientCertificateId;
const ids = async (): Promise<string[]> =>
  ((await lab.client.send(new GetClientCertificatesCommand({}))).items ?? []).map(
    ({ clientCertificateId = '' }) => clientCertificateId,
  );
const deny = (operation: string): void => {
  lab.emulator.addFault({
    operation,
    occurrence: 'every',
    kind: 'error',
    code: 'AccessDeniedException',
    status: 403,
  });
};

const CHAT = () => ({
  restApiId: chat.apiId,
  apiName: 'chat',
  stageName: 'prod',
  protocolType: 'WEBSOCKET',
});

describe('a certificate that only a WebSocket stage presents', () => {
  test('is in use, for list, inventory and the check of expiry', async () => {
    const list = (await run('list', '--usage', '--output', 'json')).json() as {
      items: { clientCertificateId: string; usedBy: object[] }[];
    };
    expect(list.items.find(({ clientCertificateId }) => clientCertificateId === own)?.usedBy).toEqual([
      CHAT(),
    ]);
    const inventory = (await run('inventory', '--output', 'json')).json() as { stages: object[] };
    expect(inventory.stages).toHaveLength(2);
    expect(inventory.stages).toContainEqual(
      expect.objectContaining({ ...CHAT(), clientCertificateId: own, status: 'ok' }),
    );
    const check = (await run('check-expiry', '--unused', '--output', 'json')).json() as { items: object[] };
    expect(check.items).toEqual([]);
    const used = (await run('check-expiry', '--stage', 'chat/prod', '--output', 'json')).json() as {
      items: { clientCertificateId: string }[];
    };
    expect(used.items.map(({ clientCertificateId }) => clientCertificateId)).toEqual([own]);
  });

  test('counts as presented to https, where one of its integrations is that', async () => {
    const codes = async (): Promise<string[]> => {
      const { json } = await run('check-expiry', '--compliance', '--output', 'json');
      return (json() as { findings: { code: string; stage?: StageRef }[] }).findings.map(
        ({ code, stage }) => `${code} ${stage === undefined ? '' : stageText(stage)}`,
      );
    };
    expect(await codes()).toEqual([]);
    await v2.send(
      new UpdateStageCommand({ ApiId: chat.apiId, StageName: chat.stageName, ClientCertificateId: '' }),
    );
    expect(await codes()).toContain(`StageWithoutCertificate ${chat.apiId}/prod`);
    const idle = await makeWebSocketApi(lab.emulator, v2, { name: 'idle', certificateId: own });
    expect(await codes()).toContain(`NeverPresented ${idle.apiId}/prod`);
  });

  test.each([400, 409] as const)('is not deleted (AWS says %d)', async (status) => {
    lab.emulator.configure({ deleteInUseStatus: status });
    lab.emulator.clearRequests();
    const { code, stderr } = await run('delete', own, '--yes');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: the certificate ${own} is not deleted: chat/prod (${chat.apiId}) presents it\n`,
    );
    // It is not documented that AWS refuses, so it is not asked to.
    expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain(
      'DeleteClientCertificate',
    );
    expect(await ids()).toContain(own);
  });

  test('is not pruned, expired or not', async () => {
    lab.emulator.advanceClock(-400 * 86_400_000);
    const [used, spare] = [await generateCertificate(lab.client), await generateCertificate(lab.client)];
    await makeWebSocketApi(lab.emulator, v2, { name: 'old', certificateId: used.id });
    const { code, json } = await run('prune', '--yes', '--output', 'json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ deleted: [{ clientCertificateId: spare.id }], failed: [] });
    expect(new Set(await ids())).toEqual(new Set([lab.certificate.id, own, used.id]));
  });
});

describe('a permission that is missing', () => {
  test('to see WebSocket APIs is named, and nothing is said to be unused', async () => {
    deny('GetApis');
    const list = await run('list', '--usage');
    expect(list.code).toBe(1);
    expect(list.stderr).toContain('allow apigateway:GET on arn:aws:apigateway:eu-central-1::/apis\n');
    const removed = await run('delete', own, '--yes');
    expect(removed.code).toBe(1);
    expect(removed.stderr).toContain('allow apigateway:GET on arn:aws:apigateway:eu-central-1::/apis\n');
    expect(await ids()).toContain(own);
  });

  test('is not needed where nothing depends on it', async () => {
    deny('GetApis');
    lab.emulator.clearRequests();
    expect((await run('list')).code).toBe(0);
    expect((await run('attach', lab.certificate.id, '--stage', 'orders/prod')).code).toBe(0);
    expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain('GetApis');
  });
});

describe('attach and detach', () => {
  test('change the certificate of a WebSocket stage', async () => {
    const attached = await run(
      'attach',
      lab.certificate.id,
      '--stage',
      'chat/prod',
      '--yes',
      '--output',
      'json',
    );
    expect(attached.json()).toEqual({
      ...CHAT(),
      before: own,
      after: lab.certificate.id,
      changed: true,
      certificate: expect.anything(),
    });
    expect(await presented()).toBe(lab.certificate.id);
    const detached = await run('detach', '--api', chat.apiId, '--stage', 'prod', '--yes', '--output', 'json');
    expect(detached.json()).toEqual({ ...CHAT(), before: lab.certificate.id, changed: true });
    expect(await presented()).toBeUndefined();
  });

  test.each(['cutBefore', 'cutAfter', 'error409WithEffect'] as const)(
    'end as they were meant to after an answer that says nothing: %s',
    async (kind) => {
      lab.emulator.addFault({ operation: 'UpdateStage', kind });
      const { code, json } = await run(
        ...['attach', lab.certificate.id, '--stage', 'chat/prod', '--yes', '--output', 'json'],
      );
      expect({ code, ...(json() as object) }).toMatchObject({ code: 0, after: lab.certificate.id });
      expect(await presented()).toBe(lab.certificate.id);
    },
  );

  test('say that they do not know, where the service does not answer', async () => {
    lab.emulator.addFault({ operation: 'UpdateStage', occurrence: 'every', kind: 'cutBefore' });
    const { code, stderr } = await run('detach', '--stage', 'chat/prod', '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/it is not known whether \w+\/prod was changed\n/);
    expect(await presented()).toBe(own);
  });
});

test('a WebSocket stage cannot be test-invoked, which only methods of REST APIs can', async () => {
  const { code, stderr } = await run('test-invoke', '--stage', 'chat/prod', '--path', '/x');
  expect(code).toBe(2);
  expect(stderr).toContain('error: chat/prod is a stage of a WebSocket API\n');
});

describe('delete, and a rotation in progress', () => {
  test('takes nothing that a rotation in its soak may have to go back to', async () => {
    const rotation = await startRotationLab();
    try {
      const waiting = await rotateCli(rotation, '--soak', '1h', '--no-wait');
      expect(waiting.code).toBe(75);
      const { presented: newId } = await stateOf(rotation);
      expect(newId).not.toBe(rotation.oldId);
      const removed = await cli(['delete', rotation.oldId, '--yes'], { env: rotation.env });
      expect(removed.code).toBe(1);
      expect(removed.stderr).toContain(
        `error: the certificate ${rotation.oldId} is not deleted: the rotation to ${newId ?? ''} may have to roll back to it\n`,
      );
      const aborted = await rotateCli(rotation, '--abort', '--soak', '0s');
      expect(aborted.code).toBe(0);
      expect(await stateOf(rotation)).toMatchObject({
        certificates: [rotation.oldId],
        presented: rotation.oldId,
      });
    } finally {
      await rotation.close();
    }
  });

  test('takes no new certificate that a stage is about to present', async () => {
    const { clientCertificateId: next = '' } = await lab.client.send(
      new GenerateClientCertificateCommand({
        tags: markTags({ rotationId: 'r1', replaces: lab.certificate.id }),
      }),
    );
    const { code, json } = await run('delete', next, '--yes', '--output', 'json');
    expect({ code, ...(json() as object) }).toMatchObject({
      code: 1,
      error: {
        code: 'CertificateInUse',
        details: { oldCertificateId: lab.certificate.id, newCertificateId: next },
      },
    });
  });

  test('takes both once no stage presents any of the two', async () => {
    const { clientCertificateId: next = '' } = await lab.client.send(
      new GenerateClientCertificateCommand({
        tags: markTags({ rotationId: 'r1', replaces: lab.certificate.id }),
      }),
    );
    await attachCertificate(lab.client, lab.api, '');
    expect((await run('delete', lab.certificate.id, '--yes')).code).toBe(0);
    expect((await run('delete', next, '--yes')).code).toBe(0);
    expect(await ids()).toEqual([own]);
  });

  test('costs two calls more where no mark names the certificate, and one for each WebSocket API', async () => {
    const { id } = await generateCertificate(lab.client);
    lab.emulator.clearRequests();
    expect((await run('delete', id, '--yes')).code).toBe(0);
    expect(
      lab.emulator
        .requests()
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(['DeleteClientCertificate', 'GetApis', 'GetClientCertificates', 'GetStages']);
  });

  test('is done once its first answer was lost', async () => {
    const { id } = await generateCertificate(lab.client);
    lab.emulator.addFault({ operation: 'DeleteClientCertificate', kind: 'cutAfter' });
    expect((await run('delete', id, '--yes')).code).toBe(0);
    expect(await ids()).not.toContain(id);
    expect((await run('delete', id, '--yes')).stderr).toContain(`there is no client certificate ${id}`);
  });
});
