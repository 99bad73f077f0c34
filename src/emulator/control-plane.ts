import { ServiceError } from './errors.js';
import { parseJson, type Answer } from './http.js';
import type { Surroundings } from './operation.js';
import { findRoute, type Route } from './router.js';
import type { Scope } from './scope.js';

/** @throws ServiceError 404 when no operation has this method and path */
export function routeOf(method: string, path: string): Route {
  const route = findRoute(method, path);
  if (route !== undefined) return route;
  throw new ServiceError(
    404,
    'UnknownOperationException',
    'The emulator does not support this method and path',
  );
}

/** Carries one operation out for the account and Region that signed it. */
export async function runOperation(
  { operation, params }: Route,
  query: string,
  readBody: () => Promise<Buffer>,
  { account, region }: Scope,
  surroundings: Surroundings,
): Promise<Answer> {
  const body = parseJson(await readBody());
  const result = await operation.handle({
    ...surroundings,
    world: surroundings.store.world(account, region),
    param(name) {
      const value = params.get(name);
      if (value === undefined) throw new Error(`${operation.name} has no label ${name}`);
      return value;
    },
    query: new URLSearchParams(query),
    body,
  });
  return { status: operation.success, body: result };
}
