/** `apigw-cert iac check`, as it is built: files and stdin, formats, exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cli } from '../support/cli.js';
import { sarifErrors } from '../support/sarif.js';
import { changeSet, detail, stageChange, stageValues, terraformChange, terraformPlan } from '../iac/plans.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-iac-'));
  const write = (name: string, document: object): void => {
    writeFileSync(join(folder, name), JSON.stringify(document));
  };
  const old = stageValues('03q4xp');
  write('safe.json', terraformPlan([terraformChange({ actions: ['no-op'], before: old, after: old })]));
  write(
    'outage.json',
    terraformPlan([terraformChange({ actions: ['update'], before: old, after: stageValues('ohwc42') })]),
  );
  write('partial.json', terraformPlan([], { complete: false }));
  write('set.json', changeSet([stageChange({ Details: [detail('ClientCertificateId')] })]));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const check = (words: readonly string[], input?: string | Uint8Array) =>
  cli(['iac', 'check', ...words], { cwd: folder, ...(input === undefined ? {} : { input }) });

const OUTAGE =
  'aws_api_gateway_stage.orders: the apply switches the stage from 03q4xp to ohwc42: every backend that does not trust the latter refuses all requests';

test('a plan that changes no certificate passes', async () => {
  expect(await check(['safe.json'])).toMatchObject({
    code: 0,
    stderr: '',
    stdout:
      'safe.json: unchanged: 1 resource planned, and no change of a client certificate or of the certificate of a stage\n',
  });
});

test('a plan that would be an outage fails, and says which', async () => {
  expect(await check(['outage.json'])).toMatchObject({
    code: 1,
    stderr: '',
    stdout: [
      `outage.json: critical: ${OUTAGE} [PlanChangesStageCertificate]`,
      '  fix: apigw-cert iac terraform --stage a1b2c3d4e5/prod prints what to add, so that the certificate in use stays',
      'outage.json: outage: the apply changes client certificates, or the certificates of stages\n',
    ].join('\n'),
  });
});

test('what is not known fails as well, also from stdin', async () => {
  const { code, stdout } = await check(['-'], '{"format_version":"2.0","resource_changes":[]}');
  expect(code).toBe(1);
  expect(stdout).toContain(
    'stdin: unknown: not understood: format_version "2.0"; only versions 1.x are known [PlanNotUnderstood]',
  );
  expect((await check(['partial.json'])).code).toBe(1);
});

test('each format says it', async () => {
  const run = async (output: string) => check(['outage.json', 'partial.json', '--output', output]);
  const json = await run('json');
  expect(json.code).toBe(1);
  expect(json.json()).toMatchObject({
    verdict: 'outage',
    items: [
      { file: 'outage.json', format: 'terraform', changes: 1, verdict: 'outage' },
      { file: 'partial.json', format: 'terraform', changes: 0, verdict: 'unknown' },
    ],
    findings: [
      { code: 'PlanChangesStageCertificate', severity: 'critical', message: OUTAGE, file: 'outage.json' },
      { code: 'PlanIncomplete', severity: 'unknown', file: 'partial.json' },
    ],
  });
  const sarif = await run('sarif');
  expect(sarif.code).toBe(1);
  expect(sarifErrors(JSON.parse(sarif.stdout))).toEqual([]);
  const nagios = await run('nagios');
  expect(nagios.code).toBe(2);
  expect(nagios.stdout).toMatch(/^APIGW_CERT CRITICAL - outage\.json: outage: /);
  const junit = await run('junit');
  expect(junit.stdout).toContain('<testsuite name="iac check" tests="2" failures="1" errors="1">');
  expect((await run('github')).stdout).toContain(
    `::error file=outage.json,title=PlanChangesStageCertificate::${OUTAGE}`,
  );
  expect((await run('csv')).stdout.split('\n')[1]).toMatch(/^critical,PlanChangesStageCertificate,/);
});

test('the exit codes of a monitor are those of a plugin, also for a file that is not there', async () => {
  expect((await check(['safe.json', '--output', 'nagios'])).code).toBe(0);
  expect((await check(['partial.json', '--output', 'nagios'])).code).toBe(3);
  const missing = await check(['nothing.json', '--output', 'nagios']);
  expect([missing.code, missing.stdout]).toEqual([3, 'UNKNOWN: nothing.json does not exist\n']);
});

test('mistakes are sentences', async () => {
  expect(await check(['nothing.json'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: nothing\.json does not exist\n {2}fix: specify what /),
  });
  expect(await check(['-', '-'], '{}')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^error: stdin \(-\) is specified twice\n/),
  });
  expect((await check([])).code).toBe(2);
});

test('a change set is read too, and the result goes to a file', async () => {
  const { code, stdout } = await check(['set.json', '--output', 'json', '--out-file', 'result.json']);
  expect([code, stdout]).toEqual([1, '']);
});
