import { expect, test } from '@jest/globals';
import { parseStatePlace, regionOfTable } from '../../src/settings/state-place.js';

const ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/apigw-cert';

test.each([
  ['/var/lib/apigw', { kind: 'folder', directory: '/var/lib/apigw' }],
  ['state', { kind: 'folder', directory: 'state' }],
  ['~/state', { kind: 'folder', directory: '~/state' }],
  ['dynamodb:apigw-cert', { kind: 'dynamodb', table: 'apigw-cert' }],
  [`dynamodb:${ARN}`, { kind: 'dynamodb', table: ARN }],
  ['s3://example-state', { kind: 's3', bucket: 'example-state', prefix: '' }],
  ['s3://example-state/a/b/', { kind: 's3', bucket: 'example-state', prefix: 'a/b' }],
])('%s', (text, place) => {
  expect(parseStatePlace(text)).toEqual(place);
});

test.each([
  '',
  'dynamodb:',
  'dynamodb:ab',
  'dynamodb:a b c',
  's3:bucket',
  's3://',
  's3://UPPER/x',
  's3://example/a//b',
  's3://example/../x',
  's3://example/a\u0007',
  'dynamo:x',
  'https://example.com',
])('%s is refused', (text) => {
  expect(() => parseStatePlace(text)).toThrow(expect.objectContaining({ code: 'Usage' }));
});

test('the Region of a table is that of its ARN', () => {
  expect(regionOfTable(ARN)).toBe('eu-west-1');
  expect(regionOfTable('apigw-cert')).toBeUndefined();
});
