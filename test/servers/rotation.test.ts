/** The trust of each real server through a rotation: by its own adapter, its own recipe, and TLS handshakes. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import type { TrustStore } from '../../src/trust/trust-store.js';
import { appError, noContext } from '../contract/trust-store.contract.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { call, isInstalled, type RealServer, type ServerKind, startServer } from '../support/real-server.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let old: TestIdentity;
let next: TestIdentity;
let evil: TestIdentity;
let expired: TestIdentity;

beforeAll(async () => {
  [old, next, evil, expired] = await Promise.all([
    mintIdentity('oldold', 340),
    mintIdentity('newnew'),
    mintIdentity('evil00'),
    mintIdentity('expire', 400),
  ]);
});

const client = ({ certificate, privateKeyPem }: TestIdentity) => ({ pem: certificate.pem, privateKeyPem });

/** Who is let in, over both versions of TLS, which have to agree. */
async function accepted(server: RealServer): Promise<string[]> {
  const clients = {
    old: client(old),
    next: client(next),
    evil: client(evil),
    expired: client(expired),
    none: undefined,
  };
  const answers: string[] = [];
  for (const version of VERSIONS) {
    for (const [name, identity] of Object.entries(clients)) {
      if ((await call(server.port, identity, version)) === 'accepted') answers.push(`${name} ${version}`);
    }
  }
  return answers;
}

const both = (...names: string[]): string[] =>
  VERSIONS.flatMap((version) => names.map((name) => `${name} ${version}`));

/** A reload is a signal on most servers: the new configuration is there some milliseconds later. */
async function eventually(server: RealServer, expected: string[]): Promise<void> {
  const deadline = performance.now() + 300_000;
  let last = await accepted(server);
  while (last.join() !== expected.join() && performance.now() < deadline) {
    await sleep(50);
    last = await accepted(server);
  }
  expect(last).toEqual(expected);
}

const KINDS: readonly (readonly [name: string, kind: ServerKind, live: 'reload' | 'socket'])[] = [
  ['nginx', 'nginx', 'reload'],
  ['haproxy by reload', 'haproxy', 'reload'],
  ['haproxy by its runtime API', 'haproxy', 'socket'],
  ['apache', 'apache', 'reload'],
  ['caddy', 'caddy', 'reload'],
];

for (const [name, kind, live] of KINDS) {
  // A machine without the server has nothing to test; in CI all are installed, and a skip fails the run.
  (isInstalled(kind) ? describe : describe.skip)(`a real ${name}`, () => {
    let server: RealServer;
    let store: TrustStore;

    beforeAll(async () => {
      server = await startServer(kind, [expired.certificate]);
      const { reload, ...trust } = server.trust;
      store = createTrustStore(
        live === 'socket' ? { ...trust, kind: 'haproxy', socket: server.socket } : { ...trust, reload },
        noContext,
      );
    });
    afterAll(() => server.stop());

    test('a rotation: old, then both, then the new one alone; never anybody else', async () => {
      await store.add(old.certificate);
      await eventually(server, both('old'));
      await store.add(next.certificate);
      await eventually(server, both('old', 'next'));
      await store.remove(old.certificate);
      await eventually(server, both('next'));
      await expect(store.observe()).resolves.toEqual([
        expired.certificate.fingerprintSha256,
        next.certificate.fingerprintSha256,
      ]);
    });
  });
}

describe('what goes wrong on real servers', () => {
  const withoutCaddy = (['nginx', 'haproxy', 'apache'] as const).filter(isInstalled);

  test.each(withoutCaddy)('%s lets nobody in while its list is empty', async (kind) => {
    const server = await startServer(kind, []);
    try {
      expect(await accepted(server)).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  test.each(withoutCaddy)('%s: a configuration that it refuses brings the former list back', async (kind) => {
    const server = await startServer(kind, [old.certificate]);
    try {
      const before = await readFile(server.trustFile, 'utf8');
      const recipe = join(server.folder, kind === 'haproxy' ? 'recipe.cfg' : 'recipe.conf');
      await appendFile(recipe, '\nno such directive\n');
      const error = await appError(createTrustStore(server.trust, noContext).add(next.certificate));
      expect(error.message).toContain('the former content is back, the server was not touched');
      expect(error.details['output']).toContain(recipe);
      expect(await readFile(server.trustFile, 'utf8')).toBe(before);
      expect(await accepted(server)).toEqual(both('old'));
    } finally {
      await server.stop();
    }
  });

  test.each([
    [
      'a list that HAProxy does not know',
      (server: RealServer) => ({ socket: server.socket, acl: '/no/such' }),
      'does not know the list /no/such: Unknown ACL',
    ],
    [
      'a socket that is not there',
      (server: RealServer) => ({ socket: join(server.folder, 'nobody') }),
      'cannot be used: connect ENOENT',
    ],
  ] as const)('haproxy: %s is a clear error, and the file is as it was', async (_what, options, message) => {
    const server = await startServer('haproxy', [old.certificate]);
    try {
      const { check, file, timeout } = server.trust;
      const store = createTrustStore(
        { kind: 'haproxy', file, check, timeout, ...options(server) },
        noContext,
      );
      const before = await readFile(file, 'utf8');
      const error = await appError(store.add(next.certificate));
      expect(error.message).toContain(message);
      expect(await readFile(file, 'utf8')).toBe(before);
    } finally {
      await server.stop();
    }
  });
});
