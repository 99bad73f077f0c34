import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backendOf, httpsMethods, trafficOf } from '../../../src/rotation/rules/backend.js';

const VARIABLES = { host: 'Blue.example', base: 'v1/x', url: 'https://blue.example/api', none: '' };
const of = (uri: string | undefined, type: 'HTTP' | 'HTTP_PROXY' = 'HTTP_PROXY') =>
  backendOf({ type, ...(uri === undefined ? {} : { uri }) }, VARIABLES);
const known = (backend: string) => ({ backend, isKnown: true, unset: [], needsRequest: false });

describe('backendOf', () => {
  test.each([
    ['https://orders.example', 'orders.example'],
    ['https://orders.example/x?y=https://z', 'orders.example'],
    ['HTTPS://Orders.Example/X', 'orders.example'],
    ['https://orders.example:443/x', 'orders.example'],
    ['https://orders.example:8443?x', 'orders.example:8443'],
    ['https://orders.example:4430', 'orders.example:4430'],
    ['https://user:secret@orders.example/x', 'orders.example'],
    ['https://${stageVariables.host}/x', 'blue.example'],
    ['https://${stageVariables.host}:8443/${stageVariables.base}', 'blue.example:8443'],
    ['${stageVariables.url}/x', 'blue.example'],
    ['https://[2001:db8::1]:8443/x', '[2001:db8::1]:8443'],
  ])('%s is %s', (uri, backend) => {
    expect(of(uri)).toEqual(known(backend));
    expect(of(uri, 'HTTP')).toEqual(known(backend));
  });

  test.each([
    ['http://orders.example/https://x'],
    ['http://${stageVariables.nope}/x'],
    ['arn:aws:apigateway:eu-west-1:lambda:path/x'],
    ['https:///x'],
    ['https://${stageVariables.none}/x'],
    ['xhttps://orders.example/x'],
    ['orders.example'],
    [''],
    [undefined],
  ])('%s presents nothing', (uri) => {
    expect(of(uri)).toBeUndefined();
  });

  test.each(['MOCK', 'AWS', 'AWS_PROXY'] as const)('%s presents nothing', (type) => {
    expect(backendOf({ type, uri: 'https://orders.example' }, {})).toBeUndefined();
  });

  test.each([
    ['https://${stageVariables.Nope}.Example/x', '${stageVariables.Nope}.Example', ['Nope']],
    ['${stageVariables.nope}/x', '${stageVariables.nope}', ['nope']],
    ['${stageVariables.nope}.example:8443/x', '${stageVariables.nope}.example:8443', ['nope']],
    ['${stageVariables.nope}://orders.example/x', '${stageVariables.nope}://orders.example', ['nope']],
    ['https://${stageVariables.constructor}/x', '${stageVariables.constructor}', ['constructor']],
  ])('%s is named as it stands', (uri, backend, unset) => {
    expect(of(uri)).toEqual({ backend, isKnown: false, unset, needsRequest: false });
  });

  test('what is not known beside the address is said', () => {
    expect(of('https://orders.example/${stageVariables.a}/{id}/${stageVariables.a}')).toEqual({
      backend: 'orders.example',
      isKnown: true,
      unset: ['a'],
      needsRequest: true,
    });
    expect(of('https://{tenant}.example/x')).toEqual({
      backend: '{tenant}.example',
      isKnown: false,
      unset: [],
      needsRequest: true,
    });
  });

  test('with all variables set, it is the host that a URL parser finds', () => {
    // What begins with xn-- has to be Punycode, which a URL parser reads.
    const name = fc
      .stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/)
      .filter((text) => !text.startsWith('xn--'));
    const part = fc.record({ text: name, isVariable: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', ':443', ':8443'),
        name,
        (parts, port, path) => {
          const variables = Object.fromEntries(parts.map(({ text }, i) => [`v${i}`, text]));
          const host = parts
            .map(({ text, isVariable }, i) => (isVariable ? `\${stageVariables.v${i}}` : text))
            .join('.');
          const found = backendOf({ type: 'HTTP', uri: `https://${host}${port}/${path}` }, variables);
          const { host: expected } = new URL(`https://${parts.map(({ text }) => text).join('.')}${port}/`);
          expect(found).toEqual(known(expected));
        },
      ),
    );
  });
});

test('a method is seen with all that decides whether it may be called', () => {
  const integration = {
    type: 'HTTP',
    uri: 'https://orders.example',
    insecureSkipVerification: true,
  } as const;
  const get = { httpMethod: 'GET', requiredParameters: ['method.request.querystring.id'] };
  const seen = {
    ...known('orders.example'),
    resourceId: 'r',
    path: '/x',
    backendPath: '/',
    ...get,
    insecureSkipVerification: true,
  };
  expect(
    httpsMethods(
      [
        {
          id: 'r',
          path: '/x',
          methods: [
            { ...get, integration },
            { ...get, integration: { ...integration, httpMethod: 'POST' } },
            get,
          ],
        },
      ],
      { variables: {} },
    ),
  ).toStrictEqual([seen, { ...seen, integrationMethod: 'POST' }]);
});

test.each([
  ['https://orders.example', '/'],
  ['https://orders.example/v1/x?y=1', '/v1/x?y=1'],
  ['https://orders.example?y=1', '/'],
  ['https://orders.example/${stageVariables.base}', '/v1/x'],
  ['${stageVariables.url}/x', '/api/x'],
  ['https://orders.example/{proxy}', '/'],
  ['https://orders.example/${stageVariables.nope}', '/'],
])('the backend of %s is called at %s', (uri, backendPath) => {
  const integration = { type: 'HTTP_PROXY', uri, insecureSkipVerification: false } as const;
  const methods = [{ httpMethod: 'GET', requiredParameters: [], integration }];
  expect(httpsMethods([{ id: 'r', path: '/x', methods }], { variables: VARIABLES })).toMatchObject([
    { backendPath },
  ]);
});

test('a canary is a part of the traffic with its own variables over those of the stage', () => {
  const variables = { host: 'blue', color: 'blue' };
  expect(trafficOf({ variables })).toEqual([{ variables }]);
  expect(
    trafficOf({
      variables,
      canary: { percentTraffic: 0, deploymentId: 'd', variables: { host: 'green', new: 'x' } },
    }),
  ).toEqual([{ variables }, { variables: { host: 'green', color: 'blue', new: 'x' }, canary: true }]);
});
