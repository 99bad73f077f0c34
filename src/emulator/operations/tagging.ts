import * as z from 'zod/mini';
import { badRequest, notFound } from '../errors.js';
import type { World } from '../model.js';
import { operation, type Operation } from '../operation.js';
import { partitionOf } from '../../aws/partition.js';
import { addTags, tagsBody } from '../tags.js';

/** What tells TagResource of apigatewayv2 from the other. */
interface Tagging extends Pick<Operation, 'method' | 'success'> {
  service: Pick<Operation, 'service'>;
  path: string;
}

/** The tags of what an ARN names: a client certificate, an API of any kind, or a stage. */
function tagsOf(world: World, arn: string): Map<string, string> {
  const prefix = `arn:${partitionOf(world.region)}:apigateway:${world.region}::/`;
  if (!arn.startsWith(prefix)) throw badRequest('Invalid ARN specified in the request');
  const [collection, id = '', stages, stageName = '', ...rest] = arn.slice(prefix.length).split('/');
  const api =
    collection === 'restapis' ? world.apis.get(id) : collection === 'apis' ? world.v2Apis.get(id) : undefined;
  const owner =
    collection === 'clientcertificates' && stages === undefined
      ? world.certificates.get(id)
      : stages === undefined
        ? api
        : stages === 'stages' && rest.length === 0
          ? api?.stages.get(stageName)
          : undefined;
  if (owner === undefined) throw notFound(`Resource not found: ${arn}`);
  return owner.tags;
}

const tagging = ({ path, method, success, service }: Tagging): Operation[] => [
  operation({
    ...service,
    name: 'TagResource',
    method,
    path,
    success,
    body: z.object({ tags: tagsBody }),
    handle({ world, param, body }) {
      addTags(tagsOf(world, param('resourceArn')), body.tags);
    },
  }),
  operation({
    ...service,
    name: 'UntagResource',
    method: 'DELETE',
    path,
    success: 204,
    handle({ world, param, query }) {
      const tags = tagsOf(world, param('resourceArn'));
      for (const key of query.getAll('tagKeys')) tags.delete(key);
    },
  }),
  operation({
    ...service,
    name: 'GetTags',
    method: 'GET',
    path,
    success: 200,
    handle: ({ world, param }) => ({ tags: Object.fromEntries(tagsOf(world, param('resourceArn'))) }),
  }),
];

export const taggingOperations = [
  ...tagging({ path: '/tags/{resourceArn+}', method: 'PUT', success: 204, service: {} }),
  ...tagging({
    path: '/v2/tags/{resourceArn+}',
    method: 'POST',
    success: 201,
    service: { service: 'apigatewayv2' },
  }),
];
