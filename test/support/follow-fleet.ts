/**
 * A fleet that follows a published list: real servers, each with a follower, behind a balancer of TCP connections, behind
 * an API of the emulator; and what happens to it while the certificate is rotated under traffic.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { entryKey } from '../../src/certificates/trust-entry.js';
import { openReports } from '../../src/acknowledgements/reports.js';
import { startEmulator } from '../../src/emulator/index.js';
import { acceptList, sealed } from '../../src/trust/published-list.js';
import { startAwsDouble } from './aws-double.js';
import { BINARY } from './cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from './emulator.js';
import { startServer, type RealServer, type ServerKind } from './real-server.js';
import { startTraffic } from './rotation.js';

const OBJECT = '/bucket/trust/apigw.pem';
const QUIET_MS = 300;

/** Passes connections on to the hosts that are in it, in turn. */
async function startBalancer() {
  const hosts: number[] = [];
  const open = new Map<number, Set<{ client: Socket; active: number }>>();
  let turn = 0;
  const server = createServer((client) => {
    const port = hosts[turn++ % hosts.length] ?? 0;
    const upstream = connect(port, '127.0.0.1');
    const entry = { client, active: performance.now() };
    const all = open.get(port) ?? new Set();
    open.set(port, all.add(entry));
    const end = (): void => {
      all.delete(entry);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('data', () => (entry.active = performance.now()));
      socket.on('error', end).on('close', end);
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    add: (port: number) => hosts.push(port),
    /** Takes a host out, and ends its connections once no request is on them. */
    async drain(port: number): Promise<void> {
      hosts.splice(hosts.indexOf(port), 1);
      const all = open.get(port) ?? new Set();
      while (all.size > 0) {
        for (const { client, active } of all) if (performance.now() - active > QUIET_MS) client.destroy();
        await sleep(20);
      }
    },
    close(): void {
      server.close();
      for (const all of open.values()) for (const { client } of all) client.destroy();
    },
  };
}

/** One host: a server, and its follower once that was started. */
interface Host {
  name: string;
  server: RealServer;
  follower?: ChildProcess;
}

/** What a run of {@link rotateFleet} came to. */
export interface FleetFigures {
  hosts: number;
  killed: number;
  added: number;
  followersRestarted: number;
  requests: number;
  failed: string[];
  /** Of the rotation. */
  exitCode: number | null;
  output: string;
  seconds: number;
  /** From the change of the list until the last host had reported it, in seconds, for each of the two changes. */
  acknowledgedAfter: number[];
  /** How many certificates each living server's trust file holds at the end, and whether all hosts report the same. */
  left: { listVersion: number | undefined; reports: number; fingerprints: string[] };
}

/**
 * Rotates the certificate of an API whose backend is `count` hosts, half nginx and half HAProxy, while `count / 10` hosts
 * (at least one) are drained and killed, as many are added, and as many followers are killed and started again.
 * @param options.isLost instead of all this, the follower of one host dies, and is not started again
 */
export async function rotateFleet(count: number, { isLost = false } = {}): Promise<FleetFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-fleet-'));
  const reportsFolder = join(directory, 'reports');
  await mkdir(reportsFolder);
  const change = Math.max(1, Math.floor(count / 10));
  const kinds: ServerKind[] = ['nginx', 'haproxy'];
  const servers: RealServer[] = [];
  for (let i = 0; i < count + change; i += 4) {
    const some = Array.from(
      { length: Math.min(4, count + change - i) },
      (_, n) => kinds[(i + n) % 2] ?? 'nginx',
    );
    servers.push(...(await Promise.all(some.map((kind) => startServer(kind, [])))));
  }
  const hosts = servers.map((server, i): Host => ({ name: `web-${i + 1}`, server }));
  const born = new Date(Date.now() - 340 * 86_400_000);
  const emulator = await startEmulator({
    rateLimit: false,
    backendCa: servers.map(({ caPem }) => caPem),
    clock: born,
    propagationDelayMs: 300,
  });
  const [aws, balancer] = await Promise.all([startAwsDouble(), startBalancer()]);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    XDG_STATE_HOME: join(directory, 'state'),
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: emulator.url,
    AWS_ENDPOINT_URL_S3: aws.url,
  };
  const start = (words: readonly string[]): ChildProcess =>
    spawn(process.execPath, [BINARY, ...words], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const listen = (host: Host): void => {
    const { trustFile, trust } = host.server;
    const quoted = (command: unknown): string => (command as string[]).map((word) => `'${word}'`).join(' ');
    host.follower = start([
      ...['backend', 'follow', '--from', `s3://bucket/trust/apigw.pem`, '--to', `${trust.kind}:${trustFile}`],
      ...['--check', quoted(trust.check), '--reload', quoted(trust.reload)],
      ...['--interval', '1s', '--host', host.name, '--report', reportsFolder, '--quiet'],
    ]);
  };
  const reports = openReports({ kind: 'folder', directory: reportsFolder });
  const until = async (what: () => Promise<boolean> | boolean): Promise<void> => {
    const deadline = performance.now() + 120_000;
    while (!(await what())) {
      if (performance.now() > deadline) throw new Error(`it does not come to that: ${what.toString()}`);
      await sleep(50);
    }
  };
  const reporting = async (): Promise<Set<string>> =>
    new Set((await reports.list()).flatMap((report) => ('host' in report ? report.host : [])));
  const list = () => acceptList(Buffer.from(aws.versions.get(OBJECT)?.at(-1) ?? ''), undefined, false);
  const listed = () => list().entries.map(entryKey);
  /** Whether all hosts that report have live what the list has now. */
  const areEqual = async (): Promise<boolean> => {
    const wanted = [...listed()].sort().join();
    return (await reports.list()).every(
      (report) => 'host' in report && [...(report.fingerprintsSha256 ?? [])].sort().join() === wanted,
    );
  };
  try {
    const client = clientOf(emulator);
    const old = await generateCertificate(client);
    const api = await makeApi(emulator, client, balancer.url);
    await attachCertificate(client, api, old.id);
    client.destroy();
    emulator.setClock(new Date());
    aws.versions.set(OBJECT, [sealed(trustedCertificate(old.pem).pem, '', 'latin1')]);
    const initial = hosts.slice(0, count);
    const late = hosts.slice(count);
    initial.forEach(listen);
    await until(async () => (await reporting()).size === count);
    for (const { server } of initial) balancer.add(server.port);

    const traffic = startTraffic(api.invokeUrl + '/health', { lanes: 4, pauseMs: 10 });
    const config = join(directory, 'apigw-cert.yaml');
    await writeFile(
      config,
      `targets:
  orders:
    api: orders
    stages: [prod]
    trust: [{ kind: s3, bucket: bucket, key: trust/apigw.pem }]
    acknowledge: { hosts: ${count}, reports: ${reportsFolder}, timeout: ${isLost ? '15s' : '2m'} }
    probe: { path: /health, count: 5 }
    settle: 5s
    soak: 1s
    inFlight: 1s
`,
    );
    if (isLost) initial[0]?.follower?.kill('SIGKILL');
    const begun = performance.now();
    const rotation = start(['rotate', '--config', config]);
    let output = '';
    rotation.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = once(rotation, 'exit').then(([code]) => code as number | null);
    const acknowledgedAfter: number[] = [];
    const measured = async (): Promise<void> => {
      const at = performance.now();
      await until(areEqual);
      acknowledgedAfter.push((performance.now() - at) / 1000);
    };

    const figures = async (killed = 0, added = 0, followersRestarted = 0): Promise<FleetFigures> => {
      const exitCode = await ended;
      const seconds = (performance.now() - begun) / 1000;
      const { requests, failed } = await traffic.stop();
      const said = await reports.list();
      const held = said.map((report) => ('host' in report ? String(report.fingerprintsSha256) : ''));
      return {
        ...{ hosts: count, killed, added, followersRestarted, requests, failed, exitCode, output, seconds },
        acknowledgedAfter,
        left: { listVersion: list().version, reports: said.length, fingerprints: [...new Set(held)] },
      };
    };
    if (isLost) return await figures();

    // While both are being brought to the hosts: some are terminated, as many take their places, and followers die.
    await until(() => listed().length === 2 || rotation.exitCode !== null);
    const spreading = measured();
    const killed = initial.slice(0, change);
    const restarted = initial.slice(change, 2 * change);
    for (const { follower } of restarted) follower?.kill('SIGKILL');
    for (const host of killed) {
      await balancer.drain(host.server.port);
      host.follower?.kill('SIGKILL');
      await host.server.stop();
      for (const file of await readdir(reportsFolder))
        if (file.startsWith(`${host.name}.`)) await rm(join(reportsFolder, file));
    }
    restarted.forEach(listen);
    late.forEach(listen);
    await until(async () => {
      const now = await reporting();
      return late.every(({ name }) => now.has(name));
    });
    for (const { server } of late) balancer.add(server.port);
    await spreading;

    // Once it is in use, the old one goes.
    await until(() => listed().length === 1 || rotation.exitCode !== null);
    await measured();
    return await figures(killed.length, late.length, restarted.length);
  } finally {
    for (const { follower } of hosts) follower?.kill('SIGKILL');
    balancer.close();
    await Promise.all(servers.map((server) => server.stop().catch(() => undefined)));
    aws.close();
    await emulator.close();
    await rm(directory, { recursive: true, force: true });
  }
}
