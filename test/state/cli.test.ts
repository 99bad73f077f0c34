/** Machines that share a table: homes of their own, no file in common. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openState } from '../../src/rotation/journal/state.js';
import { cli, type CliResult } from '../support/cli.js';
import { startDynamoDb, type DynamoDb } from '../support/dynamodb.js';
import { rotateWords } from '../support/rotate-cli.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const STATE = ['--state', 'dynamodb:apigw-cert'];

let db: DynamoDb;
let lab: RotationLab;
let scratch: string;

beforeAll(async () => {
  [db, lab] = await Promise.all([startDynamoDb(), startRotationLab()]);
  scratch = await mkdtemp(join(tmpdir(), 'apigw-cert-shared-'));
});

afterAll(async () => {
  await db.close();
  await lab.close();
  await rm(scratch, { recursive: true });
});

/** Runs a command on a machine that has nothing in common with others. */
function on(machine: string, words: readonly string[]): Promise<CliResult> {
  const home = join(scratch, machine);
  return cli(words, {
    env: { ...lab.env, HOME: home, XDG_STATE_HOME: join(home, 'state'), AWS_ENDPOINT_URL_DYNAMODB: db.url },
    cwd: scratch,
  });
}

test('without a table every command says how to create it, and state create does', async () => {
  const missing = await on('one', rotateWords(lab, ...STATE));
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('the DynamoDB table apigw-cert does not exist');
  expect(missing.stderr).toContain('fix: create it: apigw-cert state create --state dynamodb:apigw-cert');
  expect((await on('one', ['status', ...STATE])).code).toBe(1);

  const created = await on('one', ['state', 'create', ...STATE, '--output', 'json']);
  expect(created.json()).toEqual({ table: 'apigw-cert', created: true });
  const again = await on('two', ['state', 'create', ...STATE]);
  expect(again).toMatchObject({ code: 0, stdout: 'the table apigw-cert exists\n' });
});

test('a template is printed, and a bucket is not created', async () => {
  const template = await on('one', ['state', 'create', ...STATE, '--template']);
  expect(JSON.parse(template.stdout)).toMatchObject({
    Resources: { State: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'apigw-cert' } } },
  });
  const bucket = ['--state', 's3://example-state/x'];
  const printed = await on('one', ['state', 'create', ...bucket, '--template', '--output', 'json']);
  expect(printed.json()).toMatchObject({ template: { Resources: { State: { Type: 'AWS::S3::Bucket' } } } });
  expect(await on('one', ['state', 'create', ...bucket])).toMatchObject({ code: 2 });
  expect(await on('one', ['state', 'create'])).toMatchObject({ code: 2 });
});

test('one machine rotates, another sees it, waits for the lease, and finishes it', async () => {
  expect(await on('two', ['status', ...STATE])).toMatchObject({
    code: 0,
    stdout: 'no rotation has been started with this state\n',
  });
  const kept = await on('one', rotateWords(lab, ...STATE, '--keep-old', '7d'));
  expect([kept.code, kept.stderr]).toEqual([0, expect.any(String)]);
  const seen = await on('two', ['status', ...STATE, '--output', 'json']);
  expect(seen.json()).toMatchObject({
    items: [{ state: 'inProgress', oldCertificateId: lab.oldId, keptUntil: expect.any(String) }],
  });
  expect((await on('two', ['status'])).stdout).toBe('no rotation has been started on this machine\n');

  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = db.url;
  const { lease } = await openState(
    { kind: 'dynamodb', table: 'apigw-cert' },
    { region: lab.env['AWS_REGION'] ?? 'eu-central-1' },
  );
  const key = db.leases()[0] ?? '';
  const held = await lease.hold(key);
  const locked = await on('two', rotateWords(lab, ...STATE));
  expect(locked.code).toBe(75);
  expect(locked.stderr).toContain(`is already working on ${key}`);
  await held.release();
  delete process.env['AWS_ENDPOINT_URL_DYNAMODB'];

  const finished = await on('two', rotateWords(lab, ...STATE, '--keep-old', '0s'));
  expect([finished.code, finished.stderr]).toEqual([0, expect.any(String)]);
  const ended = await on('one', ['status', ...STATE, '--output', 'json']);
  expect(ended.json()).toMatchObject({ items: [{ state: 'completed' }] });
  const pruned = await on('one', ['status', ...STATE, '--prune', '0s', '--output', 'json']);
  expect(pruned.json()).toMatchObject({ deleted: [{ outcome: 'completed' }], failed: [] });
  expect((await on('two', ['status', ...STATE, '--output', 'json'])).json()).toEqual({ items: [] });
});

test('what one machine has sent, another does not send again', async () => {
  const file = join(scratch, 'sent');
  const words = ['check-expiry', '--warning', '366d', '--notify', `command:cat >> ${file}`, ...STATE];
  await on('one', words);
  const sent = await readFile(file, 'utf8');
  expect(sent).toContain('"version":1');
  await on('two', words);
  expect(await readFile(file, 'utf8')).toBe(sent);
  await on('two', words.slice(0, -2));
  expect((await readFile(file, 'utf8')).length).toBeGreaterThan(sent.length);
});

test('config show says where the state is, and what says so', async () => {
  const row = async (words: readonly string[]): Promise<unknown> => {
    const { json } = await on('one', ['config', 'show', '--output', 'json', ...words]);
    const { items } = json() as { items: { setting: string }[] };
    return items.find(({ setting }) => setting === 'state');
  };
  expect(await row(STATE)).toEqual({ setting: 'state', value: STATE[1], source: 'flag', from: '--state' });
  const file = join(scratch, 'other.yaml');
  await writeFile(file, 'state: shared\n');
  expect(await row(['--config', file])).toEqual({
    setting: 'state',
    value: join(scratch, 'shared'),
    source: 'file',
    from: 'other.yaml:1',
  });
  await writeFile(file, 'state: dynamo:x\n');
  expect(await on('one', ['status', '--config', file])).toMatchObject({ code: 2 });
});
