import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MANAGERS, type Manager } from '../../../src/settings/rotation.js';
import {
  assertNotManaged,
  managerFailure,
  ownerOfCertificate,
  ownerOfStage,
  type Managed,
} from '../../../src/rotation/rules/manager.js';

const STACK = { 'aws:cloudformation:stack-name': 'orders-stack' };
const SAM = { ...STACK, 'aws:cloudformation:logical-id': 'ServerlessRestApiProdStage' };
const stage = (tags: Record<string, string>, restApiId = 'api') => ({ restApiId, stageName: 'prod', tags });
const ask = (managed: Managed, managedBy?: Manager, allowDrift = false) =>
  managerFailure(managed, { allowDrift, ...(managedBy === undefined ? {} : { managedBy }) });

describe('tags', () => {
  test.each<Record<string, string>>([
    { ManagedBy: 'Terraform' },
    { 'managed-by': 'terraform' },
    { managed_by: 'OpenTofu' },
    { Terraform: 'true' },
    { terraform: 'YES' },
    { provisioner: 'terraform/1.9' },
    { 'x:IaC': 'none', iac: 'HashiCorp Terraform' },
    { CreatedBy: 'terragrunt' },
  ])('%j are those of Terraform', (tags) => {
    expect(ownerOfStage(tags)).toEqual({ tool: 'Terraform' });
    expect(ownerOfCertificate(tags)).toEqual({ tool: 'Terraform' });
  });

  test.each<Record<string, string>>([
    {},
    { ManagedBy: 'platform team' },
    { terraform: 'false' },
    { team: 'terraform' },
    { ManagedBy: 'not terraform' },
    { 'aws:cloudformation:logical-id': 'ServerlessRestApiProdStage' },
  ])('%j say nothing', (tags) => {
    expect(ownerOfStage(tags)).toBeUndefined();
  });

  test('of a stack', () => {
    expect(ownerOfStage(STACK)).toEqual({ tool: 'CloudFormation', stack: 'orders-stack' });
    // Another logical id may be that of a template which sets a certificate.
    const own = { ...STACK, 'aws:cloudformation:logical-id': 'ApiprodStage' };
    expect(ownerOfStage(own)).toEqual({ tool: 'CloudFormation', stack: 'orders-stack' });
  });

  test('SAM cannot set a certificate on a stage, but may have made one', () => {
    expect(ownerOfStage(SAM)).toBeUndefined();
    expect(ownerOfStage(STACK, 'sam')).toBeUndefined();
    expect(ownerOfStage(STACK, 'serverless')).toBeUndefined();
    expect(ownerOfCertificate(STACK, 'sam')).toEqual({ tool: 'CloudFormation', stack: 'orders-stack' });
  });
});

describe('the one sentence', () => {
  test.each<[string, Managed, Manager | undefined, string]>([
    ['nobody', { stages: [stage({})] }, undefined, ''],
    [
      'a stack',
      { stages: [stage(STACK)] },
      undefined,
      'api/prod is managed by the CloudFormation stack orders-stack, whose next update may revert this change',
    ],
    [
      'two stacks',
      { stages: [stage(STACK), stage({ 'aws:cloudformation:stack-name': 'b' }, 'other')] },
      undefined,
      'api/prod, other/prod are managed by the CloudFormation stacks orders-stack, b, whose next update may revert this change',
    ],
    [
      'a certificate of a stack',
      { stages: [stage({})], certificate: { clientCertificateId: '03q4xp', tags: STACK } },
      undefined,
      'client certificate 03q4xp is managed by the CloudFormation stack orders-stack, whose next update may revert this change',
    ],
    [
      'Terraform, by the file',
      { stages: [], certificate: { clientCertificateId: '03q4xp', tags: {} } },
      'terraform',
      'client certificate 03q4xp is managed by Terraform, whose next apply may revert this change',
    ],
    [
      'CloudFormation, by the file',
      { stages: [stage({})] },
      'cloudformation',
      'api/prod is managed by CloudFormation, whose next update may revert this change',
    ],
  ])('%s', (_name, managed, managedBy, message) => {
    expect(ask(managed, managedBy)?.message ?? '').toBe(message);
  });

  test('it says which stage to ask for, and what SAM is', () => {
    expect(ask({ stages: [stage(STACK)] })?.hint).toMatch(
      /`apigw-cert iac cloudformation --stage api\/prod` .*--allow-drift; SAM cannot set a client certificate/,
    );
    const hintOf = (...input: Parameters<typeof ask>) => ask(...input)?.hint;
    const stack = STACK['aws:cloudformation:stack-name'];
    expect(hintOf({ stages: [stage({ iac: 'tofu' }), stage(STACK)] })).toContain(
      `switch: { cloudformation: ${stack}, parameter: NAME }`,
    );
    expect(hintOf({ stages: [stage({})] }, 'cloudformation')).toContain('{ cloudformation: STACK, ');
    expect(hintOf({ stages: [stage({ iac: 'tofu' })] })).toMatch(/^add what `apigw-cert iac terraform /);
    expect(() => {
      assertNotManaged({ stages: [stage({ iac: 'tofu' })] }, { allowDrift: false });
    }).toThrow(expect.objectContaining({ code: 'StageManagedByTerraform' }));
  });
});

test('--allow-drift opens it whatever the tags say, and nothing else opens it for a tagged certificate', () => {
  const tags = fc.dictionary(fc.constantFrom('ManagedBy', 'terraform', ...Object.keys(SAM)), fc.string());
  fc.assert(
    fc.property(tags, tags, fc.option(fc.constantFrom(...MANAGERS), { nil: undefined }), (one, other, by) => {
      const managed = { stages: [stage(one)], certificate: { clientCertificateId: 'x', tags: other } };
      expect(ask(managed, by, true)).toBeUndefined();
      if (Object.hasOwn(other, 'aws:cloudformation:stack-name')) {
        expect(ask(managed, by)?.code).toBe('StageManagedByCloudFormation');
      }
    }),
  );
});
