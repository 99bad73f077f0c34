/** A rotation moves the WebSocket stages that present the certificate with the others, and takes them back. */
import { UpdateStageCommand, type ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { makeWebSocketApi, v2ClientOf, type WebSocketFixture } from '../support/emulator.js';
import { rotateCli, stateOf } from '../support/rotate-cli.js';
import { REGION, startRotationLab, startTraffic, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
let v2: ApiGatewayV2Client;
beforeEach(async () => {
  lab = await startRotationLab();
  v2 = v2ClientOf(lab.emulator, { region: REGION });
});
afterEach(async () => {
  v2.destroy();
  await lab.close();
});

/** A stage of a WebSocket API that presents the old certificate. */
const addChat = (backendUrl: string): Promise<WebSocketFixture> =>
  makeWebSocketApi(lab.emulator, v2, { backendUrl, certificateId: lab.oldId });
const presentedBy = async ({ apiId, stageName }: WebSocketFixture): Promise<string | undefined> =>
  (await lab.controlPlane.getStage({ restApiId: apiId, stageName, protocolType: 'WEBSOCKET' }))
    .clientCertificateId;
/** The backend of the REST stage. */
async function restBackend(): Promise<string> {
  const resources = await lab.controlPlane.getResources(lab.api.restApiId);
  const health = resources.find(({ path }) => path === '/health')?.methods[0];
  return new URL(health?.integration?.uri ?? '').origin;
}

test('moves it with the REST stage, without a failed message, and then deletes the old certificate', async () => {
  const chat = await addChat(await restBackend());
  lab.emulator.configure({ propagationDelayMs: 250 });
  const traffic = [startTraffic(`${lab.api.invokeUrl}/health`), startTraffic(chat.messageUrl)];
  const { code, json } = await rotateCli(lab, '--output', 'json');
  const sent = await Promise.all(traffic.map((each) => each.stop()));
  expect({ code, failed: sent.map(({ failed }) => failed) }).toEqual({ code: 0, failed: [[], []] });
  expect(Math.min(...sent.map(({ requests }) => requests))).toBeGreaterThan(10);
  const { certificates, presented } = await stateOf(lab);
  expect(await presentedBy(chat)).toBe(presented);
  expect(certificates).toEqual([presented]);
  expect(json()).toMatchObject({
    items: [
      {
        stages: expect.arrayContaining([
          { restApiId: chat.apiId, apiName: 'chat', stageName: 'prod', protocolType: 'WEBSOCKET' },
        ]),
      },
    ],
  });
});

test('takes it back with the others', async () => {
  const chat = await addChat(await restBackend());
  expect((await rotateCli(lab, '--soak', '1h', '--no-wait')).code).toBe(75);
  expect(await presentedBy(chat)).not.toBe(lab.oldId);
  const traffic = startTraffic(chat.messageUrl);
  expect((await rotateCli(lab, '--abort')).code).toBe(0);
  expect((await traffic.stop()).failed).toEqual([]);
  expect(await presentedBy(chat)).toBe(lab.oldId);
  expect((await stateOf(lab)).certificates).toEqual([lab.oldId]);
});

test('is refused where only a WebSocket integration reaches a backend, which nothing can call', async () => {
  const { url, trustFile } = await lab.addBackend('chat');
  const chat = await addChat(url);
  const words = ['--trust', `pem-bundle:${trustFile}`];
  const refused = await rotateCli(lab, ...words);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(new URL(url).host);
  expect(await presentedBy(chat)).toBe(lab.oldId);
  expect((await stateOf(lab)).certificates).toEqual([lab.oldId]);

  const traffic = startTraffic(chat.messageUrl);
  expect((await rotateCli(lab, ...words, '--allow-unproved')).code).toBe(0);
  expect((await traffic.stop()).failed).toEqual([]);
  expect(await presentedBy(chat)).toBe((await stateOf(lab)).presented);
});

test('of a WebSocket stage alone is asked for by its name', async () => {
  const chat = await addChat(await restBackend());
  const words = ['rotate', '--stage', 'chat/prod', '--dry-run', '--trust', `pem-bundle:${lab.trustFile}`];
  const { code, stdout } = await cli(words, { env: lab.env });
  expect(code).toBe(0);
  expect(stdout).toContain(`chat/prod (${chat.apiId})`);
});

test('a stage that comes to present the old certificate during the soak is noticed', async () => {
  const chat = await makeWebSocketApi(lab.emulator, v2, { backendUrl: await restBackend() });
  expect((await rotateCli(lab, '--soak', '1s', '--no-wait')).code).toBe(75);
  await v2.send(
    new UpdateStageCommand({ ApiId: chat.apiId, StageName: 'prod', ClientCertificateId: lab.oldId }),
  );
  const traffic = startTraffic(chat.messageUrl);
  expect((await rotateCli(lab)).code).toBe(0);
  expect((await traffic.stop()).failed).toEqual([]);
  expect(await presentedBy(chat)).toBe((await stateOf(lab)).presented);
});
