/**
 * Moves of a stage between a generated certificate and one of ACM, in both directions, by the command line and by what a
 * user does beside it as docs/acm.md says, while clients call the stage.
 */
import { execFile } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Identity } from '../../src/certificates/issue.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { acmClientOf, importCertificate } from '../support/acm.js';
import { mintAuthority } from '../support/authority.js';
import { mintIdentity } from '../support/certificates.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { call, launch, prepareSite, startServer, type ServerKind } from '../support/real-server.js';
import { programRecipes } from '../support/recipes.js';
import { startTraffic } from '../support/rotation.js';
import { onTerminal, type Answer } from '../support/terminal.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const DAY_MS = 86_400_000;
/** How long a stage presents both certificates in turns, in milliseconds. */
const PROPAGATION = 250;
/** So many calls in a row show that every worker of a server has the list. */
const SETTLED = 20;
const SUBJECT = 'CN=orders-gateway,O=Example';
const DNS = 'gateway.example.com';

/** The servers that docs/acm.md has a configuration for. */
export const MOVED = ['nginx', 'haproxy', 'apache', 'caddy', 'node'] as const;

export type MovedServer = (typeof MOVED)[number];

/** One direction, and who is accepted after it, by the words below. */
export interface Moved {
  requests: number;
  failed: string[];
  seconds: number;
  accepted: string[];
}

export interface Migration {
  toAcm: Moved;
  toGenerated: Moved;
  /** How often another certificate of the same CA was presented meanwhile, and how often it was accepted. */
  strangers: { calls: number; accepted: number };
}

/** A stage, its account, and the files that a user has. */
interface Site {
  emulator: Emulator;
  env: Record<string, string>;
  directory: string;
  rootFile: string;
  /** The generated certificate that is replaced; AWS does not have it any more when it is to be refused. */
  oldFile: string;
}

/** A server, and what is done of it by hand. */
interface Operated {
  port: number;
  caPem: string;
  /** Of `rotate`. */
  trust: readonly string[];
  begin: (site: Site) => Promise<void>;
  /** Before the command that moves the stage to the certificate of ACM. */
  prepare: (site: Site) => Promise<void>;
  /** What `rotate` asks; none where it changes the list itself. */
  toAcm: (site: Site) => readonly Answer[];
  toGenerated: (site: Site) => readonly Answer[];
  stop: () => Promise<void>;
}

/** @throws Error unless it succeeds */
async function succeed({ env }: Pick<Site, 'env'>, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(words, { env });
  if (code !== 0) throw new Error(`apigw-cert ${words.join(' ')} exited with ${String(code)}: ${stderr}`);
  return stdout;
}

/** A web server: `rotate` cannot write a root and a name, so that a person loads configurations and changes the list. */
async function webServer(kind: ServerKind): Promise<Operated> {
  const first = await mintIdentity('first0');
  const server = await startServer(kind, [first.certificate]);
  const { check, reload } = server.trust;
  const runs = async (command: unknown): Promise<void> => {
    const [program = '', ...words] = command as string[];
    await promisify(execFile)(program, words);
  };
  const caFile = `${server.trustFile}-ca.pem`;
  const change = async (site: Site, action: 'add' | 'remove', certificate: string): Promise<void> => {
    const config = join(site.directory, 'servers.yaml');
    const target = { api: 'orders', stages: ['prod'], trust: [server.trust] };
    await writeFile(config, JSON.stringify({ targets: { orders: target } }));
    const sure = action === 'remove' ? ['--yes'] : [];
    await succeed(site, 'backend', action, certificate, '--config', config, '--target', 'orders', ...sure);
  };
  /** Loads the configuration and the files that are printed, with or without the CA and the certificate of the stage. */
  const load = async (site: Site, what: readonly string[]): Promise<void> => {
    const { listen, serverName, certificateFile, upstream, trustFile } = server.options;
    const print = (part: string): Promise<string> =>
      succeed(
        site,
        ...['backend', 'config', kind, '--listen', listen, '--only', part, '--server-name', serverName],
        ...[
          '--server-certificate',
          certificateFile,
          '--upstream',
          upstream,
          '--trust-file',
          trustFile,
          ...what,
        ],
      );
    if (what.includes('--ca')) await writeFile(caFile, await print('ca-file'));
    await writeFile(trustFile, await print('trust-file'));
    await server.configure(await print('configuration'));
    await runs(check);
    await runs(reload);
  };
  const name = kind === 'caddy' ? ['--san', `DNS:${DNS}`] : ['--subject', SUBJECT];
  const ofStage = ['--stage', 'orders/prod'];
  return {
    port: server.port,
    caPem: server.caPem,
    trust: ['--trust', 'manual'],
    async begin(site) {
      await change(site, 'add', site.oldFile);
      const listed = join(site.directory, 'first.pem');
      await writeFile(listed, first.certificate.pem);
      await change(site, 'remove', listed);
    },
    prepare: (site) => load(site, [...ofStage, '--ca', site.rootFile, '--ca-file', caFile, ...name]),
    toAcm: (site) => [
      [/now accept certificates of the CA .*\[y\/N\]/s, 'y'],
      [
        /now refuse \w+\?/,
        async () => {
          // The last one: `backend remove` leaves no list empty, since it does not know that the server has a CA too.
          await load(site, ['--ca', site.rootFile, '--ca-file', caFile, ...name]);
          return 'y';
        },
      ],
    ],
    toGenerated: (site) => [
      [
        /now accept (\w+)\?/,
        async (screen) => {
          const [, id = ''] = /now accept (\w+)\?/.exec(screen) ?? [];
          await change(site, 'add', id);
          return 'y';
        },
      ],
      [
        /now refuse certificates of the CA .*\[y\/N\]/s,
        async () => {
          await load(site, ofStage);
          return 'y';
        },
      ],
    ],
    stop: () => server.stop(),
  };
}

/** A server of `apigw-cert/node`, whose list holds roots with names. */
async function nodeServer(): Promise<Operated> {
  const site = await prepareSite('node');
  const { folder, port, options, caPem } = site;
  const { trustFile } = options;
  const path = join(folder, 'backend.mjs');
  await writeFile(trustFile, programRecipes.node.trustFile([(await mintIdentity('first0')).certificate]));
  await writeFile(path, await programRecipes.node.configuration(options));
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'apigw-cert'));
  const { stop } = await launch(process.execPath, [path], { folder, port });
  return {
    port,
    caPem,
    trust: ['--trust', `pem-bundle:${trustFile}`],
    begin: async ({ oldFile }) => {
      await writeFile(trustFile, trustedCertificate(await readFile(oldFile, 'utf8')).pem);
    },
    prepare: () => Promise.resolve(),
    toAcm: () => [],
    toGenerated: () => [],
    async stop() {
      await stop();
      await site.close();
    },
  };
}

/** The key of a certificate that an emulator keeps in a folder. */
async function keyOf(pem: string, folder: string): Promise<string> {
  const texts = await Promise.all(
    (await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')),
  );
  const keys = texts.flatMap((text) => text.match(/-----BEGIN PRIVATE KEY-----[^"]+/g) ?? []);
  const certificate = new X509Certificate(pem);
  const found = keys
    .map((key) => key.replaceAll('\\n', '\n'))
    .find((key) => certificate.checkPrivateKey(createPrivateKey(key)));
  if (found === undefined) throw new Error('the emulator has no key of the certificate');
  return found;
}

/** Presents a certificate all the time, which must never be accepted. */
function startStranger(port: number, identity: Identity): { stop: () => Promise<Migration['strangers']> } {
  let isGoing = true;
  const counted = { calls: 0, accepted: 0 };
  const work = async (): Promise<void> => {
    while (isGoing) {
      // A connection that a reload cuts off is no answer.
      const answer = await call(port, identity).catch(() => 'none');
      counted.calls += 1;
      if (answer === 'accepted') counted.accepted += 1;
      await sleep(50);
    }
  };
  const working = work();
  return {
    async stop() {
      isGoing = false;
      await working;
      return counted;
    },
  };
}

/** Moves the stage of a server to a certificate of ACM and back to a generated one. */
export async function migrateUnderTraffic(name: MovedServer): Promise<Migration> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-migration-'));
  const server = await (name === 'node' ? nodeServer() : webServer(name));
  const dataDir = join(directory, 'account');
  const emulator = await startEmulator({
    rateLimit: false,
    backendCa: server.caPem,
    clock: new Date(Date.now() - 340 * DAY_MS),
    propagationDelayMs: PROPAGATION,
    dataDir,
  });
  const client = clientOf(emulator);
  const acm = acmClientOf(emulator);
  let stranger: ReturnType<typeof startStranger> | undefined;
  try {
    const old = await generateCertificate(client);
    const authority = await mintAuthority();
    const leaf = await authority.issue(SUBJECT, { dnsNames: [DNS] });
    const another = await authority.issue('CN=other,O=Example', { dnsNames: ['other.example.com'] });
    const withChain = ({ chainPem: pem, privateKeyPem }: typeof leaf): Identity => ({ pem, privateKeyPem });
    const site: Site = {
      emulator,
      env: { ...emulatorEnv(emulator), XDG_STATE_HOME: join(directory, 'state') },
      directory,
      rootFile: join(directory, 'root.pem'),
      oldFile: join(directory, 'old.pem'),
    };
    const api = await makeApi(emulator, client, `https://localhost:${server.port}`);
    await attachCertificate(client, api, old.id);
    emulator.setClock(new Date());
    await writeFile(site.rootFile, authority.root.pem);
    const [certFile, keyFile] = [join(directory, 'gateway.pem'), join(directory, 'gateway.key')];
    await writeFile(certFile, leaf.chainPem);
    await writeFile(keyFile, leaf.privateKeyPem);
    const arn = await importCertificate(acm, leaf, {
      chain: `${authority.issuing.pem}${authority.root.pem}`,
    });
    await succeed(site, 'download', old.id, '--out-file', site.oldFile);
    await server.begin(site);

    const generated = async (id: string): Promise<Identity> => {
      const pem = await succeed(site, 'download', id);
      return { pem, privateKeyPem: await keyOf(pem, dataDir) };
    };
    const callers: Record<string, Identity | undefined> = {
      none: undefined,
      'the old one': await generated(old.id),
      'the certificate of ACM': withChain(leaf),
      'the same without its chain': leaf,
      'another of that CA': withChain(another),
    };
    const move = async (options: readonly string[], answers: readonly Answer[]): Promise<Moved> => {
      const words = [
        ...['rotate', '--stage', 'orders/prod', ...server.trust, ...options],
        ...['--probe-count', '2', '--settle', '10s', '--soak', '600ms', '--in-flight', '600ms'],
      ];
      const traffic = startTraffic(`${api.invokeUrl}/health`);
      const started = performance.now();
      try {
        if (answers.length === 0) await succeed(site, ...words);
        else {
          const { code, screen } = await onTerminal(words, answers, { env: site.env, patience: 120_000 });
          if (code !== 0) throw new Error(`rotate exited with ${code}: ${screen}`);
        }
        await sleep(PROPAGATION);
      } finally {
        await traffic.stop();
      }
      const seconds = (performance.now() - started) / 1000;
      const accepted: string[] = [];
      for (const [who, caller] of Object.entries(callers))
        if ((await call(server.port, caller)) === 'accepted') accepted.push(who);
      return { ...(await traffic.stop()), seconds, accepted };
    };

    // A list takes effect some milliseconds after it was written, and a worker that was replaced may still take a connection.
    for (let inRow = 0; inRow < SETTLED;) {
      inRow = (await call(server.port, callers['the old one'])) === 'accepted' ? inRow + 1 : 0;
      await sleep(20);
    }
    stranger = startStranger(server.port, withChain(another));
    const before = startTraffic(`${api.invokeUrl}/health`);
    await server.prepare(site);
    await sleep(PROPAGATION);
    const { failed } = await before.stop();
    const toAcm = await move(['--to', arn, '--cert', certFile, '--key', keyFile], server.toAcm(site));
    toAcm.failed.unshift(...failed);
    const probeUrl = ['--probe-url', `${api.invokeUrl}/health`];
    const toGenerated = await move(['--to', 'generated', ...probeUrl], server.toGenerated(site));
    return { toAcm, toGenerated, strangers: await stranger.stop() };
  } finally {
    await stranger?.stop();
    client.destroy();
    acm.destroy();
    await emulator.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
