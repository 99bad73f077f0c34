/** The id of the certificate in use, published for infrastructure as code: by the built program and the real SDK. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type AwsDouble, startAwsDouble } from '../support/aws-double.js';
import { cli, cliProcess } from '../support/cli.js';
import { rotateWords, stateOf } from '../support/rotate-cli.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

const PARAMETER = '/orders/prod/client-certificate-id';

let lab: RotationLab;
let aws: AwsDouble;
let file: string;
beforeEach(async () => {
  [lab, aws] = await Promise.all([startRotationLab(), startAwsDouble()]);
  file = join(lab.directory, 'id');
});
afterEach(async () => {
  aws.close();
  await lab.close();
});

const surroundings = () => ({
  env: { ...lab.env, AWS_ENDPOINT_URL_SSM: aws.url, AWS_MAX_ATTEMPTS: '1' },
});
const run = (...words: string[]) => cli(words, surroundings());
const rotate = (...more: string[]) => run(...rotateWords(lab, ...more));
const toFile = (...more: string[]) => rotate('--publish', `file:${file}`, ...more);
const published = () => readFile(file, 'utf8');

test('is written to a parameter and a file when the stage was seen to present it, before the old one goes', async () => {
  aws.versions.set(PARAMETER, ['none']);
  const { code, stderr } = await toFile('--publish', `ssm:${PARAMETER}`);
  expect(code).toBe(0);
  const { presented = '', certificates } = await stateOf(lab);
  expect(certificates).toEqual([presented]);
  // What held nothing of use holds the id in use from the start.
  expect(aws.versions.get(PARAMETER)).toEqual(['none', lab.oldId, presented]);
  expect(await published()).toBe(`${presented}\n`);
  const lines = stderr.split('\n').flatMap((line) => /^✓ ([a-z ]+)/.exec(line)?.[1]?.trim() ?? []);
  const at = lines.lastIndexOf('publish the');
  expect(lines[at - 2]).toMatch(/^check that the stages present/);
  // On a busy machine the short soak is over by then.
  expect(lines[at + 1]).toMatch(/^(?:soak|check that no stage presents)/);
});

test('a dry run lists it, and changes nothing', async () => {
  const { code, stdout } = await toFile('--dry-run');
  expect(code).toBe(0);
  expect(stdout).toContain(` 1. publish the ID of the certificate in use: file:${file}: ${lab.oldId}\n`);
  expect(stdout).toContain(`publish the ID of the certificate in use: file:${file}: (new)\n`);
  await expect(published()).rejects.toThrow('ENOENT');
});

test('where it fails after the switch the stage stays, the old one is kept, and the next run goes on', async () => {
  aws.versions.set(PARAMETER, [lab.oldId]);
  aws.readOnly = true;
  const failed = await rotate('--publish', `ssm:${PARAMETER}`);
  expect(failed.code).toBe(1);
  const { presented = '', certificates, trusted } = await stateOf(lab);
  expect(presented).not.toBe(lab.oldId);
  expect([certificates, trusted]).toEqual([[lab.oldId, presented].sort(), [lab.oldId, presented].sort()]);
  expect(failed.stderr).toContain(`ssm:${PARAMETER}: the parameter cannot be written: `);
  expect(failed.stderr).toContain(`the stages present ${presented}, which is not published`);
  expect(failed.stderr).toContain(`${lab.oldId} is kept and trusted until then`);
  aws.readOnly = false;
  expect((await rotate('--publish', `ssm:${PARAMETER}`)).code).toBe(0);
  expect((await stateOf(lab)).certificates).toEqual([presented]);
  expect(aws.versions.get(PARAMETER)).toEqual([lab.oldId, presented]);
});

test('a kill between the switch and the publication is settled by the next run', async () => {
  const config = join(lab.directory, 'apigw-cert.yaml');
  const killed = join(lab.directory, 'killed');
  const set = `test -e ${killed} || { touch ${killed}; kill -9 $PPID; exit 1; }; cat > ${file}`;
  await writeFile(
    config,
    `targets: { orders: { api: orders, stages: [prod], trust: [{ kind: pem-bundle, file: ${lab.trustFile} }],
      publish: [{ kind: command, set: ${JSON.stringify(set)} }],
      probe: { path: /health, count: 1 }, settle: 5s, soak: 500ms, inFlight: 2s } }\n`,
  );
  const words = ['rotate', '--config', config, '--allow-unproved'];
  const first = await cliProcess(words, surroundings());
  expect(first.stderr).toContain('starting rotation');
  expect(first.code).not.toBe(0);
  const { presented = '' } = await stateOf(lab);
  expect(presented).not.toBe(lab.oldId);
  await expect(published()).rejects.toThrow('ENOENT');
  const second = await run(...words);
  expect(second.stderr + String(second.code)).toMatch(/0$/);
  expect(await published()).toBe(`${presented}\n`);
  expect((await stateOf(lab)).certificates).toEqual([presented]);
});

test('an abort publishes the old id again', async () => {
  expect((await toFile('--no-wait', '--soak', '1h')).code).toBe(75);
  const { presented } = await stateOf(lab);
  expect(await published()).toBe(`${presented}\n`);
  expect((await toFile('--abort')).code).toBe(0);
  expect(await published()).toBe(`${lab.oldId}\n`);
  expect((await stateOf(lab)).certificates).toEqual([lab.oldId]);
});

describe('with nothing due', () => {
  const idle = (...more: string[]) => toFile('--renew-before', '1d', ...more);

  test('another id is corrected, and said to have been there', async () => {
    await writeFile(file, 'abc123\n');
    const dry = await idle('--dry-run');
    expect(dry.stdout).toMatch(/: only its ID would be published: .*; nothing was changed\n$/);
    expect(await published()).toBe('abc123\n');
    const { code, stdout, stderr } = await idle('--quiet');
    expect(code).toBe(0);
    expect(stdout).toMatch(/: only its ID was published: /);
    expect(stderr).toContain(
      `warning: file:${file} contained abc123, which no stage of the target presents; it now contains ${lab.oldId}, the certificate in use`,
    );
    expect(await published()).toBe(`${lab.oldId}\n`);
    expect((await idle()).stdout).toMatch(/: nothing to do\n$/);
    const { stdout: json } = await idle('--output', 'json');
    expect((JSON.parse(json) as { items: unknown[] }).items).toMatchObject([
      { outcome: 'notDue', steps: [] },
    ]);
  });

  test.each([
    ['control characters', 'abc123\u001b[31m\n'],
    ['a secret', 'Correct-Horse-Battery\n'],
    ['too much', 'x'.repeat(2_000_000)],
  ])('%s: what is no id is not overwritten, and nothing is changed', async (_, content) => {
    await writeFile(file, content);
    for (const { code, stderr } of [await idle(), await toFile()]) {
      expect(code).toBe(1);
      expect(stderr).toContain(`file:${file}: it `);
      expect(stderr).not.toContain('\u001b');
      expect(stderr).not.toContain('Horse');
    }
    expect(await published()).toBe(content);
    expect((await stateOf(lab)).certificates).toEqual([lab.oldId]);
  });
});

test('what cannot be read as a place is refused', async () => {
  const { code, stderr } = await rotate('--publish', 'ssm:/a b');
  expect(code).toBe(2);
  expect(stderr).toContain('--publish "ssm:/a b" cannot be read');
});
