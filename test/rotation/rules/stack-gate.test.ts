import { expect, test } from '@jest/globals';
import type { Stage } from '../../../src/control-plane/api-gateway.js';
import type { Certificate } from '../../../src/control-plane/certificate.js';
import { isOwnedBy, stackFailure, type StackGateInput } from '../../../src/rotation/rules/stack-gate.js';
import { MOST_AT_ONCE } from '../../../src/rotation/rules/next-step.js';
import type { StackView } from '../../../src/stacks/stack.js';
import type { ParameterUse } from '../../../src/stacks/template.js';

const ID = 'arn:aws:cloudformation:eu-central-1:123456789012:stack/orders/1';
const tagsOf = (logicalId: string, more: Record<string, string> = {}) => ({
  'aws:cloudformation:stack-name': 'orders',
  'aws:cloudformation:stack-id': ID,
  'aws:cloudformation:logical-id': logicalId,
  ...more,
});
const stage = (stageName: string, logicalId: string, clientCertificateId = 'old', more = {}): Stage =>
  ({
    restApiId: 'api',
    stageName,
    deploymentId: 'd',
    clientCertificateId,
    tags: tagsOf(logicalId, more),
  }) as unknown as Stage;

const PROD = stage('prod', 'Prod');
const BETA = stage('beta', 'Beta');
type SomeUse = { [K in keyof ParameterUse]?: ParameterUse[K] | undefined };
const use = (more: SomeUse = {}): ParameterUse => ({
  parameter: { type: 'String', isHidden: false, constraints: {} },
  stages: [{ logicalId: 'Prod', isConditional: false }],
  readAgain: [],
  certificates: ['Cert'],
  ...(more as Partial<ParameterUse>),
});
const view = (more: Partial<StackView> = {}): StackView => ({
  id: ID,
  name: 'orders',
  status: 'UPDATE_COMPLETE',
  parameters: new Map([['Id', 'old']]),
  capabilities: [],
  isNested: false,
  ...more,
});
interface Given extends Omit<Partial<StackGateInput>, 'look'> {
  use?: SomeUse;
  view?: Partial<StackView>;
  allowSsmParameters?: boolean;
}
const input = ({ use: ofUse, view: ofView, allowSsmParameters, ...more }: Given = {}): StackGateInput => ({
  look: {
    settings: {
      cloudformation: 'orders',
      parameter: 'Id',
      ...(allowSsmParameters === undefined ? {} : { allowSsmParameters }),
    },
    use: use(ofUse),
    view: view(ofView),
  },
  unit: { oldId: 'old' },
  moving: [PROD],
  stages: [PROD, stage('other', 'Prod', 'x', { 'aws:cloudformation:stack-name': 'billing' })],
  isBehind: true,
  settings: { redeploy: 'never' },
  ...more,
});

const both = { stages: ['Prod', 'Beta'].map((logicalId) => ({ logicalId, isConditional: false })) };
const owned = (logicalId: string, more = {}) => ({
  unit: {
    oldId: 'old',
    old: { clientCertificateId: 'old', tags: tagsOf(logicalId, more) } as unknown as Certificate,
  },
});

test.each<[string, Given]>([
  ['one stage', {}],
  ['all stages that the parameter sets', { use: both, moving: [PROD, BETA], stages: [PROD, BETA] }],
  [
    'a stage that its condition leaves out',
    { use: { stages: [...use().stages, { logicalId: 'Beta', isConditional: true }] } },
  ],
  [
    'other parameters that are read again, where that is allowed',
    { use: { readAgain: ['Ami'] }, allowSsmParameters: true },
  ],
  [
    'stages that have been switched already',
    { moving: [stage('prod', 'Prod', 'new')], view: { parameters: new Map([['Id', 'new']]) } },
  ],
  ['a certificate that the stack has given up', owned('Former')],
  [
    'a certificate of a stack of the same name that is deleted',
    owned('Cert', { 'aws:cloudformation:stack-id': 'other' }),
  ],
  [
    'a stack that cannot be updated, where no stage is to be switched',
    { isBehind: false, view: { status: 'UPDATE_ROLLBACK_FAILED' } },
  ],
  [
    'as many stages as one update may switch',
    { moving: Array.from({ length: MOST_AT_ONCE }, (_each, i) => stage(`s${i}`, 'Prod')) },
  ],
  ['stages of which some have been switched', { moving: [stage('x', 'Prod', 'new'), PROD] }],
  [
    'a parameter that accepts nothing, where no stage is to be switched',
    { refusal: 'new (MaxLength: 0)', isBehind: false },
  ],
  ['no stage any more', { moving: [], use: { stages: [] } }],
])('passes: %s', (_, given) => {
  expect(stackFailure(input(given))).toBeUndefined();
});

test.each<[string, Given, string, string?]>([
  [
    'a change in progress',
    { view: { status: 'UPDATE_IN_PROGRESS' } },
    'a change of the stack orders is in progress (UPDATE_IN_PROGRESS)',
    'RotationWaiting',
  ],
  [
    'a redeployment',
    { settings: { redeploy: 'always' } },
    'the stack orders sets the deployment of its stages, so they cannot be redeployed without drift',
  ],
  [
    'a nested stack',
    { view: { isNested: true } },
    'the stack orders is nested: the stack above it sets its parameters, and would revert the change',
  ],
  ['no such parameter', { use: { parameter: undefined } }, 'the stack orders has no parameter Id'],
  [
    'a parameter of another type',
    { use: { parameter: { type: 'AWS::SSM::Parameter::Value<String>', isHidden: false, constraints: {} } } },
    'the parameter Id of the stack orders is of the type AWS::SSM::Parameter::Value<String>, which an update cannot set to an ID',
  ],
  [
    'a hidden one',
    { use: { parameter: { type: 'String', isHidden: true, constraints: {} } } },
    'the parameter Id of the stack orders is hidden (NoEcho), so it cannot be compared with what the stage presents',
  ],
  [
    'a stage of another stack',
    { moving: [PROD, stage('x', 'Prod', 'old', { 'aws:cloudformation:stack-id': 'other' })] },
    'api/x presents the same certificate and is not of the stack orders, so an update of the stack does not switch it',
  ],
  [
    'two of them',
    {
      moving: ['x', 'y'].map((name) => stage(name, 'Prod', 'old', { 'aws:cloudformation:stack-name': 'b' })),
    },
    'api/x, api/y present the same certificate and are not of the stack orders, so an update of the stack does not switch them',
  ],
  [
    'a stage that the template does not set',
    { moving: [PROD, BETA] },
    'the template of the stack orders does not set the certificate of api/beta to Id',
  ],
  [
    'another stage that it sets',
    { use: both, stages: [PROD, BETA] },
    'the parameter Id of the stack orders also sets the certificate of api/beta, which this rotation does not switch',
  ],
  [
    'another resource that is not among the stages',
    { use: both },
    'the parameter Id of the stack orders also sets the certificate of the resource Beta, which this rotation does not switch',
  ],
  [
    'another stage that exists under its condition',
    { use: { stages: [...use().stages, { logicalId: 'Beta', isConditional: true }] }, stages: [PROD, BETA] },
    'the parameter Id of the stack orders also sets the certificate of api/beta, which this rotation does not switch',
  ],
  [
    'too many stages',
    { moving: Array.from({ length: MOST_AT_ONCE + 1 }, (_each, i) => stage(`s${i}`, 'Prod')) },
    `the parameter Id of the stack orders sets the certificate of ${MOST_AT_ONCE + 1} stages; one update may switch ${MOST_AT_ONCE}`,
  ],
  [
    'a parameter that is read again',
    { use: { readAgain: ['Ami'] } },
    'an update of the stack orders also reads Ami from Systems Manager again, and changes what depends on it',
  ],
  [
    'several of them',
    { use: { readAgain: ['Ami', 'Key'] } },
    'an update of the stack orders also reads Ami, Key from Systems Manager again, and changes what depends on them',
  ],
  [
    'a certificate that it owns',
    owned('Cert'),
    'the stack orders owns the client certificate old, which a rotation deletes',
  ],
  [
    'a parameter that does not accept the new value',
    { refusal: 'new (AllowedValues: old)' },
    'the parameter Id of the stack orders does not accept new (AllowedValues: old)',
  ],
  [
    'a status that it stays in',
    { view: { status: 'ROLLBACK_COMPLETE', statusReason: 'no ' } },
    'the stack orders cannot be updated in the status ROLLBACK_COMPLETE (no)',
  ],
  [
    'another value than the stage presents',
    { view: { parameters: new Map([['Id', 'new']]) } },
    'the parameter Id of the stack orders is new, but api/prod presents old',
  ],
  [
    'no value',
    { view: { parameters: new Map() } },
    'the parameter Id of the stack orders is empty, but api/prod presents old',
  ],
])('is refused: %s', (_, given, message, code = 'StackNotUsable') => {
  expect(stackFailure(input(given))).toMatchObject({ code, message });
});

test('a stage of another stack with the same logical id is not one that the parameter sets', () => {
  const foreign = stage('x', 'Beta', 'x', { 'aws:cloudformation:stack-name': 'billing' });
  expect(stackFailure(input({ use: both, stages: [PROD, foreign] }))?.message).toContain('the resource Beta');
});

test('the stages that a refusal is about are told whole, with what to set', () => {
  const stagesOf = (given: Given) => stackFailure(input(given))?.details?.stages;
  const foreign = stage('x', 'Prod', 'old', { 'aws:cloudformation:stack-name': 'billing' });
  expect(stagesOf({ moving: [PROD, foreign] })).toEqual(['api/x']);
  expect(stagesOf({ moving: [PROD, BETA] })).toEqual(['api/beta']);
  expect(stagesOf({ use: both, stages: [PROD, BETA] })).toEqual(['api/beta']);
  const drifted = stackFailure(input({ view: { parameters: new Map([['Id', 'new']]) } }));
  expect(drifted?.details?.stages).toEqual(['api/prod']);
  expect(drifted?.hint).toBe(
    'update the stack with Id=old and all other parameters as they are, then run again',
  );
});

test('how to help a stack that could not go back is told', () => {
  const hintOf = (status: string) => stackFailure(input({ view: { status } }))?.hint;
  expect(hintOf('UPDATE_ROLLBACK_FAILED')).toBe(
    'run: aws cloudformation continue-update-rollback --stack-name orders; then run again',
  );
  expect(hintOf('DELETE_FAILED')).toBe('bring the stack into a status that can be updated, then run again');
});

test('a stack owns what has its name, and its ARN where one is there', () => {
  expect(isOwnedBy({ 'aws:cloudformation:stack-name': 'orders' }, { id: ID, name: 'orders' })).toBe(true);
  expect(isOwnedBy({}, { id: ID, name: 'orders' })).toBe(false);
});
