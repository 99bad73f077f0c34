/** The formats that `doctor`, `backend lint` and `list` share with `check-expiry`, octet for octet. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cli, emulatorEnv } from '../support/cli.js';
import { startLab, type Lab } from '../support/emulator.js';
import { sarifErrors } from '../support/sarif.js';

let directory: string;
let lab: Lab;
let env: Record<string, string>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-formats-'));
  lab = await startLab();
  env = emulatorEnv(lab.emulator);
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await lab.close();
});

describe('backend lint', () => {
  const REMEDY =
    'refuse every caller whose certificate is not listed: apigw-cert backend config SERVER prints how';
  const MESSAGE = ':443: an unlisted caller is admitted';
  const SUMMARY = 'nginx: open: an unlisted caller is admitted';
  let conf: string;
  let shown: string;
  const lint = (...words: string[]) => cli(['backend', 'lint', conf, ...words]);
  beforeAll(() => {
    const name = 'a,%: <b>\u001b[31m"é.conf';
    conf = join(directory, name);
    shown = join(directory, 'a,%: <b>\\x1b[31m"é.conf');
    writeFileSync(conf, 'server {\n  listen 443 ssl;\n  ssl_verify_client optional_no_ca;\n}\n');
  });

  test('json: every finding has the one shape', async () => {
    const { code, json } = await lint('--output', 'json');
    expect(code).toBe(1);
    expect((json() as { findings: unknown }).findings).toEqual([
      { code: 'Open', severity: 'critical', message: MESSAGE, remedy: REMEDY, file: conf, line: 1 },
    ]);
  });

  test('junit', async () => {
    const { code, stdout } = await lint('--output', 'junit');
    expect(code).toBe(1);
    const file = shown.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
    expect(stdout).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="apigw-cert backend lint: ${SUMMARY}">
  <testsuite name="an nginx configuration" tests="1" failures="1" errors="0">
    <testcase classname="an nginx configuration" name="${file}">
      <failure type="Open" message="${MESSAGE}">${MESSAGE}; fix: ${REMEDY}</failure>
    </testcase>
  </testsuite>
</testsuites>
`,
    );
  });

  test('github', async () => {
    const { code, stdout } = await lint('--output', 'github');
    expect(code).toBe(1);
    const file = shown.replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll(',', '%2C');
    expect(stdout).toBe(
      `::error file=${file},line=1,title=Open::${MESSAGE}\n::notice title=apigw-cert::${SUMMARY}\n`,
    );
  });

  test('csv, to a file that is written whole', async () => {
    const to = join(directory, 'lint.csv');
    const { code, stdout } = await lint('--output', 'csv', '--out-file', to);
    expect([code, stdout]).toEqual([1, '']);
    expect(readFileSync(to, 'utf8')).toBe(
      'severity,code,message,remedy,account,region,clientCertificateId,restApiId,apiName,stageName,file,line\r\n' +
        `critical,Open,${MESSAGE},${REMEDY},,,,,,,"${shown.replaceAll('"', '""')}",1\r\n`,
    );
    expect(readdirSync(directory).filter((name) => name.includes('lint.csv'))).toEqual(['lint.csv']);
  });

  test('sarif has a rule for each code that was found, and the line', async () => {
    const { code, json } = await lint('--output', 'sarif');
    expect(code).toBe(1);
    expect(sarifErrors(json())).toEqual([]);
    expect(json()).toMatchObject({
      runs: [
        {
          tool: {
            driver: {
              rules: [
                {
                  id: 'Open',
                  shortDescription: { text: 'An unlisted caller is admitted.' },
                  help: { text: REMEDY },
                  defaultConfiguration: { level: 'error' },
                },
              ],
            },
          },
          results: [
            {
              ruleId: 'Open',
              ruleIndex: 0,
              level: 'error',
              message: { text: `${MESSAGE}\nFix: ${REMEDY}` },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: conf.split('/').map(encodeURIComponent).join('/') },
                    region: { startLine: 1 },
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('junit: what the exit code leaves out is output of the case, and --strict makes it a failure', async () => {
    const unclear = join(directory, 'unclear.conf');
    writeFileSync(unclear, 'server {\n  listen 443 ssl;\n  include gone.conf;\n}\n');
    const [loose, strict] = await Promise.all([
      cli(['backend', 'lint', unclear, '--output', 'junit']),
      cli(['backend', 'lint', unclear, '--output', 'junit', '--strict']),
    ]);
    expect([loose.code, strict.code]).toEqual([0, 1]);
    expect(loose.stdout).toContain('failures="0"');
    expect(loose.stdout).toMatch(/<system-out>warning CannotTell: .*\nwarning ReferenceUnreadable: /);
    expect(strict.stdout).toContain('failures="1"');
    expect(strict.stdout).toMatch(
      /<failure type="CannotTell" .*\n +<system-out>warning ReferenceUnreadable: /,
    );
  });

  test('no format for monitors', async () => {
    const { code, stderr } = await lint('--output', 'nagios');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are text, json, sarif, junit, github, csv.');
  });
});

describe('doctor of a stage that has one finding for information', () => {
  const MESSAGE =
    'the account has no unused certificate to test the backend with: only the call without one shows that the backend checks';
  const REMEDY =
    'run apigw-cert backend verify on a machine that reaches the backend: it tests an impostor’s certificate';
  const doctor = (...words: string[]) => cli(['doctor', '--stage', 'orders/prod', ...words], { env });
  const stage = (): string => `${lab.api.restApiId}/prod`;
  const summary = (): string => `stage orders/prod (${stage()}): 1 info`;

  test.each([
    [
      'junit',
      () => `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="apigw-cert doctor: ${summary()}">
  <testsuite name="doctor" tests="1" failures="0" errors="0">
    <testcase classname="doctor" name="${stage()}">
      <system-out>info OtherNotTried: ${MESSAGE}</system-out>
    </testcase>
  </testsuite>
</testsuites>
`,
    ],
    ['github', () => `::notice title=OtherNotTried::${MESSAGE}\n::notice title=apigw-cert::${summary()}\n`],
    [
      'csv',
      () =>
        'severity,code,message,remedy,account,region,clientCertificateId,restApiId,apiName,stageName,file,line\r\n' +
        `info,OtherNotTried,${MESSAGE},${REMEDY},,eu-central-1,,${lab.api.restApiId},orders,prod,,\r\n`,
    ],
    ['nagios', () => `APIGW_CERT OK - ${summary()} | critical=0;;;0 warning=0;;;0 unknown=0;;;0\n`],
  ])('%s', async (format, expected) => {
    const { code, stdout } = await doctor('--output', format);
    expect([code, stdout]).toEqual([0, expected()]);
  });

  test('nagios: the exit codes of a plugin, for what is critical and for what could not be checked', async () => {
    const critical = await doctor('--probe', 'GET /status/500', '--output', 'nagios');
    expect(critical.code).toBe(2);
    expect(critical.stdout).toMatch(
      /^APIGW_CERT CRITICAL - stage .*: 1 critical, 1 info \| critical=1;;;0 warning=0;;;0 unknown=0;;;0\nCRITICAL: .* answered 500/,
    );
    const lost = await cli(['doctor', '--stage', 'gone/prod', '--output', 'nagios'], { env });
    expect(lost.code).toBe(3);
    expect(lost.stdout).toMatch(/^UNKNOWN: .*gone/);
  });
});

test('list writes CSV as check-expiry does, also to a file', async () => {
  const [list, checked] = await Promise.all([
    cli(['list', '--usage', '--output', 'csv'], { env }),
    cli(['check-expiry', '--in-use', '--output', 'csv'], { env }),
  ]);
  expect(list.code).toBe(0);
  expect(list.stdout).toBe(checked.stdout);
  expect(list.stdout.split('\r\n')).toEqual([
    'account,region,clientCertificateId,description,status,daysLeft,notBefore,notAfter,expirationDate,usedBy,inUse,fingerprintSha256,serialNumber,tags',
    expect.stringMatching(
      new RegExp(`^default,eu-central-1,${lab.certificate.id},.*,orders/prod,true,([0-9A-F:]{95}),`),
    ),
    '',
  ]);
  const to = join(directory, 'list.csv');
  const written = await cli(['list', '--usage', '--output', 'csv', '--out-file', to], { env });
  expect([written.code, written.stdout]).toEqual([0, '']);
  expect(readFileSync(to, 'utf8')).toBe(list.stdout);
});
