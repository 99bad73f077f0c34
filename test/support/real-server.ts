/**
 * Real web servers as child processes, each with its own folder, configuration and free loopback port, and ended by
 * its id. Their configuration is the recipe that users get, in the least frame in which it runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import type { TrustStoreConfig } from '../../src/trust/kinds/index.js';
import { type Recipe, type ServerOptions, recipes } from './recipes.js';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { freePort } from './free-port.js';

export type ServerKind = keyof typeof recipes;

export const BINARY: Record<ServerKind, string> = {
  apache: '/usr/sbin/apache2',
  caddy: '/usr/bin/caddy',
  haproxy: '/usr/sbin/haproxy',
  nginx: '/usr/sbin/nginx',
};

export const isInstalled = (kind: ServerKind): boolean => existsSync(BINARY[kind]);

interface Frame {
  /** Files beside the recipe, by name. */
  files: Record<string, string>;
  args: string[];
  check: string[];
  /** Given the server's process id. */
  reload: (pid: number) => string[];
}

/** @param admin a free port for Caddy's own API */
const FRAMES: Record<ServerKind, (folder: string, recipe: string, admin: number) => Frame> = {
  nginx: (folder, recipe) => {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/tmp;`)
      .join(' ');
    const base = ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', `${folder}/error.log`];
    return {
      files: {
        'recipe.conf': recipe,
        'nginx.conf': `pid ${folder}/pid; daemon off; user root; events {}\nhttp { access_log off; ${paths} include ${folder}/recipe.conf; }\n`,
      },
      args: base,
      check: [BINARY.nginx, ...base, '-t'],
      reload: () => [BINARY.nginx, ...base, '-s', 'reload'],
    };
  },
  haproxy: (folder, recipe) => {
    const base = ['-f', `${folder}/global.cfg`, '-f', `${folder}/recipe.cfg`];
    return {
      files: {
        'recipe.cfg': recipe,
        'global.cfg': `global\n  stats socket ${folder}/admin.sock mode 600 level admin expose-fd listeners\ndefaults\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n`,
      },
      args: ['-W', '-db', ...base],
      check: [BINARY.haproxy, '-c', ...base],
      reload: (pid) => ['kill', '-USR2', String(pid)],
    };
  },
  apache: (folder, recipe) => {
    const modules = ['mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'proxy', 'proxy_http']
      .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`)
      .join('');
    const listen = /<VirtualHost (\S+)>/.exec(recipe)?.[1] ?? '';
    const base = ['-f', `${folder}/httpd.conf`];
    return {
      files: {
        'recipe.conf': recipe,
        'httpd.conf': `ServerRoot ${folder}\n${modules}PidFile ${folder}/pid\nErrorLog ${folder}/error.log\nDefaultRuntimeDir ${folder}\nUser www-data\nGroup www-data\nServerName localhost\n# As in the ssl.conf of Debian and Red Hat.\nSSLSessionCache shmcb:${folder}/sessions(512000)\nSSLSessionCacheTimeout 300\nListen ${listen}\nInclude ${folder}/recipe.conf\n`,
      },
      args: ['-DFOREGROUND', ...base],
      check: [BINARY.apache, ...base, '-t'],
      reload: () => [BINARY.apache, ...base, '-k', 'graceful'],
    };
  },
  caddy: (folder, recipe, admin) => {
    const config = ['--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'];
    return {
      files: {
        Caddyfile: `{\n\tadmin 127.0.0.1:${admin}\n\tauto_https disable_redirects\n\tstorage file_system ${folder}/data\n}\n${recipe}`,
      },
      args: ['run', ...config],
      check: [BINARY.caddy, 'validate', ...config],
      reload: () => [BINARY.caddy, 'reload', ...config, '--address', `127.0.0.1:${admin}`],
    };
  },
};

export interface RealServer {
  port: number;
  folder: string;
  trustFile: string;
  /** The authority of the server's own certificate, PEM. */
  caPem: string;
  /** The trust store that keeps this server's list. */
  trust: TrustStoreConfig & { kind: ServerKind };
  /** HAProxy's runtime API. */
  socket: string;
  options: ServerOptions;
  /** Puts another configuration in place of the one that it has; a reload applies it. */
  configure(configuration: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Whether a server answers a TLS handshake, with whatever: one that speaks no TLS says so. To be connected is less:
 * Apache listens before it has read its configuration for the second time, and ends if that fails by then.
 */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, rejectUnauthorized: false, timeout: 5_000 });
  socket.on('timeout', () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'secureConnect');
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code !== 'ECONNREFUSED' && message !== 'no answer';
  } finally {
    socket.destroy();
  }
}

async function untilItAnswers(
  host: string,
  port: number,
  child: ChildProcess,
  log: () => string,
): Promise<void> {
  const deadline = performance.now() + 300_000;
  while (!(await answers(host, port))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${log()}`);
    if (performance.now() > deadline) throw new Error(`the server does not answer: ${log()}`);
    await sleep(20);
  }
}

export interface Launched {
  pid: number;
  /** Ends it by its id. */
  stop: () => Promise<void>;
}

/** Starts a program and waits until it answers. Its home is its own folder. */
export async function launch(
  binary: string,
  args: readonly string[],
  { folder, port, host = '127.0.0.1' }: { folder: string; port: number; host?: string },
): Promise<Launched> {
  const child = spawn(binary, args, {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  }
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await untilItAnswers(host, port, child, () => output.join(''));
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, stop };
}

/** A folder with a server's own certificate and key, and an application that answers 200 behind it. */
export interface Site {
  folder: string;
  port: number;
  /** The authority of the server's own certificate, PEM. */
  caPem: string;
  options: ServerOptions;
  close(): Promise<void>;
}

export async function prepareSite(name: string): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), `apigw-cert-${name}-`));
  await chmod(folder, 0o755);
  const [port, own] = await Promise.all([
    freePort(),
    mintServerCertificate({ notBefore: new Date(Date.now() - 3_600_000), dnsNames: ['localhost'] }),
  ]);
  const app = createServer((_request, response) => response.end('app\n')).listen(0, '127.0.0.1');
  await once(app, 'listening');
  // The chain is whole: lighttpd builds it, and would look for the issuer among the clients' authorities.
  await writeFile(join(folder, 'server.pem'), own.certPem + own.caPem);
  await writeFile(join(folder, 'server.pem.key'), own.privateKeyPem);
  return {
    folder,
    port,
    caPem: own.caPem,
    options: {
      listen: `127.0.0.1:${port}`,
      serverName: 'localhost',
      certificateFile: join(folder, 'server.pem'),
      privateKeyFile: join(folder, 'server.pem.key'),
      trustFile: join(folder, 'trusted'),
      upstream: `127.0.0.1:${(app.address() as AddressInfo).port}`,
    },
    async close() {
      app.closeAllConnections();
      app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The configuration of a server and its list of certificates; a recipe is one. */
export interface Configured {
  configuration: (options: ServerOptions) => string | Promise<string>;
  trustFile: Recipe['trustFile'];
}

/**
 * Starts a server with its recipe.
 * @param trusted what its list holds at first
 * @param configured another configuration than the recipe
 */
export async function startServer(
  kind: ServerKind,
  trusted: readonly TrustedCertificate[],
  configured: Configured = recipes[kind],
): Promise<RealServer> {
  const site = await prepareSite(kind);
  const { folder, port, options, caPem } = site;
  const { trustFile } = options;
  await writeFile(trustFile, configured.trustFile(trusted));
  const admin = await freePort();
  const configure = async (configuration: string): Promise<Frame> => {
    const frame = FRAMES[kind](folder, configuration, admin);
    for (const [name, text] of Object.entries(frame.files)) await writeFile(join(folder, name), text);
    return frame;
  };
  const frame = await configure(await configured.configuration(options));
  try {
    const { pid, stop } = await launch(BINARY[kind], frame.args, { folder, port });
    return {
      port,
      folder,
      trustFile,
      caPem,
      trust: { kind, file: trustFile, check: frame.check, reload: frame.reload(pid) },
      socket: join(folder, 'admin.sock'),
      options,
      async configure(configuration) {
        await configure(configuration);
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
}

export interface Client {
  pem: string;
  privateKeyPem: string;
}

/**
 * Calls the server once, on a connection of its own.
 * @returns `accepted` for the application's answer; `refused` for an answer of the server's own (400, 403) or a TLS
 * alert. A server that is not there is an error.
 */
export async function call(
  port: number,
  client: Client | undefined,
  version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): Promise<'accepted' | 'refused'> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        headers: { host: `localhost:${port}` },
        rejectUnauthorized: false,
        agent: false,
        minVersion: version,
        maxVersion: version,
        ...(client === undefined ? {} : { cert: client.pem, key: client.privateKeyPem }),
      },
      (response) => {
        response.resume();
        if (response.statusCode === 200) resolve('accepted');
        else if (response.statusCode === 400 || response.statusCode === 403) resolve('refused');
        else reject(new Error(`the server answered ${response.statusCode ?? 0}`));
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A client learns of an alert while it writes, while it reads, or by a connection that is gone.
      const refused = error.code?.startsWith('ERR_SSL_') === true || error.message.includes(' alert ');
      if (refused || error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve('refused');
      else reject(error);
    });
    outgoing.end();
  });
}
