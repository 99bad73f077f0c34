/**
 * An object of a cluster by the Kubernetes API, without kubectl: in a pod by its service account, by an address with a
 * token, and in Amazon EKS by the credentials of AWS.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { networkHint, reasonOf, type SdkError } from '../aws/network-error.js';
import { fetchOctets } from '../net/request.js';
import { parseDuration } from '../platform/duration.js';
import { AppError } from '../platform/errors.js';
import { openedOnce } from '../platform/opened-once.js';
import { readRegularFile } from '../platform/read-regular-file.js';
import { clusterInEks, type ApiConfig, type Cluster } from './cluster.js';
import type { ObjectKey, ObjectRequests } from './kubernetes-object.js';
import { withoutControls } from './run-command.js';

/** Where a pod finds its credentials (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const MAX_FILE = 1024 * 1024;
/** An object has 1 MiB of data at most, and up to twice that as JSON, beside its metadata. */
const MAX_ANSWER = 8 * 1024 * 1024;
const MAX_REASON = 500;
const DEFAULT_TIMEOUT = '60s';

const unusable = (message: string, hint: string, cause?: unknown): AppError =>
  new AppError('TrustStoreUnreadable', message, { hint, cause });

async function textOf(file: string, what: string): Promise<string> {
  try {
    return (await readRegularFile(file, MAX_FILE)).toString('utf8');
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw unusable(`${what} ${file} cannot be read (${code})`, 'check the path and the permissions', cause);
  }
}

/** A token as a header may hold it. @throws AppError, without a word of it */
function tokenIn(text: string, place: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw unusable(
    `${place} does not contain a token`,
    'put the token of a service account there, and no more',
  );
}

async function podCluster({ env, folder }: ApiContext): Promise<Cluster> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port || !URL.canParse(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)) {
    throw unusable(
      'this process does not run in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
      `elsewhere, set "api" to eks:CLUSTER or https://HOST:PORT, or omit it to use kubectl`,
    );
  }
  const file = (name: string): Promise<string> =>
    textOf(join(folder, name), 'the file of the service account');
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca: await file('ca.crt'),
    // The kubelet replaces it before it expires.
    token: async () => tokenIn(await file('token'), join(folder, 'token')),
    namespace: (await file('namespace')).trim(),
    tokenHint: 'check the service account of the pod',
  };
}

async function secretToken(secret: string, config: ApiConfig): Promise<string> {
  const [{ optionalClient }, { clientOptions, readFailure }] = await Promise.all([
    import('../aws/optional-client.js'),
    import('./aws-options.js'),
  ]);
  const sdk = await optionalClient(
    '@aws-sdk/client-secrets-manager',
    'TrustStoreUnreadable',
    () => import('@aws-sdk/client-secrets-manager'),
  );
  const client = new sdk.SecretsManagerClient(await clientOptions('Secrets Manager', config));
  const { SecretString = '' } = await client
    .send(new sdk.GetSecretValueCommand({ SecretId: secret }))
    .catch((error: unknown) => {
      throw readFailure(`the secret ${secret} with the token`, error);
    });
  return tokenIn(SecretString, `the secret ${secret}`);
}

async function addressCluster(config: ApiConfig, { env }: ApiContext): Promise<Cluster> {
  const { api, caFile, tokenFile, tokenVariable, tokenSecret } = config;
  return {
    server: new URL(api),
    ...(caFile === undefined ? {} : { ca: await textOf(caFile, 'the file') }),
    async token() {
      if (tokenFile !== undefined) return tokenIn(await textOf(tokenFile, 'the file'), tokenFile);
      if (tokenSecret !== undefined) return secretToken(tokenSecret, config);
      const variable = String(tokenVariable);
      return tokenIn(env[variable] ?? '', `the environment variable ${variable}`);
    },
    tokenHint: 'check that the token has not expired, and that it is one of this cluster',
  };
}

async function openCluster(config: ApiConfig, context: ApiContext): Promise<Cluster> {
  const eks = clusterInEks(config.api);
  if (eks !== undefined) return (await import('./eks.js')).eksCluster(eks, config);
  return config.api === 'in-cluster' ? podCluster(context) : addressCluster(config, context);
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.optional(z.string()),
  reason: z.optional(z.string()),
});

interface Answer {
  status: number;
  json: unknown;
}

/** @throws AppError `ServiceUnreachable` */
async function send(
  { server, ca }: Cluster,
  request: { method: string; path: string; token: string; body?: string; timeoutMs: number },
): Promise<Answer> {
  const { path, token, body, ...rest } = request;
  const unreachable = (what: string, hint: string, cause?: unknown): AppError =>
    new AppError('ServiceUnreachable', `the API server ${server.host} ${what}`, { hint, cause });
  let answer;
  try {
    answer = await fetchOctets(new URL(`${server.pathname.replace(/\/$/, '')}${path}`, server), {
      ...rest,
      maxOctets: MAX_ANSWER,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'user-agent': 'apigw-cert',
        ...(body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }),
      },
      ...(body === undefined ? {} : { body }),
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: the token is for this server alone.
      tls: { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true },
    });
  } catch (cause) {
    const error = cause as SdkError;
    const isJudged = /CERT|SIGNATURE|ALTNAME/.test(error.code ?? '');
    const hint = isJudged
      ? 'set caFile to the PEM file of the authority of the cluster, and "api" to a name in the certificate'
      : networkHint('check the address, and that this machine or function reaches it');
    throw unreachable(`did not answer: ${withoutControls(reasonOf(error))}`, hint, cause);
  }
  const { status, octets } = answer;
  if (octets.length > MAX_ANSWER) throw unreachable('answered more than 8 MiB', 'check what answers there');
  try {
    return { status, json: JSON.parse(Buffer.from(octets).toString('utf8')) as unknown };
  } catch {
    return { status, json: undefined };
  }
}

/** Why an answer is a refusal, in the words of the API server; nothing for one that is not. */
function refusal({ status, json }: Answer, token: string): string | undefined {
  if (status >= 200 && status < 300 && json !== undefined) return undefined;
  const said = statusSchema.safeParse(json);
  const { reason = '', message = '' } = said.success
    ? said.data
    : { message: 'not an answer of Kubernetes; something in between may have sent it' };
  const words = withoutControls(message.replaceAll(token, '***')).slice(0, MAX_REASON);
  return `the API server answered ${[status, reason].join(' ').trim()}${words === '' ? '' : `: ${words}`}`;
}

function hintFor(status: number, place: ObjectKey & { namespace: string }, { tokenHint }: Cluster): string {
  const { resource, name, namespace } = place;
  switch (status) {
    case 401:
      return tokenHint;
    case 403:
      return `allow the verbs get and patch on the ${resource} ${name} in the namespace ${namespace} (docs/kubernetes.md)`;
    case 404:
      return 'check its name, the namespace and the cluster';
    case 413:
    case 422:
      return 'an object holds 1 MiB in all of its keys, and an immutable one cannot be changed; nothing was changed';
    default:
      return 'run the same command again later; nothing was changed';
  }
}

/** What is outside of the process. */
export interface ApiContext {
  env: Readonly<Record<string, string | undefined>>;
  /** Of the service account of a pod. */
  folder: string;
}

/** Gets ready for requests to the cluster; see {@link ApiConfig}. Nothing is asked until then. */
export function apiRequests(
  place: ObjectKey,
  config: ApiConfig,
  context: ApiContext = { env: process.env, folder: SERVICE_ACCOUNT },
): () => Promise<ObjectRequests> {
  const open = openedOnce(() => openCluster(config, context));
  const timeoutMs = parseDuration(config.timeout ?? DEFAULT_TIMEOUT);
  return async () => {
    const cluster = await open();
    const token = await cluster.token();
    const namespace = place.namespace ?? cluster.namespace ?? 'default';
    const path = `/api/v1/namespaces/${namespace}/${place.resource}s/${place.name}`;
    const ask = async (method: 'GET' | 'PATCH', body?: string): Promise<unknown> => {
      const query = body === undefined ? '' : '?fieldManager=apigw-cert';
      const request = { method, path: `${path}${query}`, token, timeoutMs };
      const answer = await send(cluster, body === undefined ? request : { ...request, body });
      const reason = refusal(answer, token);
      if (reason === undefined) return answer.json;
      const hint = hintFor(answer.status, { ...place, namespace }, cluster);
      const { status } = answer;
      // Of a server that gave up, as of a proxy, it is not known what was done before.
      throw new AppError(status < 500 ? 'TrustStoreFailed' : 'ServiceUnreachable', reason, {
        hint,
        details: { status },
      });
    };
    return {
      get: () =>
        ask('GET').catch((cause: unknown) => {
          if (!(cause instanceof AppError)) throw cause;
          throw unusable(cause.message, cause.hint ?? '', cause);
        }),
      patch: (patch) => ask('PATCH', JSON.stringify(patch)),
    };
  };
}
