/** What the command line says where credentials are the matter: which, why, and what helps. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitWords } from '../../src/aws/words.js';
import { startAwsRecorder, type AwsRecorder } from '../support/aws-recorder.js';
import { cli, type CliResult } from '../support/cli.js';

let recorder: AwsRecorder;
let refusing: Server;
let refusal: { status: number; body: string; headers?: Record<string, string> };
let home: string;

beforeAll(async () => {
  recorder = await startAwsRecorder(['ONE']);
  refusing = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(refusal.status, { 'x-amzn-requestid': '1', ...refusal.headers }).end(refusal.body);
    });
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  await recorder.close();
  refusing.close();
});
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'apigw-cert-home-'));
  recorder.take();
});

async function list(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  ...words: readonly string[]
): Promise<CliResult> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(home, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return cli(['list', ...words], {
    env: { HOME: home, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: recorder.local['ONE'] ?? '', ...env },
  });
}

const role = 'role_arn = arn:aws:iam::123456789012:role/Watch\n';

describe('a credential_process', () => {
  const withProcess = (line: string) => ({ '.aws/config': `[default]\ncredential_process = ${line}\n` });
  const script = (text: string) => ({ ...withProcess(`sh "${home}/p.sh"`), 'p.sh': text });

  test('that fails says what it wrote, without control characters and keys', async () => {
    const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
    const { code, stderr } = await list(
      script(`printf 'vault: \\033[31mpermission denied\\nkey ${secret}\\n' >&2; exit 3`),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: the credential_process of the profile "default" failed with exit code 3: vault: \\x1b\[31mpermission denied \/ key …\n {2}fix: run it manually to see more: sh /,
    );
    expect(stderr).not.toContain(secret);
  });

  test.each([
    ['prints no JSON', 'echo hello', 'printed something that is not JSON'],
    ['prints another version', `echo '{"Version":2}'`, 'printed a Version other than 1'],
    ['prints no key', `echo '{"Version":1}'`, 'did not print both AccessKeyId and SecretAccessKey'],
    [
      'gives expired ones',
      `echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"2020-01-01T00:00:00Z"}'`,
      'returned credentials that expired at 2020-01-01T00:00:00.000Z',
    ],
    [
      'has a carriage return in a key',
      `printf '{"Version":1,"AccessKeyId":"A\\\\r","SecretAccessKey":"B"}'`,
      'aws_access_key_id returned by the credential_process of the profile "default" contains an invalid character (U+000D)',
    ],
  ])('that %s', async (_what, text, expected) => {
    const { code, stderr } = await list(script(text));
    expect(code).toBe(1);
    expect(stderr).toContain(expected);
    expect(stderr).not.toContain('sso login');
  });

  test('that is not there', async () => {
    const { stderr } = await list(withProcess('no-such-program --json'));
    expect(stderr).toMatch(
      /cannot be run: program not found: no-such-program\n {2}fix: specify the full path of the program/,
    );
  });
});

test.each([
  [
    'printable',
    'any "quoted words" and \'single ones\' a\\ b',
    ['any', 'quoted words', 'and', 'single ones', 'a b'],
  ],
  ['empty words', `a "" ''`, ['a', '', '']],
  ['an open quote', 'a "b', undefined],
])('words of a command line: %s', (_what, line, expected) => {
  expect(splitWords(line)).toEqual(expected);
});

test('any words come back from their single quotes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
      const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      expect(splitWords(line)).toEqual(words);
    }),
  );
});

describe('a profile says what it lacks', () => {
  test.each([
    [
      'an sso_session',
      '[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n',
      /refers to the sso_session "corp", which is not in \S+config\n {2}fix: add \[sso-session corp\]/,
    ],
    [
      'keys of IAM Identity Center',
      '[default]\nsso_account_id = 123456789012\nsso_role_name = Admin\n',
      /uses IAM Identity Center, but lacks sso_start_url, sso_region\n {2}fix: run `aws configure sso`/,
    ],
    ['a source', `[default]\n${role}`, /has a role_arn, but neither source_profile nor credential_source\n/],
    [
      'its source',
      `[default]\n${role}source_profile = gone\n`,
      /uses the source_profile "gone", which is neither in/,
    ],
    [
      'credentials of its source',
      `[default]\n${role}source_profile = a\n[profile a]\nregion = x\n`,
      /source_profile "a", which has no credentials/,
    ],
    [
      'an end',
      `[default]\n${role}source_profile = a\n[profile a]\n${role}source_profile = b\n[profile b]\n${role}source_profile = a\n`,
      /has circular source_profile references: default → a → b → a\n/,
    ],
    [
      'a token file',
      `[default]\n${role}web_identity_token_file = /nowhere/token\n`,
      /the token file \/nowhere\/token .* cannot be read \(ENOENT\)/,
    ],
    [
      'a known source',
      `[default]\n${role}credential_source = Moon\n`,
      /has the unknown credential_source "Moon"/,
    ],
    ['a secret', '[default]\naws_access_key_id = A\n', /has aws_access_key_id but no aws_secret_access_key/],
  ])('%s', async (_what, text, expected) => {
    const { code, stderr } = await list({ '.aws/config': text });
    expect(code).toBe(1);
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('aws sso login');
  });

  test('a name that is nearly right', async () => {
    const { stderr } = await list({ '.aws/config': '[profile prod]\nregion = x\n' }, {}, '--profile', 'prdo');
    expect(stderr).toContain('did you mean "prod"?');
  });

  test('a mistake in a file, by its line', async () => {
    const { code, stderr } = await list({ '.aws/config': '[default]\nregion = x\nwhat is this\n' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: \S+\/\.aws\/config:3: this line is not NAME = VALUE\n/);
  });
});

describe('IAM Identity Center', () => {
  const profile =
    '[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n' +
    '[sso-session corp]\nsso_region = eu-west-2\nsso_start_url = https://x.awsapps.com/start\n';
  const cache = `.aws/sso/cache/${createHash('sha1').update('corp').digest('hex')}.json`;
  const token = (expiresAt: string): string => JSON.stringify({ accessToken: 'token', expiresAt });

  test('where nobody has signed in', async () => {
    const { code, stderr } = await list({ '.aws/config': profile }, { AWS_PROFILE: 'dev' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: the profile "dev" is not signed in to IAM Identity Center\n {2}fix: sign in: `aws sso login --profile dev`\n/,
    );
  });

  test('where the sign-in has expired', async () => {
    const files = { '.aws/config': profile, [cache]: token('2020-01-01T00:00:00Z') };
    const { stderr } = await list(files, { AWS_PROFILE: 'dev' });
    expect(stderr).toMatch(
      /sign-in of the profile "dev" to IAM Identity Center has expired\n {2}fix: sign in: `aws sso login --profile dev`/,
    );
  });

  test('where the role is not assigned', async () => {
    refusal = {
      status: 403,
      body: '{"message":"No access"}',
      headers: { 'x-amzn-errortype': 'ForbiddenException' },
    };
    const files = { '.aws/config': profile, [cache]: token('2099-01-01T00:00:00Z') };
    const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const { stderr } = await list(files, { AWS_PROFILE: 'dev', AWS_ENDPOINT_URL_SSO: url });
    expect(stderr).toMatch(
      /does not allow you to use the role Admin in the account 123456789012 .*\n {2}fix: check sso_account_id/,
    );
  });
});

describe('the environment', () => {
  test.each([
    [
      'a carriage return',
      { AWS_SECRET_ACCESS_KEY: 'secret\r' },
      /AWS_SECRET_ACCESS_KEY contains an invalid character \(U\+000D\)\n {2}fix: it is a carriage return/,
    ],
    [
      'no secret',
      { AWS_SECRET_ACCESS_KEY: '' },
      /AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not/,
    ],
    [
      'a time that is over',
      { AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z' },
      /expired at 2020-01-01T00:00:00.000Z/,
    ],
    [
      'a Region with a line end',
      { AWS_REGION: 'eu-west-1\r' },
      /the value of AWS_REGION contains an invisible character: "eu-west-1\\x0d"/,
    ],
    [
      'a bundle that is not there',
      { AWS_CA_BUNDLE: '/nowhere.pem' },
      /\/nowhere\.pem \(AWS_CA_BUNDLE\) cannot be read \(ENOENT\)/,
    ],
  ])('has %s', async (_what, env, expected) => {
    const { code, stderr } = await list(
      {},
      { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret', ...env },
    );
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/^error: .*\n( {2}fix: .*\n)?$/);
    expect(code).not.toBe(0);
  });
});

describe('a role', () => {
  const files = {
    '.aws/config': `[default]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n[profile r]\n${role}source_profile = default\n`,
  };
  const sts = (code: string, message: string) => {
    refusal = {
      status: 403,
      body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      headers: { 'content-type': 'text/xml' },
    };
    return {
      AWS_PROFILE: 'r',
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    };
  };

  test.each([
    [
      'AccessDenied',
      'User: x is not authorized to perform: sts:AssumeRole',
      /cannot be assumed: User: x is not authorized .*\n {2}fix: check that the role trusts/,
    ],
    [
      'ExpiredToken',
      'expired',
      /the credentials of the profile "default" in \S+config have expired\n {2}fix: put new ones under \[default\]/,
    ],
    ['InvalidClientTokenId', 'no', /AWS does not accept the credentials of the profile "default"/],
  ])('that STS refuses: %s', async (code, message, expected) => {
    const { stderr } = await list(files, sts(code, message));
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('sso login');
  });

  test('with MFA and nobody to ask, and with what the AWS CLI keeps', async () => {
    const device = 'arn:aws:iam::123456789012:mfa/me';
    const withMfa = { '.aws/config': `${files['.aws/config']}mfa_serial = ${device}\n` };
    const { code, stderr } = await list(withMfa, { AWS_PROFILE: 'r' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /needs a code from the MFA device arn:aws:iam::123456789012:mfa\/me, but there is no terminal to ask on\n/,
    );
    // As botocore names it: the SHA-1 of its arguments in Python's JSON.
    const key = `{"RoleArn": "arn:aws:iam::123456789012:role/Watch", "SerialNumber": "${device}"}`;
    const kept = {
      AccessKeyId: 'ASIAKEPT',
      SecretAccessKey: 's',
      SessionToken: 't',
      Expiration: '2099-01-01T00:00:00Z',
    };
    const cache = {
      [`.aws/cli/cache/${createHash('sha1').update(key).digest('hex')}.json`]: JSON.stringify({
        Credentials: kept,
      }),
    };
    expect(await list({ ...withMfa, ...cache }, { AWS_PROFILE: 'r' })).toMatchObject({ code: 0 });
    expect(recorder.take()).toMatchObject([{ service: 'apigateway', accessKey: 'ASIAKEPT' }]);
  });
});

describe('--region all asks the partition in use', () => {
  test.each([
    ['China', 'cn-north-1', 'cn-northwest-1'],
    ['GovCloud', 'us-gov-west-1', 'us-gov-west-1'],
    ['the commercial one', 'eu-west-1', 'us-east-1'],
  ])('%s', async (_what, region, asked) => {
    await writeFile(join(home, 'ca.pem'), recorder.proxy.caPem);
    const { code } = await cli(['list', '--region', 'all'], {
      env: {
        HOME: home,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: 'AKIA',
        AWS_SECRET_ACCESS_KEY: 's',
        HTTPS_PROXY: recorder.proxy.url,
        AWS_CA_BUNDLE: join(home, 'ca.pem'),
      },
    });
    expect(code).toBe(0);
    const [first, second] = recorder.take();
    expect(first).toMatchObject({ service: 'account', region: asked });
    expect(second).toMatchObject({ service: 'apigateway', region: asked });
  });

  test('of a role, where no Region is set', async () => {
    await writeFile(join(home, 'ca.pem'), recorder.proxy.caPem);
    await mkdir(join(home, '.aws'));
    const text = `[default]\n${role.replace('arn:aws:', 'arn:aws-cn:')}credential_source = Environment\n`;
    await writeFile(join(home, '.aws', 'config'), text);
    await cli(['list', '--region', 'all', '--profile', 'default'], {
      env: {
        HOME: home,
        AWS_ACCESS_KEY_ID: 'AKIA',
        AWS_SECRET_ACCESS_KEY: 's',
        HTTPS_PROXY: recorder.proxy.url,
        AWS_CA_BUNDLE: join(home, 'ca.pem'),
      },
    });
    expect(recorder.take().map(({ service, where }) => [service, where])).toMatchObject([
      ['sts', 'sts.cn-northwest-1.amazonaws.com.cn'],
      ['account', 'account.cn-northwest-1.amazonaws.com.cn'],
      ['apigateway', 'apigateway.cn-northwest-1.amazonaws.com.cn'],
    ]);
  });
});
