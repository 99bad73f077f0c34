/** The configurations for a CA with a name, on real servers: who is let in, also by resuming a session. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { backendConfig } from '../../src/commands/backend/config/run.js';
import { readBundle } from '../../src/certificates/bundle.js';
import type { CallerName } from '../../src/certificates/caller-name.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import type { Identity } from '../../src/certificates/issue.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { statuses } from '../support/resumed.js';
import { recipes, type ServerOptions } from '../support/recipes.js';
import {
  call,
  isInstalled,
  launch,
  prepareSite,
  type ServerKind,
  startServer,
} from '../support/real-server.js';

/** With what ends a string or begins a comment in some notation. */
const SUBJECT = 'CN=gateway\\, \\"1\\" it\'s #1,O=Example';
const DNS = 'gateway.example.com';
const OPTIONS: ServerOptions = {
  listen: '0.0.0.0:443',
  serverName: 'backend.example.com',
  certificateFile: '/etc/server.pem',
  privateKeyFile: '/etc/server.pem.key',
  trustFile: '/etc/trusted',
  upstream: '127.0.0.1:8080',
};

let authority: TestAuthority;
let stranger: TestAuthority;
let generated: TestIdentity;
let second: TestIdentity;
/** By the words of the table in docs/acm.md; the first four are to be accepted. */
let callers: Record<string, Identity>;
/** Another subject with the same SAN. */
let ofThatSan: Identity;

beforeAll(async () => {
  const evil = await mintIdentity('evil11');
  [authority, stranger, generated, second] = await Promise.all([
    mintAuthority(),
    mintAuthority(),
    mintIdentity('gen111'),
    mintIdentity('gen222'),
  ]);
  const chained = async (subject: string, dnsName: string, more = {}, ca = authority): Promise<Identity> => {
    const { chainPem: pem, privateKeyPem } = await ca.issue(subject, { dnsNames: [dnsName], ...more });
    return { pem, privateKeyPem };
  };
  const selfSigned = ({ certificate: { pem }, privateKeyPem }: TestIdentity): Identity => ({
    pem,
    privateKeyPem,
  });
  ofThatSan = await chained('CN=other,O=Example', DNS);
  callers = {
    'the certificate': await chained(SUBJECT, DNS),
    'a renewed one': await chained(SUBJECT, DNS),
    'a generated one': selfSigned(generated),
    'another generated one': selfSigned(second),
    'another of that CA': await chained('CN=other,O=Example', 'other.example.com'),
    'a name in another case': await chained(SUBJECT.replace('gateway', 'Gateway'), 'Gateway.example.com'),
    'a name within another': await chained(`${SUBJECT},C=US`, `a.${DNS}`),
    'a missing intermediate': await authority.issue(SUBJECT, { dnsNames: [DNS] }),
    'that name from another CA': await chained(SUBJECT, DNS, {}, stranger),
    'usage serverAuth': await chained(SUBJECT, DNS, { purposes: ['serverAuth'] }),
    expired: await chained(SUBJECT, DNS, { days: 1 }),
    'a forged generated one': selfSigned(evil),
  };
});

function callerNamed(name: string): Identity {
  const caller = callers[name];
  if (caller === undefined) throw new Error(`there is no caller ${name}`);
  return caller;
}

/** A server that accepts a name of a CA, whose root can be replaced while it runs. */
interface Running {
  port: number;
  /** Has the server trust the certificates of this CA with the name instead. Workers with the former one may go on for a moment. */
  trust: (ca: TestAuthority) => Promise<void>;
  /** Has it compare the SAN instead of the subject, where it can compare either. */
  compareSan?: () => Promise<void>;
  stop: () => Promise<void>;
}

/** A web server, which has the name in its configuration. */
async function startWebServer(kind: ServerKind): Promise<Running> {
  const entry = authority.entry(kind === 'caddy' ? { san: `DNS:${DNS}` } : { subject: SUBJECT });
  const listed = [generated.certificate, second.certificate];
  const configuration = async (options: ServerOptions): Promise<string> => {
    const caFile = `${options.trustFile}-ca.pem`;
    const config = await backendConfig(kind, options, listed, { caFile, entry });
    writeFileSync(caFile, config.ca?.content ?? '');
    // As many have it for all their servers; it outlives a reload.
    return `${kind === 'nginx' ? 'ssl_session_cache shared:all:1m; ssl_session_tickets off;\n' : ''}${config.configuration}`;
  };
  const server = await startServer(kind, listed, { configuration, trustFile: recipes[kind].trustFile });
  return {
    port: server.port,
    stop: () => server.stop(),
    async trust({ root }) {
      writeFileSync(`${server.trustFile}-ca.pem`, root.pem);
      const [program = '', ...words] = server.trust.reload as string[];
      await promisify(execFile)(program, words);
    },
  };
}

/** How the printed source of a program is run. */
const PROGRAMS = {
  java: { command: ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1'], source: 'Backend.java' },
  python: { command: ['/usr/bin/python3'], source: 'backend.py' },
  // `go run` would start a process of its own, which outlives it.
  go: { build: ['go', 'build', '-o', 'backend'], command: ['./backend'], source: 'backend.go' },
} as const satisfies Record<string, { build?: string[]; command: string[]; source: string }>;

/** A program, which has the name in its list. */
async function startProgram(kind: keyof typeof PROGRAMS): Promise<Running> {
  const { command, source, ...more } = PROGRAMS[kind];
  const site = await prepareSite(kind);
  const { folder, port, options } = site;
  const list = async (ca: TestAuthority, name: CallerName): Promise<void> => {
    const named = { caFile: '', entry: ca.entry(name) };
    const { trust, configuration } = await backendConfig(
      kind,
      options,
      [generated.certificate, second.certificate],
      named,
    );
    writeFileSync(options.trustFile, trust.content);
    writeFileSync(join(folder, source), configuration);
  };
  await list(authority, { subject: SUBJECT });
  const isBuilt = 'build' in more;
  if (isBuilt) {
    const [compiler, ...words] = more.build;
    const env = { ...process.env, GOCACHE: join(folder, 'cache') };
    await promisify(execFile)(compiler, [...words, source], { cwd: folder, env });
  }
  const [binary, ...args] = command;
  const { pid, stop } = await launch(
    isBuilt ? join(folder, binary) : binary,
    [...args, ...(isBuilt ? [] : [source])],
    {
      folder,
      port,
    },
  );
  const relist = async (ca: TestAuthority, name: CallerName): Promise<void> => {
    await list(ca, name);
    if (kind === 'python') process.kill(pid, 'SIGHUP');
  };
  return {
    port,
    trust: (ca) => relist(ca, { subject: SUBJECT }),
    compareSan: () => relist(authority, { san: `DNS:${DNS}` }),
    async stop() {
      await stop();
      await site.close();
    },
  };
}

const WEB_SERVERS = (['nginx', 'haproxy', 'apache', 'caddy'] as const).filter(isInstalled);
const isProgramThere = ({
  build,
  command,
}: {
  build?: readonly string[];
  command: readonly string[];
}): boolean => spawnSync((build ?? command)[0] ?? '', ['--version']).error === undefined;
const SERVERS: [name: string, start: () => Promise<Running>][] = [
  ...WEB_SERVERS.map((kind): (typeof SERVERS)[number] => [kind, () => startWebServer(kind)]),
  ...(['java', 'python', 'go'] as const)
    .filter((kind) => isProgramThere(PROGRAMS[kind]))
    .map((kind): (typeof SERVERS)[number] => [kind, () => startProgram(kind)]),
];

test.each(SERVERS)(
  '%s accepts certificates of the CA with that name and generated ones, and no others',
  async (_name, start) => {
    const server = await start();
    try {
      const isAccepted = async (version?: 'TLSv1.2' | 'TLSv1.3'): Promise<string[]> => {
        const accepted: string[] = [];
        for (const [name, caller] of [['none', undefined], ...Object.entries(callers)] as const)
          if ((await call(server.port, caller, version)) === 'accepted') accepted.push(name);
        return accepted;
      };
      const toBeAccepted = Object.keys(callers).slice(0, 4);
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        expect(await isAccepted(version)).toEqual(toBeAccepted);
        // Apache takes a chain that was not verified for a verified one once its session is resumed.
        for (const name of ['that name from another CA', 'a missing intermediate', 'another of that CA']) {
          expect(await statuses(server.port, callerNamed(name), version)).not.toContain('200');
        }
        expect(await statuses(server.port, callerNamed('the certificate'), version)).toEqual(['200', '200']);
      }
      // A session of the CA does not outlive the trust in it.
      let ca = authority;
      const namesOf = (): [string, string] =>
        ca === authority
          ? ['the certificate', 'that name from another CA']
          : ['that name from another CA', 'the certificate'];
      const otherCa = async (): Promise<void> => {
        ca = ca === authority ? stranger : authority;
        await server.trust(ca);
        // For a moment the former workers accept connections beside the new ones.
        const [now, before] = namesOf();
        for (let count = 0; count < 10; count++) {
          const isNew = (await call(server.port, callerNamed(now))) === 'accepted';
          if (isNew && (await call(server.port, callerNamed(before))) === 'refused') continue;
          count = -1;
          await sleep(20);
        }
      };
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const [before, after] = await statuses(server.port, callerNamed(namesOf()[0]), version, otherCa);
        expect([before, after === '200']).toEqual(['200', false]);
      }
      if (server.compareSan === undefined) return;
      expect(await call(server.port, ofThatSan)).toBe('refused');
      await server.compareSan();
      while ((await call(server.port, ofThatSan)) === 'refused') await sleep(20);
      expect(await isAccepted()).toEqual(toBeAccepted);
    } finally {
      await server.stop();
    }
  },
);

test('of a CA file in which Caddy trusts each certificate, none is of the list', async () => {
  const entry = authority.entry({ san: `DNS:${DNS}` });
  const { ca } = await backendConfig('caddy', OPTIONS, [generated.certificate], {
    caFile: '/etc/ca.pem',
    entry,
  });
  // Caddy 2.6 loads the first alone, newer versions load all.
  expect(
    readBundle(Buffer.from(ca?.content ?? '')).certificates.map(({ certificate }) => certificate),
  ).toEqual([trustedCertificate(authority.root.pem)]);
});

test('docs/acm.md has the callers of these handshakes', () => {
  const document = readFileSync('docs/acm.md', 'utf8');
  for (const [index, name] of Object.keys(callers).entries()) {
    expect(document).toContain(`| ${name} | ${index < 4 ? 'accepted' : 'refused'} |`);
  }
});
