import * as z from 'zod';
import { badRequest, notFound } from '../errors.js';
import type { World } from '../model.js';
import { operation } from '../operation.js';
import { partitionOf } from '../../core/partition.js';
import { addTags, tagsBody } from '../tags.js';

const PATH = '/tags/{resourceArn+}';

/** The tags of what an ARN names: a client certificate, an API or a stage. */
function tagsOf(world: World, arn: string): Map<string, string> {
  const prefix = `arn:${partitionOf(world.region)}:apigateway:${world.region}::/`;
  if (!arn.startsWith(prefix)) throw badRequest('Invalid ARN specified in the request');
  const [collection, id = '', stages, stageName = '', ...rest] = arn.slice(prefix.length).split('/');
  const api = world.apis.get(id);
  const owner =
    collection === 'clientcertificates' && stages === undefined
      ? world.certificates.get(id)
      : collection === 'restapis' && stages === undefined
        ? api
        : collection === 'restapis' && stages === 'stages' && rest.length === 0
          ? api?.stages.get(stageName)
          : undefined;
  if (owner === undefined) throw notFound(`Resource not found: ${arn}`);
  return owner.tags;
}

export const taggingOperations = [
  operation({
    name: 'TagResource',
    method: 'PUT',
    path: PATH,
    success: 204,
    body: z.object({ tags: tagsBody }),
    handle({ world, param, body }) {
      addTags(tagsOf(world, param('resourceArn')), body.tags);
    },
  }),
  operation({
    name: 'UntagResource',
    method: 'DELETE',
    path: PATH,
    success: 204,
    handle({ world, param, query }) {
      const tags = tagsOf(world, param('resourceArn'));
      for (const key of query.getAll('tagKeys')) tags.delete(key);
    },
  }),
  operation({
    name: 'GetTags',
    method: 'GET',
    path: PATH,
    success: 200,
    handle: ({ world, param }) => ({ tags: Object.fromEntries(tagsOf(world, param('resourceArn'))) }),
  }),
];
