/** Every server that this machine has, each startable with a CA bundle and, where there is one, our configuration. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import type { TrustStoreConfig } from '../../src/trust/kinds/index.js';
import { programRecipes, type ServerOptions } from '../support/recipes.js';
import { nodeBinary } from '../support/node-binary.js';
import {
  BINARY,
  launch,
  prepareSite,
  startServer,
  type Configured,
  type ServerKind,
} from '../support/real-server.js';
import { bundle, NAIVE } from './naive.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** How a server is configured: `naive` by a CA bundle, `ours` by what `backend config` prints. */
export type Form = 'naive' | 'ours';

export interface RunningServer {
  port: number;
  /** The authority of the server's own certificate, PEM. */
  caPem: string;
  /** What keeps its list, with our configuration. */
  trust?: TrustStoreConfig;
  stop(): Promise<void>;
}

export interface LabServer {
  name: string;
  version: string;
  tls: string;
  forms: readonly Form[];
  start: (form: Form, trusted: readonly TrustedCertificate[]) => Promise<RunningServer>;
}

/** A server that this machine does not have, and why. */
export interface MissingServer {
  name: string;
  reason: string;
}

/** What a program says of itself, stdout and stderr together. */
function says(binary: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

const first = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? 'unknown';

/** The OpenSSL that Debian's servers share. */
const systemOpenssl = (): string => `OpenSSL ${first(/^OpenSSL (\S+)/, says('openssl', 'version'))}`;

function webServer(kind: ServerKind, version: string, tls: string): LabServer {
  const naive: Configured = { configuration: NAIVE[kind], trustFile: bundle };
  return {
    name: kind,
    version,
    tls,
    forms: ['naive', 'ours'],
    start: (form, trusted) =>
      form === 'naive' ? startServer(kind, trusted, naive) : startServer(kind, trusted),
  };
}

/** HAProxy again, whose list is changed by its runtime API instead of a reload. */
function haproxyRuntime(haproxy: LabServer | undefined): LabServer {
  if (!haproxy) throw new Error('HAProxy comes first');
  return {
    ...haproxy,
    name: 'haproxy, runtime API',
    forms: ['ours'],
    async start(_form, trusted) {
      const { trust, socket, ...running } = await startServer('haproxy', trusted);
      const { file, check } = trust;
      return { ...running, trust: { kind: 'haproxy', file, check, socket } };
    },
  };
}

interface Program {
  name: string;
  version: string;
  tls: string;
  binary: string;
  /** The name of its configuration or source. */
  file: string;
  args: (path: string) => string[];
  naive: (options: ServerOptions) => string;
  ours?: Configured;
  /** Where a signal is needed: given the process id. */
  reload?: (pid: number) => string[];
}

function program({ naive, ours, reload, ...what }: Program): LabServer {
  return {
    name: what.name,
    version: what.version,
    tls: what.tls,
    forms: ours ? ['naive', 'ours'] : ['naive'],
    async start(form, trusted) {
      const configured = form === 'ours' ? ours : { configuration: naive, trustFile: bundle };
      if (!configured) throw new Error(`${what.name} has no configuration of ours`);
      const site = await prepareSite(what.name.replaceAll(' ', '-'));
      const { folder, port, options, caPem } = site;
      const path = join(folder, what.file);
      await writeFile(options.trustFile, configured.trustFile(trusted));
      await writeFile(path, await configured.configuration(options));
      await mkdir(join(folder, 'node_modules'));
      await symlink(root, join(folder, 'node_modules', 'apigw-cert'));
      await symlink(join(root, 'node_modules', 'express'), join(folder, 'node_modules', 'express'));
      try {
        const { pid, stop } = await launch(what.binary, what.args(path), { folder, port });
        return {
          port,
          caPem,
          trust: {
            kind: 'pem-bundle',
            file: options.trustFile,
            ...(reload ? { reload: reload(pid) } : {}),
          },
          async stop() {
            await stop();
            await site.close();
          },
        };
      } catch (error) {
        await site.close();
        throw error;
      }
    },
  };
}

function pythonOf(binary: string): LabServer | undefined {
  if (!existsSync(binary)) return undefined;
  const [version = '', tls = ''] = says(
    binary,
    '-c',
    'import ssl, platform; print(platform.python_version()); print(" ".join(ssl.OPENSSL_VERSION.split()[:2]))',
  ).split('\n');
  return program({
    name: `Python ${version.split('.').slice(0, 2).join('.')}`,
    version,
    tls,
    binary,
    file: 'backend.py',
    args: (path) => [path],
    naive: NAIVE.python,
    ours: programRecipes.python,
    reload: (pid) => ['kill', '-HUP', String(pid)],
  });
}

function nodeOf(binary: string): LabServer {
  const [version = '', openssl = ''] = says(
    binary,
    '-p',
    'process.versions.node + "\\n" + process.versions.openssl',
  ).split('\n');
  return program({
    name: `Node.js ${version.split('.')[0] ?? ''}`,
    version,
    tls: `OpenSSL ${openssl}`,
    binary,
    file: 'backend.mjs',
    args: (path) => [path],
    naive: NAIVE.node,
    ours: programRecipes.node,
  });
}

function where(name: string): string | undefined {
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** The system's, the one of the path, and where pyenv is there, one on each side of Python 3.13. */
function pythons(): string[] {
  const versions = join(homedir(), '.pyenv', 'versions');
  const own = existsSync(versions) ? readdirSync(versions).filter((name) => /^3\.1[13]\./.test(name)) : [];
  return [
    '/usr/bin/python3',
    where('python3') ?? '',
    ...own.map((name) => join(versions, name, 'bin', 'python3')),
  ];
}

/** Looks for every server there is a chance to find. Node 22 and 24 come from the npm registry. */
export async function findServers(): Promise<{ servers: LabServer[]; missing: MissingServer[] }> {
  const servers: LabServer[] = [];
  const missing: MissingServer[] = [];
  const add = (name: string, binary: string | undefined, make: (binary: string) => LabServer): void => {
    if (binary !== undefined && existsSync(binary)) servers.push(make(binary));
    else missing.push({ name, reason: 'not installed' });
  };
  const openssl = systemOpenssl();

  add('nginx', BINARY.nginx, (path) => webServer('nginx', first(/nginx\/(\S+)/, says(path, '-v')), openssl));
  add('haproxy', BINARY.haproxy, (path) => {
    const text = says(path, '-vv');
    return webServer(
      'haproxy',
      first(/version ([\d.]+)/, text),
      `OpenSSL ${first(/Running on OpenSSL version : OpenSSL (\S+)/, text)}`,
    );
  });
  if (existsSync(BINARY.haproxy)) servers.push(haproxyRuntime(servers.at(-1)));
  add('apache', BINARY.apache, (path) =>
    webServer('apache', first(/Apache\/(\S+)/, says(path, '-v')), openssl),
  );
  add('caddy', BINARY.caddy, (path) =>
    webServer(
      'caddy',
      first(/^v?(\S+)/, says(path, 'version')),
      `Go ${first(/^go\s+go(\S+)/m, says(path, 'build-info'))}`,
    ),
  );
  add('stunnel', where('stunnel4') ?? where('stunnel'), (path) => {
    const text = says(path, '-version');
    return program({
      name: 'stunnel',
      version: first(/stunnel (\S+)/, text),
      tls: `OpenSSL ${first(/(?:Running|Compiled\/running) +with OpenSSL (\S+)/, text)}`,
      binary: path,
      file: 'stunnel.conf',
      args: (file) => [file],
      naive: NAIVE.stunnel,
    });
  });
  add('hitch', where('hitch') ?? '/usr/sbin/hitch', (path) =>
    program({
      name: 'hitch',
      version: first(/hitch (\S+)/, says(path, '--version')),
      tls: openssl,
      binary: path,
      file: 'hitch.conf',
      args: (file) => [`--config=${file}`],
      naive: NAIVE.hitch,
    }),
  );
  add('lighttpd', where('lighttpd') ?? '/usr/sbin/lighttpd', (path) =>
    program({
      name: 'lighttpd',
      version: first(/lighttpd\/(\S+)/, says(path, '-v')),
      tls: openssl,
      binary: path,
      file: 'lighttpd.conf',
      args: (file) => ['-D', '-f', file],
      naive: NAIVE.lighttpd,
    }),
  );

  for (const version of ['20.19.0', '22', '24']) {
    const binary = await nodeBinary(version);
    if (binary === undefined) missing.push({ name: `Node.js ${version}`, reason: 'npm could not fetch it' });
    else servers.push(nodeOf(binary));
  }
  servers.push({ ...nodeOf(process.execPath), name: 'express 5', ...expressLab() });
  const seen = new Set<string>();
  for (const python of pythons().map(pythonOf)) {
    if (!python || seen.has(python.name)) continue;
    seen.add(python.name);
    servers.push(python);
  }
  if (seen.size === 0) missing.push({ name: 'Python', reason: 'not installed' });
  // The source is run as it is printed: that takes the compiler.
  add('Java', where('javac') && where('java'), (path) =>
    program({
      name: 'Java',
      version: first(/version "([^"]+)"/, says(path, '-version')),
      tls: 'SunJSSE',
      binary: path,
      file: 'Backend.java',
      args: (file) => ['-Xshare:auto', '-XX:TieredStopAtLevel=1', file],
      naive: NAIVE.java,
      ours: programRecipes.java,
    }),
  );
  return { servers, missing };
}

function expressLab(): Pick<LabServer, 'start' | 'forms'> {
  const { start } = program({
    name: 'express',
    version: '',
    tls: '',
    binary: process.execPath,
    file: 'backend.mjs',
    args: (path) => [path],
    naive: NAIVE.node,
    ours: programRecipes.express,
  });
  return { start, forms: ['ours'] };
}
