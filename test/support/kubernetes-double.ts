/** A double of the Kubernetes API server for the real kubectl: discovery, and one namespace's Secrets and ConfigMaps. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';

interface Stored {
  data: Record<string, string>;
  resourceVersion: number;
}

export interface KubernetesDouble {
  url: string;
  /** By plural and name: `secrets/apigw`. */
  objects: Map<string, Stored>;
  beforePatch: (() => void) | undefined;
  readOnly: boolean;
  /** The next patch is done, and its connection ends without an answer. */
  loseAnswer: boolean;
  close(): void;
}

const resource = (name: string, kind: string) => ({
  name,
  singularName: '',
  namespaced: true,
  kind,
  verbs: ['get', 'list', 'patch'],
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

interface Operation {
  op: string;
  path: string;
  value: string;
}

export async function startKubernetesDouble(): Promise<KubernetesDouble> {
  const objects = new Map<string, Stored>();
  const failure = (code: number, reason: string): [number, unknown] => [
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message: `${reason} by the double`, code },
  ];

  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (pathname === '/api') return [200, { kind: 'APIVersions', versions: ['v1'] }];
    if (pathname === '/apis') return [200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] }];
    if (pathname === '/api/v1') {
      const resources = [resource('secrets', 'Secret'), resource('configmaps', 'ConfigMap')];
      return [200, { kind: 'APIResourceList', groupVersion: 'v1', resources }];
    }
    const [, plural = '', name = ''] =
      /^\/api\/v1\/namespaces\/default\/(secrets|configmaps)\/([^/]+)$/.exec(pathname) ?? [];
    const stored = objects.get(`${plural}/${name}`);
    if (!stored) return failure(404, 'NotFound');
    if (request.method === 'PATCH') {
      if (double.readOnly) return failure(403, 'Forbidden');
      const operations = JSON.parse(await bodyOf(request)) as Operation[];
      const somebody = double.beforePatch;
      double.beforePatch = undefined;
      somebody?.();
      for (const { op, path, value } of operations) {
        if (op === 'test' && value !== String(stored.resourceVersion)) return failure(422, 'Invalid');
        if (op === 'replace') stored.data[path.replace('/data/', '')] = value;
      }
      stored.resourceVersion += 1;
    }
    return [
      200,
      {
        kind: plural === 'secrets' ? 'Secret' : 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name, namespace: 'default', resourceVersion: String(stored.resourceVersion) },
        data: stored.data,
      },
    ];
  };

  const server = createServer((request, response) => {
    void answer(request).then(([status, body]) => {
      if (request.method === 'PATCH' && double.loseAnswer) {
        double.loseAnswer = false;
        request.socket.destroy();
        return;
      }
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: KubernetesDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    beforePatch: undefined,
    readOnly: false,
    loseAnswer: false,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}
