/** Stacks in the emulator, by the unmodified SDK. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type APIGatewayClient,
  GetClientCertificateCommand,
  GetStageCommand,
  GetStagesCommand,
} from '@aws-sdk/client-api-gateway';
import {
  type CloudFormationClient,
  ContinueUpdateRollbackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  UpdateStackCommand,
  type UpdateStackCommandInput,
} from '@aws-sdk/client-cloudformation';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { clientOf, generateCertificate } from '../support/emulator.js';
import { createStack, eventsOf, parametersOf, settledStack, stackClientOf } from '../support/stacks.js';

const TEMPLATE = `
Parameters:
  CertificateId: { Type: String }
  Description: { Type: String, Default: none }
  Secret: { Type: String, Default: a, NoEcho: true }
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: { Name: !Sub '\${AWS::StackName}-api' }
  Health:
    Type: AWS::ApiGateway::Resource
    Properties: { RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: health }
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Health
      HttpMethod: GET
      Integration: { Type: HTTP_PROXY, IntegrationHttpMethod: GET, Uri: 'https://localhost/health' }
  Prod:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      DeploymentId: !Ref Deployment
      StageName: prod
      Description: !Ref Description
      ClientCertificateId: !Ref CertificateId
  Test:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      DeploymentId: !Ref Deployment
      StageName: test
      ClientCertificateId: { Ref: CertificateId }
  Deployment:
    Type: AWS::ApiGateway::Deployment
    DependsOn: Get
    Properties: { RestApiId: !Ref Api }
Outputs:
  Url: { Value: !Ref Api }
`;

const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-stacks-'));
let emulator: Emulator;
let gateway: APIGatewayClient;
let stacks: CloudFormationClient;
let ids: [string, string];
/** Of the stack of each test. */
let name: string;
let count = 0;
beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false, stackStepMs: 1 });
  gateway = clientOf(emulator);
  stacks = stackClientOf(emulator);
  ids = [(await generateCertificate(gateway)).id, (await generateCertificate(gateway)).id];
});
beforeEach(() => {
  name = `orders${(count += 1)}`;
});
afterEach(() => {
  emulator.clearFaults();
});
afterAll(async () => {
  gateway.destroy();
  stacks.destroy();
  await emulator.close();
  rmSync(directory, { recursive: true, force: true });
});

const create = (more: Omit<Partial<CreateStackCommandInput>, 'StackName'> = {}) =>
  createStack(stacks, {
    StackName: name,
    TemplateBody: TEMPLATE,
    Parameters: [{ ParameterKey: 'CertificateId', ParameterValue: ids[0] }],
    ...more,
  });

async function update(value: string, more: Partial<UpdateStackCommandInput> = {}) {
  await stacks.send(
    new UpdateStackCommand({
      StackName: name,
      UsePreviousTemplate: true,
      Parameters: [
        { ParameterKey: 'CertificateId', ParameterValue: value },
        { ParameterKey: 'Description', UsePreviousValue: true },
      ],
      ...more,
    }),
  );
  return settledStack(stacks, name);
}

async function presented(): Promise<Record<string, string | undefined>> {
  const { StackResources = [] } = await stacks.send(new DescribeStackResourcesCommand({ StackName: name }));
  const restApiId = StackResources.find(
    ({ LogicalResourceId }) => LogicalResourceId === 'Api',
  )?.PhysicalResourceId;
  const { item = [] } = await gateway.send(new GetStagesCommand({ restApiId }));
  return Object.fromEntries(
    item.map(({ stageName = '', clientCertificateId }) => [stageName, clientCertificateId]),
  );
}

test('a stack makes its resources in their order, with the tags of what it owns, and updates what changed', async () => {
  const made = await create({ Tags: [{ Key: 'team', Value: 'orders' }], RoleARN: 'arn:aws:iam::1:role/r' });
  expect(made).toMatchObject({
    StackStatus: 'CREATE_COMPLETE',
    StackName: name,
    RoleARN: 'arn:aws:iam::1:role/r',
    Tags: [{ Key: 'team', Value: 'orders' }],
  });
  expect(await presented()).toEqual({ prod: ids[0], test: ids[0] });
  expect((await eventsOf(stacks, name)).filter((event) => event.endsWith('CREATE_COMPLETE'))).toEqual(
    ['Api', 'Health', 'Get', 'Deployment', 'Prod', 'Test', name].map((each) => `${each} CREATE_COMPLETE`),
  );
  const updated = await update(ids[1], { ClientRequestToken: 'one' });
  expect(updated.StackStatus).toBe('UPDATE_COMPLETE');
  // What an update does not say stays; a parameter that it leaves out goes back to its default.
  expect(updated).toMatchObject({ RoleARN: made.RoleARN, Tags: made.Tags });
  expect(parametersOf(updated)).toEqual({ CertificateId: ids[1], Description: 'none', Secret: '****' });
  expect(await presented()).toEqual({ prod: ids[1], test: ids[1] });
  expect((await eventsOf(stacks, name)).slice(-7)).toEqual([
    `${name} UPDATE_IN_PROGRESS`,
    'Prod UPDATE_IN_PROGRESS',
    'Prod UPDATE_COMPLETE',
    'Test UPDATE_IN_PROGRESS',
    'Test UPDATE_COMPLETE',
    `${name} UPDATE_COMPLETE_CLEANUP_IN_PROGRESS`,
    `${name} UPDATE_COMPLETE`,
  ]);
  await expect(update(ids[1])).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'No updates are to be performed.',
  });
  // The same request once more does nothing.
  await update(ids[0], { ClientRequestToken: 'one' });
  expect(await presented()).toEqual({ prod: ids[1], test: ids[1] });
  const stack = await stacks.send(new GetTemplateCommand({ StackName: name }));
  expect(stack.TemplateBody).toBe(TEMPLATE);
  const { StackResources = [] } = await stacks.send(
    new DescribeStackResourcesCommand({ StackName: made.StackId }),
  );
  const api = StackResources.find(({ LogicalResourceId }) => LogicalResourceId === 'Api');
  const stage = await gateway.send(
    new GetStageCommand({ restApiId: api?.PhysicalResourceId, stageName: 'prod' }),
  );
  expect(stage.tags).toEqual({
    team: 'orders',
    'aws:cloudformation:stack-name': name,
    'aws:cloudformation:stack-id': made.StackId,
    'aws:cloudformation:logical-id': 'Prod',
  });
  await stacks.send(new DeleteStackCommand({ StackName: name }));
  const isLeft = async () =>
    (await stacks.send(new DescribeStacksCommand({}))).Stacks?.some(({ StackName }) => StackName === name);
  while (await isLeft()) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('an update whose resource fails goes back by itself, and one that cannot go back waits for a person', async () => {
  await create();
  emulator.addFault({ operation: 'stack:Test', kind: 'error', code: 'TooBad', status: 400, message: 'no' });
  const failed = await update(ids[1]);
  expect(failed.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(parametersOf(failed)['CertificateId']).toBe(ids[0]);
  expect(await presented()).toEqual({ prod: ids[0], test: ids[0] });
  expect((await eventsOf(stacks, name)).slice(-8)).toEqual([
    'Prod UPDATE_COMPLETE',
    'Test UPDATE_IN_PROGRESS',
    'Test UPDATE_FAILED',
    `${name} UPDATE_ROLLBACK_IN_PROGRESS`,
    'Prod UPDATE_IN_PROGRESS',
    'Prod UPDATE_COMPLETE',
    `${name} UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS`,
    `${name} UPDATE_ROLLBACK_COMPLETE`,
  ]);
  // With its effect, and the way back fails too.
  emulator.addFault({ operation: 'stack:Prod', kind: 'error409WithEffect' });
  emulator.addFault({ operation: 'stack:Prod', kind: 'error', code: 'TooBad', status: 400, occurrence: 2 });
  expect((await update(ids[1])).StackStatus).toBe('UPDATE_ROLLBACK_FAILED');
  expect(await presented()).toEqual({ prod: ids[1], test: ids[0] });
  await expect(update(ids[1])).rejects.toThrow('is in UPDATE_ROLLBACK_FAILED state and can not be updated.');
  await stacks.send(new ContinueUpdateRollbackCommand({ StackName: name }));
  expect((await settledStack(stacks, name)).StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(await presented()).toEqual({ prod: ids[0], test: ids[0] });
});

test('nothing is begun beside what is in progress', async () => {
  await create();
  emulator.addFault({ operation: 'stack:Prod', kind: 'delay', ms: 60_000 });
  await stacks.send(
    new UpdateStackCommand({
      StackName: name,
      UsePreviousTemplate: true,
      Parameters: [{ ParameterKey: 'CertificateId', ParameterValue: ids[1] }],
    }),
  );
  await expect(update(ids[0])).rejects.toThrow('is in UPDATE_IN_PROGRESS state and can not be updated.');
});

test('a certificate of the stack is its own, and stays where the template says so', async () => {
  const owning = (retained: string) => `{
    "Resources": { "Cert": { "Type": "AWS::ApiGateway::ClientCertificate", ${retained} "Properties": { "Description": "x" } },
      "Api": { "Type": "AWS::ApiGateway::RestApi", "Properties": { "Name": "a" } } } }`;
  const change = (TemplateBody: string) =>
    stacks
      .send(new UpdateStackCommand({ StackName: name, TemplateBody }))
      .then(() => settledStack(stacks, name));
  await createStack(stacks, { StackName: name, TemplateBody: owning('') });
  const { StackResources: [{ PhysicalResourceId: clientCertificateId } = {}] = [] } = await stacks.send(
    new DescribeStackResourcesCommand({ StackName: name }),
  );
  const tagged = await gateway.send(new GetClientCertificateCommand({ clientCertificateId }));
  expect(tagged.tags).toMatchObject({ 'aws:cloudformation:stack-name': name });
  await change(owning('"DeletionPolicy": "Retain",'));
  await change('{"Resources":{"Api":{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"a"}}}}');
  await gateway.send(new GetClientCertificateCommand({ clientCertificateId }));
  expect((await eventsOf(stacks, name)).at(-1)).toBe(`${name} UPDATE_COMPLETE`);
});

test('a parameter of Systems Manager is read at each update', async () => {
  const ssm = new SSMClient({
    endpoint: emulator.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' },
  });
  const put = (Value: string) =>
    ssm.send(new PutParameterCommand({ Name: '/id', Value, Type: 'String', Overwrite: true }));
  await put(ids[0]);
  const TemplateBody = TEMPLATE.replace(
    'CertificateId: { Type: String }',
    'CertificateId: { Type: "AWS::SSM::Parameter::Value<String>" }',
  );
  const made = await create({
    TemplateBody,
    Parameters: [{ ParameterKey: 'CertificateId', ParameterValue: '/id' }],
  });
  expect(made.Parameters).toContainEqual({
    ParameterKey: 'CertificateId',
    ParameterValue: '/id',
    ResolvedValue: ids[0],
  });
  await put(ids[1]);
  await stacks.send(
    new UpdateStackCommand({
      StackName: name,
      UsePreviousTemplate: true,
      Parameters: [{ ParameterKey: 'CertificateId', UsePreviousValue: true }],
    }),
  );
  await settledStack(stacks, name);
  expect(await presented()).toEqual({ prod: ids[1], test: ids[1] });
  ssm.destroy();
});

test.each([
  ['a stack that is not there', { StackName: 'none' }, 'Stack with id none does not exist'],
  [
    'a parameter that is not there',
    { Parameters: [{ ParameterKey: 'X', ParameterValue: 'y' }] },
    'Parameters: [X] do not exist in the template',
  ],
  ['a parameter without a value', { Parameters: [] }, 'Parameters: [CertificateId] must have values'],
  ['no template', { UsePreviousTemplate: false }, 'Either Template URL or Template Body must be specified.'],
  [
    'a template that is none',
    { UsePreviousTemplate: false, TemplateBody: '{' },
    'Template format error: JSON or YAML not well-formed.',
  ],
  [
    'another type of resource',
    { UsePreviousTemplate: false, TemplateBody: '{"Resources":{"A":{"Type":"AWS::S3::Bucket"}}}' },
    'Template format error: Unrecognized resource types: [AWS::S3::Bucket]',
  ],
])('is refused: %s', async (_, input, message) => {
  await create();
  await expect(update(ids[1], input)).rejects.toMatchObject({ name: 'ValidationError', message });
});

test('a transform has to be agreed to each time', async () => {
  const TemplateBody = `Transform: AWS::Serverless-2016-10-31\n${TEMPLATE}`;
  await expect(create({ TemplateBody })).rejects.toThrow('Requires capabilities : [CAPABILITY_AUTO_EXPAND]');
  const Capabilities = ['CAPABILITY_AUTO_EXPAND' as const];
  expect((await create({ TemplateBody, Capabilities })).Capabilities).toEqual(Capabilities);
  await expect(update(ids[1])).rejects.toMatchObject({ name: 'InsufficientCapabilitiesException' });
});

test('stacks stay in a folder', async () => {
  const options = { rateLimit: false, stackStepMs: 1, dataDir: directory } as const;
  const first = await startEmulator(options);
  const before = stackClientOf(first);
  const TemplateBody = '{"Resources":{"Api":{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"a"}}}}';
  await createStack(before, { StackName: 'kept', TemplateBody });
  await first.close();
  const second = await startEmulator(options);
  const after = stackClientOf(second);
  expect(await eventsOf(after, 'kept')).toEqual([
    'kept CREATE_IN_PROGRESS',
    'Api CREATE_IN_PROGRESS',
    'Api CREATE_COMPLETE',
    'kept CREATE_COMPLETE',
  ]);
  await second.close();
});
