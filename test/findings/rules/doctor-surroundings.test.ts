import { expect, test } from '@jest/globals';
import type { Integration, Resource, Stage } from '../../../src/control-plane/api-gateway.js';
import { surroundingFindings } from '../../../src/findings/rules/doctor-surroundings.js';

const stage: Stage = {
  restApiId: 'api1',
  stageName: 'prod',
  deploymentId: 'd1',
  clientCertificateId: 'aaaaaa',
  variables: { host: 'b.example' },
  tags: {},
};

const method = (path: string, httpMethod: string, integration: Partial<Integration>): Resource => ({
  id: path,
  path,
  methods: [
    {
      httpMethod,
      requiredParameters: [],
      integration: { type: 'HTTP_PROXY', insecureSkipVerification: false, ...integration },
    },
  ],
});

const find = (resources: readonly Resource[], changes: Partial<Stage> = {}, stages: readonly Stage[] = []) =>
  surroundingFindings({ stage: { ...stage, ...changes }, stages, resources, where: {} }).map(
    ({ code, args }) => `${code}: ${args.subject ?? ''}`,
  );

test('nothing is said of a plain API', () => {
  expect(find([method('/a', 'GET', { uri: 'https://${stageVariables.host}/a', httpMethod: 'GET' })])).toEqual(
    [],
  );
  expect(find([method('/{p+}', 'ANY', { uri: 'https://b.example/{p}', httpMethod: 'ANY' })])).toEqual([]);
});

test('a stage variable that is not set, by name, also one that objects have', () => {
  const uri = 'https://${stageVariables.host}/${stageVariables.toString}/${stageVariables.version}';
  expect(find([method('/a', 'GET', { uri })])).toEqual([
    `StageVariableUnset: toString in GET /a → ${uri}`,
    `StageVariableUnset: version in GET /a → ${uri}`,
  ]);
});

test('ANY with an integration method, VPC links, load balancers', () => {
  const nlb = 'orders-0123456789abcdef.elb.eu-central-1.amazonaws.com';
  const uri = `https://${nlb}:8443/a`;
  expect(find([method('/a', 'ANY', { uri, httpMethod: 'POST', connectionType: 'VPC_LINK' })])).toEqual([
    'AnyWithIntegrationMethod: ANY /a as POST',
    `BehindVpcLink: ANY /a → ${uri}`,
    `BehindLoadBalancer: ${nlb}:8443`,
  ]);
});

test('a canary and its backends', () => {
  const canary = { percentTraffic: 5, deploymentId: 'd2', variables: { host: 'new.example' } };
  const resources = [method('/a', 'GET', { uri: 'https://${stageVariables.host}/a' })];
  expect(find(resources, { canary })).toEqual(['CanaryBackends: 5 % of the requests reach new.example']);
});

test('two stages that present different certificates to one backend', () => {
  const resources = [method('/a', 'GET', { uri: 'https://${stageVariables.host}/a' })];
  const stages: Stage[] = [
    stage,
    { ...stage, stageName: 'dev', clientCertificateId: 'bbbbbb' },
    { ...stage, stageName: 'same' },
    { ...stage, stageName: 'elsewhere', clientCertificateId: 'bbbbbb', variables: { host: 'c.example' } },
    { ...stage, restApiId: 'api2', clientCertificateId: 'cccccc' },
  ];
  expect(find(resources, {}, stages)).toEqual(['CertificatesDiffer: b.example: aaaaaa here, bbbbbb by dev']);
});
