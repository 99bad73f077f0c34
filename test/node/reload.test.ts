import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { trustClientCertificates } from '../../src/node/index.js';
import {
  afterTest,
  bundle,
  call,
  directory,
  fingerprint,
  listen,
  mintCast,
  replaceFile,
  serverOptions,
} from './fixture.js';
import type { TestIdentity } from '../support/certificates.js';

let cast: Awaited<ReturnType<typeof mintCast>>;
beforeAll(async () => {
  cast = await mintCast();
});

/** What the helper tells, in order, to be awaited: a list of fingerprints or an error's message. */
function events() {
  const told: (readonly string[] | string)[] = [];
  let wake: () => void = () => undefined;
  const tell = (event: readonly string[] | string): void => {
    told.push(event);
    wake();
  };
  return {
    told,
    onReload: (fingerprints: readonly string[]) => {
      tell(fingerprints);
    },
    onError: ({ message }: Error) => {
      tell(message);
    },
    /** The next event that was not awaited yet. */
    next: async () => {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return told.shift();
    },
  };
}

function follow(file: string) {
  const { onReload, onError, next, told } = events();
  const trust = trustClientCertificates(file, { onReload, onError });
  afterTest(trust.close);
  return { trust, next, told };
}

function listed(...list: TestIdentity[]): string {
  const file = join(directory(), 'apigw.pem');
  writeFileSync(file, bundle(...list));
  return file;
}

describe('at the start', () => {
  test.each([
    ['missing', undefined, 'ENOENT'],
    ['empty', '', 'it holds no certificate'],
    ['broken', '-----BEGIN CERTIFICATE-----\nMIIC', 'it holds an unfinished PEM block'],
  ])('a file that is %s is an error', (_what, text, problem) => {
    const file = join(directory(), 'apigw.pem');
    if (text !== undefined) writeFileSync(file, text);
    expect(() => trustClientCertificates(file)).toThrow(
      `cannot use the client certificates in ${file}: ${problem}`,
    );
  });

  test('a directory that is missing is an error', () => {
    expect(() => trustClientCertificates(join(directory(), 'nowhere', 'apigw.pem'))).toThrow('ENOENT');
  });
});

describe('the file is changed', () => {
  test('by replacing it', async () => {
    const file = listed(cast.old);
    const { trust, next } = follow(file);
    replaceFile(file, bundle(cast.old, cast.fresh));
    expect(await next()).toEqual([fingerprint(cast.old), fingerprint(cast.fresh)]);
    expect(trust.fingerprints).toEqual([fingerprint(cast.old), fingerprint(cast.fresh)]);
    replaceFile(file, bundle(cast.fresh));
    expect(await next()).toEqual([fingerprint(cast.fresh)]);
  });

  test('by writing into it', async () => {
    const file = listed(cast.old);
    const { next } = follow(file);
    writeFileSync(file, bundle(cast.fresh));
    expect(await next()).toEqual([fingerprint(cast.fresh)]);
  });

  test('slowly, piece by piece: no piece is taken for the whole', async () => {
    const file = listed(cast.old);
    const { trust, next } = follow(file);
    const whole = bundle(cast.fresh, cast.old);
    writeFileSync(file, whole.slice(0, 700));
    expect(await next()).toContain('it holds an unfinished PEM block; still trusting the previous 1');
    expect(trust.fingerprints).toEqual([fingerprint(cast.old)]);
    writeFileSync(file, whole.slice(700), { flag: 'a' });
    expect(await next()).toEqual([fingerprint(cast.fresh), fingerprint(cast.old)]);
  });

  test.each([
    [
      'truncated',
      (file: string) => {
        truncateSync(file, 1_500);
      },
      'it holds an unfinished PEM block',
    ],
    [
      'emptied',
      (file: string) => {
        truncateSync(file);
      },
      'it holds no certificate',
    ],
    [
      'replaced by garbage',
      (file: string) => {
        replaceFile(file, '<html>502</html>');
      },
      'it holds no certificate',
    ],
    [
      'deleted',
      (file: string) => {
        rmSync(file);
      },
      'ENOENT',
    ],
    [
      'replaced by a directory',
      (file: string) => {
        rmSync(file);
        mkdirSync(file);
      },
      'EISDIR',
    ],
  ])(
    '%s: the former list stays, the trouble is told once, and the next good file counts',
    async (_what, change, problem) => {
      const file = listed(cast.old, cast.fresh);
      const { trust, next, told } = follow(file);
      const port = await listen(trust.createServer(serverOptions, (_request, response) => response.end()));
      change(file);
      expect(await next()).toMatch(problem);
      writeFileSync(join(file, '..', 'neighbour'), 'an event that is none of ours');
      await delay(200);
      expect(told).toEqual([]);
      expect((await call({ port, as: cast.old })).status).toBe(200);
      expect((await call({ port, as: cast.evil })).status).toBe(403);
      rmSync(file, { recursive: true, force: true });
      replaceFile(file, bundle(cast.fresh));
      do {
        // The moment without the file may or may not be noticed.
      } while (typeof (await next()) === 'string');
      expect(trust.fingerprints).toEqual([fingerprint(cast.fresh)]);
    },
  );

  test('by a swap of the symlink beside it, as Kubernetes does', async () => {
    const mount = directory();
    for (const [version, list] of [
      ['..1', [cast.old]],
      ['..2', [cast.old, cast.fresh]],
    ] as const) {
      mkdirSync(join(mount, version));
      writeFileSync(join(mount, version, 'apigw.pem'), bundle(...list));
    }
    symlinkSync('..1', join(mount, '..data'));
    symlinkSync(join('..data', 'apigw.pem'), join(mount, 'apigw.pem'));
    const { next } = follow(join(mount, 'apigw.pem'));
    symlinkSync('..2', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    expect(await next()).toEqual([fingerprint(cast.old), fingerprint(cast.fresh)]);
  });

  test('behind a symlink to another directory, where no event comes from', async () => {
    const real = listed(cast.old);
    const link = join(directory(), 'apigw.pem');
    symlinkSync(real, link);
    const { next } = follow(link);
    replaceFile(real, bundle(cast.fresh));
    expect(await next()).toEqual([fingerprint(cast.fresh)]);
  });

  test('in a directory that never rests', async () => {
    const file = listed(cast.old);
    const { next } = follow(file);
    const noise = setInterval(() => {
      writeFileSync(`${file}.log`, 'x', { flag: 'a' });
    }, 1);
    afterTest(() => {
      clearInterval(noise);
    });
    replaceFile(file, bundle(cast.fresh));
    const started = Date.now();
    expect(await next()).toEqual([fingerprint(cast.fresh)]);
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  test('after close it is not followed', async () => {
    const file = listed(cast.old);
    const { trust, told } = follow(file);
    trust.close();
    replaceFile(file, bundle(cast.fresh));
    await delay(300);
    expect(told).toEqual([]);
    expect(trust.fingerprints).toEqual([fingerprint(cast.old)]);
  });
});

describe('a certificate that was removed', () => {
  async function serving(...list: TestIdentity[]) {
    const file = listed(...list);
    const { trust, next } = follow(file);
    const port = await listen(trust.createServer(serverOptions, (_request, response) => response.end('ok')));
    return { file, next, port };
  }

  test('is refused on its open connection, and the client comes back with the new one on another', async () => {
    const { file, next, port } = await serving(cast.old, cast.fresh);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    afterTest(() => {
      agent.destroy();
    });
    const before = await call({ port, as: cast.old, agent });
    const still = await call({ port, as: cast.old, agent });
    replaceFile(file, bundle(cast.fresh));
    await next();
    const after = await call({ port, as: cast.old, agent });
    expect([before.status, still.status, after.status]).toEqual([200, 200, 403]);
    expect(after.socket).toBe(before.socket);
    expect(after.headers.connection).toBe('close');
    expect((await call({ port, as: cast.fresh })).status).toBe(200);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is refused with a resumed session too (%s)',
    async (version) => {
      const { file, next, port } = await serving(cast.old, cast.fresh);
      const session = await ticket(port, cast.old, version);
      const resumed = await call({ port, as: cast.old, version, session });
      expect(resumed).toMatchObject({ status: 200, resumed: true });
      const again = await ticket(port, cast.old, version);
      replaceFile(file, bundle(cast.fresh));
      await next();
      const late = await call({ port, as: cast.old, version, session: again });
      expect(late).toMatchObject({ status: 403, resumed: true });
      // A session tells by itself whose it is: presenting another certificate beside it changes nothing.
      const disguised = await call({ port, as: cast.fresh, version, session: again });
      expect(disguised).toMatchObject({ status: 403, resumed: true });
    },
  );
});

/** A session to resume, as the server gave it out. */
async function ticket(port: number, as: TestIdentity, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  const agent = new https.Agent({ keepAlive: true, maxCachedSessions: 0 });
  const given = new Promise<Buffer>((resolve) => {
    const createConnection = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => {
      const socket = createConnection(options, callback);
      if (socket instanceof TLSSocket) socket.once('session', resolve);
      return socket;
    };
  });
  await call({ port, as, version, agent });
  const session = await given;
  agent.destroy();
  return session;
}
