/** Who excludes whom: runs in the same account, Region and endpoint, however they were told of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { rotateCli, rotateWords, startCli } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
/** The lab's environment without keys, and with profiles in their place. */
let profiled: Record<string, string>;

beforeEach(async () => {
  lab = await startRotationLab();
  const file = join(lab.directory, 'credentials');
  const profile = (name: string, key: string): string =>
    `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`;
  writeFileSync(file, profile('x', 'AKIDTEST') + profile('y', 'AKIDTEST') + profile('other', 'AKIDOTHER'));
  const { XDG_STATE_HOME = '' } = lab.env;
  profiled = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_REGION: REGION, XDG_STATE_HOME };
});
afterEach(() => lab.close());

/** A run that waits in its soak until it is interrupted. */
async function waiting(env: Record<string, string>) {
  const run = startCli({ ...lab, env }, rotateWords(lab, '--soak', '1h'));
  await run.says(/waiting until/);
  return async (): Promise<void> => {
    run.kill('SIGINT');
    await run.closed;
  };
}

describe('while a run waits in its soak', () => {
  test('one of the same account is refused, however it names profile, Region and endpoint', async () => {
    const end = await waiting({ ...profiled, AWS_PROFILE: 'x', AWS_ENDPOINT_URL: lab.emulator.url });
    const { port } = new URL(lab.emulator.url);
    const spellings: [Record<string, string>, string[]][] = [
      [{ AWS_ENDPOINT_URL: lab.emulator.url }, ['--profile', 'x', '--abort']],
      [{ AWS_PROFILE: 'y' }, ['--endpoint-url', `http://localhost:${port}/`]],
      [{ AWS_PROFILE: 'x', AWS_REGION: '' }, ['--region', REGION, '--endpoint-url', lab.emulator.url]],
      [{ AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 's', AWS_ENDPOINT_URL: lab.emulator.url }, []],
    ];
    for (const [env, words] of spellings) {
      const second = await cli(rotateWords(lab, ...words), { env: { ...profiled, ...env } });
      expect(second.stderr).toMatch(
        /not finished: process \d+ on \S+, since \S+, is already working on access key AKIDTEST, eu-central-1, http/,
      );
      expect(second.code).toBe(75);
    }
    await end();
  });

  test('one of another account, Region or endpoint goes its own way', async () => {
    const end = await waiting({ ...profiled, AWS_PROFILE: 'x', AWS_ENDPOINT_URL: lab.emulator.url });
    for (const words of [
      ['--profile', 'other'],
      ['--profile', 'x', '--region', 'eu-west-1'],
    ]) {
      const env = { ...profiled, AWS_ENDPOINT_URL: lab.emulator.url };
      const second = await cli(rotateWords(lab, ...words), { env });
      // Nothing of that name is there, which it finds out by looking.
      expect({ code: second.code, stderr: second.stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('orders'),
      });
    }
    await end();
  });
});

test('a run that is stopped keeps its lock, and the refusal says how to go on', async () => {
  const run = startCli(lab, rotateWords(lab, '--soak', '1h'));
  await run.says(/waiting until/);
  run.kill('SIGSTOP');
  const second = await rotateCli(lab, '--abort');
  expect(second.code).toBe(75);
  expect(second.stderr).toMatch(/process \d+ on \S+, since \S+, which is stopped, is already working on/);
  expect(second.stderr).toMatch(/kill -CONT \d+/);
  run.kill('SIGKILL');
  await run.closed;
  expect((await rotateCli(lab, '--abort', '--soak', '100ms')).code).toBe(0);
});
