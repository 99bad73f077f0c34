/** Parameters of Systems Manager that an id is published in: the emulator's, by the SDK. */
import { PutParameterCommand, GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { ssmPublication } from '../../src/publications/kinds/ssm.js';

const REGION = 'eu-central-1';
const nothing = () => Promise.resolve();

let emulator: Emulator;
let ssm: SSMClient;
beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
  emulator = await startEmulator();
  ssm = new SSMClient({
    endpoint: emulator.url,
    region: REGION,
    credentials: {
      accessKeyId: process.env['AWS_ACCESS_KEY_ID'],
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'],
    },
  });
});
afterAll(async () => {
  ssm.destroy();
  await emulator.close();
});

const publication = (parameter: string) =>
  ssmPublication({ kind: 'ssm', parameter, endpointUrl: emulator.url }, { region: REGION });
const held = async (Name: string) => (await ssm.send(new GetParameterCommand({ Name }))).Parameter;

test('a parameter that is not there is made, and one that is gets another version', async () => {
  const made = publication('/orders/new');
  expect(await made.observe()).toEqual({ state: 'empty' });
  await made.publish('abc123', nothing);
  expect(await held('/orders/new')).toMatchObject({ Type: 'String', Value: 'abc123', Version: 1 });
  await made.publish('abc123', nothing);
  await made.publish('def456', nothing);
  expect(await held('/orders/new')).toMatchObject({ Type: 'String', Value: 'def456', Version: 2 });
  expect(await made.observe()).toEqual({ state: 'holds', clientCertificateId: 'def456' });
});

test.each([
  ['SecureString', 'abc123', /the parameter is a SecureString, not a String/],
  ['StringList', 'abc123', /the parameter is a StringList, not a String/],
  ['String', 'Correct-Horse-Battery', /holds something other than the ID of a certificate \(21 characters\)/],
] as const)(
  'a %s of somebody else is neither read as an id nor overwritten',
  async (Type, Value, message) => {
    const Name = `/else/${Type}`;
    await ssm.send(new PutParameterCommand({ Name, Type, Value }));
    const there = publication(Name);
    await expect(there.observe()).rejects.toMatchObject({
      code: 'PublicationUnreadable',
      message: expect.stringMatching(message),
    });
    await expect(there.publish('def456', nothing)).rejects.toMatchObject({ code: 'PublicationUnreadable' });
    expect(await held(Name)).toMatchObject({ Type, Value, Version: 1 });
  },
);

test('what says what holds anyway makes it no other place', () => {
  const nameOf = (entry: object, place: object = {}) =>
    ssmPublication({ kind: 'ssm', parameter: '/p', ...entry }, { region: REGION, ...place }).name;
  expect(nameOf({ region: REGION })).toBe(nameOf({}));
  expect(nameOf({ profile: 'prod' }, { profile: 'prod' })).toBe(nameOf({}));
  const others = [
    nameOf({ region: 'eu-west-1' }),
    nameOf({ profile: 'prod' }),
    nameOf({ profile: 'prod' }, { profile: 'prod', roleArn: 'arn:aws:iam::123456789012:role/r' }),
    nameOf({ region: 'eu-west-1', profile: 'prod' }),
  ];
  expect(others).not.toContain(nameOf({}));
  expect(new Set(others).size).toBe(3);
});
