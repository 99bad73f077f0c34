/** Every option, argument and variable that names a file to read: no device without an end, no pipe without a writer. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import pLimit from 'p-limit';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'apigw-cert.js');
const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-named-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);
const configuration = join(folder, 'nginx.conf');

interface Named {
  args: (file: string) => string[];
  env?: (file: string) => NodeJS.ProcessEnv;
}

const list = ['list', '--endpoint-url', 'http://127.0.0.1:9', '--region', 'eu-west-1'];

const NAMED: Readonly<Record<string, Named>> = {
  'inspect FILE': { args: (file) => ['inspect', file] },
  'backend lint FILE': { args: (file) => ['backend', 'lint', file] },
  'backend config --file': { args: (file) => ['backend', 'config', 'nginx', '--file', file] },
  'backend verify --backend-ca': {
    args: (file) => ['backend', 'verify', 'https://127.0.0.1:9', '--backend-ca', file],
  },
  'backend verify --cert and --key': {
    args: (file) => ['backend', 'verify', 'https://127.0.0.1:9', '--cert', file, '--key', file],
  },
  'backend show --trust': { args: (file) => ['backend', 'show', '--trust', `pem-bundle:${file}`] },
  'emulator --backend-ca': { args: (file) => ['emulator', '--port', '0', '--backend-ca', file] },
  '--config': { args: (file) => ['list', '--config', file] },
  AWS_CONFIG_FILE: { args: () => list, env: (file) => ({ AWS_CONFIG_FILE: file }) },
  AWS_SHARED_CREDENTIALS_FILE: { args: () => list, env: (file) => ({ AWS_SHARED_CREDENTIALS_FILE: file }) },
  AWS_CA_BUNDLE: {
    args: () => ['list', '--endpoint-url', 'https://127.0.0.1:9', '--region', 'eu-west-1'],
    env: (file) => ({ AWS_CA_BUNDLE: file, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }),
  },
  AWS_WEB_IDENTITY_TOKEN_FILE: {
    args: () => list,
    env: (file) => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/a',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    }),
  },
};

const END_MS = 45_000;

const run = (
  file: string,
  { args, env }: Named,
): Promise<{ code: number | string | null | undefined; output: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [bin, ...args(file)],
      {
        timeout: END_MS,
        killSignal: 'SIGKILL',
        env: { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env?.(file) },
      },
      (error, stdout, stderr) => {
        resolve({ code: error ? (error.code ?? error.signal) : 0, output: stdout + stderr });
      },
    );
  });

const limit = pLimit(8);
/** Side by side: each run with the pipe waits for seconds until it gives up, and does nothing meanwhile. */
const runs = new Map(
  Object.entries(NAMED).map(([name, named]) => [
    name,
    { device: limit(() => run('/dev/zero', named)), pipe: limit(() => run(pipe, named)) },
  ]),
);

describe.each(Object.keys(NAMED))('%s', (name) => {
  test('is not read without an end from /dev/zero', async () => {
    const { code, output } = (await runs.get(name)?.device) ?? {};
    expect(output).toMatch(/larger than|too large|device|EFBIG/);
    expect(code).toEqual(expect.any(Number));
    expect(code).not.toBe(0);
  });

  test('does not wait without an end for a pipe that nobody writes to', async () => {
    const { code, output } = (await runs.get(name)?.pipe) ?? {};
    expect(output).toMatch(/pipe|ENOWRITER/);
    expect(code).toEqual(expect.any(Number));
    expect(code).not.toBe(0);
  });
});

test('a file that a configuration of a server names is no device either', async () => {
  for (const target of ['/dev/zero', pipe]) {
    writeFileSync(configuration, `events {}\nhttp { include ${target}; }\n`);
    const { output } = await run(configuration, { args: (file) => ['backend', 'lint', file] });
    expect(output).toContain('it is a device, a pipe or a socket, not a file');
  }
});

const throughShell = (line: string): string =>
  execFileSync('bash', ['-c', line], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, NODE: process.execPath, BIN: bin },
  });

test.each([
  ['the output of a command', '"$NODE" "$BIN" backend lint <(sleep 0.3; echo "server {")'],
  ['standard input as a file', '(sleep 0.3; echo "server {") | "$NODE" "$BIN" backend lint /dev/stdin'],
  ['standard input', '(sleep 0.3; echo "server {") | "$NODE" "$BIN" backend lint -'],
])('%s is read to its end', (_what, line) => {
  expect(throughShell(`${line} 2>&1 || true`)).toMatch(/nginx|line 1|:1/);
});

test('a configuration may come from a command, and from /dev/null where there is to be none', () => {
  const config = '"$NODE" "$BIN" config show --output json --config';
  expect(throughShell(`${config} <(sleep 0.3; echo "region: eu-north-1")`)).toContain('eu-north-1');
  expect(throughShell(`${config} /dev/null`)).toContain('/dev/null');
});
