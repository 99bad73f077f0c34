import { routeFor } from '../../control-plane/method-for.js';
import type { Method, Resource } from '../model.js';

export interface Target {
  resource: Resource;
  method: Method;
  /** As they came in the path, still percent-encoded. */
  pathParameters: ReadonlyMap<string, string>;
}

/** The method that a definition has for a request. */
export function findTarget(
  resources: ReadonlyMap<string, Resource>,
  httpMethod: string,
  path: string,
): Target | undefined {
  const methods = [...resources.values()].flatMap((resource) =>
    [...resource.methods.values()].map((method) => ({
      httpMethod: method.httpMethod,
      path: resource.path,
      resource,
      method,
    })),
  );
  const route = routeFor(methods, { method: httpMethod, path });
  return route && { ...route.target, pathParameters: route.parameters };
}
