import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { documentSchemas } from '../../src/cli/documents/index.js';
import { importNew } from '../support/acm.js';
import { BINARY, cli, type CliResult } from '../support/cli.js';
import { documentNameOf, validDocument } from '../support/documents.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');

let lab: RotationLab;
beforeAll(async () => {
  lab = await startRotationLab();
});
afterAll(() => lab.close());

/** The schemas that a successful document was held against. */
const seen = new Set<string>();

/** What did not exit as it should: the whole list tells more than its first. */
const unexpected: unknown[] = [];
afterEach(() => {
  expect(unexpected.splice(0)).toEqual([]);
});

/** Runs the command with `--output json` in the lab; whatever it prints has to be a valid document. */
async function run(
  words: readonly string[],
  { code = 0, env = lab.env }: { code?: number; env?: Record<string, string> } = {},
): Promise<Record<string, unknown>> {
  const result: CliResult = await cli([...words, '--output', 'json'], { env, cwd: lab.directory });
  const document = result.json() as Record<string, unknown>;
  if (result.code !== code) unexpected.push({ words, code: result.code, stderr: result.stderr });
  if (!('error' in document)) seen.add(documentNameOf(words));
  return document;
}

const file = (name: string, content: string): string => {
  const path = join(lab.directory, name);
  writeFileSync(path, content);
  return path;
};

test('docs/schemas is what the code says (`npm run docs` writes it)', () => {
  const names = documentSchemas().map(([name]) => `${name}.json`);
  expect(readdirSync(join(docs, 'schemas')).sort()).toEqual(names.sort());
  for (const [name, schema] of documentSchemas())
    expect(JSON.parse(readFileSync(join(docs, 'schemas', `${name}.json`), 'utf8'))).toEqual(schema);
});

test('a member that a schema does not have is not valid', () => {
  expect(() => validDocument('version', { version: '1.0.0', more: true })).toThrow('additional properties');
  expect(() => validDocument('list', { error: { code: 'Nonsense', message: '', details: {} } })).toThrow(
    'error.json',
  );
});

test('certificates: what is made, listed, found, changed and deleted', async () => {
  const made = await run(['generate', '--description', 'spare', '--out-file', 'spare.pem']);
  const id = String(made['clientCertificateId']);
  await run(['update', id, '--description', 'spare of orders', '--tag', 'team=orders']);
  await run(['list']);
  await run(['list', '--usage']);
  await run(['inventory']);
  await run(['inspect', id]);
  await run(['download', id]);
  await run(['download', id, lab.oldId, '--out-file', 'both.pem']);
  expect((await run(['inspect', 'both.pem']))['findings']).toEqual([
    expect.objectContaining({ code: 'SharedSubject' }),
  ]);
  await run(['check-expiry'], { code: 1 });
  const found = await run(['check-expiry', '--compliance', '--warning', '400d', '--all', 'nothing'], {
    code: 3,
  });
  expect(found['findings']).toEqual(
    expect.arrayContaining([expect.objectContaining({ code: 'CertificateMissing' })]),
  );
  await run(['report', '--html', 'report.html']);
  await run(['prune']);
  await run(['attach', id, '--stage', 'orders/prod', '--yes']);
  await run(['attach', id, '--stage', 'orders/prod', '--yes']);
  await run(['detach', '--stage', 'orders/prod', '--yes']);
  await run(['attach', lab.oldId, '--stage', 'orders/prod', '--yes']);
  await run(['delete', lab.oldId], { code: 1 });
  await run(['delete', String((await run(['generate']))['clientCertificateId']), '--yes']);
});

test('several APIs: stages without a certificate, with one of ACM, and with one that is gone', async () => {
  const client = clientOf(lab.emulator);
  const gone = await generateCertificate(client);
  const other = await makeApi(lab.emulator, client, lab.backend.url, { name: 'chat', stageName: 'test' });
  await attachCertificate(client, other, gone.id);
  lab.emulator.setClock(new Date());
  const acm = await importNew(lab.emulator);
  await run(['attach', acm, '--stage', 'chat/test', '--yes']);
  await run(['list', '--usage']);
  await run(['check-expiry', '--compliance', '--in-use'], { code: 1 });
  await run(['doctor', '--stage', 'chat/test']);
  await run(['detach', '--stage', 'chat/test', '--yes']);
  await run(['doctor', '--stage', 'chat/test'], { code: 1 });
  await run(['prune', '--older-than', '1d']);
  client.destroy();
});

test('plans', async () => {
  await run(['iac', 'check', file('plan.json', '{"format_version":"1.2","planned_values":{}}')]);
  await run(['iac', 'check', file('other.json', '{}')], { code: 1 });
  for (const tool of ['terraform', 'cloudformation', 'cdk', 'serverless'])
    await run(['iac', tool, '--stage', 'orders/prod']);
  const targets = {
    orders: {
      ...{ api: 'orders', stages: ['prod'], trust: [{ kind: 'pem-bundle', file: lab.trustFile }] },
      publish: ['file:nothing', { kind: 'command', set: 'true' }],
    },
  };
  await run(['publish', 'check', '--config', file('publish.yaml', JSON.stringify({ targets }))], { code: 1 });
});

test('backends and their trust stores', async () => {
  const trust = ['--trust', `pem-bundle:${lab.trustFile}`];
  await run(['doctor', '--stage', 'orders/prod']);
  await run(['test-invoke', '--stage', 'orders/prod', '--path', '/health']);
  await run(['test-invoke', '--stage', 'orders/prod', '--path', '/health', '--certificate', 'none'], {
    code: 1,
  });
  await run(['backend', 'show', ...trust]);
  await run(['backend', 'add', lab.oldId, ...trust]);
  const others = file('others.pem', readFileSync(join(lab.directory, 'spare.pem'), 'utf8'));
  await run(['backend', 'add', lab.oldId, '--trust', `pem-bundle:${others}`]);
  await run(['backend', 'remove', lab.oldId, '--trust', `pem-bundle:${others}`, '--yes']);
  await run(['backend', 'remove', lab.oldId, '--trust', `pem-bundle:${others}`], { code: 1 });
  const printed = await run(['backend', 'config', 'nginx', '--stage', 'orders/prod']);
  const configuration = file('nginx.conf', String(printed['configuration']));
  await run(['backend', 'lint', configuration]);
  await run(['backend', 'lint', file('open.conf', 'http { server { listen 443 ssl; return 200; } }')], {
    code: 1,
  });
  await run(['backend', 'lint', 'both.pem'], { code: 1 });
  await run(['backend', 'lint', file('other.txt', 'hello')]);
  await run(['backend', 'verify', lab.backend.url]);
  await run(['backend', 'verify', 'https://127.0.0.1:1/'], { code: 1 });
  await run(['init', '--stage', 'orders/prod', ...trust, '--yes', '--out-file', 'apigw-cert.yaml']);
  await run(['config', 'validate', 'apigw-cert.yaml']);
  await run(['config', 'show', '--config', 'apigw-cert.yaml']);
  await run(['state', 'create', '--state', 'dynamodb:apigw-cert', '--template']);
  const wrong = file('wrong.yaml', 'region: 7\ntargets:\n  orders: {}\n');
  await run(['config', 'validate', wrong], { code: 2 });
  await run(['config', 'show', '--config', wrong], { code: 2 });
  await run(['rotate', '--config', wrong], { code: 2 });
});

test('rotations: planned, done, not due, failed, recorded', async () => {
  const stage = ['rotate', '--stage', 'orders/prod'];
  const trust = ['--trust', `pem-bundle:${lab.trustFile}`, '--probe-count', '1', '--soak', '0s'];
  const quick = [...trust, '--settle', '5s', '--in-flight', '0s'];
  await run(['rotate', '--config', 'apigw-cert.yaml', '--dry-run']);
  await run([...stage, ...quick, '--dry-run']);
  await run([...stage, ...quick, '--abort', '--dry-run']);
  await run([...stage, ...quick, '--abort']);
  lab.backend.stop();
  await run([...stage, ...quick, '--settle', '0s'], { code: 1 });
  await lab.backend.start();
  await run([...stage, ...quick, '--keep-old', '1h']);
  await run([...stage, ...quick, '--keep-old', '1h']);
  await run([...stage, ...quick, '--abort']);
  await run([...stage, ...quick]);
  await run([...stage, ...quick]);
  file(join('state', 'apigw-cert', 'rotations', 'torn.jsonl'), '{');
  await run(['status']);
  await run(['status', '--prune', '90d']);
  await run(['status', '--prune', '0s', '--dry-run']);
});

test('following a list', async () => {
  file('list.pem', readFileSync(lab.trustFile, 'utf8'));
  file('followed.pem', '');
  const words = ['backend', 'follow', '--from', 'file:list.pem', '--to', 'pem-bundle:followed.pem', '--once'];
  await run(words);
  file('list.pem', '');
  await run(words, { code: 1 });
});

test('what is about the program itself, and what is wrong with the words', async () => {
  await run(['--version']);
  await run(['completion', 'bash']);
  await run(['completion', 'refresh'], { env: { ...lab.env, XDG_CACHE_HOME: lab.directory } });
  await run(['list', '--nonsense'], { code: 2 });
  await run(['lisst'], { code: 2 });
  await run(['check-expiry', '--warning', 'soon'], { code: 3 });
  await run(['list'], { code: 1, env: { AWS_REGION: 'eu-central-1' } });
  const help = await cli(['list', '--help', '--output', 'json']);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: apigw-cert list /) });
});

test('the emulator says once where it listens', async () => {
  const child = spawn(process.execPath, [BINARY, 'emulator', '--port', '0', '--output', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let output = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    if (output.endsWith('}\n')) break;
  }
  child.kill('SIGTERM');
  await closed;
  validDocument('emulator', JSON.parse(output));
  seen.add('emulator');
});

test('what a webhook is sent', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const webhook = `webhook:http://127.0.0.1:${port}/`;
  await run(['check-expiry', '--all', '--warning', '400d', '--notify', webhook], { code: 1 });
  server.close();
  expect(bodies).toHaveLength(1);
  validDocument('notification', JSON.parse(bodies.join()));
  seen.add('notification');
});

test('every schema was held against a real document', () => {
  const others = ['error', 'demo'];
  const names = documentSchemas().map(([name]) => name);
  expect(names.filter((name) => !seen.has(name) && !others.includes(name))).toEqual([]);
});
