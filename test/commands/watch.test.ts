import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GenerateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { csvText } from '../../src/findings/formats/csv-text.js';
import { sarifErrors } from '../support/sarif.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { keys, profilesEnv } from '../support/fleet.js';

const DAY = 86_400_000;
const ago = (days: number): Date => new Date(Date.now() - days * DAY);

let emulator: Emulator;
let env: Record<string, string>;
/** 5 days left and in use, 20 days left and unused, 300 days left and in use. */
let old: string, idle: string, fresh: string;

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false, clock: ago(360) });
  const client = clientOf(emulator);
  old = (await generateCertificate(client)).id;
  emulator.setClock(ago(345));
  const { clientCertificateId } = await client.send(
    new GenerateClientCertificateCommand({
      description: '=HYPERLINK("x"), <b>\n::error::|',
      tags: { team: 'shop' },
    }),
  );
  idle = String(clientCertificateId);
  emulator.setClock(ago(65));
  fresh = (await generateCertificate(client)).id;
  const orders = await makeApi(emulator, client, 'https://backend.invalid', { name: 'orders' });
  const users = await makeApi(emulator, client, 'https://backend.invalid', { name: 'users' });
  const plain = await makeApi(emulator, client, 'http://backend.invalid', { name: 'plain' });
  await makeApi(emulator, client, 'https://backend.invalid', { name: 'bare' });
  await attachCertificate(client, orders, old);
  await attachCertificate(client, users, fresh);
  await attachCertificate(client, plain, fresh);
  emulator.setClock(new Date());
  client.destroy();
  env = emulatorEnv(emulator);
});
afterAll(() => emulator.close());

const calls = (): string[] => emulator.requests().map(({ operation }) => operation);

describe('what counts', () => {
  test('the headline never names a certificate that does not count', async () => {
    // Of two, the unused one expires first.
    const { stdout } = await cli(['check-expiry', '--tag', 'team=shop', '--in-use'], { env });
    expect(stdout).not.toContain('next to expire');
    const unused = await cli(['check-expiry', '--tag', 'team=shop'], { env });
    expect(unused.stdout).toContain(`1 client certificate in`);
    expect(unused.stdout.split('\n')[0]).not.toContain(idle);
    const counted = await cli(['check-expiry', '--tag', 'team=shop', '--all'], { env });
    expect(counted.stdout.split('\n')[0]).toContain(`next to expire: ${idle} in 19 days`);
  });

  test('a certificate in use that expires in 5 days is critical; an unused one is told apart', async () => {
    const { code, stdout } = await cli(['check-expiry'], { env });
    const lines = stdout.split('\n');
    expect(code).toBe(2);
    expect(lines[0]).toBe(
      `CRITICAL: 1 critical: 3 client certificates in default/eu-central-1 (warning 30d, critical 7d before expiry); next to expire: ${old} in 4 days`,
    );
    expect(lines[1]).toMatch(
      new RegExp(
        `^CRITICAL ${old} expires in 4 days, at .*Z, presented by orders/prod \\[CertificateCritical\\]$`,
      ),
    );
    expect(lines.slice(2, 4)).toEqual(['', 'Not counted:']);
    expect(lines[4]).toContain(`${idle} (=HYPERLINK("x"), <b>\\x0a::error::|) expires in 19 days`);
    expect(lines).toHaveLength(6);
  });

  test.each([
    [['--critical', '2d'], 1],
    [['--critical', '1%', '--warning', '10%'], 1],
    [['--critical', '1d', '--warning', '2d'], 0],
    [['--critical', '1d', '--warning', '2d', '--unused'], 0],
    [['--unused'], 1],
    [['--unused', '--fail-on', 'critical'], 0],
    [['--fail-on', 'critical', '--critical', '2d'], 0],
    [['--in-use', '--api', 'users'], 0],
    [['--api', 'orders'], 2],
    [['--stage', 'orders/prod'], 2],
    [['--stage', 'other'], 3],
    [['--tag', 'team=shop'], 0],
    [['--tag', 'team=shop', '--all'], 1],
    [['--description', 'hyperlink', '--all'], 1],
    [['--all', '--critical', '25d'], 2],
    [['--quota', '3', '--api', 'users'], 1],
  ])('%j exits with %i', async (words, code) => {
    expect((await cli(['check-expiry', ...words], { env })).code).toBe(code);
  });

  test('named by its id, a certificate counts whether or not it is in use', async () => {
    expect(await cli(['check-expiry', idle], { env })).toMatchObject({ code: 1 });
    expect(await cli(['check-expiry', fresh], { env })).toMatchObject({ code: 0 });
    const { code, stdout } = await cli(['check-expiry', fresh, 'zzzzzz'], { env });
    expect(code).toBe(3);
    expect(stdout).toContain('client certificate zzzzzz was not found');
  });

  test('--compliance finds https without a certificate, and certificates that are never presented', async () => {
    const { json } = await cli(['check-expiry', '--compliance', '--output', 'json'], { env });
    const { findings } = json() as { findings: { code: string; message: string }[] };
    const codes = (code: string): string[] => findings.filter((f) => f.code === code).map((f) => f.message);
    expect(codes('StageWithoutCertificate')).toEqual([
      'stage bare/prod calls https backends without a client certificate',
    ]);
    expect(codes('NeverPresented')).toEqual([
      'stage plain/prod has a certificate, but no https integration that would present it',
    ]);
  });

  test('a rotation that was left half-way over a week ago is told', async () => {
    const client = clientOf(emulator, { region: 'eu-west-3' });
    emulator.setClock(ago(100));
    const replaced = (await generateCertificate(client)).id;
    emulator.setClock(ago(8));
    await client.send(
      new GenerateClientCertificateCommand({
        tags: { 'apigw-cert:rotation': 'r1', 'apigw-cert:replaces': replaced },
      }),
    );
    emulator.setClock(new Date());
    const { code, stdout } = await cli(['check-expiry', '--region', 'eu-west-3'], { env });
    expect(stdout).toContain('[RotationStuck]');
    expect(code).toBe(1);
  });
});

describe('the fewest calls', () => {
  test('one when nothing is in trouble; the stages are read only when the answer depends on them', async () => {
    const countOf = async (words: string[]): Promise<string[]> => {
      emulator.clearRequests();
      await cli(['check-expiry', ...words], { env });
      return calls();
    };
    expect(await countOf(['--critical', '1d', '--warning', '2d'])).toEqual(['GetClientCertificates']);
    expect(await countOf(['--all'])).toEqual(['GetClientCertificates']);
    expect(await countOf([old])).toEqual(['GetClientCertificates']);
    expect((await countOf([])).sort()).toEqual(
      ['GetClientCertificates', 'GetRestApis', 'GetApis', ...Array<string>(4).fill('GetStages')].sort(),
    );
  });
});

describe('formats', () => {
  const output = async (format: string, ...words: string[]): Promise<string> =>
    (await cli(['check-expiry', '--output', format, ...words], { env })).stdout;

  test('nagios: one line with counts, then details and days left with their limits', async () => {
    const lines = (await output('nagios')).trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^APIGW_CERT CRITICAL - 1 critical: [^|]*\| certificates=3;;;0 critical=1;;;0 warning=0;;;0 unknown=0;;;0$/,
    );
    expect(lines[1]).toMatch(
      new RegExp(`^CRITICAL: [^|]* \\| 'default/eu-central-1/${old}'=(4\\.99|5);30:;7:$`),
    );
    expect(lines.slice(2).every((line) => /^'[^'|=]+'=[\d.]+;30:;7:$/.test(line))).toBe(true);
    expect(lines).toHaveLength(4);
  });

  test('prometheus: what promtool accepts, written whole to a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-prom-'));
    const file = join(directory, 'apigw.prom');
    expect(await output('prometheus', '--out-file', file)).toBe('');
    expect(await readdir(directory)).toEqual(['apigw.prom']);
    const text = await readFile(file, 'utf8');
    expect(text).toContain(
      `apigw_client_certificate_expires_in_seconds{account="default",region="eu-central-1",id="${old}",apis="orders"} 43`,
    );
    expect(text).toContain('apigw_client_certificate_up{account="default",region="eu-central-1"} 1\n');
    const checked = promisify(execFile)('promtool', ['check', 'metrics']);
    checked.child.stdin?.end(text);
    expect(await checked).toEqual({ stdout: '', stderr: '' });
  });

  test('csv: a formula is text, quotes and commas are kept, every line has all columns', async () => {
    const lines = (await output('csv')).split('\r\n');
    expect(lines[0]?.split(',')).toHaveLength(14);
    expect(lines.find((line) => line.includes(idle))).toContain(`,"'=HYPERLINK(""x""), <b>\\x0a::error::|",`);
    expect(lines).toHaveLength(5);
  });

  test('csv: a sign in full width is text as well', () => {
    const columns = [['name', (row: string) => row]] as const;
    expect(csvText(columns, ['＝1+1', ' ＋1', '－1', '＠SUM(1)', 'a＝b'])).toBe(
      "name\r\n'＝1+1\r\n' ＋1\r\n'－1\r\n'＠SUM(1)\r\na＝b\r\n",
    );
  });

  test('sarif: valid, and every result has a file, without which code scanning refuses it', async () => {
    const log = JSON.parse(await output('sarif')) as {
      runs: { results: { ruleId: string; level: string; locations: unknown[] }[] }[];
    };
    expect(sarifErrors(log)).toEqual([]);
    expect(log.runs[0]?.results[0]).toMatchObject({
      ruleId: 'CertificateCritical',
      level: 'error',
      locations: [{ physicalLocation: { artifactLocation: { uri: `aws/default/eu-central-1/${old}` } } }],
    });
    expect(log.runs[0]?.results.map(({ level }) => level)).toEqual(['error', 'note']);
  });

  test('thresholds are reported as they were written', async () => {
    const words = ['--warning', '10d12h', '--critical', '1d12h30m'];
    expect(JSON.parse(await output('json', ...words))).toMatchObject({
      thresholds: { warning: '10d12h', critical: '1d12h30m' },
    });
    const nagios = await output('nagios', ...words);
    expect(nagios).toContain('(warning 10d12h, critical 1d12h30m before expiry)');
    expect(nagios).toContain(`${old}'=`);
    expect(nagios).toMatch(/;10\.5:;1\.52:$/m);
  });

  test('github: nothing from outside begins a command of its own', async () => {
    const lines = (await output('github', '--all')).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['::error', '::warning', '::notice']);
  });

  test('junit: well-formed, with a failure for what counts', async () => {
    const text = await output('junit', '--all');
    expect(text).toContain('tests="4" failures="2" errors="0"');
    expect(text).toContain(`name="${idle} =HYPERLINK(&quot;x&quot;), &lt;b&gt;\\x0a::error::|"`);
    expect(text.match(/<testcase/g)).toHaveLength(4);
  });
});

describe('a fleet', () => {
  test('one source that cannot be read is unknown, and the others still count', async () => {
    const fleetEnv = await profilesEnv(emulator, {
      one: keys('AKIDTEST'),
      two: keys('AKIDTWO'),
      broken: 'region = x',
    });
    const { code, stdout, json } = await cli(
      [
        'check-expiry',
        '--profile',
        'one,two,broken',
        '--region',
        'eu-central-1,eu-west-1',
        '--output',
        'json',
      ],
      { env: fleetEnv },
    );
    const report = json() as {
      level: string;
      sources: { account: string; region: string; state: string; certificates?: number }[];
    };
    expect(stdout).not.toContain('secret');
    expect(
      report.sources.map(({ account, region, state, certificates }) => [
        account,
        region,
        state,
        certificates,
      ]),
    ).toEqual([
      ['one', 'eu-central-1', 'read', 3],
      ['one', 'eu-west-1', 'read', 0],
      ['two', 'eu-central-1', 'read', 0],
      ['two', 'eu-west-1', 'read', 0],
      ['broken', 'eu-central-1', 'unknown', undefined],
      ['broken', 'eu-west-1', 'unknown', undefined],
    ]);
    expect(report.level).toBe('critical');
    expect(code).toBe(2);
    const calm = await cli(['check-expiry', '--profile', 'two,broken', '--region', 'eu-central-1'], {
      env: fleetEnv,
    });
    expect(calm.code).toBe(3);
    expect(calm.stdout).toContain('UNKNOWN broken/eu-central-1: ');
  });

  test('each source keeps to the request limit by itself', async () => {
    emulator.configure({ rateLimit: { perSecond: 10, burst: 40 } });
    const fleetEnv = await profilesEnv(emulator, { one: keys('AKIDTEST'), two: keys('AKIDTWO') });
    emulator.clearRequests();
    await cli(['check-expiry', '--profile', 'one,two', '--region', 'eu-central-1', '--in-use'], {
      env: fleetEnv,
    });
    expect(emulator.requests().filter(({ status }) => status === 429)).toEqual([]);
    emulator.configure({ rateLimit: false });
  });
});

describe('bad input', () => {
  test.each([
    [['--warning', '5d', '--critical', '10d'], 'lies before the warning one'],
    [['--warning', '-5d'], 'negative'],
    [['--warning', '120%'], 'is not a share of the lifetime'],
    [['--output', 'yaml'], 'Allowed choices are'],
    [['--rate', '0%'], 'is not a share of the request limit'],
    [['--rate', '5d'], 'is not a share of the request limit'],
    [['--profile', 'a,a'], 'the profile "a" is specified twice'],
    [['--region', 'eu-west-1,eu-west-1'], 'the Region "eu-west-1" is specified twice'],
    [['--quota', '0'], 'is not a number of certificates'],
    [['--out-file', '/nonexistent/dir/file'], '/nonexistent/dir/file: its folder does not exist'],
    [['--unused', '--all'], 'cannot be used with'],
  ])('%j is 3, never 0, and says why', async (words, message) => {
    const { code, stdout, stderr } = await cli(['check-expiry', ...words], { env });
    expect(code).toBe(3);
    expect(stdout + stderr).toContain(message);
    expect(stdout + stderr).not.toContain('    at ');
  });
});
