import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  probeCallsOf,
  stageJob,
  type OtherTarget,
  type RotationJob,
  type TrustDescription,
} from '../../../src/rotation/engine/jobs.js';
import { newRotationId, storesOf } from '../../../src/rotation/engine/request.js';
import type { Stage } from '../../../src/control-plane/api-gateway.js';
import { DEFAULT_SETTINGS } from '../../../src/settings/rotation.js';

/* What a rotation of one target is handed of its own, and of the targets that share its certificate. */

const APIS = [
  { id: 'a1', name: 'orders' },
  { id: 'p1', name: 'payments' },
];
const job = (more: Partial<RotationJob> = {}): RotationJob => ({
  target: 'orders',
  addresses: [],
  settings: DEFAULT_SETTINGS,
  account: { origins: {} },
  trust: [],
  others: [],
  publish: [],
  publishing: [],
  remote: [],
  hooks: {},
  origins: {},
  ...more,
});
const call = (path: string) => ({ method: 'GET', path });

describe('the calls that prove a backend', () => {
  const target = { restApiId: 'a1', stageName: 'prod' };
  const other = (api: string, path?: string): OtherTarget => ({
    api,
    stages: ['prod'],
    trust: [],
    ...(path === undefined ? {} : { probe: call(path) }),
  });
  const probes = (more: Partial<RotationJob>) => Object.fromEntries(probeCallsOf(job(more), target, APIS));

  test('are those of other targets, by name or id, and first of all its own', () => {
    expect(probes({ others: [other('payments', '/pay')] })).toEqual({ p1: call('/pay') });
    expect(probes({ others: [other('p1', '/pay'), other('orders', '/other')], probe: call('/own') })).toEqual(
      {
        p1: call('/pay'),
        a1: call('/own'),
      },
    );
    expect(probes({ others: [other('p1'), other('unknown', '/x')] })).toEqual({});
  });
});

test.each([
  ['generated', { toGenerated: true }],
  ['c1', { to: 'c1' }],
])('--to %s', (to, wanted) => {
  const { toGenerated, to: id } = stageJob(
    { stage: 'orders/prod' },
    undefined,
    { account: {}, values: { to } },
    { account: { origins: {} } },
  );
  expect({ toGenerated, to: id }).toEqual(wanted);
});

describe('the trust stores', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apigw-cert-stores-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const store = (name: string): TrustDescription => ({ kind: 'pem-bundle', file: join(folder, name) });
  const stage = (stageName: string): Stage => ({
    restApiId: 'a1',
    stageName,
    deploymentId: 'd1',
    variables: {},
    tags: {},
  });

  test('are its own, those of targets that share the certificate, and what the rotation has changed', async () => {
    const lent: OtherTarget = {
      api: 'orders',
      stages: ['beta'],
      trust: [store('b'), store('c'), store('a')],
    };
    const of = storesOf(job({ trust: [store('a')], others: [lent] }), APIS, { announce: () => undefined });
    const names = async (moving: readonly Stage[], changed: readonly string[] = []): Promise<string[]> =>
      (await of(moving, changed)).map(({ name }) => name);
    const [a = '', b = '', c = ''] = await names([stage('beta')]);
    expect(await names([stage('beta')])).toEqual([a, b, c]);
    expect([a, b, c].map((name) => name.slice(-2))).toEqual(['/a', '/b', '/c']);
    expect(await names([stage('prod')])).toEqual([a]);
    // What a rotation has put somewhere it takes away there, whatever the stage that lent the store presents by now.
    expect(await names([stage('prod')], [c])).toEqual([a, c]);
    expect(await names([stage('prod')], ['another'])).toEqual([a]);
    expect(await names([stage('beta')], [c])).toEqual([a, b, c]);
    // Each is made once.
    expect((await of([stage('prod')], []))[0]).toBe((await of([stage('beta')], []))[0]);
  });
});

test('an id of a rotation sorts by time, and differs at the same time', () => {
  const at = new Date('2026-11-28T12:34:56.789Z');
  const ids = [newRotationId(at), newRotationId(at)];
  for (const id of ids) expect(id).toMatch(/^20261128T123456Z-[0-9a-f]{8}$/);
  expect(new Set(ids).size).toBe(2);
});
