import { expect, test } from '@jest/globals';
import { answersToCaNames, isNameWithoutDot, javaClientProblems } from '../../src/findings/java-client.js';

test.each([
  [[], true],
  [['C=US, L=Seattle, CN=ApiGateway'], true],
  [['O=Company, CN=Company CA', 'C=US, L=Seattle, CN=ApiGateway'], true],
  [['C=US, L=Seattle,  CN=apigateway'], true],
  [['CN=ApiGateway, L=Seattle, C=US'], false],
  [['C=US, CN=ApiGateway'], false],
  [['O=Company, CN=Company CA'], false],
])('a Java client answers to %j: %s', (names, expected) => {
  expect(answersToCaNames(names)).toBe(expected);
});

test('a certificate of a private CA is presented where that CA is announced', () => {
  expect(answersToCaNames(['CN=Company CA'], ['CN=Company Issuing', 'CN=Company CA'])).toBe(true);
});

test.each([
  ['backend', true],
  ['backend.', true],
  ['backend.example', false],
  ['10.0.0.1', false],
  ['::1', false],
])('%s is a name without a dot: %s', (host, expected) => {
  expect(isNameWithoutDot(host)).toBe(expected);
});

test('problems of several requests are found, each once', () => {
  const asking = { caNames: [[], ['CN=x']], largestRequest: 32_769, isLate: true, tls13: true, host: 'b' };
  expect(javaClientProblems(asking)).toEqual([
    'CertificateWithheld',
    'CaNamesTooLarge',
    'LateRequest',
    'ServerNameNotSent',
  ]);
  expect(
    javaClientProblems({ caNames: [], largestRequest: 32_768, isLate: true, tls13: false, host: 'b.c' }),
  ).toEqual(['LateRequestTls12']);
});
