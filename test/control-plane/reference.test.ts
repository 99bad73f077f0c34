import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { certificateReference, stageReference } from '../../src/control-plane/reference.js';

describe('a certificate', () => {
  test.each([
    ['a1b2c3', { id: 'a1b2c3' }],
    ['arn:aws:apigateway:eu-west-1::/clientcertificates/a1b2c3', { id: 'a1b2c3', region: 'eu-west-1' }],
    ['arn:aws-cn:apigateway:cn-north-1::/clientcertificates/a1b2c3', { id: 'a1b2c3', region: 'cn-north-1' }],
    ['arn:aws-eusc:apigateway:eusc-de-east-1::/clientcertificates/x', { id: 'x', region: 'eusc-de-east-1' }],
    [
      'https://eu-west-1.console.aws.amazon.com/apigateway/main/client-certificates/a1b2c3?region=eu-west-1',
      { id: 'a1b2c3', region: 'eu-west-1' },
    ],
    [
      'https://console.aws.amazon.com/apigateway/home?region=us-east-1#/client-certificates/a1b2c3',
      { id: 'a1b2c3', region: 'us-east-1' },
    ],
    [
      'https://us-gov-west-1.console.amazonaws-us-gov.com/apigateway/main/client-certificates/a1b2c3',
      { id: 'a1b2c3', region: 'us-gov-west-1' },
    ],
    [
      'arn:aws:acm:eu-west-1:123456789012:certificate/x',
      { id: 'arn:aws:acm:eu-west-1:123456789012:certificate/x', region: 'eu-west-1' },
    ],
  ])('%s', (text, expected) => {
    expect(certificateReference(text)).toEqual(expected);
  });

  test.each([
    'arn:aws:iam::123456789012:server-certificate/x',
    'https://example.com/client-certificates/a1b2c3',
    'https://eu-west-1.console.aws.amazon.com/apigateway/main/apis',
  ])('not by %s', (text) => {
    expect(() => certificateReference(text)).toThrow('does not say which client certificate');
  });
});

describe('a stage', () => {
  const eu = { api: 'a1b2c3d4e5', stage: 'prod', region: 'eu-west-1' };
  test.each([
    ['prod', undefined],
    ['orders/prod', undefined],
    ['my orders (v1.2)/prod', undefined],
    ['arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5/stages/prod', eu],
    ['arn:aws:apigateway:eu-west-1::/apis/a1b2c3d4e5/stages/prod', eu],
    ['arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/health', eu],
    ['arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod', eu],
    ['https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod', eu],
    ['https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod/health?x=1', eu],
    ['a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod/', eu],
    ['https://a1b2c3d4e5-vpce-01234.execute-api.eu-west-1.amazonaws.com/prod', eu],
    ['https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn/prod', { ...eu, region: 'cn-north-1' }],
    [
      'http://127.0.0.1:4599/restapis/a1b2c3d4e5/prod/_user_request_/health',
      { api: 'a1b2c3d4e5', stage: 'prod' },
    ],
    [
      'https://eu-west-1.console.aws.amazon.com/apigateway/home?region=eu-west-1#/apis/a1b2c3d4e5/stages/prod',
      eu,
    ],
  ])('%s', (text, expected) => {
    expect(stageReference(text)).toEqual(expected);
  });

  test.each([
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/',
    'https://api.example.com/prod',
    'arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com.evil.example/prod',
  ])('not by %s', (text) => {
    expect(() => stageReference(text)).toThrow('does not say which stage');
  });

  test('any text is a stage, none, or a sentence about it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((rest) => `arn:${rest}`),
        ),
        (text) => {
          try {
            stageReference(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'Usage' });
          }
        },
      ),
    );
  });
});
