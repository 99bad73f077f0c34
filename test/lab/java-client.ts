/** API Gateway's kind of client, for the lab: Java's TLS with Apache HttpClient, synchronous and asynchronous. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestIdentity } from '../support/certificates.js';

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), 'JavaClient.java');

/** Debian's libhttpclient-java and libhttpasyncclient-java, with what they need. */
const JARS = [
  'httpclient',
  'httpcore',
  'httpcore-nio',
  'httpasyncclient',
  'commons-logging',
  'commons-codec',
].map((name) => `/usr/share/java/${name}.jar`);

/** What is missing for it on this machine; empty when it can be run. */
export function missingForJava(): string[] {
  const jars = JARS.filter((jar) => !existsSync(jar));
  const javac = existsSync('/usr/bin/javac') ? [] : ['/usr/bin/javac'];
  return [...jars, ...javac];
}

export const KINDS = ['sync', 'async'] as const;
export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

export type JavaKind = (typeof KINDS)[number];
export type TlsVersion = (typeof VERSIONS)[number];

/** What a run of requests on kept connections came to. */
export interface JavaTraffic {
  requests: number;
  failedPosts: number;
  failedGets: number;
  messages: string;
}

export interface JavaClient {
  /** One GET on a connection of its own: an HTTP status, or the messages of the exceptions. */
  call(
    kind: JavaKind,
    version: TlsVersion,
    port: number,
    identity: TestIdentity | undefined,
  ): Promise<string>;
  /** POSTs on four kept connections and GETs on four others, each idle most of the time, until it is stopped. */
  start(kind: JavaKind, port: number, identity: TestIdentity): Promise<{ stop(): Promise<JavaTraffic> }>;
  close(): Promise<void>;
}

const LANES = 8;
/** Longer than a request takes, so that a reload meets most connections while they are idle. */
const PAUSE_MS = 200;

/** Compiles the client and starts its virtual machine, which lives until it is closed. */
export async function startJavaClient(): Promise<JavaClient> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-java-'));
  const classpath = [directory, ...JARS].join(':');
  await promisify(execFile)('javac', ['-cp', classpath, '-d', directory, SOURCE]);
  const child = spawn('java', ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', classpath, 'JavaClient'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const files = new Map<TestIdentity, string>();

  async function filesOf(identity: TestIdentity | undefined): Promise<string> {
    if (!identity) return '- -';
    const known = files.get(identity);
    if (known !== undefined) return known;
    const path = join(directory, `${files.size}`);
    await writeFile(`${path}.pem`, identity.certificate.pem);
    await writeFile(`${path}.key`, identity.privateKeyPem);
    files.set(identity, `${path}.pem ${path}.key`);
    return `${path}.pem ${path}.key`;
  }

  async function ask(command: string): Promise<string> {
    child.stdin.write(`${command}\n`);
    const next: IteratorResult<string, unknown> = await lines.next();
    if (next.done === true) throw new Error('the Java client has ended');
    return next.value;
  }

  return {
    async call(kind, version, port, identity) {
      return ask(`call ${kind} ${version} ${port} ${await filesOf(identity)}`);
    },
    async start(kind, port, identity) {
      const answer = await ask(
        `start ${kind} TLSv1.3 ${port} ${await filesOf(identity)} ${LANES} ${PAUSE_MS}`,
      );
      if (answer !== 'ok') throw new Error(answer);
      return {
        async stop() {
          const [requests = '', posts = '', gets = '', ...messages] = (await ask('stop')).split(' ');
          return {
            requests: Number(requests),
            failedPosts: Number(posts),
            failedGets: Number(gets),
            messages: messages.join(' '),
          };
        },
      };
    },
    async close() {
      child.stdin.end();
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

/** A way to a port of loopback that takes its time in each direction, as a network does. */
export async function delayed(port: number, ms: number): Promise<{ port: number; close(): void }> {
  const late = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), ms));
    from.on('end', () => setTimeout(() => to.end(), ms));
    from.on('error', () => setTimeout(() => to.destroy(), ms));
  };
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    late(incoming, outgoing);
    late(outgoing, incoming);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
