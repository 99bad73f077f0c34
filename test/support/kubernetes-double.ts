/**
 * A double of the Kubernetes API server: discovery, for kubectl, and Secrets and ConfigMaps with the documented rules of a
 * merge patch (https://kubernetes.io/docs/reference/using-api/api-concepts/): 409 for another resourceVersion, 422 for what
 * is too large or immutable, 401 without a known token.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { mintServerCertificate } from '../../src/certificates/mint.js';

interface Stored {
  data: Record<string, string>;
  resourceVersion: number;
  immutable?: boolean;
  labels?: Record<string, string>;
}

export interface KubernetesDouble {
  url: string;
  /** By plural and name: `secrets/apigw`. */
  objects: Map<string, Stored>;
  beforePatch: (() => void) | undefined;
  readOnly: boolean;
  /** Not even reading is allowed. */
  denied: boolean;
  /** The next patch is done, and its connection ends without an answer. */
  loseAnswer: boolean;
  /** What is answered next, whatever is asked; `hang`: nothing. */
  next: [status: number, body: string] | 'hang' | undefined;
  /** The tokens that are known; without TLS, anyone is. */
  tokens: string[];
  /** Each request for an object: `PATCH /api/v1/namespaces/default/secrets/apigw?fieldManager=x TYPE`. */
  requests: string[];
  /** The authority of its certificate, PEM; empty without TLS. */
  caPem: string;
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

/** All keys of an object together have 1 MiB at most (https://kubernetes.io/docs/concepts/configuration/secret/). */
const MAX_DATA = 1024 * 1024;

interface Patch {
  metadata?: { resourceVersion?: string };
  data?: Record<string, string>;
}

/** @param tls whether it speaks https, to those who present a known token */
export async function startKubernetesDouble({ tls = false } = {}): Promise<KubernetesDouble> {
  const objects = new Map<string, Stored>();
  const failure = (code: number, reason: string, message: string): [number, unknown] => [
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code },
  ];

  const patched = (
    stored: Stored,
    what: string,
    { metadata = {}, data = {} }: Patch,
  ): [number, unknown] | undefined => {
    const { resourceVersion } = metadata;
    if (resourceVersion !== undefined && resourceVersion !== String(stored.resourceVersion)) {
      return failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    }
    if (stored.immutable) {
      return failure(
        422,
        'Invalid',
        `${what} is invalid: data: Forbidden: field is immutable when \`immutable\` is set`,
      );
    }
    const whole = { ...stored.data, ...data };
    if (Object.values(whole).join('').length > MAX_DATA) {
      return failure(422, 'Invalid', `${what} is invalid: []: Too long: may not be more than 1048576 bytes`);
    }
    Object.assign(stored.data, whole);
    stored.resourceVersion += 1;
    return undefined;
  };

  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (tls && !double.tokens.includes(token)) return failure(401, 'Unauthorized', 'Unauthorized');
    if (pathname === '/api') return [200, { kind: 'APIVersions', versions: ['v1'] }];
    const rbac = { groupVersion: 'rbac.authorization.k8s.io/v1', version: 'v1' };
    if (pathname === '/apis') {
      const group = { name: 'rbac.authorization.k8s.io', versions: [rbac], preferredVersion: rbac };
      return [200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] }];
    }
    if (pathname === `/apis/${rbac.groupVersion}`) {
      const resources = [resource('roles', 'Role'), resource('rolebindings', 'RoleBinding')];
      return [200, { kind: 'APIResourceList', groupVersion: rbac.groupVersion, resources }];
    }
    if (pathname === '/api/v1') {
      const resources = [resource('secrets', 'Secret'), resource('configmaps', 'ConfigMap')];
      return [200, { kind: 'APIResourceList', groupVersion: 'v1', resources }];
    }
    double.requests.push(
      [request.method, request.url, request.headers['content-type'] ?? ''].join(' ').trim(),
    );
    const [, namespace = '', plural = '', name = ''] =
      /^\/api\/v1\/namespaces\/([^/]+)\/(secrets|configmaps)\/([^/]+)$/.exec(pathname) ?? [];
    const stored = objects.get(`${namespace === 'default' ? '' : `${namespace}/`}${plural}/${name}`);
    const what = `${plural} "${name}"`;
    if (double.denied || (double.readOnly && request.method === 'PATCH')) {
      const verb = request.method === 'PATCH' ? 'patch' : 'get';
      return failure(
        403,
        'Forbidden',
        `${what} is forbidden: User "system:serviceaccount:${namespace}:rotator" cannot ${verb} resource "${plural}" in API group "" in the namespace "${namespace}"`,
      );
    }
    if (!stored) return failure(404, 'NotFound', `${what} not found`);
    if (request.method === 'PATCH') {
      const patch = JSON.parse(await bodyOf(request)) as Patch;
      if (request.headers['content-type'] !== 'application/merge-patch+json') {
        return failure(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format');
      }
      const somebody = double.beforePatch;
      double.beforePatch = undefined;
      somebody?.();
      const refused = patched(stored, what, patch);
      if (refused) return refused;
    }
    return [
      200,
      {
        kind: plural === 'secrets' ? 'Secret' : 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name, namespace, resourceVersion: String(stored.resourceVersion), labels: stored.labels },
        data: stored.data,
      },
    ];
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { next } = double;
    double.next = undefined;
    if (next === 'hang') return;
    if (next !== undefined) {
      response.writeHead(next[0], { 'content-type': 'text/html' });
      response.end(next[1]);
      return;
    }
    void answer(request).then(([status, body]) => {
      if (request.method === 'PATCH' && double.loseAnswer) {
        double.loseAnswer = false;
        request.socket.destroy();
        return;
      }
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  };
  const own = tls
    ? await mintServerCertificate({
        notBefore: new Date(Date.now() - 172_800_000),
        days: 90,
        dnsNames: ['localhost'],
        ipAddresses: ['127.0.0.1'],
      })
    : undefined;
  const server = own
    ? createTlsServer({ cert: own.certPem, key: own.privateKeyPem }, listener)
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: KubernetesDouble = {
    url: `http${own ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    beforePatch: undefined,
    readOnly: false,
    denied: false,
    loseAnswer: false,
    next: undefined,
    tokens: [],
    requests: [],
    caPem: own?.caPem ?? '',
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}
