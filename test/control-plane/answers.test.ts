/**
 * What comes as an answer of AWS is not to be trusted: a proxy's page, a torn text, a member of another type than the
 * service's model says. Whatever it is, an operation either gives what the answer says, or fails as not answered.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AppError } from '../../src/platform/errors.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

let answer: { status: number; headers?: Record<string, string>; body: string };
let requests: string[];
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`);
  request.resume().on('end', () => {
    response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.body);
  });
});
let controlPlane: ControlPlane;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  controlPlane = await createAwsControlPlane({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
  });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  requests = [];
});

const CERTIFICATE = {
  clientCertificateId: 'a1b2c3',
  description: 'orders',
  pemEncodedCertificate: '-----BEGIN CERTIFICATE-----\r\nAA==\r\n-----END CERTIFICATE-----',
  createdDate: 1_700_000_000,
  expirationDate: 1_731_536_000,
  tags: { team: 'orders' },
};
const STAGE = {
  deploymentId: 'd1',
  clientCertificateId: 'a1b2c3',
  stageName: 'prod',
  cacheClusterEnabled: false,
  cacheClusterStatus: 'NOT_AVAILABLE',
  methodSettings: { '*/*': { metricsEnabled: true, throttlingRateLimit: 100.5 } },
  variables: { host: 'orders.example.com' },
  canarySettings: { percentTraffic: 12.5, deploymentId: 'd2', stageVariableOverrides: { host: 'c' } },
  createdDate: 1_700_000_000,
  lastUpdatedDate: 1_700_000_001,
  tags: { team: 'orders' },
};
const RESOURCE = {
  id: 'r1',
  path: '/health',
  pathPart: 'health',
  parentId: 'r0',
  resourceMethods: {
    GET: {
      httpMethod: 'GET',
      authorizationType: 'NONE',
      apiKeyRequired: false,
      requestParameters: { 'method.request.querystring.id': true },
      methodIntegration: {
        type: 'HTTP_PROXY',
        httpMethod: 'GET',
        uri: 'https://orders.example.com/health',
        connectionType: 'INTERNET',
        timeoutInMillis: 29_000,
        cacheKeyParameters: ['a'],
        tlsConfig: { insecureSkipVerification: true },
      },
    },
  },
};
const DEPLOYMENT = {
  id: 'd1',
  description: 'first',
  createdDate: 1_700_000_000,
  apiSummary: { '/health': { GET: { authorizationType: 'NONE', apiKeyRequired: false } } },
};
const V2_API = {
  apiId: 'chat123456',
  name: 'chat',
  protocolType: 'WEBSOCKET',
  routeSelectionExpression: '$request.body.action',
  createdDate: '2026-01-02T03:04:05Z',
  disableExecuteApiEndpoint: false,
  tags: { team: 'chat' },
};
const V2_STAGE = {
  stageName: 'prod',
  clientCertificateId: 'a1b2c3',
  deploymentId: 'd1',
  createdDate: '2026-01-02T03:04:05Z',
  lastUpdatedDate: '2026-01-02T03:04:06Z',
  defaultRouteSettings: { detailedMetricsEnabled: false },
  stageVariables: { host: 'chat.example.com' },
  tags: { team: 'chat' },
};
const V2_INTEGRATION = {
  integrationId: 'i1',
  integrationType: 'HTTP_PROXY',
  integrationMethod: 'POST',
  integrationUri: 'https://chat.example.com/messages',
  connectionType: 'INTERNET',
  timeoutInMillis: 29_000,
};

const ref = { restApiId: 'rest123456', stageName: 'prod' };
const chat = { restApiId: 'chat123456', stageName: 'prod', protocolType: 'WEBSOCKET' as const };

/** Each operation of the port that gives something, with an answer as AWS sends it. */
const OPERATIONS: readonly (readonly [name: string, answer: Json, call: () => Promise<unknown>])[] = [
  ['GenerateClientCertificate', CERTIFICATE, () => controlPlane.generateClientCertificate({})],
  ['GetClientCertificates', { item: [CERTIFICATE] }, () => controlPlane.getClientCertificates()],
  ['GetClientCertificate', CERTIFICATE, () => controlPlane.getClientCertificate('a1b2c3')],
  ['UpdateClientCertificate', CERTIFICATE, () => controlPlane.updateClientCertificate('a1b2c3', 'orders')],
  ['GetRestApis', { item: [{ id: 'rest123456', name: 'orders' }] }, () => controlPlane.getRestApis()],
  ['GetStages', { item: [STAGE] }, () => controlPlane.getStages('rest123456')],
  ['GetStage', STAGE, () => controlPlane.getStage(ref)],
  ['UpdateStage', STAGE, () => controlPlane.setStageCertificate(ref, 'a1b2c3')],
  ['GetResources', { item: [RESOURCE] }, () => controlPlane.getResources('rest123456')],
  [
    'TestInvokeMethod',
    { status: 200, body: 'ok', log: 'log', latency: 5, headers: { a: 'b' }, multiValueHeaders: { a: ['b'] } },
    () => controlPlane.testInvokeMethod({ restApiId: 'rest123456', resourceId: 'r1', httpMethod: 'GET' }),
  ],
  ['GetDeployment', DEPLOYMENT, () => controlPlane.getDeployment('rest123456', 'd1')],
  [
    'CreateDeployment',
    { id: 'd1', description: 'first', createdDate: 1_700_000_000 },
    () => controlPlane.createDeployment(ref, 'first'),
  ],
  ['GetApis', { items: [V2_API] }, () => controlPlane.getWebSocketApis()],
  ['GetStages of apigatewayv2', { items: [V2_STAGE] }, () => controlPlane.getWebSocketStages('chat123456')],
  ['GetStage of apigatewayv2', V2_STAGE, () => controlPlane.getStage(chat)],
  ['UpdateStage of apigatewayv2', V2_STAGE, () => controlPlane.setStageCertificate(chat, 'a1b2c3')],
  ['GetIntegrations', { items: [V2_INTEGRATION] }, () => controlPlane.getWebSocketIntegrations('chat123456')],
];

async function outcome(call: () => Promise<unknown>, body: string, status = 200): Promise<unknown> {
  answer = { status, body };
  return call().then(
    (value) => ({ value }),
    (error: unknown) => ({ name: (error as Error).name, code: (error as AppError).code }),
  );
}

const UNANSWERED = { name: 'AppError', code: 'ServiceUnreachable' };

/** Every place in an answer, by its keys. */
function placesOf(value: Json, path: (string | number)[] = []): (string | number)[][] {
  const below =
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, item]) =>
          placesOf(item, [...path, Array.isArray(value) ? Number(key) : key]),
        );
  return [path, ...below];
}

function replaced(value: Json, [key, ...rest]: (string | number)[], by: Json): Json {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, Json>;
  copy[key] = replaced(copy[key] ?? null, rest, by);
  return copy;
}

const at = (value: Json, path: (string | number)[]): Json =>
  path.reduce<Json>((found, key) => (found as Record<string | number, Json>)[key] ?? null, value);

const kindOf = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;

const OTHER_KINDS: readonly Json[] = [
  null,
  true,
  1,
  1.7e9,
  -1e300,
  '',
  'text',
  '1700000000',
  '2026-01-02T03:04:05Z',
  [],
  [null],
  ['text'],
  {},
  { a: 1 },
  [{}],
];

describe('an answer as AWS sends it is taken', () => {
  test.each(OPERATIONS)('of %s', async (_, body, call) => {
    expect(await outcome(call, JSON.stringify(body))).toEqual({ value: expect.anything() });
  });
});

describe('a member of the wrong type is no answer', () => {
  /** Each place with each value of another type, over all operations: some two thousand. */
  const wrong = OPERATIONS.map(
    ([name, body, call]) =>
      [
        name,
        placesOf(body).flatMap((path) =>
          OTHER_KINDS.filter((kind) => kindOf(kind) !== kindOf(at(body, path)) && kind !== null).map(
            (kind) => ({ path, body: replaced(body, path, kind) }),
          ),
        ),
        call,
      ] as const,
  );

  test.each(wrong)('anywhere in %s', async (_, mutants, call) => {
    const taken: string[] = [];
    for (const { path, body } of mutants) {
      const result = await outcome(call, JSON.stringify(body));
      if (JSON.stringify(result) !== JSON.stringify(UNANSWERED))
        taken.push(`${path.join('.')}: ${JSON.stringify(at(body, path))} gave ${JSON.stringify(result)}`);
    }
    expect(taken).toEqual([]);
  });

  test.each(OPERATIONS.filter(([, body]) => 'item' in (body as object) || 'items' in (body as object)))(
    'nor is a list with an item that is null, in %s',
    async (_, body, call) => {
      const list = Object.keys(body as object)[0] ?? '';
      expect(await outcome(call, JSON.stringify({ [list]: [null] }))).toEqual(UNANSWERED);
    },
  );
});

test('whatever is put in the place of a member, nothing but an AppError is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...OPERATIONS),
      fc.nat(),
      fc.jsonValue({ maxDepth: 3 }),
      async ([, body, call], choice, value) => {
        const places = placesOf(body);
        const path = places[choice % places.length] ?? [];
        const result = await outcome(call, JSON.stringify(replaced(body, path, value as Json)));
        expect([undefined, 'AppError']).toContain((result as { name?: string }).name);
      },
    ),
    { numRuns: 300 },
  );
});

describe('what is not JSON is no answer', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['a page', '<!DOCTYPE html><html><body>Sign in</body></html>'],
    ['a torn text', '{"item":[{"id":"rest1'],
    ['null', 'null'],
    ['a number', '1'],
    ['nothing', ''],
    ['octets that are no text', '\u00ff\u0000'],
  ];
  test.each(OPERATIONS)('of %s', async (_, __, call) => {
    for (const [, text] of texts) expect(await outcome(call, text)).toEqual(UNANSWERED);
  });
});

describe('a list that is not there', () => {
  test.each(OPERATIONS.filter(([, body]) => 'item' in (body as object)))(
    'is an empty one in %s, as AWS has answered it',
    async (_, __, call) => {
      expect(await outcome(call, '{}')).toEqual({ value: [] });
    },
  );
  test.each(OPERATIONS.filter(([, body]) => 'items' in (body as object)))(
    'is no answer to %s, where AWS sends an empty list',
    async (_, __, call) => {
      expect(await outcome(call, '{"items":[]}')).toEqual({ value: [] });
      expect(await outcome(call, '{}')).toEqual(UNANSWERED);
    },
  );
});

describe('an answer about something else is none', () => {
  test.each([
    ['GetStage', { ...STAGE, stageName: 'beta' }, () => controlPlane.getStage(ref)],
    ['UpdateStage', { ...STAGE, stageName: 'beta' }, () => controlPlane.setStageCertificate(ref, 'a1b2c3')],
    ['GetStage of apigatewayv2', { ...V2_STAGE, stageName: 'beta' }, () => controlPlane.getStage(chat)],
    [
      'GetClientCertificate',
      { ...CERTIFICATE, clientCertificateId: 'zzzzzz' },
      () => controlPlane.getClientCertificate('a1b2c3'),
    ],
  ] as const)('of %s', async (_, body, call) => {
    expect(await outcome(call, JSON.stringify(body))).toEqual(UNANSWERED);
  });
});

describe('an error', () => {
  test.each([
    ['with a message that is none', 400, '{"message":5}', 'BadRequestException', 'RequestRefused'],
    ['with a code that is none', 400, '{"code":{},"message":"m"}', 'BadRequestException', 'RequestRefused'],
    ['whose body is a list', 403, '[]', 'AccessDeniedException', 'AccessDenied'],
    ["with a proxy's page", 403, '<html>Forbidden</html>', undefined, 'ServiceUnreachable'],
    ['that redirects to a page', 302, '<html>Sign in</html>', undefined, 'ServiceUnreachable'],
    ['that wants a sign-in at the proxy', 407, '<html>Proxy</html>', undefined, 'ServiceUnreachable'],
  ] as const)('%s', async (_, status, body, type, code) => {
    answer = { status, body, ...(type === undefined ? {} : { headers: { 'x-amzn-ErrorType': type } }) };
    await expect(controlPlane.getStages('rest123456')).rejects.toMatchObject({ name: 'AppError', code });
    await expect(controlPlane.getWebSocketStages('chat123456')).rejects.toMatchObject({
      name: 'AppError',
      code,
    });
  });
});

test('a missing permission names the action and the ARN, for WebSocket APIs too', async () => {
  answer = { status: 403, headers: { 'x-amzn-ErrorType': 'AccessDeniedException' }, body: '{}' };
  const hints = await Promise.all(
    [
      controlPlane.getWebSocketApis(),
      controlPlane.getWebSocketStages('chat123456'),
      controlPlane.getStage(chat),
      controlPlane.setStageCertificate(chat, undefined),
      controlPlane.getWebSocketIntegrations('chat123456'),
    ].map((call) =>
      (call as Promise<unknown>).then(
        () => 'allowed',
        (error: unknown) => (error as AppError).hint,
      ),
    ),
  );
  const arn = 'arn:aws:apigateway:eu-west-1::/apis';
  expect(hints).toEqual([
    `allow apigateway:GET on ${arn}`,
    `allow apigateway:GET on ${arn}/chat123456/stages`,
    `allow apigateway:GET on ${arn}/chat123456/stages/prod`,
    `allow apigateway:PATCH on ${arn}/chat123456/stages/prod`,
    `allow apigateway:GET on ${arn}/chat123456/integrations`,
  ]);
});
