/** The kind `kubernetes`, by the real kubectl and by the API, against a double of the API server. */
import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import { apiRequests } from '../../src/trust/kubernetes-api.js';
import { objectDocument } from '../../src/trust/kubernetes-object.js';
import { createTrustStore, trustStoreSchema } from '../../src/trust/kinds/index.js';
import type { DescribedTrustStore } from '../../src/trust/trust-store.js';
import { appError, noContext, trustStoreContract } from '../contract/trust-store.contract.js';
import { startAwsDouble } from '../support/aws-double.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { type KubernetesDouble, startKubernetesDouble } from '../support/kubernetes-double.js';
import { startProxy } from '../support/proxy.js';

const TOKEN = 'token-of-the-rotator';
const environment = { ...process.env };
let kubernetes: KubernetesDouble;
let folder: string;
let old: TestIdentity;
let next: TestIdentity;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-kubernetes-'));
  [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
});
beforeEach(async () => {
  kubernetes = await startKubernetesDouble({ tls: true });
  kubernetes.tokens = [TOKEN];
  await Promise.all([
    writeFile(join(folder, 'ca.pem'), kubernetes.caPem),
    writeFile(join(folder, 'token'), `${TOKEN}\n`),
  ]);
});
afterEach(() => {
  kubernetes.close();
  process.env = { ...environment };
});
afterAll(() => rm(folder, { recursive: true }));

type Resource = 'secret' | 'configmap';
type Open = (resource: Resource, reload?: string) => DescribedTrustStore;

const place = (resource: Resource) =>
  ({ kind: 'kubernetes', resource, name: 'apigw', key: 'ca.pem' }) as const;

const api = (more: object = {}) => ({
  api: kubernetes.url,
  caFile: join(folder, 'ca.pem'),
  tokenFile: join(folder, 'token'),
  ...more,
});

const open = (resource: Resource, more: object = {}): DescribedTrustStore =>
  createTrustStore({ ...place(resource), ...api(), ...more }, noContext);

const connected = (): string[] => [
  ...[`--server=${kubernetes.url}`, `--token=${TOKEN}`],
  ...[`--certificate-authority=${join(folder, 'ca.pem')}`, `--cache-dir=${folder}/cache`],
];

// A machine without kubectl has nothing to test of it; CI installs it.
const withKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

const WAYS: Readonly<Record<string, Open>> = {
  'by the API': (resource, reload) => open(resource, reload === undefined ? {} : { reload }),
  ...(withKubectl
    ? {
        'by kubectl': (resource: Resource, reload?: string) =>
          createTrustStore(
            {
              ...place(resource),
              ...(reload === undefined ? {} : { reload }),
              kubectl: ['kubectl', ...connected()],
            },
            noContext,
          ),
      }
    : {}),
};

const decode = (resource: Resource, value = ''): string =>
  resource === 'secret' ? Buffer.from(value, 'base64').toString() : value;
const encode = (resource: Resource, text: string): string =>
  resource === 'secret' ? Buffer.from(text).toString('base64') : text;

for (const [way, opened] of Object.entries(WAYS)) {
  // kubectl takes a third of a second for each request, and both resources are read and written by the same code.
  for (const resource of way === 'by kubectl' ? (['secret'] as const) : (['secret', 'configmap'] as const)) {
    const path = `${resource}s/apigw`;

    trustStoreContract(
      `kubernetes ${resource} ${way}`,
      () => {
        kubernetes.objects.set(path, { data: { 'ca.pem': '', other: 'c2VjcmV0' }, resourceVersion: 7 });
        return Promise.resolve({
          store: opened(resource),
          content: () => Promise.resolve(structuredClone(kubernetes.objects.get(path))),
          breakIt: () => {
            kubernetes.readOnly = true;
            return Promise.resolve();
          },
        });
      },
      3,
    );

    describe(`kubernetes ${resource} ${way}`, () => {
      test('our key alone is changed, and somebody else’s change at the same moment is kept', async () => {
        const labels = { team: 'shop' };
        kubernetes.objects.set(path, {
          data: { 'ca.pem': '', other: 'c2VjcmV0' },
          resourceVersion: 7,
          labels,
        });
        await opened(resource).add(old.certificate);
        const object = kubernetes.objects.get(path);
        expect(object).toMatchObject({ labels, data: { other: 'c2VjcmV0' } });
        const before = object?.data['ca.pem'];
        expect(decode(resource, before)).toContain(old.certificate.pem);
        kubernetes.beforePatch = () => {
          if (object) object.resourceVersion = 99;
        };
        const error = await appError(opened(resource).add(next.certificate));
        expect(error.message).toContain('someone else changed it');
        expect(kubernetes.objects.get(path)?.data['ca.pem']).toBe(before);
      });

      test('what somebody else wrote after us is not overwritten by what was before', async () => {
        kubernetes.objects.set(path, {
          data: { 'ca.pem': encode(resource, old.certificate.pem + next.certificate.pem) },
          resourceVersion: 7,
        });
        const theirs = encode(resource, `# theirs\n${next.certificate.pem}`);
        let calls = 0;
        const beforeEffect = (): Promise<void> => {
          const object = kubernetes.objects.get(path);
          if (++calls === 2 && object) {
            object.data['ca.pem'] = theirs;
            object.resourceVersion += 1;
          }
          return Promise.resolve();
        };
        const error = await appError(opened(resource, 'exit 3').remove(old.certificate, { beforeEffect }));
        expect(error.code).toBe('TrustStoreNotRestored');
        expect(kubernetes.objects.get(path)?.data['ca.pem']).toBe(theirs);
      });

      test('a patch whose answer is lost is settled by reading', async () => {
        kubernetes.objects.set(path, { data: { 'ca.pem': '' }, resourceVersion: 7 });
        kubernetes.loseAnswer = true;
        await opened(resource).add(old.certificate);
        expect(decode(resource, kubernetes.objects.get(path)?.data['ca.pem'])).toContain(old.certificate.pem);
      });

      test('what does not exist is a clear error', async () => {
        const error = await appError(opened(resource).observe());
        expect(error.code).toBe('TrustStoreUnreadable');
        expect(error.message).toContain('NotFound');
      });
    });
  }
}

describe('the API', () => {
  const object = () => kubernetes.objects.get('configmaps/apigw');
  beforeEach(() => {
    kubernetes.objects.set('configmaps/apigw', {
      data: { 'ca.pem': old.certificate.pem },
      resourceVersion: 7,
    });
  });

  test('is asked with two requests', async () => {
    await open('configmap').add(next.certificate);
    expect(kubernetes.requests).toEqual([
      'GET /api/v1/namespaces/default/configmaps/apigw',
      'PATCH /api/v1/namespaces/default/configmaps/apigw?fieldManager=apigw-cert application/merge-patch+json',
    ]);
    kubernetes.objects.set('shop/secrets/apigw', { data: { 'ca.pem': '' }, resourceVersion: 1 });
    expect(await open('secret', { namespace: 'shop' }).observe()).toEqual([]);
  });

  test.each<[string, () => void, 'observe' | 'add', object]>([
    [
      'reading is denied',
      () => (kubernetes.denied = true),
      'observe',
      {
        code: 'TrustStoreUnreadable',
        message:
          'kubernetes:configmap/apigw (API): the API server answered 403 Forbidden: configmaps "apigw" is forbidden: User "system:serviceaccount:default:rotator" cannot get resource "configmaps" in API group "" in the namespace "default"',
        hint: 'allow the verbs get and patch on the configmap apigw in the namespace default (docs/kubernetes.md)',
      },
    ],
    [
      'writing is denied',
      () => (kubernetes.readOnly = true),
      'add',
      { code: 'TrustStoreFailed', message: expect.stringContaining('403 Forbidden: configmaps "apigw"') },
    ],
    [
      'the token is not known',
      () => (kubernetes.tokens = []),
      'observe',
      {
        code: 'TrustStoreUnreadable',
        message: expect.stringContaining('answered 401 Unauthorized'),
        hint: expect.stringContaining('token has not expired'),
      },
    ],
    [
      'the object would be too large',
      () => Object.assign(object()?.data ?? {}, { other: 'x'.repeat(1024 * 1024 - 1_500) }),
      'add',
      {
        code: 'TrustStoreFailed',
        message: expect.stringContaining('422 Invalid: configmaps "apigw" is invalid: []: Too long'),
        hint: expect.stringContaining('1 MiB'),
      },
    ],
    [
      'the object is immutable',
      () => Object.assign(object() ?? {}, { immutable: true }),
      'add',
      { code: 'TrustStoreFailed', message: expect.stringContaining('field is immutable') },
    ],
    [
      'something else answers, which quotes the token',
      () => (kubernetes.next = [200, `<p>${TOKEN}</p>`]),
      'observe',
      { code: 'TrustStoreUnreadable', message: expect.stringContaining('not an answer of Kubernetes') },
    ],
    [
      'a Status quotes the token',
      () => (kubernetes.next = [400, JSON.stringify({ kind: 'Status', message: `bad ${TOKEN}\u001b[31m` })]),
      'observe',
      { code: 'TrustStoreUnreadable', message: expect.stringMatching(/answered 400: bad \*\*\*$/) },
    ],
    [
      'the answer is no object',
      () => (kubernetes.next = [200, '{"metadata":{"resourceVersion":"1"},"data":{"ca.pem":7}}']),
      'observe',
      { code: 'TrustStoreUnreadable', message: expect.stringContaining('not a Secret or a ConfigMap') },
    ],
    [
      'the answer does not end',
      () => (kubernetes.next = [200, 'x'.repeat(8 * 1024 * 1024 + 1)]),
      'observe',
      { code: 'TrustStoreUnreadable', message: expect.stringContaining('answered more than 8 MiB') },
    ],
  ])('%s', async (_what, happen, action, expected) => {
    happen();
    const before = structuredClone(object());
    const error = await appError(
      action === 'add' ? open('configmap').add(next.certificate) : open('configmap').observe(),
    );
    const named = JSON.parse(
      JSON.stringify({ code: error.code, hint: error.hint, message: error.message }).replaceAll(
        `(key ca.pem, api ${kubernetes.url})`,
        '(API)',
      ),
    ) as object;
    expect(named).toMatchObject(expected);
    expect(inspect(error, { depth: 9 })).not.toContain(TOKEN);
    expect(object()).toEqual(before);
  });

  test.each([['hang'], [[504, '']]] as const)(
    'a patch to which %j is the answer is neither done nor failed',
    async (answer) => {
      const beforeEffect = (): Promise<void> => {
        kubernetes.next = answer === 'hang' ? answer : [...answer];
        return Promise.resolve();
      };
      const store = open('configmap', { timeout: '300ms' });
      expect(await appError(store.add(next.certificate, { beforeEffect }))).toMatchObject({
        code: 'ServiceUnreachable',
        message: expect.stringMatching(/: whether it was written is not known: the API server .*answer/),
      });
      expect(object()?.data['ca.pem']).toBe(old.certificate.pem);
    },
  );

  test('a server that the authority does not vouch for is not given the token, whatever the environment says', async () => {
    const other = await startKubernetesDouble({ tls: true });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    const error = await appError(open('configmap', { api: other.url }).observe());
    expect(error).toMatchObject({
      code: 'TrustStoreUnreadable',
      message: expect.stringContaining('did not answer: unable to verify the first certificate'),
      hint: expect.stringContaining('set caFile'),
    });
    expect(other.requests).toEqual([]);
    other.close();
  });

  test('is reached through a proxy, by CONNECT alone', async () => {
    const proxy = await startProxy();
    process.env['HTTPS_PROXY'] = proxy.url;
    delete process.env['NO_PROXY'];
    delete process.env['no_proxy'];
    await open('configmap').add(next.certificate);
    expect(object()?.resourceVersion).toBe(8);
    expect(new Set(proxy.seen)).toEqual(new Set([`CONNECT ${new URL(kubernetes.url).host}`]));
    await proxy.close();
  });

  test('the token is read anew for each change, from a file, a variable or a secret', async () => {
    const store = open('configmap');
    expect(await store.observe()).toHaveLength(1);
    kubernetes.tokens = ['renewed'];
    await writeFile(join(folder, 'token'), 'renewed');
    expect(await store.observe()).toHaveLength(1);

    process.env['CLUSTER_TOKEN'] = 'renewed';
    const of = (more: object) => open('configmap', { tokenFile: undefined, ...more });
    expect(await of({ tokenVariable: 'CLUSTER_TOKEN' }).observe()).toHaveLength(1);

    const aws = await startAwsDouble();
    aws.versions.set('cluster-token', ['renewed\n']);
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL: aws.url,
    });
    const secret = { tokenSecret: 'cluster-token', region: 'eu-west-1' };
    expect(await of(secret).observe()).toHaveLength(1);
    const missing = await appError(of({ ...secret, tokenSecret: 'other' }).observe());
    expect(missing.message).toContain('the secret other with the token cannot be read: ResourceNotFound');
    aws.close();
  });

  test.each<[string, object, string]>([
    ['is missing', { tokenFile: '/nowhere/token' }, 'the file /nowhere/token cannot be read (ENOENT)'],
    ['is empty', { tokenFile: '/dev/null' }, 'the file /dev/null cannot be read (ENOTFILE)'],
    [
      'is not set',
      { tokenFile: undefined, tokenVariable: 'NOT_SET' },
      'the environment variable NOT_SET does not contain a token',
    ],
    ['is several words', { tokenFile: import.meta.filename }, 'kubernetes.test.ts does not contain a token'],
    ['has no authority', { caFile: '/nowhere/ca.pem' }, 'the file /nowhere/ca.pem cannot be read (ENOENT)'],
  ])('a token that %s', async (_what, more, message) => {
    const error = await appError(open('configmap', more).observe());
    expect(error.code).toBe('TrustStoreUnreadable');
    expect(error.message).toContain(message);
  });
});

describe('in a pod', () => {
  const requests = () => apiRequests(place('configmap'), { api: 'in-cluster' }, { env: process.env, folder });

  test('the service account is used, in its namespace', async () => {
    const { hostname, port } = new URL(kubernetes.url);
    Object.assign(process.env, { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port });
    await writeFile(join(folder, 'ca.crt'), kubernetes.caPem);
    await writeFile(join(folder, 'namespace'), 'shop\n');
    kubernetes.objects.set('shop/configmaps/apigw', { data: { 'ca.pem': 'x' }, resourceVersion: 7 });
    const document = objectDocument(place('configmap'), requests());
    const read = await document.read();
    expect(read).toEqual({ text: 'x', version: '7' });
    await document.write('y', read, () => Promise.resolve());
    expect(kubernetes.objects.get('shop/configmaps/apigw')).toEqual({
      data: { 'ca.pem': 'y' },
      resourceVersion: 8,
    });
  });

  test('elsewhere there is none', async () => {
    delete process.env['KUBERNETES_SERVICE_HOST'];
    expect(await appError(requests()())).toMatchObject({
      code: 'TrustStoreUnreadable',
      message: expect.stringContaining('does not run in a pod'),
    });
  });
});

describe('in EKS', () => {
  const KEY = 'AKIDTEST';
  const SECRET = 'secret-of-the-function';
  let eks: { url: string; asked: string[]; answer: [number, object]; close(): void };
  beforeEach(async () => {
    const asked: string[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.writeHead(eks.answer[0], { 'content-type': 'application/json', 'x-amzn-requestid': '1' });
      response.end(JSON.stringify(eks.answer[1]));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const data = Buffer.from(kubernetes.caPem).toString('base64');
    eks = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      asked,
      answer: [
        200,
        { cluster: { endpoint: kubernetes.url, certificateAuthority: { data }, status: 'ACTIVE' } },
      ],
      close() {
        server.closeAllConnections();
        server.close();
      },
    };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_SESSION_TOKEN: 'session/token+=',
      AWS_ENDPOINT_URL_EKS: eks.url,
      AWS_MAX_ATTEMPTS: '1',
      AWS_CONFIG_FILE: join(folder, 'none'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    });
    kubernetes.objects.set('configmaps/apigw', {
      data: { 'ca.pem': old.certificate.pem },
      resourceVersion: 7,
    });
  });
  afterEach(() => {
    eks.close();
  });

  const inEks = (): DescribedTrustStore =>
    createTrustStore({ ...place('configmap'), api: 'eks:shop', region: 'eu-west-1' }, noContext);

  /** Whether a token is a presigned request that STS would accept for this cluster, by the rules of Signature Version 4. */
  function isSigned(token: string): boolean {
    const url = new URL(Buffer.from(token.replace(/^k8s-aws-v1\./, ''), 'base64url').toString());
    const query = new Map([...url.searchParams].sort(([a], [b]) => (a < b ? -1 : 1)));
    const signature = query.get('X-Amz-Signature');
    query.delete('X-Amz-Signature');
    const date = query.get('X-Amz-Date') ?? '';
    const scope = `${date.slice(0, 8)}/eu-west-1/sts/aws4_request`;
    expect(Object.fromEntries(query)).toEqual({
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${KEY}/${scope}`,
      'X-Amz-Date': date,
      'X-Amz-Expires': '60',
      'X-Amz-Security-Token': 'session/token+=',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
    });
    expect(url.origin + url.pathname).toBe('https://sts.eu-west-1.amazonaws.com/');
    const canonical = [...query]
      .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
      .join('&');
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const headers = `host:${url.host}\nx-k8s-aws-id:shop\n`;
    const request = `GET\n/\n${canonical}\n${headers}\nhost;x-k8s-aws-id\n${hash('')}`;
    const mac = (key: string | Buffer, text: string): Buffer =>
      createHmac('sha256', key).update(text).digest();
    const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${SECRET}`);
    return mac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(request)}`).toString('hex') === signature;
  }

  test('the cluster is looked up once, and each token is a presigned request of STS', async () => {
    const seen: string[] = [];
    kubernetes.tokens = {
      includes: (token: string) => {
        seen.push(token);
        return isSigned(token);
      },
    } as unknown as string[];
    const store = inEks();
    await store.add(next.certificate);
    expect(await store.observe()).toHaveLength(2);
    expect(eks.asked).toEqual(['GET /clusters/shop']);
    expect(seen).toHaveLength(3);
  });

  test('what is wrong there is said', async () => {
    expect(await appError(inEks().observe())).toMatchObject({
      code: 'TrustStoreUnreadable',
      message: expect.stringContaining('answered 401'),
      hint: expect.stringContaining('aws eks create-access-entry --cluster-name shop'),
    });
    eks.answer = [200, { cluster: { status: 'CREATING' } }];
    expect((await appError(inEks().observe())).message).toContain(
      'the EKS cluster shop has no address (its status is CREATING)',
    );
    eks.answer = [403, { __type: 'AccessDeniedException', message: 'no eks:DescribeCluster' }];
    expect(await appError(inEks().observe())).toMatchObject({
      code: 'TrustStoreUnreadable',
      message: expect.stringContaining(
        'the EKS cluster shop cannot be read: AccessDeniedException: no eks:DescribeCluster',
      ),
    });
  });
});

(withKubectl ? test : test.skip)(
  'the role in docs/kubernetes.md is the one that kubectl makes for the two requests',
  async () => {
    const manifests = [
      ...readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'kubernetes.md'), 'utf8').matchAll(
        /^```yaml\n(apiVersion: .*?)^```/gms,
      ),
    ].flatMap(([, text = '']) => parseAllDocuments(text).map((one) => one.toJS() as Record<string, unknown>));
    const named = (kind: string, name: string) =>
      manifests.find((one) => one['kind'] === kind && (one['metadata'] as { name: string }).name === name);
    const made = async (...args: string[]): Promise<Record<string, unknown>> => {
      const words = ['create', ...args, '--dry-run=client', '--output=json', ...connected()];
      const { stdout } = await execa('kubectl', words);
      const { rules, roleRef, subjects } = JSON.parse(stdout) as Record<string, unknown>;
      return Object.fromEntries(Object.entries({ rules, roleRef, subjects }).filter(([, value]) => value));
    };
    const role = ['--verb=get,patch', '--resource=configmaps', '--resource-name=orders-apigw'];
    expect(named('Role', 'apigw-cert')).toMatchObject(await made('role', 'apigw-cert', ...role));
    expect(named('RoleBinding', 'apigw-cert-eks')).toMatchObject(
      await made('rolebinding', 'apigw-cert-eks', '--role=apigw-cert', '--group=apigw-cert'),
    );
  },
);

describe('an entry', () => {
  const read = (more: object): string[] => {
    const result = trustStoreSchema.safeParse({ ...place('secret'), ...more });
    return result.success ? [] : result.error.issues.map(({ message }) => message);
  };
  const address = { api: 'https://k.example.com', tokenFile: 't' };

  test.each([
    {},
    { context: 'prod', kubectl: ['kubectl'] },
    { api: 'in-cluster' },
    { api: 'eks:shop', region: 'eu-west-1', roleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'x' },
    { ...address, caFile: 'c' },
    { api: 'https://rancher.example.com/k8s/clusters/c-1', tokenVariable: 'T' },
    { api: 'https://[::1]:6443', tokenSecret: 's', region: 'eu-west-1' },
  ])('%j is one', (more) => {
    expect(read(more)).toEqual([]);
  });

  test.each<[object, string]>([
    [{ ...address, api: 'http://k.example.com' }, 'must be in-cluster, eks:CLUSTER or https://HOST:PORT'],
    [{ api: 'https://user:password@k.example.com' }, 'must be in-cluster, eks:CLUSTER or https://HOST:PORT'],
    [{ api: 'https://k.example.com/?a=b' }, 'must be in-cluster, eks:CLUSTER or https://HOST:PORT'],
    [{ api: 'eks:' }, 'must be in-cluster, eks:CLUSTER or https://HOST:PORT'],
    [{ api: 'in-cluster', context: 'x' }, 'omit context and kubectl with api: kubectl is not used'],
    [
      { api: 'https://k.example.com' },
      expect.stringContaining('give tokenFile, tokenVariable or tokenSecret') as never,
    ],
    [{ ...address, tokenVariable: 'T' }, expect.stringContaining('give tokenFile, tokenVariable') as never],
    [{ tokenFile: 't' }, expect.stringContaining('none of them otherwise') as never],
    [{ api: 'in-cluster', caFile: 'c' }, 'give caFile only if api is https://HOST:PORT'],
    [
      { ...address, region: 'eu-west-1' },
      expect.stringContaining('only with eks:CLUSTER or tokenSecret') as never,
    ],
  ])('%j is none', (more, message) => {
    expect(read(more)).toContainEqual(message);
  });
});
