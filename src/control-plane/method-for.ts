import { byText } from '../platform/order.js';

/**
 * API Gateway's choice of a method for a request, in one place for all who need it: the stage decides by it, so whoever
 * calls a method in the stage's stead must. Rules: the developer guide, and answers of AWS recorded by others.
 */

/** A method of a resource; `path` is the resource's own, as in `/orders/{id}` or `/{proxy+}`. */
interface MethodAt {
  httpMethod: string;
  path: string;
}

/** How specific a segment of a resource's path is; the order of these characters is the order of precedence. */
const LITERAL = '0';
const PARAMETER = '1';
const GREEDY = '2';

const segments = (path: string): string[] => (path.split('?', 1)[0] ?? '').split('/').filter(Boolean);

interface Fit {
  /** As they stand in the path, still percent-encoded. */
  parameters: Map<string, string>;
  /** One character a segment; of all resources that fit a path the one with the least is the most specific. */
  rank: string;
}

/** Slashes at the end and repeated ones do not count; `{proxy+}` takes at least one segment. */
function fit(template: string, path: string): Fit | undefined {
  const wanted = segments(template);
  const given = segments(path);
  const parameters = new Map<string, string>();
  let rank = '';
  for (const [i, part] of wanted.entries()) {
    const value = given[i];
    if (value === undefined) return undefined;
    if (part.startsWith('{') && part.endsWith('+}')) {
      parameters.set(part.slice(1, -2), given.slice(i).join('/'));
      return { parameters, rank: rank + GREEDY };
    }
    if (part.startsWith('{') && part.endsWith('}')) {
      parameters.set(part.slice(1, -1), value);
      rank += PARAMETER;
    } else if (part === value) {
      rank += LITERAL;
    } else {
      return undefined;
    }
  }
  return wanted.length === given.length ? { parameters, rank } : undefined;
}

/**
 * The values of a resource's path parameters in a path, which may hold a query string; nothing when the path is not one
 * of the resource's.
 */
export function pathParameters(template: string, path: string): Map<string, string> | undefined {
  return fit(template, path)?.parameters;
}

/**
 * The method that API Gateway routes a request to, whatever the order in which the methods are listed, and the values of
 * its path parameters. From the left, segment by segment, a literal one goes before a parameter and that before a greedy
 * one; a resource without the method and without ANY does not count, and on one resource the method goes before ANY.
 *
 * @param request its path may hold a query string
 */
export function routeFor<T extends MethodAt>(
  methods: readonly T[],
  { method, path }: { method: string; path: string },
): { target: T; parameters: Map<string, string> } | undefined {
  const isAny = ({ httpMethod }: MethodAt): number => Number(httpMethod !== method);
  return methods
    .filter(({ httpMethod }) => httpMethod === method || httpMethod === 'ANY')
    .flatMap((target) => {
      const found = fit(target.path, path);
      return found ? [{ target, ...found }] : [];
    })
    .sort((a, b) => byText(a.rank, b.rank) || isAny(a.target) - isAny(b.target))
    .at(0);
}

/** The method of {@link routeFor} alone. */
export function methodFor<T extends MethodAt>(
  methods: readonly T[],
  request: { method: string; path: string },
): T | undefined {
  return routeFor(methods, request)?.target;
}
