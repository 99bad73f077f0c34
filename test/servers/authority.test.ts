/** The configurations for a CA with a name, on real servers: who is let in, also by resuming a session. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { backendConfig } from '../../src/commands/backend/config/run.js';
import { readBundle, writeAuthority } from '../../src/certificates/bundle.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import type { Identity } from '../../src/certificates/issue.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { programRecipes, recipes, type ServerOptions } from '../support/recipes.js';
import { call, isInstalled, launch, prepareSite, startServer } from '../support/real-server.js';

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

const KINDS = (['nginx', 'haproxy', 'apache', 'caddy'] as const).filter(isInstalled);

test.each(KINDS)(
  '%s accepts certificates of the CA with that name and generated ones, and no others',
  async (kind) => {
    const entry = authority.entry(kind === 'caddy' ? { san: `DNS:${DNS}` } : { subject: SUBJECT });
    const listed = [generated.certificate, second.certificate];
    const configuration = (options: ServerOptions): string => {
      const caFile = `${options.trustFile}-ca.pem`;
      const config = backendConfig(kind, options, listed, { caFile, entry });
      writeFileSync(caFile, config.ca?.content ?? '');
      // As many have it for all their servers; it outlives a reload.
      return `${kind === 'nginx' ? 'ssl_session_cache shared:all:1m; ssl_session_tickets off;\n' : ''}${config.configuration}`;
    };
    const server = await startServer(kind, listed, { configuration, trustFile: recipes[kind].trustFile });
    try {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const answers: Record<string, string> = { none: await call(server.port, undefined, version) };
        for (const [name, caller] of Object.entries(callers))
          answers[name] = await call(server.port, caller, version);
        const accepted = Object.keys(callers).slice(0, 4);
        expect(
          Object.entries(answers).flatMap(([name, answer]) => (answer === 'accepted' ? [name] : [])),
        ).toEqual(accepted);
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
        writeFileSync(`${server.trustFile}-ca.pem`, ca.root.pem);
        const [program = '', ...words] = server.trust.reload as string[];
        await promisify(execFile)(program, words);
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
    } finally {
      await server.stop();
    }
  },
);

test('of a CA file in which Caddy trusts each certificate, none is of the list', () => {
  const entry = authority.entry({ san: `DNS:${DNS}` });
  const { ca } = backendConfig('caddy', OPTIONS, [generated.certificate], { caFile: '/etc/ca.pem', entry });
  // Caddy 2.6 loads the first alone, newer versions load all.
  expect(
    readBundle(Buffer.from(ca?.content ?? '')).certificates.map(({ certificate }) => certificate),
  ).toEqual([trustedCertificate(authority.root.pem)]);
});

const hasJava = spawnSync('java', ['--version']).status === 0;
(hasJava ? test : test.skip)(
  'java follows the certificates of a list that also has a root with a name',
  async () => {
    const site = await prepareSite('java');
    const { folder, port, options } = site;
    const list = generated.certificate.pem + writeAuthority(authority.entry({ subject: SUBJECT }));
    writeFileSync(options.trustFile, list);
    writeFileSync(join(folder, 'Backend.java'), programRecipes.java.configuration(options));
    const program = await launch('java', ['Backend.java'], { folder, port });
    try {
      const answers = await Promise.all(
        ['a generated one', 'another generated one', 'the certificate'].map((name) =>
          call(port, callerNamed(name)),
        ),
      );
      expect(answers).toEqual(['accepted', 'refused', 'refused']);
    } finally {
      await program.stop();
      await site.close();
    }
  },
);

test('docs/acm.md has the callers of these handshakes', () => {
  const document = readFileSync('docs/acm.md', 'utf8');
  for (const [index, name] of Object.keys(callers).entries()) {
    expect(document).toContain(`| ${name} | ${index < 4 ? 'accepted' : 'refused'} |`);
  }
});

/** The status of a request on a first connection, and on one that offers to resume its session; empty where it was refused before. */
async function statuses(
  port: number,
  { pem, privateKeyPem }: Identity,
  version: 'TLSv1.2' | 'TLSv1.3',
  inBetween: () => Promise<void> = () => Promise.resolve(),
): Promise<string[]> {
  let session: Buffer | undefined;
  const status = (): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const versions = { minVersion: version, maxVersion: version };
      const own = { cert: pem, key: privateKeyPem, rejectUnauthorized: false, ...(session && { session }) };
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...versions, ...own });
      socket.on('session', (each: Buffer) => (session = each));
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', () => undefined); // an alert; the close tells
      socket.on('close', () => {
        resolve(text.slice(9, 12));
      });
      socket.on('secureConnect', () =>
        socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
      );
    });
  const first = await status();
  await inBetween();
  return [first, await status()];
}
