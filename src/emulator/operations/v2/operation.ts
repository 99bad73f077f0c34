import { operation, type Operation } from '../../operation.js';
import { pageOf } from '../../pagination.js';

/** An operation of apigatewayv2. */
export const v2Operation: typeof operation = (definition): Operation =>
  operation({ ...definition, service: 'apigatewayv2' });

/** Timestamps of apigatewayv2 are ISO 8601, in seconds. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** One page; `query` holds `maxResults` and `nextToken`. */
export function v2Page<Item>(
  collection: string,
  items: ReadonlyMap<string, Item>,
  query: URLSearchParams,
  output: (item: Item) => object,
): { items: object[]; nextToken?: string } {
  const { found, next } = pageOf(`v2/${collection}`, items, {
    limit: query.get('maxResults'),
    position: query.get('nextToken'),
  });
  return { items: found.map(output), ...(next === undefined ? {} : { nextToken: next }) };
}
