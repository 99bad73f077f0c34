import { describe, expect, test } from '@jest/globals';
import type { Resource } from '../../../src/core/api-gateway.js';
import { changesText, unpublishedChanges } from '../../../src/core/rotation/unpublished.js';

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
      'GET /orders would be new, POST /orders would be authorized otherwise, DELETE /old would be gone',
    );
  });

  test('tells the first ten of many', () => {
    const methods = Array.from({ length: 13 }, (_, i) => deployed('GET', 'NONE', `/${i}`));
    expect(changesText(unpublishedChanges([], { methods }))).toMatch(/GET \/9 would be gone and 3 more$/);
  });
});
