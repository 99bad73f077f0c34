import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  configuredJobs,
  type Configuration,
  type JobFlags,
  type TrustDescription,
} from '../../../src/rotation/engine/jobs.js';
import { remoteTargets } from '../../../src/rotation/engine/remote.js';
import { openTrustStore } from '../../../src/rotation/engine/stores.js';

const nobody = { announce: () => undefined };
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'apigw-cert-remote-')));
  file = join(folder, 'ca.pem');
  await writeFile(file, '');
  await symlink(file, join(folder, 'link.pem'));
});
afterAll(() => rm(folder, { recursive: true }));

const bundle = (path: string): TrustDescription => ({ kind: 'pem-bundle', file: path });
const ssm = (parameter: string): TrustDescription => ({ kind: 'ssm', parameter });
const secret = (secret: string): TrustDescription => ({ kind: 'secretsmanager', secret });
const object = (namespace?: string): TrustDescription => ({
  kind: 'kubernetes',
  resource: 'secret',
  name: 'trust',
  key: 'ca.crt',
  ...(namespace === undefined ? {} : { namespace }),
});
const command = (add: string): TrustDescription => ({ kind: 'command', add, remove: 'true' });
const ARN = 'arn:aws:ssm:eu-central-1:123456789012:parameter/orders/trust';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbC123';

test.each<[string, () => [TrustDescription, TrustDescription], boolean]>([
  ['a relative path', () => [bundle(file), bundle(relative(process.cwd(), file))], true],
  ['a link', () => [bundle(file), bundle(join(folder, 'link.pem'))], true],
  [
    'a path to what is not there yet',
    () => [bundle('new/ca.pem'), bundle(join(process.cwd(), 'new/ca.pem'))],
    true,
  ],
  ['another file', () => [bundle(file), bundle(join(folder, 'other.pem'))], false],
  ['an ARN of a parameter', () => [ssm('/orders/trust'), ssm(ARN)], true],
  ['another parameter', () => [ssm('/orders/trust'), ssm('/orders/trust2')], false],
  ['an ARN of a secret', () => [secret('orders'), secret(SECRET)], true],
  ['no namespace', () => [object(), object('default')], true],
  ['another namespace', () => [object('eu'), object('us')], false],
  ['another command', () => [command('add-one'), command('add-two')], true],
  ['a command beside a file', () => [command('add-one'), bundle(file)], false],
])('a trust store of another target by %s', async (_, stores, isShared) => {
  const [own, theirs] = stores();
  const place = { target: 'there', api: 'orders', stages: ['live'], account: { origins: {} } };
  const [remote] = remoteTargets([{ ...place, trust: [theirs] }], () => Promise.reject(new Error('none')));
  expect(await remote?.sharesAny([openTrustStore(own, nobody)])).toBe(isShared);
});

test.each<[string, JobFlags['account'], { region?: string; profile?: string }, string[]]>([
  ["is not in the Region of the job's target", {}, { region: 'us-east-1' }, ['plain']],
  ["is not reached by the profile of the job's target", {}, { profile: 'two' }, ['plain']],
  ['is reached as flags say', { region: 'us-east-1' }, {}, []],
])('a target that says nothing of its place %s', (_, account, place, expected) => {
  const target = { api: 'orders', stages: ['live'], trust: [bundle('ca.pem')] };
  const configuration: Configuration = { targets: { plain: target, placed: { ...target, ...place } } };
  const [job] = configuredJobs(configuration, 'placed', { account, values: {} });
  expect(job?.remote.map((one) => one.target)).toEqual(expected);
  expect(job?.remote.map((one) => [one.account.region, one.account.profile])).toEqual(
    expected.map(() => [undefined, undefined]),
  );
});
