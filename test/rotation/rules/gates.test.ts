import { describe, expect, test } from '@jest/globals';
import { closedGate, closedGateBack, type GateInput } from '../../../src/rotation/rules/gates.js';
import type { Probe } from '../../../src/rotation/rules/probe.js';
import { DEFAULT_SETTINGS } from '../../../src/settings/rotation.js';
import { certificate, mark, stage } from './fixture.js';

const probe: Probe = {
  stage: { restApiId: 'api', stageName: 'prod' },
  resourceId: 'r',
  httpMethod: 'GET',
  pathWithQueryString: '/health',
  stageVariables: {},
  backend: 'orders.example',
  backendPath: '/',
};

const managed = stage('prod', 'old', { tags: { 'aws:cloudformation:stack-name': 'orders-stack' } });
const rolledBack = certificate('new', { mark: mark('old', { rolledBack: '2026-11-24T03:00:00Z' }) });

const open: GateInput = {
  unit: { oldId: 'old', old: certificate('old'), spares: [] },
  moving: [stage('prod', 'old')],
  probes: [{ probes: [probe], unreached: [] }],
  trustStores: ['pem-bundle:/etc/orders.pem'],
  changedStores: [],
  publications: [],
  settings: DEFAULT_SETTINGS,
};

const ID = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-stack/1';
const bySwitch = (
  stages: GateInput['moving'],
  status = 'UPDATE_COMPLETE',
  certificates: string[] = [],
): Pick<GateInput, 'moving' | 'stack'> => ({
  moving: stages,
  stack: {
    look: {
      settings: { cloudformation: 'orders-stack', parameter: 'Id' },
      view: {
        ...{ id: ID, name: 'orders-stack', status, capabilities: [], isNested: false },
        parameters: new Map([['Id', 'old']]),
      },
      use: {
        parameter: { type: 'String', isHidden: false, constraints: {} },
        stages: [{ logicalId: 'Prod', isConditional: false }],
        readAgain: [],
        certificates,
      },
    },
    stages,
    isBehind: true,
  },
});
const tags = {
  'aws:cloudformation:stack-name': 'orders-stack',
  'aws:cloudformation:logical-id': 'Prod',
};

test('what manages a stage does not matter to an import under the ARN that it presents', () => {
  const id = 'arn:aws:acm:eu-central-1:123456789012:certificate/1@0123456789ABCDEF';
  const at = (clientCertificateId: string) => ({
    ...open,
    unit: { oldId: clientCertificateId, old: certificate(clientCertificateId), spares: [] },
    moving: [{ ...managed, clientCertificateId }],
  });
  expect(closedGate(at('old'))?.code).toBe('StageManagedByCloudFormation');
  expect(closedGate(at(id))).toBeUndefined();
});

describe('a stack that switches the stages', () => {
  const owned = stage('prod', 'old', { tags });

  test('lets its own stages through, and what it has made and given up', () => {
    expect(closedGate({ ...open, ...bySwitch([owned]) })).toBeUndefined();
    const old = { ...certificate('old'), tags: { ...tags, 'aws:cloudformation:logical-id': 'Cert' } };
    const unit = { ...open.unit, old };
    expect(closedGate({ ...open, ...bySwitch([owned]), unit })).toBeUndefined();
    expect(closedGate({ ...open, ...bySwitch([owned], 'UPDATE_COMPLETE', ['Cert']), unit })).toMatchObject({
      code: 'StackNotUsable',
      message: 'the stack orders-stack owns the client certificate old, which a rotation deletes',
    });
  });

  test('no certificate of another stack, nor of Terraform', () => {
    const of = (more: Record<string, string>) =>
      closedGate({
        ...open,
        ...bySwitch([owned]),
        unit: { ...open.unit, old: { ...certificate('old'), tags: more } },
      });
    expect(of({ 'aws:cloudformation:stack-name': 'other' })?.code).toBe('StageManagedByCloudFormation');
    expect(of({ ManagedBy: 'Terraform' })?.code).toBe('StageManagedByTerraform');
  });

  test('is looked at on the way back too, where a stage goes back', () => {
    const stuck = bySwitch([stage('prod', 'new', { tags })], 'UPDATE_ROLLBACK_FAILED');
    expect(closedGateBack({ ...open, ...stuck })?.code).toBe('StackNotUsable');
    expect(closedGateBack({ ...open, ...bySwitch([owned], 'UPDATE_ROLLBACK_FAILED') })).toBeUndefined();
  });
});

describe('closedGate', () => {
  test('lets a plain rotation through', () => {
    expect(closedGate(open)).toBeUndefined();
  });

  test.each<[string, Partial<GateInput>, string]>([
    ['TrustStoreMissing', { trustStores: [] }, 'no trust store is specified'],
    [
      'TrustStoreAmbiguous',
      { trustStores: ['manual', 'x', 'manual'] },
      'two trust stores have the name manual',
    ],
    [
      'TrustStoreMissing',
      { changedStores: ['nginx:/etc/x'] },
      'has changed nginx:/etc/x, which is no longer specified',
    ],
    ['NeverPresented', { probes: [{ probes: [], unreached: [] }] }, 'api/prod has no HTTP or HTTP_PROXY'],
    [
      'StageManagedByCloudFormation',
      { moving: [managed] },
      'api/prod is managed by the CloudFormation stack orders-stack, whose next update may revert this change',
    ],
    [
      'StageManagedByTerraform',
      { settings: { ...DEFAULT_SETTINGS, managedBy: 'terraform' } },
      'api/prod and client certificate old are managed by Terraform, whose next apply may revert this change',
    ],
    [
      'BackendNotProvable',
      { probes: [{ probes: [probe], unreached: ['b.example'] }] },
      'no safe GET request reaches b.example',
    ],
    ['RolledBackBefore', { unit: { ...open.unit, next: rolledBack } }, 'rolled back at 2026-11-24T03:00:00Z'],
  ])('%s', (code, changes, message) => {
    const failure = closedGate({ ...open, ...changes });
    expect(failure?.code).toBe(code);
    expect(failure?.message).toContain(message);
    expect(failure?.hint).not.toBe('');
  });

  test('nobody is asked who manages a stage where none is to move', () => {
    const settings = { ...DEFAULT_SETTINGS, managedBy: 'terraform' as const };
    expect(closedGate({ ...open, moving: [], probes: [], settings })).toBeUndefined();
  });

  test('nothing is said of integrations where no stage is to move', () => {
    expect(closedGate({ ...open, moving: [], probes: [] })).toBeUndefined();
  });

  test.each<[string, Partial<GateInput>]>([
    ['--allow-drift', { moving: [managed], settings: { ...DEFAULT_SETTINGS, allowDrift: true } }],
    [
      '--allow-unproved',
      {
        probes: [{ probes: [], unreached: ['b.example'] }],
        settings: { ...DEFAULT_SETTINGS, allowUnproved: true },
      },
    ],
    [
      '--force, after a rollback',
      { unit: { ...open.unit, next: rolledBack }, settings: { ...DEFAULT_SETTINGS, force: true } },
    ],
    [
      '--force, where a store no longer exists',
      { changedStores: ['nginx:/etc/x'], settings: { ...DEFAULT_SETTINGS, force: true } },
    ],
    ['what was changed is named again', { changedStores: ['pem-bundle:/etc/orders.pem'] }],
    [
      'a rollback that was stopped half-way has to go on',
      { unit: { ...open.unit, next: rolledBack }, moving: [stage('prod', 'new'), stage('beta', 'old')] },
    ],
    [
      'one stage of several without https',
      {
        probes: [
          { probes: [], unreached: [] },
          { probes: [probe], unreached: [] },
        ],
      },
    ],
  ])('%s opens it', (_, changes) => {
    expect(closedGate({ ...open, ...changes })).toBeUndefined();
  });
});

describe('closedGateBack', () => {
  const moved: GateInput = { ...open, moving: [stage('prod', 'new')] };

  test('lets a way back through, whatever stands against a way forward', () => {
    expect(
      closedGateBack({ ...moved, moving: [{ ...managed, clientCertificateId: 'new' }] }),
    ).toBeUndefined();
    expect(
      closedGateBack({ ...open, probes: [{ probes: [], unreached: ['orders.example'] }] }),
    ).toBeUndefined();
    expect(closedGateBack({ ...moved, unit: { ...open.unit, next: rolledBack } })).toBeUndefined();
    expect(
      closedGateBack({
        ...moved,
        changedStores: ['nginx:/etc/x'],
        settings: { ...DEFAULT_SETTINGS, force: true },
      }),
    ).toBeUndefined();
  });

  test.each<[string, GateInput]>([
    ['TrustStoreMissing', { ...open, trustStores: [] }],
    ['TrustStoreMissing', { ...open, changedStores: ['nginx:/etc/x'] }],
    ['TrustStoreMissing', { ...moved, trustStores: [] }],
    ['TrustStoreMissing', { ...moved, changedStores: ['nginx:/etc/x'] }],
    ['TrustStoreAmbiguous', { ...open, trustStores: ['manual', 'x', 'manual'] }],
    ['TrustStoreAmbiguous', { ...moved, trustStores: ['manual', 'manual'] }],
    [
      'BackendNotProvable',
      {
        ...open,
        moving: [stage('prod', 'new'), stage('beta', 'old')],
        probes: [{ probes: [], unreached: ['orders.example'] }],
      },
    ],
    ['BackendNotProvable', { ...moved, probes: [{ probes: [], unreached: ['orders.example'] }] }],
  ])('%s', (code, input) => {
    expect(closedGateBack(input)).toMatchObject({ code });
  });
});

describe('what is said of a closed gate', () => {
  test.each([
    [['a'], 'a, which is no longer'],
    [['a', 'b'], 'a, b, which are no longer'],
  ])('names the stores that are forgotten: %j', (changedStores, words) => {
    const failure = closedGate({ ...open, changedStores });
    expect(failure?.message).toContain(words);
    for (const name of changedStores) expect(failure?.hint).toContain(`--trust ${name}`);
  });

  test('names each stage, stack and backend once', () => {
    const failure = closedGate({ ...open, moving: [managed, { ...managed, stageName: 'beta' }] });
    expect(failure?.message).toContain('api/prod, api/beta');
    expect(failure?.message.match(/orders-stack/g)).toHaveLength(1);
    const unproved = closedGate({
      ...open,
      probes: [
        { probes: [probe], unreached: ['b.example', 'c.example'] },
        { probes: [], unreached: ['b.example'] },
      ],
    });
    expect(unproved?.message).toContain('b.example, c.example');
    expect(unproved?.message.match(/b\.example/g)).toHaveLength(1);
  });
});
