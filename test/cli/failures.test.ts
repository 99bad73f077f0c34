import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FaultInput } from '../../src/emulator/index.js';
import { BINARY, cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, startLab, type Lab } from '../support/emulator.js';
import { keys, profilesEnv } from '../support/fleet.js';

let lab: Lab;
let env: Record<string, string>;

beforeAll(async () => {
  lab = await startLab();
  env = emulatorEnv(lab.emulator);
});
afterAll(() => lab.close());
beforeEach(() => {
  lab.emulator.clearFaults();
});

const fault = (operation: string, code: string, status: number): FaultInput => ({
  operation,
  occurrence: 'every',
  kind: 'error',
  code,
  status,
});

/** Each command once, with words that are right. */
const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['list', '--usage'],
  ['check-expiry'],
  ['generate'],
  ['update', 'abc123', '--description', 'x'],
  ['attach', 'abc123', '--stage', 'orders/prod'],
  ['detach', '--stage', 'orders/prod'],
  ['delete', 'abc123', '--yes'],
  ['test-invoke', '--stage', 'orders/prod', '--path', '/health'],
];

describe('a failure is one sentence with a remedy:', () => {
  test('no credentials', async () => {
    const without = { ...env, AWS_ACCESS_KEY_ID: '' };
    const { code, stdout, stderr } = await cli(['list'], { env: without });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: no AWS credentials were found\n {2}fix: set AWS_PROFILE .*\n$/);
  });

  test('a profile that is not there', async () => {
    const { stderr } = await cli(['list', '--profile', 'nope'], { env });
    expect(stderr).toMatch(
      /^error: the profile "nope" \(--profile\) is neither in \S+config nor in \S+credentials\n {2}fix: `aws configure list-/,
    );
  });

  test('no Region', async () => {
    const without = { ...env, AWS_REGION: '' };
    const { code, stderr } = await cli(['list'], { env: without });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: no AWS Region is set\n {2}fix: specify --region, /);
  });

  test('a Region that can be none', async () => {
    const { code, stderr } = await cli(['list', '--region', 'eu west'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: not a valid AWS Region: .*"eu west".*\n {2}fix: .*--region/);
  });

  test('no network', async () => {
    const { code, stderr } = await cli(['list', '--endpoint-url', 'http://127.0.0.1:1'], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: 127\.0\.0\.1:1 did not answer GetClientCertificates: connect ECONNREFUSED .*\n {2}fix: check http:\/\/127\.0\.0\.1:1, set by --endpoint-url/,
    );
  });

  test('an endpoint that is no URL', async () => {
    const { code, stderr } = await cli(['list', '--endpoint-url', 'localhost:4599'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: "localhost:4599" is not a valid URL/);
  });

  test('expired credentials', async () => {
    lab.emulator.addFault(fault('*', 'ExpiredTokenException', 403));
    const { code, stderr } = await cli(['list'], { env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: the AWS credentials have expired\n  fix: set new values for AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN\n',
    );
  });

  test.each([
    [['list'], 'GetClientCertificates', 'apigateway:GET', '/clientcertificates'],
    [['generate'], 'GenerateClientCertificate', 'apigateway:POST', '/clientcertificates'],
    [
      ['delete', 'abc123', '--yes'],
      'DeleteClientCertificate',
      'apigateway:DELETE',
      '/clientcertificates/abc123',
    ],
    [['update', 'abc123', '--tag', 'a=b'], 'TagResource', 'apigateway:PUT', '/tags/arn'],
  ])('a permission missing for %j', async (words, operation, action, resource) => {
    lab.emulator.addFault(fault(operation, 'AccessDeniedException', 403));
    const { code, stderr } = await cli(words, { env });
    expect(code).toBe(1);
    expect(stderr).toContain(`error: AWS denies ${operation}: Injected fault\n`);
    expect(stderr).toContain(`  fix: allow ${action} on arn:aws:apigateway:eu-central-1::${resource}`);
  });

  test('a permission that AWS itself names, in another partition', async () => {
    const arn = 'arn:aws-cn:apigateway:cn-north-1::/tags/*';
    const message = `User: arn:aws-cn:iam::1:user/x is not authorized to perform: apigateway:PUT on resource: ${arn} with an explicit deny in a service control policy`;
    const operation = 'GenerateClientCertificate';
    lab.emulator.addFault({ ...fault(operation, 'AccessDeniedException', 403), message } as FaultInput);
    const { stderr } = await cli(['generate', '--tag', 'a=b', '--region', 'cn-north-1'], { env });
    expect(stderr).toBe(
      `error: AWS denies ${operation}: ${message}\n` +
        `  fix: allow apigateway:PUT on ${arn}; a policy denies it explicitly, which overrides any allow\n`,
    );
    lab.emulator.addFault(fault('DeleteClientCertificate', 'AccessDeniedException', 403));
    expect((await cli(['delete', 'abc123', '--yes', '--region', 'cn-north-1'], { env })).stderr).toContain(
      'on arn:aws-cn:apigateway:cn-north-1::/clientcertificates/abc123\n',
    );
  });

  test('a certificate in use, where the stages may not be read', async () => {
    await attachCertificate(lab.client, lab.api, lab.certificate.id);
    lab.emulator.addFault(fault('GetRestApis', 'AccessDeniedException', 403));
    const { code, stderr } = await cli(['delete', '--yes', lab.certificate.id], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: AWS rejected DeleteClientCertificate: /);
  });

  test('an answer to generate that was lost: running it again could make a second one', async () => {
    lab.emulator.addFault({ operation: 'GenerateClientCertificate', kind: 'cutAfter' });
    const { code, stderr } = await cli(['generate'], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: .* did not answer GenerateClientCertificate.*\n {2}fix: the certificate may /,
    );
    expect(lab.emulator.requests().filter(({ fault: hit }) => hit === 'cutAfter')).toHaveLength(1);
  });

  test('a profile without a Region', async () => {
    const files = await profilesEnv(lab.emulator, { placeless: keys('AKIDTEST') });
    const { code, stderr } = await cli(['generate', '--profile', 'placeless'], { env: files });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: no AWS Region is set, and none in the profile "placeless"\n {2}fix: .*aws configure set region/,
    );
  });

  test('a certificate whose PEM is none, as LocalStack makes them', async () => {
    const fake = { clientCertificateId: 'abc123', pemEncodedCertificate: 'testcert-123' };
    const server = createServer((request, response) => {
      const body = { ...fake, createdDate: 1, expirationDate: 2 };
      response.end(JSON.stringify(request.method === 'POST' ? body : { item: [body] }));
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stderr } = await cli(['generate'], { env: { ...env, AWS_ENDPOINT_URL: url } });
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(
          /^error: the client certificate abc123 comes with a PEM that cannot be read\n {2}fix: .*\n$/,
        ),
      });
    } finally {
      server.close();
    }
  });

  describe.each<[string, string]>([
    ['a list with an item that is null', '{"item":[null]}'],
    ['a number for a description', '{"item":[{"clientCertificateId":"abc123","description":5}]}'],
    ['a text for a date', '{"item":[{"clientCertificateId":"abc123","createdDate":"yesterday"}]}'],
    ['a list for the answer', '[]'],
    ['a torn text', '{"item":[{"clientCertificateId":"abc'],
  ])('an answer with a fault in it, %s,', (_, body) => {
    const server = createServer((_request, response) => {
      response.setHeader('x-amzn-RequestId', '1');
      response.end(body);
    });
    let answering: Record<string, string>;
    beforeAll(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      answering = { ...env, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    test('leaves check-expiry not knowing, and says why', async () => {
      const { code, json } = await cli(['check-expiry', '--output', 'json'], { env: answering });
      expect(code).toBe(3);
      const report = json() as { level: string; findings: { code: string; message: string }[] };
      expect(report.level).toBe('unknown');
      expect(report.findings).toMatchObject([
        { code: 'SourceUnknown', message: expect.stringContaining('returned no valid answer to') },
      ]);
    });

    test('ends rotate with nothing done, and says why', async () => {
      const words = ['rotate', '--stage', 'orders/prod', '--trust', 'manual', '--output', 'json'];
      const { code, json } = await cli(words, { env: answering });
      expect(code).toBe(1);
      expect(json()).toMatchObject({ items: [{ error: { code: 'ServiceUnreachable' } }] });
    });
  });

  test('an id that is not there', async () => {
    const { code, stderr } = await cli(['delete', 'zzzzzz', '--yes'], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: there is no client certificate zzzzzz .*\n {2}fix: run `apigw-cert list`/,
    );
  });

  test('a stage that is not there', async () => {
    const { code, stderr } = await cli(['detach', '--stage', 'orders/prd'], { env });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: there is no stage "prd" in the API "orders"\n  fix: available stages: prod\n',
    );
  });

  test.each([
    [['lsit'], /unknown command 'lsit'\n {2}fix: Did you mean list\?/],
    [['list', '--usgae'], /unknown option '--usgae'\n {2}fix: Did you mean --usage\?/],
    [['attach', 'abc123'], /required option '--stage <stage>' not specified\n {2}fix: /],
    [
      ['--region', 'eu-west-1', 'list'],
      /unknown option '--region'\n {2}fix: write options after the command/,
    ],
    [['delete'], /missing required argument 'id'\n {2}fix: /],
    [['list', '--output', 'xml'], /'xml' is invalid. Allowed choices are text, json/],
    [['list', 'everything'], /too many arguments/],
  ])('%j', async (words, said) => {
    const { code, stdout, stderr } = await cli(words, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
  });
});

describe('--output json is one document', () => {
  test.each(COMMANDS.map((words) => [words]))('when %j fails', async (words) => {
    lab.emulator.addFault(fault('*', 'AccessDeniedException', 403));
    const { code, json } = await cli([...words, '--output', 'json'], { env });
    const error = { code: 'AccessDenied', hint: expect.stringMatching(/^allow apigateway:/) as unknown };
    // A monitor gets its report all the same: in it, the source is unknown.
    const isMonitor = words[0] === 'check-expiry';
    expect(json()).toMatchObject(isMonitor ? { sources: [{ state: 'unknown', error }] } : { error });
    expect(code).toBe(isMonitor ? 3 : 1);
  });

  test.each(COMMANDS.map((words) => [words]))('when %j is mistyped', async (words) => {
    const { json } = await cli([...words, '--bogus', '--output=json'], { env });
    expect(json()).toMatchObject({ error: { code: 'Usage', message: "unknown option '--bogus'" } });
  });
});

describe('a terminal is obeyed:', () => {
  const RED = '\u001b[31m';

  test('no colours into a pipe', async () => {
    expect((await cli(['list', '--region', ''], { env })).stderr).not.toContain('\u001b');
  });

  test('FORCE_COLOR brings them, NO_COLOR and --no-color take them away', async () => {
    const forced = { ...env, FORCE_COLOR: '1' };
    expect((await cli(['lsit'], { env: forced })).stderr).toContain(RED);
    expect((await cli(['lsit'], { env: { ...forced, NO_COLOR: '1' } })).stderr).not.toContain(RED);
    expect((await cli(['lsit', '--no-color'], { env: forced })).stderr).not.toContain(RED);
  });

  test('nothing of AWS reaches it as an escape sequence, not with --debug either', async () => {
    const message = '\u001b]0;owned\u0007\u009b31m';
    lab.emulator.addFault({
      ...fault('DeleteClientCertificate', 'TeapotException', 418),
      message,
    } as FaultInput);
    const { stderr } = await cli(['delete', 'abc123', '--yes', '--debug'], { env });
    expect(stderr).toContain('caused by: TeapotException: \\x1b]0;owned\\x07\\x9b31m\n');
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test.each([
    [['list'], 1],
    [['check-expiry', '--all', '--critical', '400d', '--warning', '401d'], 3],
  ])('a result that cannot be written is a failure: %j', async (words, expected) => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [BINARY, ...words], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    let stderr = '';
    child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(stderr).toMatch(/^(account .*\n)?error: the result cannot be written: ENOSPC.*\n {2}fix: .*\n$/);
    expect(code).toBe(expected);
  });

  test('a reader that has seen enough ends the command without a word', async () => {
    const child = spawn(process.execPath, [BINARY, 'list', '--output', 'json'], {
      env: { PATH: process.env['PATH'], ...env },
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
