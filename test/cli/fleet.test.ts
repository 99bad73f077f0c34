import { createServer, type RequestListener, type Server } from 'node:http';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GenerateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { keys, profilesEnv } from '../support/fleet.js';

const DAY = 86_400_000;

let emulator: Emulator;
let env: Record<string, string>;
const ids = { used: '', expired: '', aborted: '', young: '', plain: '' };
const servers: Server[] = [];

/** A double of another AWS service, which answers everything alike. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  const at = (days: number): void => {
    emulator.setClock(new Date(Date.now() - days * DAY));
  };
  const marked = async (tags: Record<string, string>): Promise<string> => {
    const { clientCertificateId } = await client.send(new GenerateClientCertificateCommand({ tags }));
    return String(clientCertificateId);
  };
  at(400);
  ids.expired = (await generateCertificate(client)).id;
  at(200);
  ids.used = (await generateCertificate(client)).id;
  ids.plain = (await generateCertificate(client)).id;
  at(40);
  ids.aborted = await marked({ 'apigw-cert:rotation': 'a', 'apigw-cert:replaces': ids.used });
  at(1);
  ids.young = await marked({ 'apigw-cert:rotation': 'b', 'apigw-cert:replaces': ids.used });
  emulator.setClock(new Date());
  const api = await makeApi(emulator, client, 'https://b.invalid', { name: '=orders,"x"' });
  await makeApi(emulator, client, 'https://b.invalid', { name: 'bare' });
  await attachCertificate(client, api, ids.used);
  client.destroy();
  env = await profilesEnv(emulator, { one: keys('AKIDTEST'), two: keys('AKIDTWO'), broken: '' });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await emulator.close();
});

const run = (...words: string[]) => cli(words, { env });

describe('list and inventory', () => {
  test('list tells account and Region when there are several, and fails when one cannot be read', async () => {
    const { code, stdout, stderr } = await run(
      'list',
      '--profile',
      'one,two,broken',
      '--region',
      'eu-central-1',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^warning: broken\/eu-central-1 could not be read: /);
    expect(stdout.split('\n')[0]).toMatch(
      /^ID +STATUS +DAYS +VALIDITY +EXPIRES +ACCOUNT +REGION +DESCRIPTION$/,
    );
    expect(stdout).toMatch(new RegExp(`^${ids.expired}  expired .* one +eu-central-1`, 'm'));
  });

  test('inventory names every stage with what it presents, in the fewest calls', async () => {
    emulator.clearRequests();
    const { code, json } = await run(
      'inventory',
      '--profile',
      'one',
      '--region',
      'eu-central-1',
      '--output',
      'json',
    );
    expect(code).toBe(0);
    const { sources, stages } = json() as { sources: unknown[]; stages: { apiName: string }[] };
    expect(sources).toEqual([
      {
        account: 'one',
        region: 'eu-central-1',
        state: 'read',
        certificates: 5,
        quotaLeft: 55,
        apis: 2,
        stages: 2,
        unused: 4,
      },
    ]);
    expect(stages).toMatchObject([
      {
        apiName: '=orders,"x"',
        stageName: 'prod',
        clientCertificateId: ids.used,
        daysLeft: 164,
        status: 'ok',
      },
      { apiName: 'bare', stageName: 'prod' },
    ]);
    // Certificates, REST APIs, WebSocket APIs, and the stages of two APIs.
    expect(emulator.requests()).toHaveLength(1 + 1 + 1 + 2);
  });

  test('inventory as CSV keeps formulas from running', async () => {
    const { stdout } = await run(
      'inventory',
      '--profile',
      'one',
      '--region',
      'eu-central-1',
      '--output',
      'csv',
    );
    expect(stdout.split('\r\n')[1]).toContain(`,"'=orders,""x""",prod,${ids.used},ok,164,`);
  });
});

describe('prune', () => {
  test('shows only what may go, and where nobody can be asked it deletes nothing', async () => {
    const { code, stdout, stderr } = await run('prune', '--profile', 'one', '--region', 'eu-central-1');
    expect(code).toBe(0);
    const shown = stdout.trimEnd().split('\n').slice(1);
    expect(shown.map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      [ids.expired, 'expired'],
      [ids.aborted, 'aborted rotation'],
    ]);
    expect(stderr).toBe(
      `account one, Region eu-central-1, endpoint ${emulator.url.replace('127.0.0.1', 'localhost')}\n` +
        'nothing was deleted; add --yes to delete them\n',
    );
    expect((await run('list', '--profile', 'one', '--region', 'eu-central-1')).stdout).toContain(ids.expired);
  });

  test('spares a rotation that may still be under way, whatever --older-than says', async () => {
    const { json } = await run(
      'prune',
      '--profile',
      'one',
      '--region',
      'eu-central-1',
      '--older-than',
      '0s',
      '--output',
      'json',
    );
    const { items: candidates } = json() as { items: { clientCertificateId: string }[] };
    expect(candidates.map((each) => each.clientCertificateId)).toEqual([ids.expired, ids.aborted]);
  });

  test('--yes deletes, and says which is still there when AWS refuses one', async () => {
    emulator.addFault({
      operation: 'DeleteClientCertificate',
      occurrence: 1,
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
    });
    const first = await run(
      'prune',
      '--profile',
      'one',
      '--region',
      'eu-central-1',
      '--yes',
      '--output',
      'json',
    );
    expect(first.code).toBe(1);
    expect(first.json()).toMatchObject({
      deleted: [{ clientCertificateId: ids.aborted }],
      failed: [{ clientCertificateId: ids.expired, error: { code: 'AccessDenied' } }],
    });
    const second = await run('prune', '--profile', 'one', '--region', 'eu-central-1', '--yes');
    expect(second).toMatchObject({ code: 0, stdout: `deleted ${ids.expired} in one/eu-central-1\n` });
    const { stdout } = await run('list', '--profile', 'one', '--region', 'eu-central-1');
    for (const id of [ids.used, ids.plain, ids.young]) expect(stdout).toContain(id);
    for (const id of [ids.expired, ids.aborted]) expect(stdout).not.toContain(id);
  });
});

describe('accounts of the configuration', () => {
  const withConfiguration = async (text: string, ...words: string[]) => {
    const file = join(env['HOME'] ?? '', 'apigw-cert.yaml');
    await writeFile(file, text);
    return run('check-expiry', '--all', '--config', file, '--output', 'json', ...words);
  };
  interface Sources {
    sources: {
      account: string;
      region: string;
      state: string;
      error?: { code: string; message: string; hint: string };
    }[];
  }

  test('a role is assumed once for all its Regions, with its external id', async () => {
    const asked: string[] = [];
    const end = new Date(Date.now() + 3_600_000).toISOString();
    env['AWS_ENDPOINT_URL_STS'] = await serve((request, response) => {
      request.on('data', (data: Buffer) => asked.push(data.toString()));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'text/xml' });
        response.end(
          `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/watch/apigw-cert</Arn><AssumedRoleId>x:apigw-cert</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>AKIDTEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
        );
      });
    });
    const { json } = await withConfiguration(`
accounts:
  - name: shop
    profile: one
    roleArn: arn:aws:iam::210987654321:role/watch
    externalId: e-1
    regions: [eu-central-1, eu-west-1]
`);
    expect((json() as Sources).sources).toMatchObject([
      { account: 'shop', region: 'eu-central-1', accountId: '210987654321', state: 'read' },
      { account: 'shop', region: 'eu-west-1', accountId: '210987654321', state: 'read', certificates: 0 },
    ]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('ExternalId=e-1');
  });

  test('a role that cannot be assumed is said to be that, and the other account still counts', async () => {
    env['AWS_ENDPOINT_URL_STS'] = await serve((_request, response) => {
      response.writeHead(403, { 'content-type': 'text/xml' });
      response.end(
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>',
      );
    });
    const { code, json } = await withConfiguration(`
regions: [eu-central-1]
accounts:
  - { name: denied, profile: one, roleArn: 'arn:aws:iam::210987654321:role/watch' }
  - { profile: two }
`);
    expect(code).toBe(3);
    expect((json() as Sources).sources).toMatchObject([
      {
        account: 'denied',
        state: 'unknown',
        error: {
          code: 'CredentialsRefused',
          message:
            'the role arn:aws:iam::210987654321:role/watch cannot be assumed: not authorized to perform: sts:AssumeRole',
        },
      },
      { account: 'two', state: 'read' },
    ]);
  });

  test('all Regions are those that AWS says are enabled; where it does not say, the account is unknown', async () => {
    env['AWS_ENDPOINT_URL_ACCOUNT'] = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          Regions: [
            { RegionName: 'eu-central-1', RegionOptStatus: 'ENABLED_BY_DEFAULT' },
            { RegionName: 'ap-east-1', RegionOptStatus: 'ENABLED' },
          ],
        }),
      );
    });
    const words = ['check-expiry', '--all', '--profile', 'two', '--region', 'all', '--output', 'json'];
    const all = await run(...words);
    expect((all.json() as Sources).sources.map(({ region }) => region)).toEqual([
      'eu-central-1',
      'ap-east-1',
    ]);
    env['AWS_ENDPOINT_URL_ACCOUNT'] = await serve((_request, response) => {
      response.writeHead(403, {
        'content-type': 'application/json',
        'x-amzn-errortype': 'AccessDeniedException',
      });
      response.end('{"message":"no"}');
    });
    const denied = await run(...words);
    expect(denied.code).toBe(3);
    expect((denied.json() as Sources).sources).toMatchObject([
      {
        account: 'two',
        region: 'all',
        state: 'unknown',
        error: { hint: expect.stringContaining('account:ListRegions') as unknown },
      },
    ]);
  });
});

test.each([
  ['comes again', () => 'same', 'the same position was returned twice'],
  ['is always another', (page: number) => `page-${page}`, '1000 pages were returned'],
])('a page token that %s makes its source unknown', async (_how, position, reason) => {
  let page = 0;
  const endless = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ item: [], position: position(page++) }));
  });
  const { code, stdout } = await run(
    ...['check-expiry', '--profile', 'two', '--region', 'eu-central-1', '--rate', 'unlimited'],
    ...['--endpoint-url', endless],
  );
  expect(code).toBe(3);
  expect(stdout).toContain(`the pages of a list do not end: ${reason}`);
});

test('a clock that is wrong is told, with how far', async () => {
  const late = await serve((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      date: new Date(Date.now() - 120_500).toUTCString(),
    });
    response.end('{"item":[]}');
  });
  const { code, stdout } = await run(
    'check-expiry',
    '--profile',
    'two',
    '--region',
    'eu-central-1',
    '--endpoint-url',
    late,
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(/the clock of this machine is 2 m( \d s)? ahead of that of AWS \[ClockSkew\]/);
});

test('ten thousand certificates are read page by page and all told', async () => {
  const client = clientOf(emulator, { region: 'us-east-2' });
  const { pem } = await generateCertificate(client);
  client.destroy();
  const dates = { createdDate: 1_700_000_000, expirationDate: 1_700_000_000 + 365 * 86_400 };
  let pages = 0;
  const many = await serve((request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('position') ?? 0);
    pages += 1;
    const item = Array.from({ length: 500 }, (_, i) => ({
      clientCertificateId: `c${page * 500 + i}`,
      pemEncodedCertificate: pem,
      ...dates,
    }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ item, ...(page < 19 ? { position: String(page + 1) } : {}) }));
  });
  const { code, json } = await run(
    ...['check-expiry', '--all', '--profile', 'two', '--region', 'eu-central-1', '--output', 'json'],
    ...['--endpoint-url', many],
  );
  const { items, findings } = json() as { items: unknown[]; findings: { code: string }[] };
  expect({ code, pages, items: items.length }).toEqual({ code: 1, pages: 20, items: 10_000 });
  expect(findings.filter((each) => each.code === 'QuotaNearlyUsed')).toHaveLength(1);
});
