import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runHook, stageVariables } from '../../../src/rotation/engine/hooks.js';
import type { HookName } from '../../../src/rotation/engine/ports.js';
import { AppError } from '../../../src/platform/errors.js';
import { begun, successor, type Begun } from './model/begun.js';
import { prepare, scene, type Scene } from './model/scene.js';

const stages = (count: number): string[] => Array.from({ length: count }, (_, i) => `a1b2c3d4e5/stage-${i}`);

test('a hook is told the stages, and how many there are', () => {
  expect(stageVariables(['api/prod', 'api/beta'])).toEqual({
    APIGW_CERT_STAGE_COUNT: '2',
    APIGW_CERT_STAGES: 'api/prod api/beta',
  });
});

test.each([1, 4_000, 13_200])('of %i stages it is told what the system takes', (count) => {
  const env = stageVariables(stages(count));
  const told = execFileSync('/bin/sh', ['-c', 'echo $APIGW_CERT_STAGE_COUNT'], { env, encoding: 'utf8' });
  expect(told).toBe(`${count}\n`);
  expect(env['APIGW_CERT_STAGES'] === undefined).toBe(count > 5_000);
});

test('the longest list of stages that it is told has 100,000 characters', () => {
  const of = (length: number): string | undefined =>
    stageVariables(['x'.repeat(length)])['APIGW_CERT_STAGES'];
  expect([of(100_000)?.length, of(100_001)]).toEqual([100_000, undefined]);
});

describe('a hook', () => {
  beforeAll(prepare);

  let the: Scene;
  let folder: string;
  let log: string;
  beforeEach(async () => {
    the = scene();
    folder = await mkdtemp(join(tmpdir(), 'apigw-cert-hooks-'));
    log = join(folder, 'log');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const lines = async (): Promise<string[]> => (await readFile(log, 'utf8')).trimEnd().split('\n');
  const call = (its: Begun, name: HookName): Promise<void> => the.world.time.until(runHook(its.run, name));

  test.each([true, false])('is told of the rotation, with a new certificate: %s', async (hasNew) => {
    const next = hasNew ? successor(the) : '';
    const hooks = { trusted: `env | grep ^APIGW_CERT_ | sort >> ${log}; cat >> ${log}` };
    await call(begun(the, { request: { hooks } }), 'trusted');
    expect(await lines()).toEqual([
      'APIGW_CERT_HOOK=trusted',
      `APIGW_CERT_NEW_FINGERPRINT_SHA256=${hasNew ? the.world.fingerprint(next) : ''}`,
      `APIGW_CERT_NEW_ID=${next}`,
      `APIGW_CERT_OLD_ID=${the.oldId}`,
      'APIGW_CERT_REGION=eu-west-1',
      'APIGW_CERT_ROTATION=r1',
      'APIGW_CERT_STAGES=api/prod api/beta',
      'APIGW_CERT_STAGE_COUNT=2',
      ...(hasNew ? the.world.identity(next).pem.trimEnd().split('\n') : []),
    ]);
  });

  test('is called once a rotation where it succeeded; `failed` each time', async () => {
    const hooks = { pre: `echo pre >> ${log}`, failed: `echo failed >> ${log}` };
    const its = begun(the, { request: { hooks } });
    for (const name of ['pre', 'failed', 'pre', 'failed', 'done'] as const) await call(its, name);
    expect(await lines()).toEqual(['pre', 'failed', 'failed']);
    expect(its.run.records.flatMap((entry) => (entry.type === 'done' ? [entry.subject] : []))).toEqual([
      'pre',
      'failed',
      'failed',
    ]);
  });

  test('that fails is reported with its output, and how to run it; it is called again', async () => {
    const hooks = { pre: `echo broken; echo called >> ${log}; exit 3` };
    const its = begun(the, { request: { hooks } });
    for (let times = 1; times <= 2; times++) {
      const error = await call(its, 'pre').then(
        () => undefined,
        (thrown: unknown) => thrown as AppError,
      );
      expect(error?.code).toBe('HookFailed');
      expect(error?.message).toMatch(/^the hook "pre" failed: .*exited with 3: broken$/);
      expect(error?.hint).toMatch(
        /^run it manually \(.*echo broken.*\), fix it, then run the same command again$/,
      );
      expect(error?.cause).toBeInstanceOf(AppError);
      expect(error?.details).toMatchObject({ output: expect.stringContaining('broken') as unknown });
      expect(await lines()).toHaveLength(times);
    }
  });

  test('has as much time as the user gives it', async () => {
    const hooks = { pre: 'exec sleep 60', timeout: '1s' };
    await expect(call(begun(the, { request: { hooks } }), 'pre')).rejects.toMatchObject({
      code: 'HookFailed',
      message: expect.stringMatching(/1 ?s/) as unknown,
    });
  });
});
