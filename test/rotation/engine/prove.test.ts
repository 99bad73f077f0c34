import type { Certificate } from '../../../src/control-plane/certificate.js';
import {
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  PutIntegrationCommand,
  PutMethodCommand,
  type APIGatewayClient,
} from '@aws-sdk/client-api-gateway';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { observeCertificates } from '../../../src/rotation/engine/observe.js';
import { proveBack, proveEnd } from '../../../src/rotation/engine/prove-others.js';
import { callsToCome, probesOf, proveBoth, proveNew } from '../../../src/rotation/engine/prove.js';
import { observedAccount } from '../../../src/rotation/engine/observed-account.js';
import { remembering } from '../../../src/control-plane/remembering.js';
import { newRun, type Run } from '../../../src/rotation/engine/run.js';
import type { Integration, Stage } from '../../../src/control-plane/api-gateway.js';
import { callsKey } from '../../../src/rotation/rules/calls.js';
import type { StoreView } from '../../../src/rotation/rules/next-step.js';
import { isAsWanted, type ProofEvidence } from '../../../src/rotation/rules/proof.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../../src/settings/rotation.js';
import { startEmulator, type Emulator } from '../../../src/emulator/index.js';
import { createAwsControlPlane } from '../../../src/control-plane/aws.js';
import type { ControlPlane } from '../../../src/control-plane/control-plane.js';
import { startBackend, type Backend } from '../../support/backend.js';
import {
  attachCertificate,
  clientOf,
  generateCertificate,
  type GeneratedCertificate,
} from '../../support/emulator.js';

process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDTEST';
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';

type Options = NonNullable<Parameters<typeof startBackend>[0]>;

interface World {
  emulator: Emulator;
  client: APIGatewayClient;
  controlPlane: ControlPlane;
  backends: Backend[];
  restApiId: string;
  old: GeneratedCertificate;
  next: GeneratedCertificate;
}

let closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

/** `GET /a` or, where the integration calls with another method, `GET /a PUT`, to the URI. */
type Methods = Record<string, string>;

async function makeApi(client: APIGatewayClient, methods: Methods): Promise<string> {
  const { id: restApiId = '', rootResourceId = '' } = await client.send(
    new CreateRestApiCommand({ name: 'orders' }),
  );
  const ids = new Map([['', rootResourceId]]);
  for (const [name, uri] of Object.entries(methods)) {
    const [httpMethod = '', path = '', integrationHttpMethod = httpMethod] = name.split(' ');
    let at = '';
    for (const pathPart of path.split('/').filter(Boolean)) {
      const below = `${at}/${pathPart}`;
      if (!ids.has(below)) {
        const parentId = ids.get(at) ?? '';
        const { id = '' } = await client.send(new CreateResourceCommand({ restApiId, parentId, pathPart }));
        ids.set(below, id);
      }
      at = below;
    }
    const method = { restApiId, resourceId: ids.get(at) ?? '', httpMethod };
    await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE' }));
    await client.send(
      new PutIntegrationCommand({ ...method, type: 'HTTP_PROXY', integrationHttpMethod, uri }),
    );
  }
  await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'prod' }));
  return restApiId;
}

/** Real backends behind an API of the emulator; old and new certificate are pinned everywhere. */
async function start(
  options: readonly Options[],
  methods: (urls: readonly string[]) => Methods = (urls) =>
    Object.fromEntries(urls.map((url, i) => [`GET /${i}`, `${url}/health`])),
): Promise<World> {
  const backends = await Promise.all(options.map((one) => startBackend(one)));
  for (const backend of backends) closers.push(() => backend.close());
  const emulator = await startEmulator({ rateLimit: false, backendCa: backends.map(({ caPem }) => caPem) });
  closers.push(() => emulator.close());
  const client = clientOf(emulator);
  const old = await generateCertificate(client);
  const next = await generateCertificate(client);
  for (const { pins } of backends) pins.add(old.fingerprint).add(next.fingerprint);
  const restApiId = await makeApi(client, methods(backends.map(({ url }) => url)));
  await attachCertificate(client, { restApiId, stageName: 'prod' }, old.id);
  const controlPlane = await createAwsControlPlane({ region: 'eu-central-1', endpoint: emulator.url });
  return { emulator, client, controlPlane, backends, restApiId, old, next };
}

/** What an engine would hand over; the trust stores are seen as `stores`. */
async function runOf(
  { controlPlane, restApiId, old, next }: World,
  {
    settings = {},
    stages,
    stores = [],
    probe,
    integrations,
    skipsWaits = false,
  }: {
    settings?: Partial<RotationSettings>;
    stages?: readonly Stage[];
    stores?: readonly StoreView[];
    probe?: string;
    integrations?: readonly Integration[];
    /** Waits take no time, and no time passes but by them. */
    skipsWaits?: boolean;
  } = {},
): Promise<{ run: Run; old: Certificate; next: Certificate }> {
  const target = { restApiId, stageName: 'prod' };
  const [method = '', path = ''] = (probe ?? '').split(' ');
  const seen = (await observeCertificates(controlPlane)).map((certificate) =>
    certificate.clientCertificateId === next.id
      ? { ...certificate, mark: { rotationId: 'r1', replaces: old.id } }
      : certificate,
  );
  const known = integrations
    ? { ...controlPlane, getWebSocketIntegrations: () => Promise.resolve([...integrations]) }
    : controlPlane;
  const began = Date.now();
  let waited = 0;
  const now = (): Date => (skipsWaits ? new Date(began + waited) : new Date());
  const remembered = remembering(known, now);
  const run = newRun({
    deps: {
      controlPlane: remembered,
      apis: [],
      probeCalls: new Map(probe === undefined ? [] : [[restApiId, { method, path }]]),
      account: observedAccount(remembered, now),
      stores: () => [],
      journal: {
        open: () => Promise.resolve([]),
        isUnended: () => Promise.resolve(false),
        append: () => Promise.resolve(),
        ends: () => Promise.resolve([]),
        read: () => Promise.resolve(undefined),
        remove: () => Promise.resolve(false),
      },
      now,
      sleep: (ms, signal) => {
        waited += ms;
        return sleep(skipsWaits ? 0 : ms, undefined, { signal });
      },
      newRotationId: () => 'r1',
      emit: () => undefined,
      signal: new AbortController().signal,
      assertHeld: () => Promise.resolve(),
      confirm: () => Promise.resolve(),
      request: () => Promise.resolve(200),
    },
    request: {
      settings: { ...DEFAULT_SETTINGS, probes: 3, settle: 300, ...settings },
      hooks: {},
    },
    rotationId: 'r1',
    oldId: old.id,
    target,
    onlyTarget: false,
    since: new Date(),
    certificates: seen,
    stages: stages ?? [await controlPlane.getStage(target)],
  });
  run.stores = stores;
  const named = (id: string): Certificate => {
    const found = seen.find(({ clientCertificateId }) => clientCertificateId === id);
    if (!found) throw new Error(`no certificate ${id}`);
    return found;
  };
  return { run, old: named(old.id), next: named(next.id) };
}

const hostOf = (world: World, at: number): string => new URL(world.backends[at]?.url ?? '').host;

/** Who was treated how by which backend, and after how many tries. */
const outcomes = ({ proof }: ProofEvidence): string[] =>
  proof.results.flatMap(({ caller, backends }) =>
    backends.map(({ backend, outcome, tried }) => `${caller} ${outcome} ${tried} ${backend}`),
  );

const codes = ({ warnings }: Run): string[] => warnings.map(({ code }) => code);

describe('before the switch', () => {
  test('every backend is asked with new and old, without any, and with another certificate', async () => {
    const world = await start([{}, {}]);
    const other = await generateCertificate(world.client);
    const { run, old, next } = await runOf(world);
    const evidence = await proveBoth(run, old, next);
    const [a, b] = [hostOf(world, 0), hostOf(world, 1)];
    expect(outcomes(evidence)).toEqual([
      ...[`new accepted 3 ${a}`, `new accepted 3 ${b}`],
      ...[`old accepted 3 ${a}`, `old accepted 3 ${b}`],
      ...[`none refused 1 ${a}`, `none refused 1 ${b}`],
      ...[`other refused 1 ${a}`, `other refused 1 ${b}`],
    ]);
    expect(evidence.proof.results.map(({ certificateId }) => certificateId)).toEqual([
      world.next.id,
      world.old.id,
      undefined,
      other.id,
    ]);
    expect(evidence.proof).toMatchObject({ unreached: [], gone: [], noOther: false });
    expect(isAsWanted(evidence.proof)).toBe(true);
    expect(run.warnings).toEqual([]);
    // What is announced is what is done, and what the backends saw.
    const calls = await callsToCome(run, ['preflight']);
    // No look at the account has shown what the API is called.
    const { restApiId } = world;
    const stages = [{ restApiId, apiName: restApiId, stageName: 'prod' }];
    expect(calls).toEqual([
      { method: 'GET', path: '/0', backend: a, stages, times: 8 },
      { method: 'GET', path: '/1', backend: b, stages, times: 8 },
    ]);
    for (const { accepted, refused } of world.backends) {
      expect([...accepted.values(), ...refused.values()]).toEqual([3, 3, 1, 1]);
    }
  });

  test('where the account has no other certificate, it says so, and makes none', async () => {
    const world = await start([{}]);
    const { run, old, next } = await runOf(world);
    const { proof } = await proveBoth(run, old, next);
    expect(proof.results.map(({ caller }) => caller)).toEqual(['new', 'old', 'none']);
    expect(proof.noOther).toBe(true);
    expect(await world.controlPlane.getClientCertificates()).toHaveLength(2);
  });

  test('one that a trust store of the rotation holds is nobody who should be refused', async () => {
    const world = await start([{}]);
    const other = await generateCertificate(world.client);
    for (const held of ['trusts', 'mayTrust'] as const) {
      const store = { name: 'file', trusts: [], mayTrust: [], added: [], [held]: [other.fingerprint] };
      const { run, old, next } = await runOf(world, { stores: [store] });
      expect((await proveBoth(run, old, next)).proof.noOther).toBe(true);
    }
  });

  test.each<[string, Options, string, RegExp]>([
    ['a caller without a certificate', { demand: false }, 'none', /^localhost:\d+ accepts a caller without/],
    [
      'another certificate',
      { anyCertificate: true },
      'other',
      /^localhost:\d+ accepts the client certificate \w{6}, /,
    ],
  ])('of two backends, one that accepts %s is named', async (_, options, caller, message) => {
    const world = await start([{}, options]);
    await generateCertificate(world.client);
    const { run, old, next } = await runOf(world);
    await expect(proveBoth(run, old, next)).rejects.toMatchObject({
      code: 'BackendDoesNotCheck',
      message: expect.stringMatching(message),
    });
    const open = await runOf(world, { settings: { allowUncheckedBackend: true } });
    const evidence = await proveBoth(open.run, old, next);
    expect(outcomes(evidence)).toContain(`${caller} accepted 1 ${hostOf(world, 1)}`);
    expect(outcomes(evidence)).toContain(`${caller} refused 1 ${hostOf(world, 0)}`);
    expect(isAsWanted(evidence.proof)).toBe(false);
    expect(new Set(codes(open.run))).toEqual(new Set(['BackendDoesNotCheck']));
    expect(open.run.warnings[0]?.message).toMatch(new RegExp(`^${hostOf(world, 1)} accepts`));
  });

  test('of two backends, one that refuses the new certificate is named, and the other is not', async () => {
    const world = await start([{}, {}]);
    world.backends[1]?.pins.delete(world.next.fingerprint);
    const { run, old, next } = await runOf(world);
    await expect(proveBoth(run, old, next)).rejects.toMatchObject({
      code: 'NewCertificateRefused',
      message: expect.stringMatching(new RegExp(`: ${hostOf(world, 1)} answered 403$`)),
    });
  });

  test('a backend that obeys late is waited for, and the others are not asked again', async () => {
    const world = await start([{}, {}]);
    const [quick, slow] = world.backends;
    slow?.pins.delete(world.next.fingerprint);
    const { run, old, next } = await runOf(world, { settings: { settle: 20_000 } });
    const proof = proveBoth(run, old, next);
    while (slow?.refused.get(world.next.fingerprint) !== 2) await sleep(5);
    slow.pins.add(world.next.fingerprint);
    expect(isAsWanted((await proof).proof)).toBe(true);
    expect(quick?.accepted.get(world.next.fingerprint)).toBe(3);
  });

  test('a refusal that hangs up is told from an outage by a call with the other certificate', async () => {
    const world = await start([{ hangUp: true }]);
    await generateCertificate(world.client);
    const { run, old, next } = await runOf(world);
    const evidence = await proveBoth(run, old, next);
    const host = hostOf(world, 0);
    expect(outcomes(evidence)).toEqual([
      `new accepted 3 ${host}`,
      `old accepted 3 ${host}`,
      `none refused 1 ${host}`,
      `other refused 1 ${host}`,
    ]);
    expect(evidence.proof.results[2]?.backends[0]?.detail).toMatch(
      new RegExp(`; the same call succeeds with ${world.next.id}$`),
    );

    world.backends[0]?.pins.delete(world.next.fingerprint);
    const second = await runOf(world);
    await expect(proveBoth(second.run, old, next)).rejects.toMatchObject({
      code: 'NewCertificateRefused',
      message: expect.stringContaining(`the same call succeeds with ${world.old.id}`),
    });
    world.backends[0]?.pins.add(world.next.fingerprint);
    world.backends[0]?.pins.delete(world.old.fingerprint);
    const third = await runOf(world);
    await expect(proveBoth(third.run, old, next)).rejects.toMatchObject({ code: 'OldCertificateRefused' });
  });

  test('an outage is not a refusal: of neither certificate', async () => {
    const world = await start([{}, {}]);
    const { run, old, next } = await runOf(world);
    await world.backends[1]?.close();
    closers = closers.filter((_, i) => i !== 1);
    await expect(proveBoth(run, old, next)).rejects.toMatchObject({
      code: 'ProofInconclusive',
      message: expect.stringMatching(
        new RegExp(`^whether .* ${world.next.id} .*: ${hostOf(world, 1)} did not answer`),
      ),
    });
    await expect(proveNew(run, next)).rejects.toMatchObject({ code: 'ProofInconclusive' });
    await expect(proveBack(run, old)).rejects.toMatchObject({ code: 'ProofInconclusive' });
    await expect(proveEnd(run, next, [])).rejects.toMatchObject({ code: 'ProofInconclusive' });
  });

  test.each(['/status/404', '/status/429', '/status/503'])(
    'nor is %s from a backend that answers everybody so',
    async (path) => {
      const world = await start([{}], ([url = '']) => ({ 'GET /0': `${url}${path}` }));
      const { run, old, next } = await runOf(world);
      await expect(proveBoth(run, old, next)).rejects.toMatchObject({
        code: 'ProofInconclusive',
        message: expect.stringContaining(`answered ${path.slice(-3)}`),
      });
    },
  );

  test('a refusal of the old one is a refusal while the new one is not accepted yet', async () => {
    const world = await start([{}]);
    world.backends[0]?.pins.clear();
    const { run, old, next } = await runOf(world, { settings: { settle: 60_000 } });
    await expect(proveBoth(run, old, next)).rejects.toMatchObject({
      code: 'OldCertificateRefused',
      hint: expect.stringContaining('the new certificate is refused as well'),
    });
  });
});

describe('the calls', () => {
  test('reach what the stage reaches, through nested greedy paths', async () => {
    const world = await start([{}, {}, {}], ([all = '', a = '', b = '']) => ({
      'ANY /{proxy+}': `${all}/{proxy}`,
      'ANY /a/{proxy+}': `${a}/{proxy}`,
      'GET /a/b/{proxy+}': `${b}/{proxy}`,
    }));
    for (const [probe, at] of [
      ['GET /x', 0],
      ['GET /a/b', 1],
      ['GET /a/b/c', 2],
      ['POST /a/b/c', 1],
      ['PUT /a', 0],
    ] as const) {
      const { run, next } = await runOf(world, { probe });
      const before = world.backends.map(({ methods }) => methods.length);
      await proveNew(run, next);
      const [, path = ''] = probe.split(' ');
      const answer = await fetch(
        `${world.emulator.url}/restapis/${world.restApiId}/prod/_user_request_${path}`,
        { method: probe.split(' ')[0] ?? '' },
      );
      await answer.text();
      const since = world.backends.map(({ methods }, i) => methods.slice(before[i]));
      // Three of the proof and the one of the stage.
      expect(since.map((methods) => methods.length)).toEqual([0, 1, 2].map((i) => (i === at ? 4 : 0)));
    }
  });

  test('are none that could write, and a proof without calls shows nothing', async () => {
    const world = await start([{}], ([url = '']) => ({
      'GET /a DELETE': `${url}/a`,
      'GET /b POST': `${url}/b`,
      'GET /c ANY': `${url}/c`,
      'POST /d GET': `${url}/d`,
      'ANY /e': `${url}/e`,
      'GET /f/{id}': `${url}/f`,
    }));
    const { run, old, next } = await runOf(world);
    const host = hostOf(world, 0);
    expect(await callsToCome(run, ['preflight', 'verifySwitch', 'verifyRemoval'])).toEqual([]);
    const before = await proveBoth(run, old, next);
    expect(before.proof).toEqual({ results: [], unreached: [host], gone: [], noOther: false });
    expect(isAsWanted(before.proof)).toBe(false);
    expect(run.warnings).toEqual([
      { code: 'BackendUnproved', message: expect.stringContaining(`no call is made to ${host}`) },
    ]);
    expect((await proveNew(run, next)).proof.results).toEqual([]);
    const gone = [{ clientCertificateId: 'zzzzzz', exists: false }];
    expect(
      (await proveEnd(run, next, [...gone, { clientCertificateId: world.old.id, exists: true }])).proof,
    ).toEqual({
      results: [],
      unreached: [host],
      gone: ['zzzzzz'],
      noOther: false,
    });
    await expect(proveBack(run, old)).rejects.toMatchObject({ code: 'BackendNotProvable' });
    expect(world.backends[0]?.methods).toEqual([]);
  });

  test('one that the user names is made, whatever it may do', async () => {
    const world = await start([{}], ([url = '']) => ({ 'GET /a DELETE': `${url}/a` }));
    const { run, next } = await runOf(world, { probe: 'GET /a' });
    await proveNew(run, next);
    expect(world.backends[0]?.methods).toEqual(['DELETE', 'DELETE', 'DELETE']);
  });

  test('reach the backends of a canary and of other stages with their own variables', async () => {
    const world = await start([{}, {}, {}], () => ({
      'GET /0': 'https://localhost:${stageVariables.port}/x',
    }));
    const port = (at: number): string => hostOf(world, at).split(':')[1] ?? '';
    const prod = await world.controlPlane.getStage({ restApiId: world.restApiId, stageName: 'prod' });
    const stages: Stage[] = [
      {
        ...prod,
        variables: { port: port(0) },
        canary: { percentTraffic: 5, deploymentId: prod.deploymentId, variables: { port: port(1) } },
      },
      { ...prod, stageName: 'beta', variables: { port: port(2) } },
      { ...prod, stageName: 'same', variables: { port: port(2) } },
    ];
    const { run, old, next } = await runOf(world, { stages });
    world.backends[1]?.pins.delete(world.next.fingerprint);
    await expect(proveBoth(run, old, next)).rejects.toMatchObject({
      code: 'NewCertificateRefused',
      message: expect.stringContaining(`: ${hostOf(world, 1)} answered 403`),
    });
    world.backends[1]?.pins.add(world.next.fingerprint);
    const { proof } = await proveBoth(run, old, next);
    const api = world.restApiId;
    expect(proof.results[0]?.backends.map(({ backend, stages: of }) => [backend, of])).toEqual([
      [hostOf(world, 0), [{ stage: `${api}/prod` }]],
      [hostOf(world, 1), [{ stage: `${api}/prod`, canary: true }]],
      [hostOf(world, 2), [{ stage: `${api}/beta` }, { stage: `${api}/same` }]],
    ]);
    // A proof is of these backends: one more, or one less, and it is another.
    const key = callsKey(await probesOf(run));
    run.stages = stages.slice(1);
    expect(callsKey(await probesOf(run))).not.toBe(key);
    run.stages = stages;
    expect(callsKey(await probesOf(run))).toBe(key);
  });

  test('cannot be made to WebSocket APIs: their backends are named unless others lead there', async () => {
    const world = await start([{}]);
    const prod = await world.controlPlane.getStage({ restApiId: world.restApiId, stageName: 'prod' });
    const webSocket: Stage = {
      ...prod,
      restApiId: 'ws',
      protocolType: 'WEBSOCKET',
      variables: { host: 'ws.example' },
    };
    const to = (uri: string): Integration => ({ type: 'HTTP_PROXY', uri, insecureSkipVerification: false });
    const integrations = [to('https://${stageVariables.host}/x'), to(`${world.backends[0]?.url ?? ''}/x`)];
    const { run, old, next } = await runOf(world, { stages: [prod, webSocket], integrations });
    const { proof } = await proveBoth(run, old, next);
    expect(proof.unreached).toEqual(['ws.example']);
    expect(codes(run)).toEqual(['BackendUnproved']);
  });
});

describe('after trust has ended', () => {
  test('each backend that still accepts the old certificate is named; those that refuse it are not', async () => {
    const world = await start([{}, {}]);
    world.backends[0]?.pins.delete(world.old.fingerprint);
    const { run, next } = await runOf(world, { settings: { settle: 5_000 }, skipsWaits: true });
    const evidence = await proveEnd(run, next, [
      { clientCertificateId: world.old.id, exists: true },
      { clientCertificateId: 'zzzzzz', exists: false },
    ]);
    const [a, b] = [hostOf(world, 0), hostOf(world, 1)];
    expect(outcomes(evidence)).toEqual([
      ...[`new accepted 3 ${a}`, `new accepted 3 ${b}`],
      ...[`none refused 1 ${a}`, `none refused 1 ${b}`],
      ...[`old refused 1 ${a}`, `old accepted 1 ${b}`],
    ]);
    // One that has refused it is not asked again, the other is until the time is up.
    expect(world.backends[0]?.refused.get(world.old.fingerprint)).toBe(1);
    expect(world.backends[1]?.accepted.get(world.old.fingerprint)).toBeGreaterThan(1);
    expect(evidence.proof.gone).toEqual(['zzzzzz']);
    expect(isAsWanted(evidence.proof)).toBe(false);
    expect(run.warnings).toEqual([
      {
        code: 'OldCertificateStillAccepted',
        message: expect.stringMatching(
          new RegExp(`^${b} still accepts the old certificate ${world.old.id}, `),
        ),
      },
    ]);
  });

  test('there is nothing to wait for where every backend refuses it', async () => {
    const world = await start([{}]);
    world.backends[0]?.pins.delete(world.old.fingerprint);
    const { run, next } = await runOf(world, { settings: { settle: 600_000 } });
    const { proof } = await proveEnd(run, next, [{ clientCertificateId: world.old.id, exists: true }]);
    expect(isAsWanted(proof)).toBe(true);
    expect(world.backends[0]?.refused.get(world.old.fingerprint)).toBe(1);
  });

  test('one that is deleted meanwhile could not be tried, and that is all', async () => {
    const world = await start([{}]);
    const extra = await generateCertificate(world.client);
    await world.controlPlane.deleteClientCertificate(extra.id);
    const { run, next } = await runOf(world);
    const { proof } = await proveEnd(run, next, [{ clientCertificateId: extra.id, exists: true }]);
    expect(proof.gone).toEqual([extra.id]);
    expect(run.warnings).toEqual([]);
  });

  test('a backend that refuses the new one is named', async () => {
    const world = await start([{}, {}]);
    world.backends[1]?.pins.delete(world.next.fingerprint);
    const { run, next } = await runOf(world);
    for (const proof of [() => proveEnd(run, next, []), () => proveNew(run, next)]) {
      await expect(proof()).rejects.toMatchObject({
        code: 'NewCertificateRefused',
        message: expect.stringMatching(new RegExp(`: ${hostOf(world, 1)} answered 403$`)),
      });
    }
  });

  test('one that does not check is said, once, and that it accepts the old one is no news then', async () => {
    const world = await start([{ demand: false }]);
    const { run, next } = await runOf(world, { settings: { allowUncheckedBackend: true } });
    await proveEnd(run, next, [{ clientCertificateId: world.old.id, exists: true }]);
    expect(codes(run)).toEqual(['BackendDoesNotCheck']);
  });
});

test('the way back is proved by the old certificate alone', async () => {
  const world = await start([{}, {}]);
  const { run, old } = await runOf(world);
  expect(outcomes(await proveBack(run, old))).toEqual([
    `old accepted 3 ${hostOf(world, 0)}`,
    `old accepted 3 ${hostOf(world, 1)}`,
  ]);
  world.backends[1]?.pins.delete(world.old.fingerprint);
  await expect(proveBack(run, old)).rejects.toMatchObject({
    code: 'UndoImpossible',
    message: expect.stringMatching(new RegExp(`: ${hostOf(world, 1)} answered 403$`)),
  });
});
