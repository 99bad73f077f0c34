import * as z from 'zod/mini';
import { openedOnce } from '../../platform/opened-once.js';
import { API_FORMS, apiKind } from '../cluster.js';
import { documentTrustStore } from '../document-store.js';
import { kubectlRequests } from '../kubectl.js';
import { objectDocument, type ObjectRequests } from '../kubernetes-object.js';
import { awsOptions, awsRoles } from '../aws-options.js';
import { pemFormat } from '../pem-format.js';
import { commandSchema, reloadCommand, timeoutSchema } from '../run-command.js';
import { storeName } from '../store-name.js';
import { defineKind } from './kind.js';

const NAME = z.string().check(z.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a Kubernetes name'));
const FILLED = z.optional(z.string().check(z.minLength(1)));

const { region, profile, roleArn, externalId } = awsOptions;

const schema = z
  .strictObject({
    kind: z.literal('kubernetes'),
    resource: z.enum(['secret', 'configmap']),
    name: NAME,
    namespace: z.optional(NAME),
    key: z.string().check(z.regex(/^[-._a-zA-Z0-9]+$/), z.describe('the key whose value is a PEM bundle')),
    context: FILLED.check(z.describe('a context of the kubeconfig')),
    kubectl: z
      .optional(z.array(z.string()).check(z.minLength(1)))
      .check(z.describe('how kubectl is called, where not by its name alone')),
    api: z
      .optional(z.string().check(z.refine((text) => apiKind(text) !== undefined, `must be ${API_FORMS}`)))
      .check(
        z.describe(
          `the API server, which is then called without kubectl: ${API_FORMS}. In a pod its service account is used, in EKS the AWS credentials`,
        ),
      ),
    caFile: FILLED.check(
      z.describe('a PEM file of the authority that issued the certificate of the API server'),
    ),
    tokenFile: FILLED.check(z.describe('a file with the token of a service account')),
    tokenVariable: FILLED.check(z.describe('an environment variable with the token')),
    tokenSecret: FILLED.check(z.describe('the name or ARN of a secret in Secrets Manager with the token')),
    ...{ region, profile, roleArn, externalId },
    reload: z
      .optional(commandSchema)
      .check(z.describe('makes the pods read it again, for example a rollout restart')),
    timeout: z
      .optional(timeoutSchema)
      .check(z.describe('how long each command or request may take (default 60s)')),
  })
  .check(
    z.refine(({ api, context, kubectl }) => api === undefined || (context ?? kubectl) === undefined, {
      message: 'omit context and kubectl with api: kubectl is not used',
    }),
    z.refine(
      ({ api = '', tokenFile, tokenVariable, tokenSecret }) =>
        [tokenFile, tokenVariable, tokenSecret].filter((place) => place !== undefined).length ===
        (apiKind(api) === 'address' ? 1 : 0),
      {
        message:
          'give tokenFile, tokenVariable or tokenSecret if api is https://HOST:PORT, and none of them otherwise',
      },
    ),
    z.refine(({ api = '', caFile }) => caFile === undefined || apiKind(api) === 'address', {
      message: 'give caFile only if api is https://HOST:PORT',
    }),
    z.refine(
      ({ api = '', tokenSecret, ...aws }) =>
        apiKind(api) === 'eks' ||
        tokenSecret !== undefined ||
        [aws.region, aws.profile, aws.roleArn, aws.externalId].every((value) => value === undefined),
      { message: 'give region, profile, roleArn and externalId only with eks:CLUSTER or tokenSecret' },
    ),
    z.describe('a PEM bundle in a Secret or a ConfigMap, changed by kubectl or by the Kubernetes API'),
  );

type KubernetesConfig = z.infer<typeof schema>;

function connection({ api, ...config }: KubernetesConfig): () => Promise<ObjectRequests> {
  if (api === undefined) return () => Promise.resolve(kubectlRequests(config, config));
  const open = openedOnce(async () => {
    const { apiRequests } = await import('../kubernetes-api.js');
    return apiRequests(config, { ...config, api });
  });
  return async () => (await open())();
}

/** A key of a Secret or a ConfigMap. */
export const kubernetes = defineKind({
  name: 'kubernetes',
  schema,
  // A function does not run in a pod.
  isService: ({ api }) => typeof api === 'string' && apiKind(api) !== 'pod',
  serviceForm: 'kubernetes (with "api: eks:CLUSTER" or "api: https://HOST:PORT")',
  options: {
    resource: 'name',
    name: 'name',
    namespace: 'name',
    key: 'name',
    context: 'name',
    kubectl: 'command',
    api: 'name',
    caFile: 'path',
    tokenFile: 'path',
    tokenVariable: 'name',
    tokenSecret: 'name',
    region: awsRoles.region,
    profile: awsRoles.profile,
    roleArn: awsRoles.roleArn,
    externalId: awsRoles.externalId,
    reload: 'command',
    timeout: 'name',
  },
  document: {
    written:
      'one key of a Secret or ConfigMap, merge patch with its `resourceVersion`, by kubectl or with `api` by the Kubernetes API',
    applied: 'none',
    proved: '**untested** on a cluster: kubectl 1.32 and the API against an HTTPS double',
  },
  open(config) {
    const { resource, namespace, name, key, context, kubectl, api } = config;
    const formerName = `kubernetes:${namespace === undefined ? '' : `${namespace}/`}${resource}/${name}`;
    return documentTrustStore({
      // Another kubectl may speak to another cluster.
      name: storeName(formerName, {
        key,
        context,
        kubectl: kubectl?.join(' '),
        api,
        region: config.region,
        profile: config.profile,
        role: config.roleArn,
      }),
      formerName,
      document: objectDocument(config, connection(config)),
      format: pemFormat,
      makeLive: reloadCommand(config.reload, config.timeout),
    });
  },
});
