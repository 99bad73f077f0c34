import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openState, type State } from '../../src/rotation/journal/state.js';
import type { StatePlace } from '../../src/settings/state-place.js';
import { createTable } from '../../src/state/create.js';
import { dynamoDbStore } from '../../src/state/dynamodb.js';
import { s3Store } from '../../src/state/s3.js';
import { documentStoreContract } from '../contract/document-store.contract.js';
import { ended, started, stateContract } from '../contract/state.contract.js';
import type { DynamoDb } from '../support/dynamodb.js';
import type { S3Double } from '../support/s3-double.js';
import { startStateServices } from '../support/state-services.js';

let db: DynamoDb;
let s3: S3Double;
let folder: string;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ db, s3, folder, close } = await startStateServices('example-state'));
});
afterAll(() => close());

const TABLE: StatePlace = { kind: 'dynamodb', table: 'apigw-cert' };
const BUCKET: StatePlace = { kind: 's3', bucket: 'example-state', prefix: 'a/b' };

stateContract('a folder', () => openState({ kind: 'folder', directory: folder }));
stateContract('DynamoDB', () => openState(TABLE));
stateContract('S3', () => openState(BUCKET));

documentStoreContract('DynamoDB', () => dynamoDbStore('apigw-cert'));
documentStoreContract('S3', () => s3Store('example-state', 'c'));

describe('DynamoDB', () => {
  const key = (name: string) => ({ group: 'faults', name });

  test.each(['lostAfter', 'lostBefore', 'error500', 'throttled'] as const)(
    'a write whose answer is %s is settled',
    async (fault) => {
      const store = dynamoDbStore('apigw-cert');
      const first = await store.write(key(fault), 'one', undefined);
      db.faults.push(fault);
      const second = await store.write(key(fault), 'two', first);
      expect(second).toEqual(expect.any(String));
      expect(await store.read(key(fault))).toMatchObject({ text: 'two', version: second });
      expect(db.faults).toEqual([]);
    },
  );

  test('a denied write names the permission', async () => {
    db.faults.push('denied');
    await expect(dynamoDbStore('apigw-cert').write(key('denied'), 'x', undefined)).rejects.toMatchObject({
      code: 'AccessDenied',
      hint: expect.stringContaining('allow dynamodb:PutItem on the table apigw-cert'),
    });
  });

  test('a missing table says how to create it', async () => {
    await expect(dynamoDbStore('nowhere').read(key('x'))).rejects.toMatchObject({
      code: 'StateUnavailable',
      message: 'the DynamoDB table nowhere does not exist',
      hint: 'create it: apigw-cert state create --state dynamodb:nowhere',
    });
    const state = await openState({ kind: 'dynamodb', table: 'nowhere' });
    await expect(state.journal.append('r1', started('r1'))).rejects.toMatchObject({
      code: 'JournalNotWritable',
      hint: 'create it: apigw-cert state create --state dynamodb:nowhere',
    });
    await expect(state.lease.hold('x')).rejects.toMatchObject({ code: 'StateUnavailable' });
  });

  test('a table is created once, and one with another key is refused', async () => {
    expect(await createTable('second-table', {})).toBe('created');
    expect(await createTable('second-table', {})).toBe('exists');
    const { connectDynamoDb } = await import('../../src/state/dynamodb.js');
    const { sdk, client } = await connectDynamoDb('x', {});
    await client.send(
      new sdk.CreateTableCommand({
        TableName: 'other-key',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      }),
    );
    await expect(createTable('other-key', {})).rejects.toMatchObject({
      code: 'StateUnavailable',
      message: 'the DynamoDB table other-key exists and has the key id, not pk, sk',
    });
  });

  test('an unknown Region asks for the ARN', async () => {
    const region = process.env['AWS_REGION'];
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    delete process.env['AWS_REGION'];
    try {
      await expect(dynamoDbStore('apigw-cert').read(key('x'))).rejects.toMatchObject({
        code: 'RegionMissing',
        hint: expect.stringContaining('dynamodb:arn:aws:dynamodb:REGION:ACCOUNT:table/NAME'),
      });
    } finally {
      process.env['AWS_REGION'] = region;
    }
  });
});

describe('S3', () => {
  const key = (name: string) => ({ group: 'faults', name });

  test.each(['ConditionalRequestConflict', 'SlowDown'] as const)(
    'a write answered %s is repeated',
    async (fault) => {
      const store = s3Store('example-state', '');
      const first = await store.write(key(fault), 'one', undefined);
      s3.faults.push(fault);
      expect(await store.write(key(fault), 'two', first)).toEqual(expect.any(String));
      expect((await store.read(key(fault)))?.text).toBe('two');
      expect(s3.faults).toEqual([]);
    },
  );

  test('objects are in the prefix', async () => {
    await s3Store('example-state', 'p/q').write(key('here'), 'x', undefined);
    await s3Store('example-state', '').write(key('here'), 'x', undefined);
    expect([...s3.objects.keys()].filter((path) => path.endsWith('/here'))).toEqual([
      '/example-state/p/q/faults/here',
      '/example-state/faults/here',
    ]);
  });

  test('a missing bucket and a denied read say what to do', async () => {
    await expect(s3Store('nowhere-at-all', 'x').read(key('x'))).rejects.toMatchObject({
      code: 'StateUnavailable',
      message: 'the S3 bucket nowhere-at-all does not exist',
      hint: expect.stringContaining('apigw-cert state create --template --state s3://nowhere-at-all/x'),
    });
    s3.faults.push('AccessDenied');
    await expect(s3Store('example-state', 'x').read(key('x'))).rejects.toMatchObject({
      code: 'AccessDenied',
      hint: expect.stringMatching(
        /allow s3:GetObject on arn:aws:s3:::example-state\/x\/\*, and s3:ListBucket/,
      ),
    });
  });
});

/** What the double answers, against the documented rules by which S3 answers. */
describe('the double of S3', () => {
  const ask = (path: string, headers: Record<string, string>, method = 'PUT') =>
    fetch(`${s3.url}/example-state/double/${path}`, {
      method,
      headers,
      ...(method === 'PUT' ? { body: path } : {}),
    });
  const codeOf = async (response: Response) =>
    [response.status, /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1]] as const;

  test('If-None-Match: * writes once, then 412 PreconditionFailed', async () => {
    expect((await ask('once', { 'if-none-match': '*' })).status).toBe(200);
    expect(await codeOf(await ask('once', { 'if-none-match': '*' }))).toEqual([412, 'PreconditionFailed']);
  });

  test('If-Match wants the ETag, and 404 NoSuchKey where there is no object', async () => {
    const etag = (await ask('match', {})).headers.get('etag') ?? '';
    expect((await ask('match', { 'if-match': etag })).status).toBe(200);
    expect(await codeOf(await ask('match', { 'if-match': '"x"' }))).toEqual([412, 'PreconditionFailed']);
    expect(await codeOf(await ask('none', { 'if-match': etag }))).toEqual([404, 'NoSuchKey']);
  });

  test('of 50 conditional writes at once one is done, and the others are 412 or 409', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask('race', { 'if-none-match': '*' })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status !== 200 && status !== 412 && status !== 409)).toEqual([]);
    expect(await codeOf(await ask('race', {}, 'GET'))).toEqual([200, undefined]);
    expect(await codeOf(await ask('absent', {}, 'GET'))).toEqual([404, 'NoSuchKey']);
  });
});

/** A run that has lost its lease may still write until it notices. */
describe.each([
  ['DynamoDB', TABLE],
  ['S3', BUCKET],
] as const)('the shared journal in %s', (name, place) => {
  const id = `fence-${name}`;
  let state: State;
  let other: State;

  beforeEach(async () => {
    [state, other] = await Promise.all([openState(place), openState(place)]);
  });

  test('refuses a record of an earlier lease than one that is there', async () => {
    await state.journal.append(id, started(id), 1);
    await other.journal.append(id, { type: 'note', at: new Date(0).toISOString(), text: 'later' }, 2);
    await expect(state.journal.append(id, ended, 1)).rejects.toMatchObject({ code: 'LockLost' });
    await expect(state.journal.append(id, ended, 1)).rejects.toMatchObject({ code: 'LockLost' });
    await other.journal.append(id, ended, 2);
    expect((await state.journal.open(id)).map(({ type }) => type)).toEqual(['started', 'note', 'ended']);
  });
});
