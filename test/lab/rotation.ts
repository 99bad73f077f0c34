/** A whole rotation of a real server by the command line, under traffic; and reloads under load. */
import { execFile } from 'node:child_process';
import https from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startEmulator } from '../../src/emulator/index.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { startTraffic } from '../support/rotation.js';
import type { JavaClient, JavaKind, JavaTraffic } from './java-client.js';
import type { LabServer } from './servers.js';

/** What a run came to. */
export interface TrafficResult {
  requests: number;
  failed: string[];
  seconds: number;
}

const DAY_MS = 86_400_000;

/**
 * Rotates the certificate of a stage whose backend is the server, by `apigw-cert rotate`, while clients call the stage.
 * The stage presents old and new in turns for a while, as it does on AWS.
 */
export async function rotateUnderTraffic(server: LabServer): Promise<TrafficResult & { outcome: string }> {
  const first = await mintIdentity('first0');
  const running = await server.start('ours', [first.certificate]);
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-lab-'));
  const emulator = await startEmulator({
    rateLimit: false,
    backendCa: running.caPem,
    clock: new Date(Date.now() - 340 * DAY_MS),
    propagationDelayMs: 300,
  });
  const client = clientOf(emulator);
  try {
    if (!running.trust) throw new Error(`${server.name} has no trust store`);
    const old = await generateCertificate(client);
    const store = createTrustStore(running.trust, { announce: () => undefined });
    await store.add(trustedCertificate(old.pem, old.id));
    await store.remove(first.certificate);
    const api = await makeApi(emulator, client, `https://localhost:${running.port}`);
    await attachCertificate(client, api, old.id);
    emulator.setClock(new Date());

    const config = join(directory, 'apigw-cert.yaml');
    const target = { api: 'orders', stages: ['prod'], settle: '10s', soak: '2s', trust: [running.trust] };
    await writeFile(config, JSON.stringify({ targets: { orders: target } }));
    const traffic = startTraffic(`${api.invokeUrl}/health`);
    const started = performance.now();
    const { code, stdout, stderr } = await cli(['rotate', '--config', config, '--output', 'json'], {
      env: { ...emulatorEnv(emulator), XDG_STATE_HOME: join(directory, 'state') },
    });
    await sleep(500);
    const { requests, failed } = await traffic.stop();
    if (code !== 0) throw new Error(`rotate exited with ${String(code)}: ${stderr}`);
    const { items } = JSON.parse(stdout) as { items: { outcome: string }[] };
    return {
      outcome: items[0]?.outcome ?? 'none',
      requests,
      failed,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    client.destroy();
    await emulator.close();
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const RELOADS = 5;
/** As many requests go over one connection before a new one is made. */
const REQUESTS_A_CONNECTION = 10;

/** One request: `ok`, or what went wrong; `stale` when a kept connection had been closed before the request came. */
function get(port: number, agent: https.Agent, isOwn = false): Promise<string> {
  return new Promise((resolve) => {
    // The host as well: Caddy answers 421 to one that is not the name of the handshake.
    const headers = { host: `localhost:${port}` };
    const options = { port, host: '127.0.0.1', servername: 'localhost', headers, agent };
    const request = https.get(options, (response) => {
      response.on('error', (error) => {
        resolve(`cut off: ${error.message}`);
      });
      response.on('end', () => {
        resolve(response.statusCode === 200 ? 'ok' : `HTTP ${response.statusCode ?? 0}`);
      });
      response.resume();
    });
    request.on('error', (error) => {
      resolve(request.reusedSocket && !isOwn ? 'stale' : error.message);
    });
  });
}

/**
 * Calls the server from several sides while it is reloaded five times, a second apart: new connections all the time,
 * each for a few requests. A server that reloads closes kept connections, and a request that meets a closed one is made
 * again on a new one, as every HTTP client does (RFC 9110 section 9.2.2); all else that is no 200 counts as failed.
 */
export async function reloadUnderLoad(
  server: LabServer,
  { certificate, privateKeyPem }: TestIdentity,
  { lanes = 8 } = {},
): Promise<TrafficResult> {
  const running = await server.start('ours', [certificate]);
  const { port, trust } = running;
  const failed: string[] = [];
  let requests = 0;
  let going = true;
  const connect = (): https.Agent =>
    new https.Agent({
      keepAlive: true,
      maxSockets: 1,
      maxCachedSessions: 0,
      rejectUnauthorized: false,
      cert: certificate.pem,
      key: privateKeyPem,
    });
  const lane = async (): Promise<void> => {
    while (going) {
      let agent = connect();
      for (let i = 0; i < REQUESTS_A_CONNECTION; i++) {
        let answer = await get(port, agent);
        if (answer === 'stale') {
          agent.destroy();
          agent = connect();
          answer = await get(port, agent, true);
        }
        if (answer !== 'ok') failed.push(answer);
        requests += 1;
      }
      agent.destroy();
    }
  };
  try {
    const reload = trust && 'reload' in trust ? trust.reload : undefined;
    if (!Array.isArray(reload)) throw new Error(`${server.name} has no command that reloads it`);
    const [file = '', ...args] = reload as string[];
    const started = performance.now();
    const all = Promise.all(Array.from({ length: lanes }, lane));
    for (let i = 0; i < RELOADS; i++) {
      await sleep(1_000);
      await promisify(execFile)(file, args);
    }
    await sleep(1_000);
    going = false;
    await all;
    return { requests, failed, seconds: (performance.now() - started) / 1000 };
  } finally {
    going = false;
    await running.stop();
  }
}

/** What changes of a list under kept connections cost a client of Java. */
export interface ChangeResult extends JavaTraffic {
  changes: number;
}

/**
 * Changes the server's list five times, a second apart, by its trust store and as a rotation does, while a Java client
 * sends POSTs and GETs on kept connections. The certificate that it presents stays in the list.
 */
export async function changeUnderPosts(
  server: LabServer,
  {
    java,
    kind,
    identity,
    other,
  }: { java: JavaClient; kind: JavaKind; identity: TestIdentity; other: TestIdentity },
): Promise<ChangeResult> {
  const running = await server.start('ours', [identity.certificate]);
  try {
    if (!running.trust) throw new Error(`${server.name} has no trust store`);
    const store = createTrustStore(running.trust, { announce: () => undefined });
    const traffic = await java.start(kind, running.port, identity);
    for (let change = 0; change < RELOADS; change++) {
      await sleep(1_000);
      await (change % 2 === 0 ? store.add(other.certificate) : store.remove(other.certificate));
    }
    await sleep(1_000);
    return { changes: RELOADS, ...(await traffic.stop()) };
  } finally {
    await running.stop();
  }
}
