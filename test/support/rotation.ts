import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/index.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';
import { trustClientCertificates } from '../../src/node/index.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { freePort } from './free-port.js';
import { attachCertificate, clientOf, generateCertificate, makeApi, type ApiFixture } from './emulator.js';

export const REGION = 'eu-central-1';

/** Ready to rotate: a stage whose https backend accepts exactly the certificates of a PEM file, by apigw-cert/node. */
export interface RotationLab {
  emulator: Emulator;
  controlPlane: ControlPlane;
  api: ApiFixture;
  oldId: string;
  /** The trust store: a file that the backend follows. */
  trustFile: string;
  directory: string;
  /** For a child process: where the emulator is and who calls. */
  env: Record<string, string>;
  /** Another backend, with a trust file of its own that holds the old certificate. */
  addBackend(name: string): Promise<LabBackend>;
  /** The backend of the stage. */
  backend: LabBackend;
  close(): Promise<void>;
}

export interface LabBackend {
  url: string;
  trustFile: string;
  /** Ends all connections and takes no more. */
  stop(): void;
  /** At the same address as before. */
  start(): Promise<void>;
}

/** Starts the lab; the old certificate is `ageDays` old. */
export async function startRotationLab({
  ageDays = 340,
  ...options
}: EmulatorOptions & { ageDays?: number } = {}): Promise<RotationLab> {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-rotation-'));
  const server = await mintServerCertificate({
    notBefore: new Date(Date.now() - 3_600_000),
    dnsNames: ['localhost'],
  });
  const born = new Date(Date.now() - ageDays * 86_400_000);
  const emulator = await startEmulator({
    rateLimit: false,
    backendCa: server.caPem,
    clock: born,
    ...options,
  });
  const client = clientOf(emulator, { region: REGION });
  const old = await generateCertificate(client);
  const backends: (() => void)[] = [];
  async function addBackend(name: string): Promise<LabBackend> {
    const trustFile = join(directory, `${name}.pem`);
    await writeFile(trustFile, trustedCertificate(old.pem).pem);
    const trust = trustClientCertificates(trustFile);
    const backend = trust.createServer(
      { key: server.privateKeyPem, cert: server.certPem },
      (_request, response) => {
        response.end('ok');
      },
    );
    // Not any port: after `stop` somebody else could be given it.
    const port = await freePort();
    backend.listen(port, '127.0.0.1');
    await once(backend, 'listening');
    const stop = (): void => {
      backend.close();
      backend.closeAllConnections();
    };
    backends.push(() => {
      trust.close();
      stop();
    });
    return {
      url: `https://localhost:${port}`,
      trustFile,
      stop,
      async start() {
        backend.listen(port, '127.0.0.1');
        await once(backend, 'listening');
      },
    };
  }
  const backend = await addBackend('apigw');
  const { url, trustFile } = backend;
  const api = await makeApi(emulator, client, url);
  await attachCertificate(client, api, old.id);
  client.destroy();
  // Only now: a delay of propagation has long passed, and the certificate is as old as it is meant to be.
  emulator.setClock(new Date());

  return {
    emulator,
    controlPlane: await createAwsControlPlane({ region: REGION, endpoint: emulator.url }),
    api,
    oldId: old.id,
    trustFile,
    directory,
    addBackend,
    backend,
    env: {
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: emulator.url,
      XDG_STATE_HOME: join(directory, 'state'),
    },
    async close() {
      await emulator.close();
      for (const closeBackend of backends) closeBackend();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Requests through the stage's URL, one after another in `lanes` lanes, until it is stopped. */
export interface Traffic {
  /** Those that have failed so far: when, and how. */
  failed(): readonly string[];
  stop(): Promise<{ requests: number; failed: string[] }>;
}

/** Starts traffic; each answer that is not 200 counts as failed. */
export function startTraffic(url: string, { lanes = 4, pauseMs = 5 } = {}): Traffic {
  let running = true;
  let requests = 0;
  const failed: string[] = [];
  const lane = async (): Promise<void> => {
    while (running) {
      try {
        const response = await fetch(url);
        await response.text();
        if (response.status !== 200) failed.push(`${new Date().toISOString()} ${response.status}`);
      } catch (error) {
        failed.push(`${new Date().toISOString()} ${String(error)}`);
      }
      requests += 1;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const all = Promise.all(Array.from({ length: lanes }, lane));
  return {
    failed: () => failed,
    async stop() {
      running = false;
      await all;
      return { requests, failed };
    },
  };
}
