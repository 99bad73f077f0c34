import { describe, expect, test } from '@jest/globals';
import type { Integration, Method, Resource } from '../../../src/control-plane/api-gateway.js';
import { httpsMethods } from '../../../src/rotation/rules/backend.js';
import {
  chooseProbes,
  choiceOfAll,
  isBackend,
  parseProbe,
  parseProbes,
  webSocketChoice,
  whyNotSafe,
  type NotSafe,
} from '../../../src/rotation/rules/probe.js';
import { stage } from './fixture.js';

const proxy = (uri: string, rest: Partial<Integration> = {}): Integration => ({
  type: 'HTTP_PROXY',
  uri,
  httpMethod: 'GET',
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
    ['GET:/health', { method: 'GET', path: '/health' }],
  ])('reads %j', (text, expected) => {
    expect(parseProbe(text)).toEqual(expected);
  });

  test.each(['', 'GET', '/health', 'GET health', 'GET /a b', 'GET\u0000 /x', 'G3T /x'])(
    'refuses %j',
    (text) => {
      expect(() => parseProbe(text)).toThrow(
        expect.objectContaining({
          code: 'Usage',
          hint: "specify a method and a path, such as 'GET /health'",
        }),
      );
    },
  );
});

describe('parseProbes', () => {
  test('reads one call for everything and those for single APIs and backends', () => {
    expect(parseProbes(['GET /a?x=1', 'my orders=GET:/health', 'pay.example:8443=head /up?y=2'])).toEqual({
      probe: { method: 'GET', path: '/a?x=1' },
      named: [
        { of: 'my orders', method: 'GET', path: '/health' },
        { of: 'pay.example:8443', method: 'HEAD', path: '/up?y=2' },
      ],
    });
  });

  test('reads a name without the spaces around it, and says nothing of a call for everything where there is none', () => {
    expect(parseProbes([' my orders =GET /a'])).toStrictEqual({
      named: [{ of: 'my orders', method: 'GET', path: '/a' }],
    });
  });

  test.each([[['x=/a']], [['=GET /a']], [['x=y=GET /a']], [['x=GET /a\nGET /b']]])('refuses %j', (texts) => {
    expect(() => parseProbes(texts)).toThrow(expect.objectContaining({ code: 'Usage' }));
  });

  test.each([
    [['GET /a', 'GET /b'], '--probe is specified twice without an API or backend'],
    [['x=GET /a', 'GET /c', ' x =GET /b'], '--probe is specified twice for x'],
  ])('refuses %j: two calls for the same', (texts, message) => {
    expect(() => parseProbes(texts)).toThrow(
      expect.objectContaining({
        code: 'Usage',
        message,
        hint: "specify the API or the backend of each: 'orders=GET /health'",
      }),
    );
  });
});

describe('a call for one backend', () => {
  const PAY = 'https://pay.example';
  const resources = [
    resource('/health', method('GET', proxy(`${ORDERS}/health`))),
    resource('/pay', method('POST', proxy(`${PAY}/pay`, { httpMethod: 'POST' }))),
    resource('/pay/status', method('GET', proxy(`${PAY}:443/status`, { httpMethod: 'POST' }))),
  ];
  const choose = (...named: { of: string; method: string; path: string }[]) => {
    const { probes, unreached } = chooseProbes(stage('prod', 'old'), resources, undefined, named);
    return {
      calls: probes.map((one) => `${one.httpMethod} ${one.pathWithQueryString} -> ${one.backend}`),
      unreached,
    };
  };

  test('leaves the others their safe calls', () => {
    expect(choose()).toEqual({ calls: ['GET /health -> orders.example'], unreached: ['pay.example'] });
    expect(choose({ of: 'PAY.example:443', method: 'GET', path: '/pay/status' })).toEqual({
      calls: ['GET /health -> orders.example', 'GET /pay/status -> pay.example'],
      unreached: [],
    });
  });

  test('goes before the safe call of its backend', () => {
    const named = { of: 'orders.example', method: 'GET', path: '/health?deep=1' };
    expect(choose(named).calls).toEqual(['GET /health?deep=1 -> orders.example']);
  });

  test('is refused where it reaches another backend or none, and ignored for a backend of another stage', () => {
    expect(() => choose({ of: 'pay.example', method: 'GET', path: '/health' })).toThrow(
      expect.objectContaining({
        code: 'ProbeNotFound',
        message: expect.stringMatching(/reaches orders\.example, not pay\.example$/) as unknown,
        hint: 'pay.example is reached by POST /pay, GET /pay/status',
      }),
    );
    expect(() => choose({ of: 'pay.example', method: 'GET', path: '/nowhere' })).toThrow(
      expect.objectContaining({
        code: 'ProbeNotFound',
        message: 'GET /nowhere of api/prod reaches no https backend, not pay.example',
      }),
    );
    expect(choose({ of: 'other.example', method: 'GET', path: '/x' })).toEqual(choose());
  });
});

test('a backend is named with its port, or without it where that is 443', () => {
  expect(isBackend('pay.example:4430', 'pay.example:4430')).toBe(true);
  expect(isBackend('pay.example', 'Pay.example:443')).toBe(true);
  expect(isBackend('pay.example', 'pay.example:4430')).toBe(false);
});

describe('chooseProbes', () => {
  test('names five of the methods there are where a named call is refused', () => {
    const paths = ['/1', '/2', '/3', '/4', '/5', '/6'];
    const resources = paths.map((path) => resource(path, method('GET', proxy(ORDERS))));
    const five = 'GET /1, GET /2, GET /3, GET /4, GET /5';
    expect(() => calls(resources, { method: 'GET', path: '/x' })).toThrow(
      expect.objectContaining({ hint: `available: ${five}` }),
    );
    const named = { of: 'orders.example', method: 'GET', path: '/x' };
    expect(() => chooseProbes(stage('prod', 'old'), resources, undefined, [named])).toThrow(
      expect.objectContaining({ hint: `orders.example is reached by ${five}` }),
    );
  });

  test('takes the named one of two methods of a resource', () => {
    const resources = [
      resource('/x', method('GET', proxy(ORDERS)), method('POST', proxy('https://pay.example'))),
    ];
    expect(calls(resources, { method: 'POST', path: '/x' }).calls).toEqual(['POST /x -> pay.example']);
  });

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
      calls: ['GET /p -> pay.example:8443', 'GET /health -> orders.example'],
      unreached: [],
    });
  });

  const any = proxy(ORDERS);
  const unnamed: Integration = { type: 'HTTP_PROXY', uri: ORDERS, insecureSkipVerification: false };
  test.each<[string, Method, string, NotSafe]>([
    ['a method that could write', method('POST', any), '/x', 'mayWrite'],
    ['ANY, which may be anything', method('ANY', any), '/x', 'mayWrite'],
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'ANY'].map(
      (httpMethod): [string, Method, string, NotSafe] => [
        `a GET whose integration is ${httpMethod}`,
        method('GET', proxy(ORDERS, { httpMethod })),
        '/x',
        'integrationMayWrite',
      ],
    ),
    [
      'the same of type HTTP',
      method('GET', { ...any, type: 'HTTP', httpMethod: 'DELETE' }),
      '/x',
      'integrationMayWrite',
    ],
    ['a GET whose integration does not say its method', method('GET', unnamed), '/x', 'integrationMayWrite'],
    ['a path parameter', method('GET', any), '/orders/{id}', 'needsParameters'],
    ['a greedy path', method('GET', any), '/{proxy+}', 'needsParameters'],
    ['a path parameter of the integration', method('GET', proxy(`${ORDERS}/{id}`)), '/x', 'needsParameters'],
    ['a required parameter', method('GET', any, ['method.request.querystring.id']), '/x', 'needsParameters'],
    [
      'a variable that is not set',
      method('GET', proxy(`${ORDERS}/\${stageVariables.base}`)),
      '/x',
      'variableNotSet',
    ],
  ])('never chooses %s unasked', (_, given, path, why) => {
    const resources = [resource(path, given)];
    expect(calls(resources)).toEqual({ calls: [], unreached: ['orders.example'] });
    expect(httpsMethods(resources, { variables: {} }).map(whyNotSafe)).toEqual([why]);
  });

  test.each([
    ['GET', 'HEAD'],
    ['HEAD', 'GET'],
    ['HEAD', 'HEAD'],
  ])('chooses a %s whose integration is %s', (httpMethod, integrationMethod) => {
    const resources = [resource('/x', method(httpMethod, proxy(ORDERS, { httpMethod: integrationMethod })))];
    expect(calls(resources).calls).toEqual([`${httpMethod} /x -> orders.example`]);
  });

  test('chooses the same call in whatever order the resources come', () => {
    const resources = [
      resource('/b', method('HEAD', proxy(ORDERS)), method('GET', proxy(ORDERS))),
      resource('/a', method('HEAD', proxy(ORDERS)), method('GET', proxy(ORDERS))),
      resource('/long', method('GET', proxy(ORDERS))),
    ];
    const expected = ['GET /a -> orders.example'];
    expect(calls(resources).calls).toEqual(expected);
    expect(
      calls([...resources].reverse().map((one) => ({ ...one, methods: [...one.methods].reverse() }))).calls,
    ).toEqual(expected);
  });

  test('says of a probe the stage, the resource, its variables and the whole path', () => {
    const resources = [resource('/x', method('GET', proxy('https://${stageVariables.host}/x')))];
    const one = stage('prod', 'old', { variables: { host: 'blue.example' } });
    expect(chooseProbes(one, resources, { method: 'GET', path: '/x?deep=1' }).probes).toEqual([
      {
        stage: { restApiId: 'api', stageName: 'prod' },
        resourceId: 'r/x',
        httpMethod: 'GET',
        pathWithQueryString: '/x?deep=1',
        stageVariables: { host: 'blue.example' },
        backend: 'blue.example',
        backendPath: '/x',
      },
    ]);
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
    // A variable that is not set is named, and not taken for nothing.
    expect(calls(resources)).toEqual({ calls: [], unreached: ['${stageVariables.host}'] });
  });

  describe('of a canary', () => {
    const resources = [
      resource('/x', method('GET', proxy('https://${stageVariables.host}/x'))),
      resource('/p', method('POST', proxy('https://pay-${stageVariables.color}.example/p'))),
    ];
    const canary = (variables: Record<string, string>) =>
      stage('prod', 'old', {
        variables: { host: 'blue.example', color: 'blue' },
        canary: { percentTraffic: 0, deploymentId: 'd2', variables },
      });

    test('are proved with its own variables, and named where nothing reaches them', () => {
      const { probes, unreached } = chooseProbes(
        canary({ host: 'green.example', color: 'green' }),
        resources,
        undefined,
      );
      expect(probes.map((one) => [one.backend, one.canary, one.stageVariables])).toEqual([
        ['blue.example', undefined, { host: 'blue.example', color: 'blue' }],
        ['green.example', true, { host: 'green.example', color: 'green' }],
      ]);
      expect(unreached).toEqual(['pay-blue.example', 'pay-green.example']);
    });

    test('what it leaves as it is stays', () => {
      const { probes } = chooseProbes(canary({ color: 'green' }), resources, { method: 'GET', path: '/x' });
      expect(probes.map(({ backend, stageVariables }) => [backend, stageVariables])).toEqual([
        ['blue.example', { host: 'blue.example', color: 'blue' }],
        ['blue.example', { host: 'blue.example', color: 'green' }],
      ]);
    });

    test('a named call counts where the canary alone leads it to an address', () => {
      const one = stage('prod', 'old', {
        canary: { percentTraffic: 5, deploymentId: 'd2', variables: { host: 'green.example' } },
      });
      const { probes, unreached } = chooseProbes(one, resources.slice(0, 1), { method: 'GET', path: '/x' });
      expect(probes.map(({ backend, canary: isCanary }) => [backend, isCanary])).toEqual([
        ['green.example', true],
      ]);
      expect(unreached).toEqual(['${stageVariables.host}']);
    });
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

  test('takes the method that the stage takes, in whatever order the resources come', () => {
    const resources = [
      resource('/{proxy+}', method('ANY', proxy('https://all.example/{proxy}'))),
      resource('/a/{proxy+}', method('ANY', proxy('https://a.example/{proxy}'))),
    ];
    for (const order of [resources, [...resources].reverse()]) {
      expect(calls(order, { method: 'GET', path: '/a/b' }).calls).toEqual(['GET /a/b -> a.example']);
      expect(calls(order, { method: 'GET', path: '/b' }).calls).toEqual(['GET /b -> all.example']);
    }
  });

  test.each([
    [
      'that does not exist',
      { method: 'GET', path: '/nope' },
      'api/prod has no method GET /nope',
      'available: GET /x',
    ],
    [
      'of another method',
      { method: 'DELETE', path: '/x' },
      'api/prod has no method DELETE /x',
      'available: GET /x',
    ],
    [
      'that a method without https hides from a greedy one',
      { method: 'GET', path: '/mock' },
      'GET /mock of api/prod matches the method GET /mock, which has no https integration',
      'available: GET /x',
    ],
    [
      'whose host is a variable that is not set',
      { method: 'GET', path: '/v' },
      'GET /v of api/prod reaches ${stageVariables.host}, which is not an address',
      'set the stage variable host',
    ],
    [
      'without https beside one whose host is a variable that is not set',
      { method: 'POST', path: '/v' },
      'POST /v of api/prod matches the method POST /v, which has no https integration',
      'available: GET /x',
    ],
    [
      'whose host depends on the request',
      { method: 'GET', path: '/h/a' },
      'GET /h/a of api/prod reaches {host}.example, which is not an address',
      'available: GET /x',
    ],
  ])('refuses a named call %s', (_, probe, message, hint) => {
    const resources = [
      resource('/x', method('GET', proxy(ORDERS))),
      resource('/mock', method('GET', proxy(ORDERS, { type: 'MOCK' }))),
      resource('/v', method('GET', proxy('https://${stageVariables.host}/v')), method('POST')),
      resource('/h/{host}', method('GET', proxy('https://{host}.example/'))),
    ];
    const wider = [...resources, resource('/mock/{proxy+}', method('ANY', proxy(ORDERS)))];
    expect(() => calls(wider, probe)).toThrow(
      expect.objectContaining({
        code: 'ProbeNotFound',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  test('says so where there is nothing to present a certificate to', () => {
    expect(() => calls([resource('/x', method('GET'))], { method: 'GET', path: '/x' })).toThrow(
      expect.objectContaining({
        hint: 'the API has no https integration, so its certificate is never presented',
      }),
    );
  });
});

describe('of WebSocket APIs', () => {
  const integrations = [
    proxy('https://ws.example/x'),
    proxy('https://${stageVariables.host}/x', { type: 'HTTP' }),
    proxy('http://plain.example/x'),
    proxy('https://lambda.example', { type: 'AWS_PROXY' }),
  ];

  test('the https backends are named, each once, and none can be called', () => {
    expect(
      webSocketChoice({ variables: { host: 'orders.example' } }, [...integrations, ...integrations]),
    ).toEqual({
      probes: [],
      unreached: ['ws.example', 'orders.example'],
    });
  });

  test('one that a call of another stage reaches is proved by that', () => {
    const rest = chooseProbes(
      stage('prod', 'old'),
      [resource('/x', method('GET', proxy(ORDERS)))],
      undefined,
    );
    const webSocket = webSocketChoice({ variables: { host: 'orders.example' } }, integrations);
    expect(choiceOfAll([webSocket, rest])).toEqual([{ probes: [], unreached: ['ws.example'] }, rest]);
  });
});
