import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { copyFile, readFile, rm } from 'node:fs/promises';
import {
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateStageCommand,
  GetResourcesCommand,
  PutIntegrationCommand,
  PutMethodCommand,
  UpdateStageCommand,
  type APIGatewayClient,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { importNew } from '../support/acm.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { cli } from '../support/cli.js';
import { rotateCli, rotateWords, stateOf } from '../support/rotate-cli.js';
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

/** Adds a method with an integration to the lab's API. */
async function addMethod(path: string, httpMethod: string, uri: string | undefined): Promise<void> {
  const { restApiId } = lab.api;
  const { items = [] } = await client.send(new GetResourcesCommand({ restApiId }));
  const parentId = items.find((resource) => resource.path === '/')?.id;
  const { id: resourceId } = await client.send(
    new CreateResourceCommand({ restApiId, parentId, pathPart: path.slice(1) }),
  );
  const method = { restApiId, resourceId, httpMethod };
  await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' }));
  await client.send(
    new PutIntegrationCommand(
      uri === undefined
        ? { ...method, type: 'MOCK' }
        : { ...method, type: 'HTTP_PROXY', integrationHttpMethod: httpMethod, uri },
    ),
  );
}

async function expectRefused(words: string[], message: RegExp): Promise<void> {
  const before = await stateOf(lab);
  const { code, stderr } = await rotateCli(lab, ...words);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/\n {2}fix: \S/);
  expect(code).toBe(1);
  expect(await stateOf(lab)).toEqual(before);
}

describe('a rotation does not begin', () => {
  test('where CloudFormation would undo it, unless that is accepted', async () => {
    const { restApiId } = lab.api;
    const { deploymentId } = await lab.controlPlane.getStage({ restApiId, stageName: 'prod' });
    await client.send(
      new CreateStageCommand({
        restApiId,
        stageName: 'managed',
        deploymentId,
        tags: { 'aws:cloudformation:stack-name': 'orders-stack' },
      }),
    );
    await attachCertificate(client, { restApiId, stageName: 'managed' }, lab.oldId);
    await expectRefused([], /managed is managed by the CloudFormation stack orders-stack/);
    expect((await rotateCli(lab, '--allow-drift')).code).toBe(0);
  });

  test('where no https integration presents the certificate', async () => {
    await makeApi(lab.emulator, client, 'http://localhost:1', { name: 'plain' });
    const { id } = await generateCertificate(client);
    const plain = (await lab.controlPlane.getRestApis()).find(({ name }) => name === 'plain');
    await attachCertificate(client, { restApiId: plain?.id ?? '', stageName: 'prod' }, id);
    await expectRefused(
      ['--stage', 'plain/prod', '--force'],
      /no HTTP or HTTP_PROXY integration with an https address/,
    );
  });

  test('where a second backend cannot be asked, unless that is accepted', async () => {
    await addMethod('/pay', 'POST', 'https://pay.invalid/pay');
    await expectRefused([], /no safe GET request reaches pay\.invalid/);
    expect((await rotateCli(lab, '--allow-unproved')).code).toBe(0);
  });

  test('without the trust store’s file', async () => {
    await rm(lab.trustFile);
    const { code, stderr } = await rotateCli(lab);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /apigw\.pem does not exist\n {2}fix: check the path; if it is to be new, make it empty first/,
    );
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
  });

  test('when the quota is used up', async () => {
    lab.emulator.configure({ certificateQuota: 1 });
    await expectRefused([], /the account has reached its client certificate quota/);
  });

  test('for a stage without a certificate, or with one of ACM', async () => {
    const { restApiId } = lab.api;
    const set = async (value: string): Promise<void> => {
      const patchOperations = [{ op: 'replace' as const, path: '/clientCertificateId', value }];
      await client.send(new UpdateStageCommand({ restApiId, stageName: 'prod', patchOperations }));
    };
    await set('');
    await expectRefused([], /presents no client certificate/);
    await set(await importNew(lab.emulator));
    await expectRefused(['--force'], /presents the ACM certificate .*--force does not say/);
    await expectRefused(['--to', 'generated'], /ends below the root/);
  });
});

describe('a rotation is taken back', () => {
  test('when the backend does not check, unless that is accepted', async () => {
    const server = await mintServerCertificate({
      notBefore: new Date(Date.now() - 3_600_000),
      dnsNames: ['localhost'],
    });
    const open = https.createServer(
      { key: server.privateKeyPem, cert: server.certPem },
      (_request, response) => {
        response.end('anybody');
      },
    );
    open.listen(0, '127.0.0.1').unref();
    await once(open, 'listening');
    await lab.close();
    lab = await startRotationLab({ backendCa: server.caPem });
    client = clientOf(lab.emulator, { region: REGION });
    const uri = `https://localhost:${(open.address() as AddressInfo).port}`;
    const api = await makeApi(lab.emulator, client, uri, { name: 'open' });
    await attachCertificate(client, api, lab.oldId);
    // The lab's own stage would be moved as well, whose backend this emulator does not know.
    await attachCertificate(client, lab.api, '');
    await expectRefused(
      ['--stage', 'open/prod'],
      /accepts a caller without a certificate: it does not check certificates/,
    );
    const { code, stderr } = await rotateCli(lab, '--stage', 'open/prod', '--allow-unchecked-backend');
    expect(stderr).toContain('warning: localhost');
    expect(code).toBe(0);
    open.close();
    open.closeAllConnections();
  });

  test('when the backend does not read the trust store that is named', async () => {
    const other = `${lab.trustFile}.other`;
    await copyFile(lab.trustFile, other);
    const before = await stateOf(lab);
    const words = rotateWords(lab, '--settle', '300ms').map((word) =>
      word.startsWith('pem-bundle:') ? `pem-bundle:${other}` : word,
    );
    const { code, stderr } = await cli(words, { env: lab.env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: orders\/prod \(\w+\): the backend refuses the new certificate \w{6} although the trust stores hold it: localhost:\d+ answered 403/,
    );
    expect(stderr).toContain('fix: check that the backend uses this trust store and has reloaded it');
    expect(await stateOf(lab)).toEqual(before);
    expect(await readFile(other, 'utf8')).toBe(await readFile(lab.trustFile, 'utf8'));
  });
});

describe('--redeploy always', () => {
  test('needs a yes, and says what it would publish', async () => {
    await addMethod('/draft', 'GET', undefined);
    const refused = await rotateCli(lab, '--redeploy', 'always');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /warning: redeploying \w+\/prod publishes changes to the API: GET \/draft would be added\n/,
    );
    expect(refused.stderr).toMatch(/error: \S+ \(\w+\): not confirmed: Redeploy \w+\/prod\? /);
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
  });

  test('deploys the stage, whose switch an API that needs it would not show before', async () => {
    lab.emulator.configure({ needRedeploy: true });
    const { code, stderr } = await rotateCli(lab, '--redeploy', 'always', '--yes');
    expect(stderr).not.toContain('warning');
    expect(code).toBe(0);
    const response = await fetch(`${lab.api.invokeUrl}/health`);
    expect(response.status).toBe(200);
    const { presented } = await stateOf(lab);
    const stage = await lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'prod' });
    expect((await lab.controlPlane.getDeployment(stage.restApiId, stage.deploymentId)).description).toBe(
      `apigw-cert: client certificate ${presented ?? ''}`,
    );
  });

  test('after a kill between switch and deployment it is made up for', async () => {
    lab.emulator.configure({ needRedeploy: true });
    lab.emulator.addFault({
      operation: 'CreateDeployment',
      kind: 'error',
      code: 'InternalFailure',
      status: 500,
      message: 'x',
      occurrence: 'every',
    });
    expect((await rotateCli(lab, '--redeploy', 'always', '--yes')).code).toBe(1);
    lab.emulator.clearFaults();
    await rm(`${lab.directory}/state`, { recursive: true });
    expect((await rotateCli(lab, '--redeploy', 'always', '--yes')).code).toBe(0);
    expect((await fetch(`${lab.api.invokeUrl}/health`)).status).toBe(200);
  });
});

describe('stages that share a certificate', () => {
  test('with variables that lead to other backends are proved each by itself', async () => {
    const { restApiId } = lab.api;
    await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'beta' }));
    const patchOperations = [{ op: 'replace' as const, path: '/variables/colour', value: 'green' }];
    await client.send(new UpdateStageCommand({ restApiId, stageName: 'beta', patchOperations }));
    await attachCertificate(client, { restApiId, stageName: 'beta' }, lab.oldId);
    lab.emulator.clearRequests();
    expect((await rotateCli(lab)).code).toBe(0);
    const probes = lab.emulator.requests().filter(({ operation }) => operation === 'TestInvokeMethod');
    // Two stages that differ in what a call depends on: new, old and none of both; at the end the new one of both.
    expect(probes.length).toBeGreaterThanOrEqual(8);
  });

  test('in several APIs with backends of their own', async () => {
    const resources = await lab.controlPlane.getResources(lab.api.restApiId);
    const uri = resources.flatMap(({ methods }) => methods)[0]?.integration?.uri ?? '';
    const elsewhere = uri.replace(/\/[^/]*$/, '').replace('localhost', '127.0.0.1');
    const second = await makeApi(lab.emulator, client, elsewhere, { name: 'second' });
    await attachCertificate(client, second, lab.oldId);
    // Its address is not in the server's certificate: no call shows anything about a client certificate there, so nothing
    // may be switched, and nothing is taken back either.
    const { code, stderr } = await rotateCli(lab, '--settle', '300ms');
    expect(stderr).toMatch(
      /whether the backends accept \w{6} could not be determined: 127\.0\.0\.1:\d+ did not answer [^]*fix: run the same command again/,
    );
    expect(code).toBe(1);
    const { presented, certificates } = await stateOf(lab);
    expect({ presented, certificates: certificates.length }).toEqual({
      presented: lab.oldId,
      certificates: 2,
    });
  });
});

describe('a trust store that a person changes', () => {
  test('waits for the person where there is none, with what to do', async () => {
    const words = [
      'rotate',
      '--stage',
      'orders/prod',
      '--trust',
      'manual',
      '--soak',
      '300ms',
      '--probe-count',
      '1',
    ];
    const { code, stderr } = await cli(words, { env: lab.env });
    expect(code).toBe(75);
    expect(stderr).toContain('Make the backend accept this client certificate as well');
    expect(stderr).toContain('-----BEGIN CERTIFICATE-----');
    expect(stderr).toContain('there is no terminal on which to confirm');
    // Said again, it asks for the same certificate: nothing was lost.
    const again = await cli(words, { env: lab.env });
    const id = (text: string): string | undefined => / id {7}(\w{6})/.exec(text)?.[1];
    expect(id(again.stderr)).toBe(id(stderr));
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(2);
  });
});
