/**
 * The same configurations for the real AWS CLI and for this tool: which account (by its access key), Region (by the
 * signature's scope) and endpoint (by the host that was asked) each calls.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { startAwsRecorder, type AwsRecorder, type RecordedCall } from '../support/aws-recorder.js';
import { BINARY } from '../support/cli.js';

interface Cli {
  file: string;
  version: readonly number[];
}

/** Every AWS CLI that the machine has on its PATH. */
function installedClis(): Cli[] {
  try {
    const found = execFileSync('which', ['-a', 'aws'], { encoding: 'utf8' }).trim().split('\n');
    return [...new Set(found.map((file) => realpathSync(file)))].flatMap((file) => {
      const text = execFileSync(file, ['--version'], { encoding: 'utf8' });
      const version = /aws-cli\/([\d.]+)/.exec(text)?.[1]?.split('.').map(Number);
      return version ? [{ file, version }] : [];
    });
  } catch {
    return [];
  }
}

const atLeast = ({ version }: Cli, ...wanted: readonly number[]): boolean => {
  const at = wanted.findIndex((part, i) => part !== version[i]);
  return at < 0 || (version[at] ?? 0) > (wanted[at] ?? 0);
};

/** `endpoint_url` in files and variables: since 1.29 and 2.13. */
const KNOWS_ENDPOINTS = (cli: Cli): boolean =>
  cli.version[0] === 1 ? atLeast(cli, 1, 29) : atLeast(cli, 2, 13);
/** AWS_REGION, and AWS_PROFILE before AWS_DEFAULT_PROFILE: version 2 alone. */
const VERSION_2 = (cli: Cli): boolean => cli.version[0] === 2;

interface Case {
  name: string;
  env?: Readonly<Record<string, string>>;
  /** Files below the home directory; `{ONE}`, `{TWO}`, `{THREE}` are local servers, `{HOME}` the directory. */
  files?: Readonly<Record<string, string>>;
  flags?: readonly string[];
  /** The AWS CLIs that know what it is about; all by default. */
  known?: (cli: Cli) => boolean;
  /** Why this tool does otherwise on purpose, and what it calls then. */
  differs?: { why: string; calls: readonly Partial<RecordedCall>[] };
}

const config = (text: string): Record<string, string> => ({ '.aws/config': text });
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 'secret' };
const keys = (key: string): string => `aws_access_key_id = ${key}\naws_secret_access_key = secret\n`;
const DEFAULT = `[default]\nregion = us-west-2\n${keys('AKIADEFAULT')}`;
const PROD = `[profile prod]\nregion = eu-west-1\n${keys('AKIAPROD')}`;
const token = JSON.stringify({
  startUrl: 'https://x.awsapps.com/start',
  region: 'eu-west-2',
  accessToken: 'token',
  expiresAt: '2099-01-01T00:00:00Z',
});

const SET_TO_NOTHING =
  'the AWS CLI looks for a profile without a name, or finds no Region; who sets a variable to nothing means to unset it';

const CASES: readonly Case[] = [
  // Accounts and Regions.
  { name: 'keys of the environment', env: { ...KEYS, AWS_DEFAULT_REGION: 'eu-west-1' } },
  { name: 'the default profile', files: config(DEFAULT) },
  { name: '--profile', files: config(DEFAULT + PROD), flags: ['--profile', 'prod'] },
  { name: 'AWS_PROFILE', files: config(DEFAULT + PROD), env: { AWS_PROFILE: 'prod' } },
  { name: 'AWS_DEFAULT_PROFILE', files: config(DEFAULT + PROD), env: { AWS_DEFAULT_PROFILE: 'prod' } },
  {
    name: 'AWS_PROFILE and AWS_DEFAULT_PROFILE',
    files: config(DEFAULT + PROD),
    env: { AWS_PROFILE: 'prod', AWS_DEFAULT_PROFILE: 'default' },
    known: VERSION_2,
  },
  {
    name: '--profile beside keys of the environment',
    files: config(DEFAULT + PROD),
    env: KEYS,
    flags: ['--profile', 'prod'],
  },
  {
    name: 'AWS_PROFILE beside keys of the environment',
    files: config(DEFAULT + PROD),
    env: { ...KEYS, AWS_PROFILE: 'prod' },
  },
  { name: 'a profile that is not there', files: config(DEFAULT), flags: ['--profile', 'nope'] },
  {
    name: 'AWS_PROFILE that is not there, beside keys',
    files: config(DEFAULT),
    env: { ...KEYS, AWS_PROFILE: 'nope' },
  },
  {
    name: '--region before the environment',
    files: config(DEFAULT),
    env: { AWS_DEFAULT_REGION: 'eu-west-1' },
    flags: ['--region', 'eu-west-2'],
  },
  {
    name: 'AWS_DEFAULT_REGION before the profile',
    files: config(DEFAULT),
    env: { AWS_DEFAULT_REGION: 'eu-west-1' },
  },
  {
    name: 'AWS_REGION before AWS_DEFAULT_REGION',
    files: config(DEFAULT),
    env: { AWS_REGION: 'eu-west-2', AWS_DEFAULT_REGION: 'eu-west-1' },
    known: VERSION_2,
  },
  { name: 'no Region at all', env: KEYS },
  {
    name: 'AWS_REGION set to nothing',
    files: config(DEFAULT),
    env: { AWS_REGION: '' },
    differs: { why: SET_TO_NOTHING, calls: [{ region: 'us-west-2', accessKey: 'AKIADEFAULT' }] },
  },
  {
    name: 'AWS_PROFILE set to nothing',
    files: config(DEFAULT),
    env: { AWS_PROFILE: '' },
    differs: { why: SET_TO_NOTHING, calls: [{ region: 'us-west-2', accessKey: 'AKIADEFAULT' }] },
  },
  {
    name: 'AWS_ACCESS_KEY_ID set to nothing',
    files: config(DEFAULT),
    env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
  },
  // Files.
  {
    name: 'the credentials file before the other one',
    files: { '.aws/config': DEFAULT, '.aws/credentials': `[default]\n${keys('AKIACRED')}` },
  },
  {
    name: 'a Region in the credentials file',
    files: {
      '.aws/config': '[default]\nregion = us-west-2\n',
      '.aws/credentials': `[default]\nregion = eu-west-1\n${keys('AKIACRED')}`,
    },
  },
  {
    name: 'files elsewhere',
    files: { 'my config': '[profile prod]\nregion = eu-west-1\n', creds: `[prod]\n${keys('AKIAELSE')}` },
    env: { AWS_CONFIG_FILE: '~/my config', AWS_SHARED_CREDENTIALS_FILE: '{HOME}/creds', AWS_PROFILE: 'prod' },
  },
  {
    name: 'a name with a space',
    files: config(`[profile "my prod"]\nregion = eu-west-1\n${keys('AKIASPACE')}`),
    flags: ['--profile', 'my prod'],
  },
  {
    name: 'Windows line ends',
    files: config((DEFAULT + PROD).replaceAll('\n', '\r\n')),
    flags: ['--profile', 'prod'],
  },
  {
    name: 'a profile without "profile" in the configuration file',
    files: config(`[prod]\nregion = eu-west-1\n${keys('AKIAPROD')}`),
    flags: ['--profile', 'prod'],
  },
  {
    name: 'capitals and colons',
    files: config(
      '[default]\nRegion: eu-west-1\nAWS_Access_Key_Id: AKIACAP\naws_secret_access_key: secret\n',
    ),
  },
  { name: 'a profile twice', files: config(DEFAULT + DEFAULT) },
  { name: 'half a key', files: config('[default]\nregion = eu-west-1\naws_access_key_id = AKIAHALF\n') },
  // Sources of credentials.
  {
    name: 'a role with source_profile',
    files: config(
      `${DEFAULT}[profile r]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/Watch\nsource_profile = default\n`,
    ),
    flags: ['--profile', 'r'],
    known: VERSION_2,
  },
  {
    name: 'a role of a role',
    files: config(
      `${DEFAULT}[profile a]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = default\n` +
        `[profile b]\nregion = eu-west-1\nrole_arn = arn:aws:iam::210987654321:role/B\nsource_profile = a\n`,
    ),
    flags: ['--profile', 'b'],
    known: VERSION_2,
  },
  {
    name: 'a role with the keys of its own profile',
    files: config(
      `[profile r]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/Own\nsource_profile = r\n${keys('AKIAOWN')}`,
    ),
    flags: ['--profile', 'r'],
    known: VERSION_2,
  },
  {
    name: 'a role with credential_source = Environment',
    files: config(
      '[profile r]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/Env\ncredential_source = Environment\n',
    ),
    env: KEYS,
    flags: ['--profile', 'r'],
    known: VERSION_2,
  },
  {
    name: 'roles in a circle',
    files: config(
      '[profile a]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::123456789012:role/B\nsource_profile = a\n',
    ),
    flags: ['--profile', 'a'],
  },
  {
    name: 'a source_profile that is not there',
    files: config(
      '[profile a]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = gone\n',
    ),
    flags: ['--profile', 'a'],
  },
  {
    name: 'a web identity of the environment',
    files: { ...config('[default]\nregion = eu-west-1\n'), token: 'header.payload.signature' },
    env: { AWS_WEB_IDENTITY_TOKEN_FILE: '{HOME}/token', AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/Pod' },
    known: VERSION_2,
  },
  {
    name: 'a web identity beside --profile',
    files: { ...config(PROD), token: 'header.payload.signature' },
    env: { AWS_WEB_IDENTITY_TOKEN_FILE: '{HOME}/token', AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/Pod' },
    flags: ['--profile', 'prod'],
  },
  {
    name: 'credential_process with quotes, before keys in the same file',
    files: {
      ...config(
        `[default]\nregion = eu-west-1\n${keys('AKIAFILE')}credential_process = sh "{HOME}/my process.sh" $HOME\n`,
      ),
      'my process.sh':
        'test "$1" = \'$HOME\' && echo \'{"Version":1,"AccessKeyId":"AKIAPROC","SecretAccessKey":"secret"}\'\n',
    },
  },
  {
    name: 'keys of the credentials file before a process',
    files: {
      ...config('[default]\nregion = eu-west-1\ncredential_process = false\n'),
      '.aws/credentials': `[default]\n${keys('AKIACRED')}`,
    },
  },
  {
    name: 'IAM Identity Center before keys',
    files: {
      ...config(
        `[profile s]\nregion = eu-west-1\nsso_session = me\nsso_account_id = 123456789012\nsso_role_name = Admin\n${keys('AKIAFILE')}` +
          '[sso-session me]\nsso_region = eu-west-2\nsso_start_url = https://x.awsapps.com/start\n',
      ),
      // SHA-1 of "me".
      '.aws/sso/cache/b1c1d8736f20db3fb6c1c66bb1455ed43909f0d8.json': token,
    },
    flags: ['--profile', 's'],
    known: (cli) => (cli.version[0] === 1 ? atLeast(cli, 1, 27) : atLeast(cli, 2, 9)),
  },
  {
    name: 'an sso_session that is not there',
    files: config(
      '[profile s]\nregion = eu-west-1\nsso_session = gone\nsso_account_id = 123456789012\nsso_role_name = Admin\n',
    ),
    flags: ['--profile', 's'],
  },
  // Endpoints.
  { name: '--endpoint-url', files: config(DEFAULT), flags: ['--endpoint-url', '{ONE}'] },
  {
    name: 'endpoint_url of the profile in use',
    files: config(`${DEFAULT}endpoint_url = {ONE}\n${PROD}endpoint_url = {TWO}\n`),
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'never endpoint_url of the default profile',
    files: config(`${DEFAULT}endpoint_url = {ONE}\n${PROD}`),
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'the services section of the profile in use',
    files: config(
      `${DEFAULT}services = d\n${PROD}services = p\nendpoint_url = {THREE}\n[services d]\napi_gateway =\n  endpoint_url = {ONE}\n[services p]\napi_gateway =\n  endpoint_url = {TWO}\n`,
    ),
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'a services section for other services',
    files: config(`${PROD}services = p\nendpoint_url = {TWO}\n[services p]\ns3 =\n  endpoint_url = {ONE}\n`),
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'a services section that is not there',
    files: config(`${PROD}services = gone\n`),
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'AWS_ENDPOINT_URL_API_GATEWAY before AWS_ENDPOINT_URL',
    files: config(`${DEFAULT}endpoint_url = {THREE}\n`),
    env: { AWS_ENDPOINT_URL: '{ONE}', AWS_ENDPOINT_URL_API_GATEWAY: '{TWO}' },
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'AWS_ENDPOINT_URL before the services section',
    files: config(`${PROD}services = p\n[services p]\napi_gateway =\n  endpoint_url = {ONE}\n`),
    env: { AWS_ENDPOINT_URL: '{TWO}' },
    flags: ['--profile', 'prod'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
    files: config(`${DEFAULT}endpoint_url = {ONE}\n`),
    env: { AWS_ENDPOINT_URL: '{TWO}', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'ignore_configured_endpoint_urls, and --endpoint-url',
    files: config(`${DEFAULT}endpoint_url = {ONE}\nignore_configured_endpoint_urls = true\n`),
    flags: ['--endpoint-url', '{TWO}'],
    known: KNOWS_ENDPOINTS,
  },
  {
    name: 'the STS of the profile in use',
    files: config(
      `${DEFAULT}endpoint_url = {ONE}\n[profile r]\nregion = eu-west-1\nservices = p\nrole_arn = arn:aws:iam::123456789012:role/Watch\nsource_profile = default\n[services p]\nsts =\n  endpoint_url = {TWO}\napi_gateway =\n  endpoint_url = {THREE}\n`,
    ),
    flags: ['--profile', 'r'],
    known: KNOWS_ENDPOINTS,
  },
  { name: 'China', files: config(`[default]\nregion = cn-north-1\n${keys('AKIACN')}`) },
  { name: 'GovCloud', files: config(`[default]\nregion = us-gov-west-1\n${keys('AKIAGOV')}`) },
  { name: 'FIPS', files: config(`${DEFAULT}use_fips_endpoint = true\n`) },
  {
    name: 'dual-stack',
    files: config(DEFAULT),
    env: { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    known: KNOWS_ENDPOINTS,
  },
  { name: 'a # in a value', files: config('[default]\nregion = eu-west-1 # Ireland\n' + keys('AKIAHASH')) },
];

const clis = installedClis();
let recorder: AwsRecorder;
let home: string;

beforeAll(async () => {
  recorder = await startAwsRecorder(['ONE', 'TWO', 'THREE']);
});
afterAll(() => recorder.close());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'apigw-cert-home-'));
});

const filled = (text: string): string =>
  text
    .replaceAll('{HOME}', home)
    .replace(/\{(\w+)\}/g, (whole, name: string) => recorder.local[name] ?? whole);

/** Runs a tool in a home of its own, and gives its calls. */
async function callsOf(
  program: readonly string[],
  { files = {}, env = {}, flags = [] }: Case,
): Promise<{ calls: RecordedCall[]; failed: boolean; stderr: string }> {
  await rm(home, { recursive: true, force: true });
  const bundle = join(home, 'ca.pem');
  for (const [name, text] of Object.entries({ ...files, 'ca.pem': recorder.proxy.caPem })) {
    const file = join(home, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, filled(text));
  }
  const [file = '', ...words] = program;
  const { stderr, exitCode } = await execa(file, [...words, ...flags.map(filled)], {
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CA_BUNDLE: bundle,
      HTTPS_PROXY: recorder.proxy.url,
      NO_PROXY: '127.0.0.1',
      AWS_PAGER: '',
      AWS_MAX_ATTEMPTS: '1',
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value)])),
    },
  });
  return { calls: recorder.take(), failed: exitCode !== 0, stderr };
}

// A machine without the aws CLI has nothing to compare with; in CI it is installed, and a skip fails the run.
const compared = clis.length > 0 ? test.each(CASES) : test.skip.each(CASES);

compared('as the AWS CLI: $name', async (each) => {
  const own = await callsOf([process.execPath, BINARY, 'list'], each);
  if (each.differs) {
    expect(own).toMatchObject({ calls: each.differs.calls });
    return;
  }
  const knowing = clis.filter(each.known ?? (() => true));
  // One is enough for every day: each takes up to a second.
  for (const { file, version } of process.env['APIGW_CERT_FULL'] ? knowing : knowing.slice(0, 1)) {
    const theirs = await callsOf([file, 'apigateway', 'get-client-certificates'], each);
    // Both messages are there to be read when it fails.
    expect({ version, ...own, theirs: theirs.stderr }).toEqual({
      version,
      calls: theirs.calls,
      failed: theirs.failed,
      stderr: own.stderr,
      theirs: theirs.stderr,
    });
  }
});
