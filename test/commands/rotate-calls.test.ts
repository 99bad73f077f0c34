import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateDeploymentCommand, PutIntegrationCommand } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { rotateCli, stateOf } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
let host: string;
beforeEach(async () => {
  lab = await startRotationLab();
  host = new URL(lab.backend.url).host;
});
afterEach(() => lab.close());

const operations = (): string[] => lab.emulator.requests().map(({ operation }) => operation);

/** Lets `GET /health` call the backend with another method. */
async function integrate(integrationHttpMethod: string): Promise<void> {
  const client = clientOf(lab.emulator, { region: REGION });
  const { restApiId, healthResourceId: resourceId } = lab.api;
  await client.send(
    new PutIntegrationCommand({
      restApiId,
      resourceId,
      httpMethod: 'GET',
      type: 'HTTP_PROXY',
      integrationHttpMethod,
      uri: `${lab.backend.url}/health`,
    }),
  );
  client.destroy();
}

test('a run lists its calls first, and says afterwards what each backend made of whom', async () => {
  const client = clientOf(lab.emulator, { region: REGION });
  const other = await generateCertificate(client);
  client.destroy();
  const stage = `orders/prod \\(${lab.api.restApiId}\\)`;
  const call = `GET /health → ${host} \\(${stage}, 12 times\\)`;

  const dry = await rotateCli(lab, '--probe-count', '3', '--dry-run');
  expect(dry.stdout).toMatch(new RegExp(`\ncalls to backends:\n {2}${call}\nnothing was changed\n$`));
  expect(operations()).not.toContain('TestInvokeMethod');

  const events = join(lab.directory, 'events.jsonl');
  const done = await rotateCli(lab, '--probe-count', '3', '--output', 'json', '--events', events);
  expect(done.code).toBe(0);
  const [rotation] = (
    done.json() as { items: { newCertificateId: string; calls: unknown; steps: unknown[] }[] }
  ).items;
  expect(rotation?.calls).toEqual([
    {
      method: 'GET',
      path: '/health',
      backend: host,
      stages: [{ restApiId: lab.api.restApiId, apiName: 'orders', stageName: 'prod' }],
      times: 12,
    },
  ]);
  const [first, second] = (await readFile(events, 'utf8'))
    .split('\n')
    .map((line) => (line === '' ? {} : JSON.parse(line)) as object);
  expect([first, second]).toMatchObject([{ type: 'started' }, { type: 'calls', calls: rotation?.calls }]);

  const id = rotation?.newCertificateId ?? '';
  const lines = done.stderr.split('\n');
  expect(lines[0]).toMatch(/^starting rotation /);
  expect(lines.slice(1, 3).join('\n')).toMatch(
    new RegExp(`^calls to backends:\n {2}GET /health → ${host} \\(${stage}, 12 times\\)$`),
  );
  const at = lines.findIndex((line) => line.startsWith('✓ test the backends before switching'));
  expect(lines[at + 1]).toMatch(
    new RegExp(
      `^ {4}✓ ${host} \\(${stage}\\) accepts the new certificate ${id} \\(3 of 3\\); accepts the old certificate ${lab.oldId} \\(3 of 3\\); refuses a caller without a certificate \\(.+\\); refuses another certificate, ${other.id} \\(.+\\)$`,
    ),
  );
  const end = lines.findIndex((line) => line.startsWith('✓ test the backends after the removal'));
  expect(lines.slice(end + 1, end + 3).join('\n')).toMatch(
    new RegExp(
      `^ {4}✓ ${host} \\(${stage}\\) accepts the new certificate ${id} \\(3 of 3\\); refuses a caller without a certificate \\(.+\\)\n {4}- ${lab.oldId} is deleted, so no test call can present it any more$`,
    ),
  );
});

test('where no call is safe none is made, and nothing that was not tried gets a tick', async () => {
  await integrate('DELETE');
  const refused = await rotateCli(lab);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(new RegExp(`no safe GET request reaches ${host}`));

  const dry = await rotateCli(lab, '--allow-unproved', '--dry-run');
  expect(dry.stdout).toContain(
    'calls to backends: none, since no safe GET request reaches them: nothing is tested\n',
  );
  const { code, stderr } = await rotateCli(lab, '--allow-unproved');
  expect(code).toBe(0);
  for (const step of ['test the backends before switching', 'test the backends after the removal']) {
    expect(stderr).toMatch(
      new RegExp(
        `(^|\n)- ${step}: \\w{6} .*\n {4}- ${host} was not called: no safe GET request reaches it\n`,
      ),
    );
  }
  expect(stderr).toMatch(new RegExp(`warning: no call is made to ${host}`));

  const examined = await cli(['doctor', '--stage', 'orders/prod'], { env: lab.env });
  expect(examined.stdout).toMatch(
    new RegExp(
      `warning: ${host} behind ANY /\\{proxy\\+\\}, GET /health \\(integration: DELETE\\): .* \\[BackendUnproved\\]`,
    ),
  );
  expect(examined.stderr).not.toContain('calls to backends');
  expect(operations()).not.toContain('TestInvokeMethod');
});

test('calls for each API and backend, which are listed with the backend that each reaches', async () => {
  const second = await lab.addBackend('pay');
  const client = clientOf(lab.emulator, { region: REGION });
  const api = await makeApi(lab.emulator, client, second.url, { name: 'pay' });
  await attachCertificate(client, api, lab.oldId);
  client.destroy();
  const stores = ['--trust', `pem-bundle:${second.trustFile}`];
  const run = (...more: string[]) => rotateCli(lab, ...stores, ...more, '--dry-run');
  const pay = new URL(second.url).host;

  const { code, stdout } = await run(
    ...['--probe', 'orders=GET:/health?of=orders', '--probe', `${pay}=POST /anything`],
  );
  expect(code).toBe(0);
  expect(stdout).toContain(`GET /health?of=orders → ${host} (orders/prod`);
  expect(stdout).toContain(`POST /anything → ${pay} (pay/prod`);

  const unknown = await run('--probe', 'ordres=GET /health');
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      new RegExp(
        `this rotation has no API or backend ordres\n {2}fix: the backends are ${[host, pay].sort().join(', ')};`,
      ),
    ) as unknown,
  });
  const everything = await cli(['rotate', '--all', '--probe', 'orders=GET /health'], { env: lab.env });
  expect({ code: everything.code, stderr: everything.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('needs --stage or --target') as unknown,
  });
});

test('an outage takes nothing back: the next run goes on', async () => {
  lab.backend.stop();
  const down = await rotateCli(lab, '--settle', '200ms');
  expect(down.code).toBe(1);
  expect(down.stderr).toMatch(
    new RegExp(`whether the backends accept \\w{6} could not be determined: ${host} did not answer`),
  );
  const left = await stateOf(lab);
  expect(left.presented).toBe(lab.oldId);
  expect(left.certificates).toHaveLength(2);

  await lab.backend.start();
  const up = await rotateCli(lab);
  expect(up.code).toBe(0);
  const [certificate] = left.certificates.filter((id) => id !== lab.oldId);
  expect(await stateOf(lab)).toEqual({
    certificates: [certificate],
    presented: certificate,
    trusted: [certificate],
  });
});

test('twenty targets, of which nothing is due, cost no more than two calls and one for each API', async () => {
  // Of today, so that nothing is due.
  const young = await startRotationLab({ ageDays: 1 });
  const client = clientOf(young.emulator, { region: REGION });
  const stages = ['prod', 'beta', 'test', 'demo', 'load'];
  const apis = ['orders', 'pay', 'stock', 'users'];
  for (const name of apis) {
    const { restApiId } =
      name === 'orders' ? young.api : await makeApi(young.emulator, client, young.backend.url, { name });
    for (const stageName of stages) {
      if (stageName !== 'prod') await client.send(new CreateDeploymentCommand({ restApiId, stageName }));
      const { id } = await generateCertificate(client);
      await attachCertificate(client, { restApiId, stageName }, id);
    }
  }
  client.destroy();
  const targets = apis.flatMap((api) =>
    stages.map(
      (stage) =>
        `  ${api}-${stage}: { api: ${api}, stages: [${stage}], trust: [{ kind: pem-bundle, file: ${young.trustFile} }] }`,
    ),
  );
  const file = join(young.directory, 'apigw-cert.yaml');
  await writeFile(file, `targets:\n${targets.join('\n')}\n`);
  const before = young.emulator.requests().length;
  const words = ['rotate', '--config', file, '--output', 'json'];
  const { code, json } = await cli(words, { env: young.env });
  expect(code).toBe(0);
  const { items } = json() as { items: { outcome: string }[] };
  expect(items.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 20 }, () => 'notDue'));
  const calls = young.emulator
    .requests()
    .slice(before)
    .map(({ operation }) => operation);
  expect(calls.length).toBeLessThanOrEqual(2 + apis.length);
  await young.close();
});
