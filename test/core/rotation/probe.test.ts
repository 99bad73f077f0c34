import { describe, expect, test } from '@jest/globals';
import type { Integration, Method, Resource } from '../../../src/core/api-gateway.js';
import { chooseProbes, parseProbe } from '../../../src/core/rotation/probe.js';
import { stage } from './fixture.js';

const proxy = (uri: string, rest: Partial<Integration> = {}): Integration => ({
  type: 'HTTP_PROXY',
  uri,
  insecureSkipVerification: false,
  ...rest,
});

const method = (
  httpMethod: string,
  integration?: Integration,
  requiredParameters: string[] = [],
): Method => ({
  httpMethod,
  requiredParameters,
  ...(integration ? { integration } : {}),
});

const resource = (path: string, ...methods: Method[]): Resource => ({ id: `r${path}`, path, methods });

const ORDERS = 'https://orders.example';
const calls = (resources: Resource[], probe?: { method: string; path: string }, variables = {}) => {
  const { probes, unreached } = chooseProbes(stage('prod', 'old', { variables }), resources, probe);
  return {
    calls: probes.map((one) => `${one.httpMethod} ${one.pathWithQueryString} -> ${one.backend}`),
    unreached,
  };
};

describe('parseProbe', () => {
  test.each([
    ['GET /health', { method: 'GET', path: '/health' }],
    ['  post   /check?deep=1 ', { method: 'POST', path: '/check?deep=1' }],
  ])('reads %j', (text, expected) => {
    expect(parseProbe(text)).toEqual(expected);
  });

  test.each(['', 'GET', '/health', 'GET health', 'GET /a b', 'GET\u0000 /x', 'G3T /x'])(
    'refuses %j',
    (text) => {
      expect(() => parseProbe(text)).toThrow(expect.objectContaining({ code: 'Usage' }));
    },
  );
});

describe('chooseProbes', () => {
  test('takes the shortest GET without parameters, one a backend', () => {
    const resources = [
      resource(
        '/orders',
        method('GET', proxy(`${ORDERS}/orders`)),
        method('POST', proxy(`${ORDERS}/orders`)),
      ),
      resource('/health', method('GET', proxy(`${ORDERS}/health`))),
      resource('/p', method('GET', proxy('https://Pay.example:8443/p'))),
    ];
    expect(calls(resources)).toEqual({
      calls: ['GET /orders -> orders.example', 'GET /p -> pay.example:8443'],
      unreached: [],
    });
  });

  test.each<[string, Method, string]>([
    ['a method that could write', method('POST', proxy(ORDERS)), '/x'],
    ['ANY, which may be anything', method('ANY', proxy(ORDERS)), '/x'],
    ['a path parameter', method('GET', proxy(ORDERS)), '/orders/{id}'],
    ['a required parameter', method('GET', proxy(ORDERS), ['method.request.querystring.id']), '/x'],
  ])('never chooses %s unasked', (_, given, path) => {
    expect(calls([resource(path, given)])).toEqual({ calls: [], unreached: ['orders.example'] });
  });

  test.each<[string, Method]>([
    ['http', method('GET', proxy('http://orders.example'))],
    ['a mock', method('GET', proxy(ORDERS, { type: 'MOCK' }))],
    ['Lambda', method('GET', proxy('arn:aws:apigateway:…', { type: 'AWS_PROXY' }))],
    ['no integration', method('GET')],
  ])('sees no backend behind %s', (_, given) => {
    expect(calls([resource('/x', given)])).toEqual({ calls: [], unreached: [] });
  });

  test("puts the stage's variables into the address", () => {
    const resources = [resource('/x', method('GET', proxy('https://${stageVariables.host}/x')))];
    expect(calls(resources, undefined, { host: 'blue.example' }).calls).toEqual(['GET /x -> blue.example']);
    // A variable that is not set leaves no host: nothing that could be reached.
    expect(calls(resources)).toEqual({ calls: [], unreached: [] });
  });

  test('takes the call that was named, also through a path parameter or ANY', () => {
    const resources = [
      resource('/{proxy+}', method('ANY', proxy(`${ORDERS}/{proxy}`))),
      resource('/p', method('GET', proxy('https://pay.example/p'))),
    ];
    expect(calls(resources, { method: 'POST', path: '/check?deep=1' })).toEqual({
      calls: ['POST /check?deep=1 -> orders.example'],
      unreached: ['pay.example'],
    });
  });

  test.each([
    ['that does not exist', { method: 'GET', path: '/nope' }, 'it has GET /x'],
    ['of another method', { method: 'DELETE', path: '/x' }, 'it has GET /x'],
  ])('refuses a named call %s', (_, probe, hint) => {
    const resources = [resource('/x', method('GET', proxy(ORDERS)))];
    expect(() => calls(resources, probe)).toThrow(expect.objectContaining({ code: 'ProbeNotFound', hint }));
  });
});
