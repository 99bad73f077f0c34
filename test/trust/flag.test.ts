import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { trustStoreFromFlag } from '../../src/trust/flag.js';

describe('--trust', () => {
  test.each([
    ['pem-bundle:/etc/a b.pem', undefined, { kind: 'pem-bundle', file: '/etc/a b.pem' }],
    [
      'pem-bundle:C:/x.pem',
      'kill -HUP 1',
      { kind: 'pem-bundle', file: resolve('C:/x.pem'), reload: 'kill -HUP 1' },
    ],
    ['nginx:/etc/nginx/apigw.map', undefined, { kind: 'nginx', file: '/etc/nginx/apigw.map' }],
    ['manual', undefined, { kind: 'manual' }],
  ])('%j with reload %j', (text, reload, config) => {
    expect(trustStoreFromFlag(text, reload)).toEqual(config);
  });

  test.each([
    ['pem-bundle', undefined],
    ['pem-bundle:', undefined],
    ['pem-bundel:/x', undefined],
    ['manual:x', undefined],
    ['command:x', undefined],
    ['', undefined],
  ])('%j with reload %j is a mistake', (text, reload) => {
    expect(() => trustStoreFromFlag(text, reload)).toThrow(
      expect.objectContaining({ code: 'Usage', hint: expect.any(String) }),
    );
  });
});
