import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { methodFor, pathParameters, routeFor } from '../../src/control-plane/method-for.js';

/** `GET /a` and `ANY /{proxy+}`, in this order. */
const methods = (...names: string[]): { httpMethod: string; path: string }[] =>
  names.map((name) => {
    const [httpMethod = '', path = ''] = name.split(' ');
    return { httpMethod, path };
  });

const route = (names: string[], request: string): string | undefined => {
  const [method = '', path = ''] = request.split(' ');
  const found = methodFor(methods(...names), { method, path });
  return found && `${found.httpMethod} ${found.path}`;
};

const CASES: readonly (readonly [request: string, names: string[], expected: string | undefined])[] = [
  // Literal before parameter before greedy, in each segment from the left.
  ['GET /a', ['GET /{proxy+}', 'GET /{id}', 'GET /a'], 'GET /a'],
  ['GET /b', ['GET /{proxy+}', 'GET /{id}', 'GET /a'], 'GET /{id}'],
  ['GET /b/c', ['GET /{proxy+}', 'GET /{id}', 'GET /a'], 'GET /{proxy+}'],
  ['GET /a/b/c', ['GET /a/{x}/c', 'GET /a/b/{proxy+}'], 'GET /a/b/{proxy+}'],
  ['GET /a/b', ['GET /{x}/b', 'GET /a/{proxy+}'], 'GET /a/{proxy+}'],
  // Nested greedy ones: the longer before the shorter.
  ['GET /a/b', ['GET /{proxy+}', 'GET /a/{proxy+}'], 'GET /a/{proxy+}'],
  ['GET /a/b/c', ['GET /{proxy+}', 'GET /a/{proxy+}', 'GET /a/b/{proxy+}'], 'GET /a/b/{proxy+}'],
  ['GET /a/b/c', ['GET /{proxy+}', 'GET /a/{proxy+}', 'GET /a/{id}/{proxy+}'], 'GET /a/{id}/{proxy+}'],
  // A greedy one takes at least one segment.
  ['GET /', ['GET /{proxy+}'], undefined],
  ['GET /a', ['GET /a/{proxy+}', 'GET /{proxy+}'], 'GET /{proxy+}'],
  ['GET /a/', ['GET /a/{proxy+}'], undefined],
  // Lengths.
  ['GET /a', ['GET /a/b'], undefined],
  ['GET /a/b', ['GET /a'], undefined],
  ['GET /a/b', ['GET /{id}'], undefined],
  ['GET /', ['GET /'], 'GET /'],
  // The method itself before ANY, but only on one resource: specific paths go first (recorded from AWS).
  ['GET /a', ['ANY /a', 'GET /a'], 'GET /a'],
  ['GET /a', ['GET /a', 'ANY /a'], 'GET /a'],
  ['POST /a', ['GET /a', 'ANY /a'], 'ANY /a'],
  ['OPTIONS /test/any', ['OPTIONS /{proxy+}', 'ANY /test/any'], 'ANY /test/any'],
  // A resource without the method does not count (recorded from AWS).
  ['OPTIONS /test', ['POST /test', 'OPTIONS /{proxy+}'], 'OPTIONS /{proxy+}'],
  ['POST /a', ['GET /a'], undefined],
  // Slashes at the end and query strings.
  ['GET /a/', ['GET /a'], 'GET /a'],
  ['GET /a//b', ['GET /a/b'], 'GET /a/b'],
  ['GET /a?b=/c/d', ['GET /a/b', 'GET /{proxy+}', 'GET /a'], 'GET /a'],
  ['GET /a/b?c?d', ['GET /a/{id}'], 'GET /a/{id}'],
  // Literal means literal.
  ['GET /A', ['GET /a'], undefined],
  ['GET /ab', ['GET /a'], undefined],
  ['GET /{id}', ['GET /a', 'GET /{id}'], 'GET /{id}'],
];

describe('methodFor', () => {
  test.each(CASES)('%s of %j is %j, in any order', (request, names, expected) => {
    expect(route(names, request)).toBe(expected);
    expect(route([...names].reverse(), request)).toBe(expected);
  });

  test('gives the parameters as they stand in the path', () => {
    const found = routeFor(methods('GET /a/{id}/{rest+}'), { method: 'GET', path: '/a/b%20c/d/e%2Ff?g=h' });
    expect([...(found?.parameters ?? [])]).toEqual([
      ['id', 'b%20c'],
      ['rest', 'd/e%2Ff'],
    ]);
    expect(pathParameters('/a/{id}', '/a/1?x')).toEqual(new Map([['id', '1']]));
    expect(pathParameters('/a', '/a')).toEqual(new Map());
    expect(pathParameters('/a/{id}', '/b/1')).toBeUndefined();
  });
});

/** A tree of resources, as API Gateway keeps them: at most one parameter and one greedy child a node. */
interface Node {
  methods: Set<string>;
  children: Map<string, Node>;
}

/** The same rules in another way: down the tree, the most specific child first, and back where it leads nowhere. */
function descend(node: Node, path: readonly string[], method: string): string[] | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return [method, 'ANY'].filter((name) => node.methods.has(name)).slice(0, 1);
  for (const wanted of ['literal', 'parameter', 'greedy'] as const) {
    for (const [name, child] of node.children) {
      const kind = name.endsWith('+}') ? 'greedy' : name.startsWith('{') ? 'parameter' : 'literal';
      if (kind !== wanted || (kind === 'literal' && name !== head)) continue;
      const found = descend(child, kind === 'greedy' ? [] : rest, method);
      if (found !== undefined && found.length > 0) return [name, ...found];
    }
  }
  return undefined;
}

function treeOf(all: readonly { httpMethod: string; path: string }[]): Node {
  const root: Node = { methods: new Set(), children: new Map() };
  for (const { httpMethod, path } of all) {
    let node = root;
    for (const part of path.split('/').filter(Boolean)) {
      const child = node.children.get(part) ?? {
        methods: new Set<string>(),
        children: new Map<string, Node>(),
      };
      node.children.set(part, child);
      node = child;
    }
    node.methods.add(httpMethod);
  }
  return root;
}

const template = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '{id}'), { maxLength: 3 }), fc.constantFrom('', '{proxy+}'))
  .map(([parts, last]) => `/${[...parts, last].filter(Boolean).join('/')}`);
const api = fc.uniqueArray(fc.record({ httpMethod: fc.constantFrom('GET', 'POST', 'ANY'), path: template }), {
  maxLength: 14,
  selector: ({ httpMethod, path }) => `${httpMethod} ${path}`,
});
const asked = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }),
  end: fc.constantFrom('', '/', '?q=/a/b', '/?q'),
});

test('it agrees with a walk down the tree of resources, in whatever order they are listed', () => {
  fc.assert(
    fc.property(
      api.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      asked,
      ([all, shuffled], { method, path, end }) => {
        const found = methodFor(shuffled, { method, path: `/${path.join('/')}${end}` });
        const expected = descend(treeOf(all), path, method) ?? [];
        expect(found ? [...found.path.split('/').filter(Boolean), found.httpMethod] : []).toEqual(expected);
      },
    ),
    { numRuns: 5_000 },
  );
});
