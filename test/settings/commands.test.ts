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
const ALL = [...IN_ONE_ACCOUNT, ...IN_A_FLEET].map((words) => [words.join(' '), words] as const);

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

const TARGET = `targets:
  shop: { api: orders, stages: [prod], region: eu-west-3, profile: two, trust: [{ kind: manual }] }
`;

describe.each(ALL)('%s', (_name, words) => {
  test('file before environment, flag before file, empty variables as if not set', async () => {
    const file = 'profile: one\nregion: eu-west-1\n';
    const env = { AWS_PROFILE: 'two', AWS_REGION: 'us-east-1' };
    expect((await called(words, { env })).calls).toEqual(['TWO us-east-1']);
    expect((await called(words, { file, env })).calls).toEqual(['ONE eu-west-1']);
    const flags = ['--profile', 'two', '--region', 'us-west-2'];
    expect((await called([...words, ...flags], { file, env })).calls).toEqual(['TWO us-west-2']);
    const empty = { AWS_PROFILE: '', AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_ENDPOINT_URL: '' };
    expect((await called(words, { file: 'profile: one\n', env: empty })).calls).toEqual(['ONE eu-north-1']);
    expect((await called(words, { file: '# nothing\n', env: empty })).calls).toEqual([
      'DEFAULT eu-central-1',
    ]);
  });
});

describe.each(IN_ONE_ACCOUNT.map((words) => [words.join(' '), words] as const))('%s', (_name, words) => {
  test('the only account of the file is taken, several are asked for', async () => {
    const one = 'accounts:\n  - { name: prod, profile: one, regions: [eu-west-2] }\n';
    expect((await called(words, { file: one, env: { AWS_PROFILE: 'two' } })).calls).toEqual([
      'ONE eu-west-2',
    ]);
    const file = `${one}  - { name: test, profile: two }\n`;
    const { result, calls } = await called(words, { file });
    expect(calls).toEqual([]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(
      'error: apigw-cert.yaml lists 2 accounts, and this command works in one\n' +
        '  fix: add --account (prod, test) or --profile\n',
    );
    expect((await called([...words, '--account', 'test'], { file })).calls).toEqual(['TWO eu-south-1']);
  });
});

describe.each(
  IN_ONE_ACCOUNT.filter((words) => words.includes('--stage')).map(
    (words) => [words.join(' '), words] as const,
  ),
)('%s', (_name, words) => {
  test('the target of the stage says the account and the Region', async () => {
    const file = `profile: one\nregion: eu-west-1\n${TARGET}`;
    expect((await called(words, { file })).calls).toEqual(['TWO eu-west-3']);
  });
});
