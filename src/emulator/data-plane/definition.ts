import type { Method, Resource } from '../model.js';

export interface Target {
  resource: Resource;
  method: Method;
  /** As they came in the path, still percent-encoded. */
  pathParameters: ReadonlyMap<string, string>;
}

/** The parameters of a path that fits a resource's template, and how specific the fit is, segment by segment. */
function fit(template: string, path: string): { parameters: Map<string, string>; rank: string } | undefined {
  const wanted = template.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  const parameters = new Map<string, string>();
  let rank = '';
  for (const [index, part] of wanted.entries()) {
    const value = given[index];
    if (value === undefined) return undefined;
    if (part.endsWith('+}')) {
      parameters.set(part.slice(1, -2), given.slice(index).join('/'));
      return { parameters, rank: `${rank}2` };
    }
    if (part.startsWith('{')) {
      parameters.set(part.slice(1, -1), value);
      rank += '1';
    } else if (part === value) {
      rank += '0';
    } else {
      return undefined;
    }
  }
  return wanted.length === given.length ? { parameters, rank } : undefined;
}

/** Fits a path to one resource's template. */
export function pathParametersOf(resource: Resource, path: string): Map<string, string> | undefined {
  return fit(resource.path, path)?.parameters;
}

/** The method that a definition has for a request: literal segments before parameters, those before greedy ones. */
export function findTarget(
  resources: ReadonlyMap<string, Resource>,
  httpMethod: string,
  path: string,
): Target | undefined {
  const [best] = [...resources.values()]
    .flatMap((resource) => {
      const method = resource.methods.get(httpMethod) ?? resource.methods.get('ANY');
      const found = method && fit(resource.path, path);
      return found ? [{ resource, method, pathParameters: found.parameters, rank: found.rank }] : [];
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return best;
}
