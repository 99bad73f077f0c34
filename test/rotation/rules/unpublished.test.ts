import { describe, expect, test } from '@jest/globals';
import type { Resource } from '../../../src/control-plane/api-gateway.js';
import { changesText, unpublishedChanges } from '../../../src/rotation/rules/unpublished.js';

const current: Resource[] = [
  {
    id: 'r1',
    path: '/orders',
    methods: [
      { httpMethod: 'GET', authorizationType: 'NONE', requiredParameters: [] },
      { httpMethod: 'POST', authorizationType: 'AWS_IAM', apiKeyRequired: true, requiredParameters: [] },
    ],
  },
];
const deployed = (
  httpMethod: string,
  authorizationType = 'NONE',
  path = '/orders',
  apiKeyRequired = false,
) => ({
  path,
  httpMethod,
  authorizationType,
  apiKeyRequired,
});

describe('unpublishedChanges', () => {
  test('sees nothing where definition and deployment agree', () => {
    expect(
      unpublishedChanges(current, {
        methods: [deployed('GET'), deployed('POST', 'AWS_IAM', '/orders', true)],
      }),
    ).toEqual([]);
  });

  test('sees what comes, goes and is authorized otherwise', () => {
    const changes = unpublishedChanges(current, {
      methods: [deployed('POST', 'NONE', '/orders', true), deployed('DELETE', 'NONE', '/old')],
    });
    expect(changesText(changes)).toBe(
      'GET /orders would be added, POST /orders would change its authorization, DELETE /old would be removed',
    );
  });

  test.each([
    ['loses its key', deployed('POST', 'AWS_IAM', '/orders', false)],
    ['is authorized in another way', deployed('POST', 'CUSTOM', '/orders', true)],
  ])('sees a method that %s', (_, post) => {
    expect(unpublishedChanges(current, { methods: [deployed('GET'), post] })).toEqual([
      { change: 'authorizationChanged', httpMethod: 'POST', path: '/orders' },
    ]);
  });

  test('takes a method of which AWS says nothing for one that anyone may call', () => {
    const bare: Resource[] = [
      { id: 'r1', path: '/', methods: [{ httpMethod: 'GET', requiredParameters: [] }] },
      { id: 'r2', path: '/other', methods: [{ httpMethod: 'GET', requiredParameters: [] }] },
    ];
    const methods = [deployed('GET', 'NONE', '/'), deployed('GET', 'AWS_IAM', '/other')];
    expect(unpublishedChanges(bare, { methods })).toEqual([
      { change: 'authorizationChanged', httpMethod: 'GET', path: '/other' },
    ]);
  });

  test('tells ten in full', () => {
    const methods = Array.from({ length: 10 }, (_, i) => deployed('GET', 'NONE', `/${i}`));
    const text = changesText(unpublishedChanges([], { methods }));
    expect(text.split(', ')).toHaveLength(10);
    expect(text).toMatch(/GET \/9 would be removed$/);
  });

  test('tells the first ten of many', () => {
    const methods = Array.from({ length: 13 }, (_, i) => deployed('GET', 'NONE', `/${i}`));
    expect(changesText(unpublishedChanges([], { methods }))).toMatch(/GET \/9 would be removed and 3 more$/);
  });
});
