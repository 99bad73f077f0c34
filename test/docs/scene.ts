/** What the documents are about, on loopback: an account with the API `orders`, a backend, and the hosts they name. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { GenerateClientCertificateCommand, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
import { startEmulator } from '../../src/emulator/index.js';
import { trustClientCertificates } from '../../src/node/index.js';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { startAwsDouble } from '../support/aws-double.js';
import { attachCertificate, clientOf, makeApi } from '../support/emulator.js';
import { startKubernetesDouble } from '../support/kubernetes-double.js';
import { startProxy } from '../support/proxy.js';

const DAY = 86_400_000;

/** The ids that the documents print. */
export const PRINTED = { used: '03q4xp', unused: 'b8b1nr', api: 'oixl4m25bo' };

export interface SceneAccount {
  accessKeyId: string;
  region: string;
  /** The certificate that orders/prod presents, expiring in 24 days. */
  pem: string;
  /** Where the backend looks. */
  trustFile: string;
}

export interface Scene {
  accounts: SceneAccount[];
  env: Record<string, string>;
  /** Puts it into the ConfigMap that the documents name. @returns what reads it */
  configMap(pem: string): () => string;
  /** Puts it into the bucket that the documents name. @returns what reads it */
  bucket(pem: string): () => string;
  /** Keeps a file as its source is, as a host does that fetches it. */
  follow(file: string, read: () => string): void;
  certificateIds(account: SceneAccount): Promise<string[]>;
  close(): Promise<void>;
}

async function listen(listener: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Starts one emulator with these accounts, and a backend for each trust file.
 *
 * @param wanted an account that is `quiet` has only a new certificate, in use
 */
export async function startScene(
  folder: string,
  wanted: readonly { accessKeyId: string; region: string; trustFile: string; quiet?: boolean }[],
): Promise<Scene> {
  const server = await mintServerCertificate({
    notBefore: new Date(Date.now() - 3_600_000),
    dnsNames: ['localhost'],
  });
  const dataDir = join(folder, 'emulator');
  const options = { rateLimit: false as const, backendCa: server.caPem, dataDir };
  const making = await startEmulator(options);
  const accounts: SceneAccount[] = [];
  const backends: (() => void)[] = [];
  const urls = new Map<string, string>();
  const idsOf: [string, string][] = [];

  const backendFor = async (trustFile: string): Promise<string> => {
    const known = urls.get(trustFile);
    if (known !== undefined) return known;
    const trust = trustClientCertificates(trustFile);
    const backend = trust.createServer({ key: server.privateKeyPem, cert: server.certPem }, (_, response) =>
      response.end('ok'),
    );
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    backends.push(() => {
      trust.close();
      backend.close();
      backend.closeAllConnections();
    });
    const url = `https://localhost:${(backend.address() as AddressInfo).port}`;
    urls.set(trustFile, url);
    return url;
  };

  for (const { accessKeyId, region, trustFile, quiet = false } of wanted) {
    const client = clientOf(making, { accessKeyId, region });
    making.setClock(new Date(Date.now() - (quiet ? 0.5 : 340.5) * DAY));
    const used = await client.send(new GenerateClientCertificateCommand({ description: 'orders backend' }));
    const pem = String(used.pemEncodedCertificate).replaceAll('\r\n', '\n') + '\n';
    mkdirSync(join(trustFile, '..'), { recursive: true });
    if (!urls.has(trustFile)) writeFileSync(trustFile, pem);
    const api = await makeApi(making, client, await backendFor(trustFile));
    await attachCertificate(client, api, String(used.clientCertificateId));
    if (!quiet) {
      making.setClock(new Date(Date.now() - 0.5 * DAY));
      const unused = await client.send(
        new GenerateClientCertificateCommand({ description: 'left over from a test' }),
      );
      idsOf.push([String(unused.clientCertificateId), PRINTED.unused]);
      idsOf.push([String(used.clientCertificateId), PRINTED.used]);
    }
    if (accounts.length === 0) idsOf.push([api.restApiId, PRINTED.api]);
    client.destroy();
    accounts.push({ accessKeyId, region, pem, trustFile });
  }
  await making.close();
  // From here on the ids are those that are printed.
  const file = join(dataDir, 'state.json');
  let state = readFileSync(file, 'utf8');
  for (const [id, printed] of idsOf) state = state.replaceAll(`"${id}"`, `"${printed}"`);
  writeFileSync(file, state);
  const emulator = await startEmulator(options);

  const proxy = await startProxy({
    intercept: {
      dnsNames: ['chat.example', 'hooks.example.com'],
      answer: (request, response) => {
        request.resume();
        response.end();
      },
    },
  });
  const regions = await listen((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ Regions: [{ RegionName: 'eu-central-1', RegionOptStatus: 'ENABLED_BY_DEFAULT' }] }),
    );
  });
  const kubernetes = await startKubernetesDouble();
  const aws = await startAwsDouble();
  const fetching: NodeJS.Timeout[] = [];
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(kubernetes.url));
  const caFile = join(folder, 'authority.pem');
  writeFileSync(caFile, proxy.caPem);

  return {
    accounts,
    env: {
      AWS_ENDPOINT_URL: emulator.url,
      AWS_ENDPOINT_URL_ACCOUNT: regions.url,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_S3: aws.url,
      KUBECONFIG: kubeconfig,
      HTTPS_PROXY: proxy.url,
      NO_PROXY: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: caFile,
    },
    configMap(pem) {
      const data: Record<string, string> = { 'apigw.pem': pem };
      kubernetes.objects.set('configmaps/orders-apigw', { data, resourceVersion: 1 });
      return () => data['apigw.pem'] ?? '';
    },
    bucket(pem) {
      const versions = [pem];
      aws.versions.set('/example-orders-trust/apigw.pem', versions);
      return () => aws.versions.get('/example-orders-trust/apigw.pem')?.at(-1) ?? '';
    },
    follow(file, read) {
      fetching.push(
        setInterval(() => {
          if (!existsSync(file) || readFileSync(file, 'utf8') === read()) return;
          writeFileSync(`${file}.new`, read());
          renameSync(`${file}.new`, file);
        }, 100),
      );
    },
    async certificateIds({ accessKeyId, region }) {
      const client = clientOf(emulator, { accessKeyId, region });
      const { items = [] } = await client.send(new GetClientCertificatesCommand({ limit: 500 }));
      client.destroy();
      return items.map(({ clientCertificateId }) => String(clientCertificateId));
    },
    async close() {
      for (const timer of fetching) clearInterval(timer);
      for (const close of backends) close();
      kubernetes.close();
      aws.close();
      regions.close();
      await proxy.close();
      await emulator.close();
    },
  };
}

const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server } }],
    users: [{ name: 'lab', user: { token: 'any' } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab', namespace: 'default' } }],
    'current-context': 'lab',
  });
