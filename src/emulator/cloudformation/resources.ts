/** The types of resources that a stack may have: each is made, changed and deleted by the operations of API Gateway. */
import { ServiceError } from '../errors.js';
import type { StackResource, World } from '../model.js';
import type { Surroundings } from '../operation.js';
import { OPERATIONS } from '../router.js';
import { validationError } from './errors.js';

/** Properties with all functions called. */
type Properties = Readonly<Record<string, unknown>>;

/** One operation of API Gateway, as the stack calls it. */
export type CallApi = (
  name: string,
  params: Readonly<Record<string, string>>,
  body?: object,
) => Promise<Record<string, unknown>>;

/** The operations of API Gateway in a world. */
export const callApi =
  (world: World, surroundings: Surroundings): CallApi =>
  async (name, params, body = {}) => {
    const operation = OPERATIONS.find((each) => each.name === name && each.service === undefined);
    if (operation === undefined) throw new Error(`there is no operation ${name}`);
    const result = await operation.handle({
      ...surroundings,
      world,
      param: (label) => params[label] ?? '',
      query: new URLSearchParams(),
      body,
    });
    return (result ?? {}) as Record<string, unknown>;
  };

/** What a resource is once it is made. */
export interface Made {
  physicalId: string;
  attributes?: Record<string, string>;
}

interface Context {
  api: CallApi;
  world: World;
}

interface ResourceType {
  /** @param tags those of the stack, and those by which CloudFormation knows what it owns */
  create: (context: Context, properties: Properties, tags: Record<string, string>) => Promise<Made>;
  /** Absent for types that the emulator can only create and delete. */
  update?: (context: Context, resource: StackResource, properties: Properties) => Promise<void>;
  delete: (context: Context, resource: StackResource) => Promise<void> | void;
}

/** Numbers and booleans are texts as well in CloudFormation. */
const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

const optional = (name: string, value: unknown): Record<string, unknown> =>
  value === undefined ? {} : { [name]: value };

/** `Tags` of a resource: a list of `{ Key, Value }`. */
const tagsIn = ({ Tags }: Properties): Record<string, string> =>
  Object.fromEntries(
    (Array.isArray(Tags) ? (Tags as { Key: string; Value: string }[]) : []).map(({ Key, Value }) => [
      Key,
      Value,
    ]),
  );

const apiParams = ({ RestApiId }: Properties): { restApiId: string } => ({ restApiId: text(RestApiId) });

const stageParams = (properties: Properties): { restApiId: string; stageName: string } => ({
  ...apiParams(properties),
  stageName: text(properties['StageName']),
});

const replace = (path: string, value: unknown): object => ({ op: 'replace', path, value: text(value) });

const TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::ApiGateway::RestApi': {
    async create({ api, world }, properties, tags) {
      const { id, rootResourceId } = await api('CreateRestApi', {}, { name: text(properties['Name']) });
      const made = world.apis.get(text(id));
      for (const [key, value] of Object.entries({ ...tagsIn(properties), ...tags }))
        made?.tags.set(key, value);
      return { physicalId: text(id), attributes: { RootResourceId: text(rootResourceId) } };
    },
    delete: async ({ api }, { physicalId }) => {
      await api('DeleteRestApi', { restApiId: physicalId });
    },
  },
  'AWS::ApiGateway::Resource': {
    async create({ api }, properties) {
      const params = { ...apiParams(properties), parentId: text(properties['ParentId']) };
      const { id } = await api('CreateResource', params, { pathPart: text(properties['PathPart']) });
      return { physicalId: text(id), attributes: { ResourceId: text(id) } };
    },
    delete({ world }, { physicalId, properties }) {
      world.apis.get(text(properties['RestApiId']))?.resources.delete(physicalId);
    },
  },
  'AWS::ApiGateway::Method': {
    async create({ api }, properties) {
      const { ResourceId, HttpMethod, AuthorizationType = 'NONE', Integration } = properties;
      const params = {
        ...apiParams(properties),
        resourceId: text(ResourceId),
        httpMethod: text(HttpMethod),
      };
      await api('PutMethod', params, { authorizationType: AuthorizationType });
      const { Type, IntegrationHttpMethod, Uri } = (Integration ?? {}) as Properties;
      await api('PutIntegration', params, {
        type: Type,
        ...optional('httpMethod', IntegrationHttpMethod),
        ...optional('uri', Uri),
      });
      return { physicalId: `${params.restApiId}|${params.resourceId}|${params.httpMethod}` };
    },
    delete({ world }, { properties }) {
      const api = world.apis.get(text(properties['RestApiId']));
      api?.resources.get(text(properties['ResourceId']))?.methods.delete(text(properties['HttpMethod']));
    },
  },
  'AWS::ApiGateway::Deployment': {
    async create({ api }, properties) {
      const { Description: description } = properties;
      const { id } = await api(
        'CreateDeployment',
        apiParams(properties),
        optional('description', description),
      );
      return { physicalId: text(id), attributes: { DeploymentId: text(id) } };
    },
    delete({ world }, { physicalId, properties }) {
      world.apis.get(text(properties['RestApiId']))?.deployments.delete(physicalId);
    },
  },
  'AWS::ApiGateway::ClientCertificate': {
    async create({ api, world }, properties, tags) {
      const { clientCertificateId: id } = await api(
        'GenerateClientCertificate',
        {},
        { ...optional('description', properties['Description']), tags: tagsIn(properties) },
      );
      const made = world.certificates.get(text(id));
      for (const [key, value] of Object.entries(tags)) made?.tags.set(key, value);
      return { physicalId: text(id), attributes: { ClientCertificateId: text(id) } };
    },
    async update({ api }, { physicalId: clientCertificateId }, { Description }) {
      await api(
        'UpdateClientCertificate',
        { clientCertificateId },
        { patchOperations: [replace('/description', Description)] },
      );
    },
    delete: async ({ api }, { physicalId: clientCertificateId }) => {
      await api('DeleteClientCertificate', { clientCertificateId });
    },
  },
  'AWS::ApiGateway::Stage': {
    async create({ api }, properties, tags) {
      const { DeploymentId, Description, Variables, ClientCertificateId } = properties;
      const params = stageParams(properties);
      await api('CreateStage', params, {
        stageName: params.stageName,
        deploymentId: text(DeploymentId),
        ...optional('description', Description),
        ...optional('variables', Variables),
        tags: { ...tagsIn(properties), ...tags },
      });
      if (ClientCertificateId !== undefined)
        await api('UpdateStage', params, {
          patchOperations: [replace('/clientCertificateId', ClientCertificateId)],
        });
      return { physicalId: params.stageName };
    },
    // Like CloudFormation, only what differs from the template of before: what others have changed meanwhile stays.
    async update({ api }, { properties: before }, properties) {
      const paths = {
        ClientCertificateId: '/clientCertificateId',
        DeploymentId: '/deploymentId',
        Description: '/description',
      };
      const patchOperations = Object.entries(paths)
        .filter(([name]) => text(before[name]) !== text(properties[name]))
        .map(([name, path]) => replace(path, properties[name]));
      await api('UpdateStage', stageParams(properties), { patchOperations });
    },
    delete: async ({ api }, { properties }) => {
      await api('DeleteStage', stageParams(properties));
    },
  },
};

/** @throws ServiceError for a type that the emulator does not have */
export function resourceType(type: string): ResourceType {
  const found = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (found !== undefined) return found;
  throw validationError(`Template format error: Unrecognized resource types: [${type}]`);
}

/** @throws ServiceError for a change that would need a replacement, which the emulator does not do */
export async function updateResource(
  context: Context,
  resource: StackResource,
  properties: Properties,
): Promise<void> {
  const { update } = resourceType(resource.type);
  if (update === undefined || isMoved(resource.properties, properties)) {
    throw new ServiceError(400, 'NotUpdatable', `The emulator cannot change a ${resource.type} in this way`);
  }
  await update(context, resource, properties);
}

/** Whether it would be another resource. */
const isMoved = (before: Properties, after: Properties): boolean =>
  ['RestApiId', 'StageName'].some((name) => text(before[name]) !== text(after[name]));
