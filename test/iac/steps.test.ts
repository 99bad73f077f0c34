import { execa } from 'execa';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ts from 'typescript';
import { parse } from 'yaml';
import {
  hclString,
  logicalId,
  parameterName,
  terraformName,
  typescriptString,
  yamlString,
} from '../../src/iac/quote.js';
import { IAC_TOOLS, iacSteps, type IacStep, type StepsInput } from '../../src/iac/steps.js';
import { hclText, parseHcl } from './hcl.js';

const ORDERS: StepsInput = {
  stage: { restApiId: 'a1b2c3d4e5', apiName: 'orders', stageName: 'prod' },
  region: 'eu-west-1',
  clientCertificateId: '03q4xp',
  isGenerated: true,
  parameter: '/apigw-cert/orders/prod',
};

/** What nobody should have written into a name. */
const EVIL = 'x"}\n${file("/etc/passwd")} %{ if true }\\ \' `id` $(id)\u0000\u0085\u2028\u{1f600} # */ -->';
const evil: StepsInput = {
  stage: { restApiId: EVIL, apiName: EVIL, stageName: EVIL },
  region: EVIL,
  clientCertificateId: EVIL,
  isGenerated: true,
  parameter: EVIL,
  name: EVIL,
  stackName: EVIL,
  stageLogicalId: EVIL,
  certificateLogicalId: EVIL,
};

const texts = (steps: readonly IacStep[], language: IacStep['language']): string[] =>
  steps.filter((step) => step.language === language).map(({ text }) => text);

describe('strings say what they were made of', () => {
  const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constant(EVIL));
  const pieces = fc
    .array(fc.oneof(anyText, fc.constantFrom('${', '$${', '%{', '%%{', '\\', '"', '\b', '\f', '$')))
    .map((parts) => parts.join(''));

  test('in HCL, without a template', () => {
    fc.assert(
      fc.property(pieces, (text) => {
        expect(hclText(hclString(text).slice(1, -1))).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  test('in YAML and TypeScript, in plain ASCII', () => {
    fc.assert(
      fc.property(pieces, (text) => {
        expect(parse(yamlString(text))).toBe(text);
        expect(JSON.parse(typescriptString(text))).toBe(text);
        expect(yamlString(text) + typescriptString(text)).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('names are names, whatever they are made of', () => {
    fc.assert(
      fc.property(pieces, pieces, (one, other) => {
        expect(terraformName(one)).toMatch(/^[a-z][a-z0-9_]*$/);
        expect(logicalId(one)).toMatch(/^[A-Za-z][A-Za-z0-9]*$/);
        expect(parameterName('apigw-cert', one, other)).toMatch(/^(\/[A-Za-z0-9_.-]+){3}$/);
      }),
    );
  });
});

test('Terraform: the stage keeps its certificate, and the certificate is forgotten or imported', () => {
  expect(texts(iacSteps('terraform', ORDERS), 'hcl').map(parseHcl)).toEqual([
    [
      {
        block: 'data',
        labels: ['aws_ssm_parameter', 'orders_prod_certificate'],
        body: [{ attribute: 'name', value: '/apigw-cert/orders/prod' }],
      },
      {
        block: 'resource',
        labels: ['aws_api_gateway_stage', 'orders_prod'],
        body: [
          {
            attribute: 'client_certificate_id',
            value: { reference: 'data.aws_ssm_parameter.orders_prod_certificate.insecure_value' },
          },
          {
            block: 'lifecycle',
            labels: [],
            body: [{ attribute: 'ignore_changes', value: ['client_certificate_id'] }],
          },
        ],
      },
    ],
    [
      {
        block: 'import',
        labels: [],
        body: [
          { attribute: 'to', value: { reference: 'aws_api_gateway_stage.orders_prod' } },
          { attribute: 'id', value: 'a1b2c3d4e5/prod' },
        ],
      },
    ],
    [
      {
        block: 'removed',
        labels: [],
        body: [
          { attribute: 'from', value: { reference: 'aws_api_gateway_client_certificate.orders_prod' } },
          { block: 'lifecycle', labels: [], body: [{ attribute: 'destroy', value: false }] },
        ],
      },
    ],
    [
      {
        block: 'import',
        labels: [],
        body: [
          { attribute: 'to', value: { reference: 'aws_api_gateway_client_certificate.orders_prod' } },
          { attribute: 'id', value: '03q4xp' },
        ],
      },
    ],
  ]);
});

test('a WebSocket stage is one of apigatewayv2, and an ACM certificate is none of the tools', () => {
  const input: StepsInput = {
    ...ORDERS,
    stage: { ...ORDERS.stage, protocolType: 'WEBSOCKET' },
    clientCertificateId: 'arn:aws:acm:eu-west-1:123456789012:certificate/1',
    isGenerated: false,
  };
  const all = IAC_TOOLS.flatMap((tool) => iacSteps(tool, input)).map(({ text }) => text);
  expect(all.join('\n')).toContain('resource "aws_apigatewayv2_stage" "orders_prod"');
  expect(all.join('\n')).toContain('Type: AWS::ApiGatewayV2::Stage');
  expect(all.join('\n')).not.toMatch(/client_certificate\.|ClientCertificate$|RETAIN/m);
});

test('CloudFormation: a parameter that rotations set, or one of SSM, and the logical ids that the stack has', () => {
  const steps = iacSteps('cloudformation', {
    ...ORDERS,
    stackName: 'orders-stack',
    stageLogicalId: 'ProdStage',
    certificateLogicalId: 'Backend',
  });
  const ProdStage = {
    Type: 'AWS::ApiGateway::Stage',
    Properties: { ClientCertificateId: { Ref: 'ClientCertificateId' } },
  };
  expect(texts(steps, 'yaml').map((text) => parse(text) as unknown)).toEqual([
    {
      Parameters: { ClientCertificateId: { Type: 'String', Default: '03q4xp' } },
      Resources: { ProdStage },
    },
    {
      targets: {
        'orders-prod': {
          region: 'eu-west-1',
          api: 'a1b2c3d4e5',
          stages: ['prod'],
          trust: [{ kind: 'pem-bundle', file: 'FILE' }],
          switch: { cloudformation: 'orders-stack', parameter: 'ClientCertificateId' },
        },
      },
    },
    {
      Parameters: {
        ClientCertificateId: {
          Type: 'AWS::SSM::Parameter::Value<String>',
          Default: '/apigw-cert/orders/prod',
        },
      },
      Resources: { ProdStage },
    },
    {
      Resources: {
        Backend: {
          Type: 'AWS::ApiGateway::ClientCertificate',
          DeletionPolicy: 'Retain',
          UpdateReplacePolicy: 'Retain',
        },
      },
    },
  ]);
  expect(texts(steps, 'sh').join('\n')).toContain('--stack-name orders-stack ');
});

test.each(IAC_TOOLS)('%s: each step is whole in its language, whatever the names', async (tool) => {
  for (const input of [ORDERS, evil]) {
    const steps = iacSteps(tool, input);
    for (const { title } of steps) expect(title).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    for (const text of texts(steps, 'hcl')) expect(parseHcl(text).length).toBeGreaterThan(0);
    for (const text of texts(steps, 'yaml')) expect(parse(text)).toEqual(expect.any(Object));
    for (const text of texts(steps, 'typescript')) {
      const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true });
      expect(diagnostics).toEqual([]);
    }
    for (const text of texts(steps, 'sh')) {
      // A NUL cannot be in a command at all.
      const { exitCode } = await execa('bash', ['-n'], { input: text.replaceAll('\0', ''), reject: false });
      expect(exitCode).toBe(0);
    }
  }
});
