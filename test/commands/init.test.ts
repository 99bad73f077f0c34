import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  GetResourcesCommand,
  PutIntegrationCommand,
  PutMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { cli, type CliResult } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';
import { onTerminal } from '../support/terminal.js';

let lab: RotationLab;
let file: string;
let trust: string;
beforeEach(async () => {
  lab = await startRotationLab();
  file = join(lab.directory, 'apigw-cert.yaml');
  trust = `pem-bundle:${lab.trustFile}`;
});
afterEach(() => lab.close());

const init = (...words: string[]): Promise<CliResult> =>
  cli(['init', '--out-file', file, ...words], { env: lab.env });

const target = async (name = 'orders'): Promise<Record<string, unknown>> => {
  const { targets } = parse(await readFile(file, 'utf8')) as {
    targets: Record<string, Record<string, unknown>>;
  };
  return targets[name] ?? {};
};

test('writes what config validate finds no mistake in and a rotation can work with; changes nothing', async () => {
  lab.emulator.clearRequests();
  const { code, stdout, stderr } = await init('--stage', 'orders/prod', '--trust', trust, '--yes');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toContain(`wrote ${file}\n`);
  expect(stderr).toContain(`✓ ${trust} holds the certificate in use (${lab.oldId})`);
  const changing = lab.emulator.requests().filter(({ method }) => method !== 'GET');
  expect(new Set(changing.map(({ operation }) => operation))).toEqual(new Set(['TestInvokeMethod']));
  expect((await stat(file)).mode & 0o777).toBe(0o644);

  const text = await readFile(file, 'utf8');
  expect(text.replace(/\n *# /g, ' ')).toMatch(
    /Tried on \d{4}-\d\d-\d\d: at localhost:\d+, a call with the certificate in use was accepted; a call without a certificate was refused\./,
  );
  expect(parse(text)).toEqual({
    region: REGION,
    renewBefore: '33%',
    targets: {
      orders: {
        api: 'orders',
        stages: ['prod'],
        probe: { method: 'GET', path: '/health' },
        trust: [{ kind: 'pem-bundle', file: lab.trustFile }],
      },
    },
  });
  expect(await cli(['config', 'validate', file])).toMatchObject({ code: 0 });
  const plan = await cli(['rotate', '--config', file, '--dry-run'], { env: lab.env });
  expect(plan.code).toBe(0);
  expect(plan.stderr).toMatch(/^account of the access key \S+, Region \S+, endpoint \S+\n$/);
  expect(plan.stdout).toMatch(/^would rotate orders\/prod .*, which presents /);
  expect(plan.stdout).toMatch(/switch the stage/);
});

test('an existing file is replaced with --force alone', async () => {
  await writeFile(file, 'region: eu-west-1\n');
  const words = ['--stage', 'orders/prod', '--trust', trust, '--yes'];
  const refused = await init(...words, '--output', 'json');
  expect(refused.code).toBe(1);
  expect(refused.json()).toMatchObject({ error: { code: 'FileNotWritable' } });
  expect(await readFile(file, 'utf8')).toBe('region: eu-west-1\n');
  const link = join(lab.directory, 'link.yaml');
  await symlink(file, link);
  expect(await init(...words, '--out-file', link)).toMatchObject({ code: 1 });
  expect(await init(...words, '--force')).toMatchObject({ code: 0 });
  expect(await target()).toMatchObject({ api: 'orders' });
});

test('as JSON one document tells what was chosen, tried and seen', async () => {
  const { code, json } = await init('--trust', trust, '--yes', '--output', 'json');
  expect(code).toBe(0);
  expect(json()).toMatchObject({
    file,
    target: 'orders',
    clientCertificateId: lab.oldId,
    probe: { method: 'GET', path: '/health' },
    probes: { current: [{ outcome: 'accepted' }], without: [{ outcome: 'refused' }] },
    trust: [{ name: trust, holds: 'current' }],
    configuration: await readFile(file, 'utf8'),
  });
});

test('without a terminal, flags have to say what cannot be proposed', async () => {
  const noTrust = await init('--stage', 'orders/prod');
  expect(noTrust).toMatchObject({ code: 2, stdout: '' });
  expect(noTrust.stderr).toContain('no trust store is specified');

  const client = clientOf(lab.emulator, { region: REGION });
  const billing = await makeApi(lab.emulator, client, lab.backend.url, { name: 'billing' });
  await attachCertificate(client, billing, (await generateCertificate(client)).id);
  client.destroy();
  const several = await init('--trust', trust, '--yes');
  expect(several.code).toBe(2);
  expect(several.stderr).toContain('2 stages present a client certificate');
  expect(several.stderr).toContain(`${billing.restApiId}/prod (billing)`);
  expect(several.stderr).toContain(`${lab.api.restApiId}/prod (orders)`);
});

test('stages that share the certificate: those of the API are in the target, others are told of', async () => {
  const client = clientOf(lab.emulator, { region: REGION });
  await client.send(new CreateDeploymentCommand({ restApiId: lab.api.restApiId, stageName: 'beta' }));
  await attachCertificate(client, { restApiId: lab.api.restApiId, stageName: 'beta' }, lab.oldId);
  const billing = await makeApi(lab.emulator, client, lab.backend.url, { name: 'billing' });
  await attachCertificate(client, billing, lab.oldId);
  client.destroy();
  expect(await init('--stage', 'orders/prod', '--trust', trust)).toMatchObject({ code: 0 });
  expect(await target()).toMatchObject({ stages: ['prod', 'beta'] });
  expect((await readFile(file, 'utf8')).replace(/\n *# /g, ' ')).toContain(
    `billing/prod (${billing.restApiId}) presents the same certificate and is rotated with it.`,
  );
});

test('a stage without a certificate, and a backend that refuses it, are told', async () => {
  await writeFile(lab.trustFile, '');
  const client = clientOf(lab.emulator, { region: REGION });
  const bare = await makeApi(lab.emulator, client, lab.backend.url, { name: 'bare' });
  client.destroy();
  const none = await init('--stage', 'bare/prod', '--trust', trust, '--output', 'json');
  expect(none.json()).toMatchObject({ error: { code: 'StageWithoutCertificate' } });
  expect(none.stderr).toContain(`apigw-cert attach ID --stage ${bare.restApiId}/prod`);
});

describe('which calls are proposed', () => {
  interface MethodSpec {
    path: string;
    method: string;
    integrationMethod: string;
    backend?: string;
  }

  /** An API with these methods, whose stage presents a certificate. */
  async function apiWith(name: string, methods: readonly MethodSpec[]): Promise<string> {
    const client = clientOf(lab.emulator, { region: REGION });
    const { id: restApiId = '' } = await client.send(new CreateRestApiCommand({ name }));
    const { items = [] } = await client.send(new GetResourcesCommand({ restApiId }));
    const parentId = items[0]?.id;
    for (const { path, method, integrationMethod, backend = lab.backend.url } of methods) {
      const { id: resourceId } = await client.send(
        new CreateResourceCommand({ restApiId, parentId, pathPart: path }),
      );
      const at = { restApiId, resourceId, httpMethod: method };
      await client.send(new PutMethodCommand({ ...at, authorizationType: 'NONE' }));
      await client.send(
        new PutIntegrationCommand({
          ...at,
          type: 'HTTP_PROXY',
          integrationHttpMethod: integrationMethod,
          uri: `${backend}/${path}`,
        }),
      );
    }
    await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'prod' }));
    await attachCertificate(client, { restApiId, stageName: 'prod' }, lab.oldId);
    client.destroy();
    return restApiId;
  }

  test('none that could write, on either side: nothing is called, and that is said', async () => {
    const id = await apiWith('writing', [
      { path: 'a', method: 'POST', integrationMethod: 'POST' },
      { path: 'b', method: 'GET', integrationMethod: 'POST' },
      { path: 'c', method: 'GET', integrationMethod: 'ANY' },
    ]);
    lab.emulator.clearRequests();
    const { code, stderr } = await init('--stage', `${id}/prod`, '--trust', trust, '--yes');
    expect(code).toBe(0);
    expect(stderr).toContain('warning: no backend was called, so nothing was tested');
    expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain('TestInvokeMethod');
    expect(await target('writing')).not.toHaveProperty('probe');
    expect(await readFile(file, 'utf8')).not.toContain('Tried on');
  });

  test('one for all backends where there is one; else each is called by its own, and no probe is written', async () => {
    const other = await lab.addBackend('other');
    const id = await apiWith('two', [
      { path: 'aaaaaaaa', method: 'GET', integrationMethod: 'GET' },
      { path: 'b', method: 'GET', integrationMethod: 'GET', backend: other.url },
    ]);
    const { code, json } = await init(
      ...['--stage', `${id}/prod`, '--trust', trust, '--trust', `pem-bundle:${other.trustFile}`],
      ...['--yes', '--output', 'json'],
    );
    expect(code).toBe(0);
    const { probes, probe } = json() as { probe: unknown; probes: { current: { outcome: string }[] } };
    expect(probe).toBeUndefined();
    expect(probes.current.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
    expect(await target('two')).not.toHaveProperty('probe');
  });
});

test('on a terminal it asks for the stage, the call, the trust store and its reload', async () => {
  const client = clientOf(lab.emulator, { region: REGION });
  const billing = await makeApi(lab.emulator, client, lab.backend.url, { name: 'billing' });
  await attachCertificate(client, billing, (await generateCertificate(client)).id);
  client.destroy();
  const { code, screen } = await onTerminal(
    ['init', '--out-file', file],
    [
      // The certificate of orders is the older one, so it is the first.
      ['Which stage? [1]', '9'],
      ['Which stage? [1]', '1'],
      ['Which one is the test call?', ''],
      ['Where does the backend keep the certificates', 'nonsense'],
      ['Where does the backend keep the certificates', trust],
      ['Command that reloads the server', 'systemctl reload orders'],
    ],
    { env: lab.env },
  );
  expect({ code, screen }).toMatchObject({ code: 0 });
  expect(screen).toMatch(/1 +orders\/prod \(\w+\) +\w+ +\d{4}-\d\d-\d\d +\d+/);
  expect(await target()).toEqual({
    api: 'orders',
    stages: ['prod'],
    probe: { method: 'GET', path: '/health' },
    trust: [{ kind: 'pem-bundle', file: lab.trustFile, reload: 'systemctl reload orders' }],
  });
  const before = await readFile(file, 'utf8');
  const again = await onTerminal(['init', '--out-file', file], [['exists already. Replace it?', 'n']], {
    env: lab.env,
  });
  expect(again.code).toBe(1);
  expect(await readFile(file, 'utf8')).toBe(before);
});
