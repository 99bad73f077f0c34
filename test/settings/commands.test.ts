/** Every command that calls AWS takes account and Region from the same places, in the same order. */
import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startAwsRecorder, type AwsRecorder } from '../support/aws-recorder.js';
import { cli, type CliResult } from '../support/cli.js';

const IN_ONE_ACCOUNT: readonly (readonly string[])[] = [
  ['inspect', 'abc123'],
  ['download', 'abc123'],
  ['generate'],
  ['update', 'abc123', '--description', 'x'],
  ['attach', 'abc123', '--stage', 'orders/prod'],
  ['detach', '--stage', 'orders/prod'],
  ['delete', 'abc123', '--yes'],
  ['test-invoke', '--stage', 'orders/prod', '--path', '/health'],
  ['doctor', '--stage', 'orders/prod'],
  ['backend', 'config', 'nginx', '--stage', 'orders/prod'],
  ['backend', 'config', 'nginx', '--certificate', 'abc123'],
  ['backend', 'add', 'abc123', '--trust', 'pem-bundle:/nonexistent/x.pem'],
  ['backend', 'remove', 'abc123', '--trust', 'pem-bundle:/nonexistent/x.pem', '--yes'],
  ['iac', 'terraform', '--stage', 'orders/prod'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'manual', '--dry-run'],
  ['rotate', '--all', '--dry-run'],
];
const IN_A_FLEET: readonly (readonly string[])[] = [
  ['list'],
  ['inventory'],
  ['check-expiry'],
  ['prune', '--dry-run'],
  ['report', '--html', 'report.html'],
];
const named = (commands: readonly (readonly string[])[]) =>
  commands.map((words) => [words.join(' '), words] as const);
const OF_A_STAGE = IN_ONE_ACCOUNT.filter((words) => words.includes('--stage'));
const OF_NO_STAGE = [...IN_ONE_ACCOUNT, ...IN_A_FLEET].filter((words) => !OF_A_STAGE.includes(words));

let recorder: AwsRecorder;
let directory: string;

beforeAll(async () => {
  recorder = await startAwsRecorder(['ONE', 'TWO', 'DEFAULT']);
});
afterAll(() => recorder.close());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'apigw-cert-settings-'));
  await mkdir(join(directory, '.aws'));
  const profile = (name: string, region: string, local: string): string =>
    `[${name}]\nregion = ${region}\nendpoint_url = ${recorder.local[local] ?? ''}\n` +
    `aws_access_key_id = AKIA${local}\naws_secret_access_key = secret\n`;
  await writeFile(
    join(directory, '.aws', 'config'),
    profile('default', 'eu-central-1', 'DEFAULT') +
      profile('profile one', 'eu-north-1', 'ONE') +
      profile('profile two', 'eu-south-1', 'TWO'),
  );
});

/** Runs a command in a directory with a file. @returns whom it called: the account's server and the Region */
async function called(
  words: readonly string[],
  { file, env = {} }: { file?: string; env?: Readonly<Record<string, string>> },
): Promise<{ result: CliResult; calls: string[] }> {
  if (file !== undefined) await writeFile(join(directory, 'apigw-cert.yaml'), file);
  recorder.take();
  const result = await cli(words, { cwd: directory, env: { HOME: directory, ...env } });
  const calls = recorder.take().filter(({ service }) => service === 'apigateway');
  return { result, calls: [...new Set(calls.map(({ where, region }) => `${where} ${region}`))] };
}

const ONE_ACCOUNT = 'accounts:\n  - { name: prod, profile: one, regions: [eu-west-2] }\n';
const TWO_ACCOUNTS = `${ONE_ACCOUNT}  - { name: test, profile: two }\n`;
const TARGET = `targets:
  shop: { api: orders, stages: [prod], region: eu-west-3, profile: two, trust: [{ kind: manual }] }
`;

const SURROUNDINGS = { AWS_PROFILE: 'two', AWS_REGION: 'us-east-1' };

describe('file before environment, and flag before file:', () => {
  test.each(named(OF_NO_STAGE))('%s', async (_name, words) => {
    const file = 'profile: one\nregion: eu-west-1\n';
    const { calls } = await called([...words, '--region', 'us-west-2'], { file, env: SURROUNDINGS });
    expect(calls).toEqual(['ONE us-west-2']);
  });
});

describe('the target of the stage before the rest of the file and the environment:', () => {
  test.each(named(OF_A_STAGE))('%s', async (_name, words) => {
    const file = `profile: one\nregion: eu-west-1\n${TARGET}`;
    const env = { ...SURROUNDINGS, AWS_PROFILE: 'one' };
    expect((await called(words, { file, env })).calls).toEqual(['TWO eu-west-3']);
  });
});

describe('where the file has several accounts, and nothing says which:', () => {
  test.each(named(IN_ONE_ACCOUNT))('%s', async (_name, words) => {
    const { result, calls } = await called(words, { file: TWO_ACCOUNTS, env: SURROUNDINGS });
    expect(calls).toEqual([]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(
      'error: apigw-cert.yaml lists 2 accounts, and this command works in one\n' +
        '  fix: add --account (prod, test) or --profile\n',
    );
  });
});

/** A command of each way to an account: none, by a stage, all stages, and a fleet. */
const EACH_WAY = named([
  ['inspect', 'abc123'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'manual', '--dry-run'],
  ['rotate', '--all', '--dry-run'],
  ['list'],
]);

describe.each(EACH_WAY)('%s', (_name, words) => {
  test('each layer before the next, empty variables as if not set', async () => {
    const file = 'profile: one\nregion: eu-west-1\n';
    const flags = ['--profile', 'two', '--region', 'us-west-2'];
    expect((await called(words, { env: SURROUNDINGS })).calls).toEqual(['TWO us-east-1']);
    expect((await called([...words, ...flags], { file, env: SURROUNDINGS })).calls).toEqual([
      'TWO us-west-2',
    ]);
    const empty = { AWS_PROFILE: '', AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_ENDPOINT_URL: '' };
    expect((await called(words, { file: 'profile: one\n', env: empty })).calls).toEqual(['ONE eu-north-1']);
    expect((await called(words, { file: '# nothing\n', env: empty })).calls).toEqual([
      'DEFAULT eu-central-1',
    ]);
  });

  test('the only account of the file, and the one that --account names', async () => {
    const { calls } = await called(words, { file: ONE_ACCOUNT, env: { AWS_PROFILE: 'two' } });
    expect(calls).toEqual(['ONE eu-west-2']);
    const second = await called([...words, '--account', 'test'], { file: TWO_ACCOUNTS });
    expect(second.calls).toEqual(['TWO eu-south-1']);
  });
});
