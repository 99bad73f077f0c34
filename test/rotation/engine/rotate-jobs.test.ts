import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CreateRestApiCommand, type APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { certificateFacts, trustedCertificate } from '../../../src/certificates/parse.js';
import { cli } from '../../support/cli.js';
import { startCli } from '../../support/rotate-cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../../support/emulator.js';
import { startRotationLab, startTraffic, type RotationLab } from '../../support/rotation.js';

let lab: RotationLab;
let client: APIGatewayClient;
beforeEach(async () => {
  lab = await startRotationLab();
  client = clientOf(lab.emulator);
});
afterEach(async () => {
  client.destroy();
  await lab.close();
});

interface Presenting {
  /** Of the certificate. */
  id: string;
  invokeUrl: string;
}

/** APIs beside `orders`, each presenting a certificate of its own that is so old; the backend trusts them all. */
async function addApis(names: readonly string[], ageDays: number): Promise<Presenting[]> {
  lab.emulator.setClock(new Date(Date.now() - ageDays * 86_400_000));
  const made: Presenting[] = [];
  let trusted = await readFile(lab.trustFile, 'utf8');
  for (const name of names) {
    const { id, pem } = await generateCertificate(client);
    const api = await makeApi(lab.emulator, client, lab.backend.url, { name });
    await attachCertificate(client, api, id);
    trusted += trustedCertificate(pem).pem;
    made.push({ id, invokeUrl: api.invokeUrl });
  }
  await writeFile(lab.trustFile, trusted);
  lab.emulator.setClock(new Date());
  return made;
}

/** A file with a target for each of the APIs. */
async function configure(names: readonly string[]): Promise<string> {
  const file = join(lab.directory, 'fleet.yaml');
  const target = (name: string): string =>
    `  ${name}: { api: ${name}, stages: [prod], soak: 1s, probe: { path: /health }, trust: [{ kind: pem-bundle, file: ${lab.trustFile} }] }\n`;
  await writeFile(file, `targets:\n${names.map(target).join('')}`);
  return file;
}

interface Rotation {
  target: string;
  outcome?: string;
  error?: { code: string };
  newCertificateId?: string;
}

async function rotate(names: readonly string[], ...words: string[]) {
  const config = await configure(names);
  lab.emulator.clearRequests();
  const { code, json, stderr } = await cli(['rotate', '--config', config, '--output', 'json', ...words], {
    env: lab.env,
  });
  const operations = lab.emulator.requests().map(({ operation }) => operation);
  const calls = (name: string): number => operations.filter((operation) => operation === name).length;
  return {
    code,
    stderr,
    calls,
    total: operations.length,
    rotations: (json() as { items: Rotation[] }).items,
  };
}

test('certificates that are due go side by side, with two looks at the account for all of them', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const apis = await addApis(names, 350);
  // The backend takes a while to follow its file.
  for (const { invokeUrl } of apis) {
    while ((await fetch(`${invokeUrl}/health`)).status !== 200) await setTimeout(50);
  }
  // Slow enough that the emulator's record of requests holds all of them.
  const traffic = apis.map(({ invokeUrl }) => startTraffic(`${invokeUrl}/health`, { lanes: 2, pauseMs: 50 }));
  const { code, rotations, calls } = await rotate(['orders', ...names]);
  for (const one of traffic) {
    const { requests, failed } = await one.stop();
    expect(requests).toBeGreaterThan(0);
    expect(failed).toEqual([]);
  }
  expect({ code, rotations }).toMatchObject({
    code: 0,
    rotations: ['orders', ...names].map((target) => ({ target, outcome: 'completed' })),
  });
  // The one before anything is done, and the one before trust ends.
  expect({ apis: calls('GetRestApis'), webSocket: calls('GetApis'), stages: calls('GetStages') }).toEqual({
    apis: 2,
    webSocket: 2,
    stages: 2 * 5,
  });
  const left = await lab.controlPlane.getClientCertificates();
  expect(left.map(({ clientCertificateId }) => clientCertificateId).sort()).toEqual(
    rotations.map(({ newCertificateId }) => newCertificateId).sort(),
  );
  const bundle = await readFile(lab.trustFile, 'utf8');
  const trusted = bundle.split(/(?=-----BEGIN)/).filter((part) => part.includes('-----BEGIN'));
  expect(trusted.map((pem) => certificateFacts(pem).fingerprintSha256).sort()).toEqual(
    left.map(({ pemEncodedCertificate }) => certificateFacts(pemEncodedCertificate).fingerprintSha256).sort(),
  );
});

test('targets with nothing due cost a list of the APIs, one of the certificates, and a call each', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `api-${i}`);
  await addApis(names, 10);
  const { code, rotations, total, calls } = await rotate(names);
  expect(code).toBe(0);
  expect(rotations.map(({ outcome }) => outcome)).toEqual(names.map(() => 'notDue'));
  expect({ total, certificates: calls('GetClientCertificates'), apis: calls('GetRestApis') }).toEqual({
    total: 2 + names.length,
    certificates: 1,
    apis: 1,
  });
});

test('one that cannot be rotated keeps none of the others', async () => {
  const [first] = await addApis(['a', 'b'], 350);
  // Its backend trusts the old certificate alone, whatever the file of the others says.
  const stubborn = await lab.addBackend('stubborn');
  const api = await makeApi(lab.emulator, client, stubborn.url, { name: 'c' });
  lab.emulator.setClock(new Date(Date.now() - 350 * 86_400_000));
  const own = await generateCertificate(client);
  lab.emulator.setClock(new Date());
  await attachCertificate(client, api, own.id);
  await writeFile(stubborn.trustFile, trustedCertificate(own.pem).pem);

  const { code, rotations } = await rotate(['a', 'c', 'missing', 'b'], '--settle', '1s', '--in-flight', '2s');
  expect(code).toBe(1);
  expect(rotations).toMatchObject([
    { target: 'a', outcome: 'completed', oldCertificateId: first?.id },
    { target: 'c', error: { code: 'NewCertificateRefused' } },
    { target: 'missing', error: { code: 'StageNotFound' } },
    { target: 'b', outcome: 'completed' },
  ]);
  expect((await lab.controlPlane.getStage(api)).clientCertificateId).toBe(own.id);
  // The two that were rotated, `orders`, which was not asked for, and the one that stays.
  expect(await lab.controlPlane.getClientCertificates()).toHaveLength(4);
});

test('one whose look for certificates fails before trust ends keeps none of the others', async () => {
  const names = ['a', 'b'];
  await addApis(names, 350);
  const config = await configure(names);
  const command = startCli(lab, ['rotate', '--config', config, '--soak', '4s', '--output', 'json']);
  await command.says(/soak[^]*soak/);
  for (const occurrence of [1, 2, 3]) {
    lab.emulator.addFault({
      operation: 'GetClientCertificates',
      occurrence,
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
    });
  }
  const { code, stdout } = await command.closed;
  const { items: rotations } = JSON.parse(stdout) as { items: Rotation[] };
  expect({ code, rotations }).toMatchObject({
    code: 1,
    rotations: [{ error: { code: 'AccessDenied' } }, { outcome: 'completed' }],
  });
});

test('what two targets share is rotated once, with --force too, and both report it', async () => {
  const second = await makeApi(lab.emulator, client, lab.backend.url, { name: 'second' });
  await attachCertificate(client, second, lab.oldId);
  await addApis(['a'], 350);
  const { code, rotations, calls } = await rotate(['orders', 'a', 'second'], '--force');
  expect({ code, rotations }).toMatchObject({
    code: 0,
    rotations: [
      { target: 'orders', outcome: 'completed' },
      { target: 'a', outcome: 'completed' },
      { target: 'second', outcome: 'notDue' },
    ],
  });
  expect(calls('GenerateClientCertificate')).toBe(2);
});

test('lines of rotations that go side by side say which one they are about', async () => {
  await addApis(['a'], 350);
  const { stderr } = await rotate(['orders', 'a']);
  const lines = stderr.split('\n').filter((line) => /^(starting|continuing) /.test(line));
  const told = lines.map((line) => /^(\w+) rotation \S+ of \w+ for (\w+)/.exec(line)?.slice(1).join(' '));
  expect(told.slice(0, 4)).toEqual(['starting orders', 'starting a', 'continuing orders', 'continuing a']);
  // No line says what the lines before it are about already.
  expect(told.filter((line, i) => line === told[i - 1])).toEqual([]);
});

test('a look at the account that only reads ends with the first Ctrl-C', async () => {
  // More than AWS's burst: the rest comes at the pace of the account.
  const apis = 60;
  for (let i = 0; i < apis; i++) await client.send(new CreateRestApiCommand({ name: `empty-${i}` }));
  lab.emulator.clearRequests();
  const command = startCli(lab, ['rotate', '--all', '--trust', `pem-bundle:${lab.trustFile}`]);
  const asked = (): number =>
    lab.emulator.requests().filter(({ operation }) => operation === 'GetStages').length;
  while (asked() === 0) await new Promise((resolve) => setImmediate(resolve));
  command.kill('SIGINT');
  const { code, stderr } = await command.closed;
  expect(code).toBe(130);
  expect(stderr).toContain('error: stopped by a signal');
  expect(asked()).toBeLessThan(apis);
  expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
});
