import { describe, expect, test } from '@jest/globals';
import { checkPlans, type PlanReport } from '../../src/commands/iac/check/run.js';
import { changeOf, changeSet, contextOf, detail, stageChange } from './plans.js';

const bytesOf = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document));
const check = (...documents: unknown[]): PlanReport =>
  checkPlans(documents.map((each, index) => ({ file: `${index}.json`, bytes: bytesOf(each) })));
const said = ({ verdict, findings }: PlanReport): [string, ...string[]] => [
  verdict,
  ...findings.map(({ code }) => code),
];
const both = (before: object, after: object): object => ({
  BeforeContext: contextOf(before),
  AfterContext: contextOf(after),
});
const certificate = (more: object): object =>
  changeOf({
    LogicalResourceId: 'Certificate',
    PhysicalResourceId: '03q4xp',
    ResourceType: 'AWS::ApiGateway::ClientCertificate',
    ...more,
  });
const deployment = (more: object): object =>
  changeOf({ LogicalResourceId: 'Deployment', ResourceType: 'AWS::ApiGateway::Deployment', ...more });

type Case = [name: string, change: object, expected: [string, ...string[]]];

describe('client certificates', () => {
  test.each<Case>([
    ['a new one', certificate({ Action: 'Add' }), ['outage', 'PlanCreatesCertificate']],
    ['its end', certificate({ Action: 'Remove' }), ['outage', 'PlanDeletesCertificate']],
    ['kept', certificate({ Action: 'Remove', PolicyAction: 'Retain' }), ['unchanged', 'PlanForgets']],
    ['a description', certificate({ Action: 'Modify', Replacement: 'False' }), ['unchanged']],
    [
      'replaced',
      certificate({ Action: 'Modify', Replacement: 'True' }),
      ['outage', 'PlanReplacesCertificate'],
    ],
    [
      'perhaps replaced',
      certificate({ Action: 'Modify', Replacement: 'Conditional' }),
      ['unknown', 'PlanValueUnknown'],
    ],
    ['unsaid', certificate({ Action: 'Modify' }), ['unknown', 'PlanValueUnknown']],
    ['undecided', certificate({ Action: 'Dynamic' }), ['unknown', 'PlanValueUnknown']],
    ['imported', certificate({ Action: 'Import' }), ['unchanged']],
    ['synchronised', certificate({ Action: 'SyncWithActual' }), ['unchanged']],
    ['another action', certificate({ Action: 'Renew' }), ['unknown', 'PlanNotUnderstood']],
  ])('%s', (_name, change, expected) => {
    expect(said(check(changeSet([change])))).toEqual(expected);
  });
});

describe('stages', () => {
  const ID = 'ClientCertificateId';
  test.each<Case>([
    ['a tag', stageChange({ Scope: ['Tags'] }), ['unchanged']],
    ['a variable', stageChange({ Details: [detail('Variables')] }), ['unchanged']],
    ['the certificate', stageChange({ Details: [detail(ID)] }), ['outage', 'PlanChangesStageCertificate']],
    [
      'the certificate, with its values',
      stageChange({ Details: [detail(ID, { BeforeValue: '03q4xp', AfterValue: 'ohwc42' })] }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'a value that is not known yet',
      stageChange({ Details: [detail(ID, { AfterValue: '{{changeSet:KNOWN_AFTER_APPLY}}' })] }),
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'a dynamic value',
      stageChange({ Details: [detail(ID, {}, 'Dynamic')] }),
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'static and dynamic, as a parameter that changes has it',
      stageChange({ Details: [detail(ID, {}, 'Dynamic'), detail(ID)] }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'no certificate',
      stageChange({ Details: [detail(ID, { AttributeChangeType: 'Remove' })] }),
      ['outage', 'PlanRemovesStageCertificate'],
    ],
    [
      'no certificate, by the values',
      stageChange({ Details: [detail(ID)], ...both({ [ID]: '03q4xp' }, {}) }),
      ['outage', 'PlanRemovesStageCertificate'],
    ],
    ['no details', stageChange({ Details: undefined }), ['unknown', 'PlanValueUnknown']],
    ['details of another form', stageChange({ Details: [{}] }), ['unknown', 'PlanValueUnknown']],
    [
      'values that differ without a detail',
      stageChange(both({ [ID]: 'a' }, { [ID]: 'b' })),
      ['unknown', 'PlanValueUnknown'],
    ],
    ['replaced', stageChange({ Replacement: 'True' }), ['outage', 'PlanReplacesStage']],
    ['perhaps replaced', stageChange({ Replacement: 'Conditional' }), ['unknown', 'PlanValueUnknown']],
    ['a new stage', stageChange({ Action: 'Add' }), ['unchanged', 'PlanCreatesStage']],
    ['a new stage without one', stageChange({ Action: 'Add', AfterContext: contextOf({}) }), ['unchanged']],
    ['its end', stageChange({ Action: 'Remove' }), ['unknown', 'PlanValueUnknown']],
    [
      'the end of one that presents a certificate',
      stageChange({ Action: 'Remove', BeforeContext: contextOf({ [ID]: '03q4xp' }) }),
      ['outage', 'PlanDeletesStage'],
    ],
    [
      'the end of one without a certificate',
      stageChange({ Action: 'Remove', BeforeContext: contextOf({}) }),
      ['unchanged'],
    ],
    ['kept', stageChange({ Action: 'Remove', PolicyAction: 'Retain' }), ['unchanged', 'PlanForgets']],
    [
      'a WebSocket stage',
      stageChange({ ResourceType: 'AWS::ApiGatewayV2::Stage', Details: [detail(ID)] }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
  ])('%s', (_name, change, expected) => {
    expect(said(check(changeSet([change])))).toEqual(expected);
  });
});

describe('deployments with a description of their stage', () => {
  const described = (id: string): object => ({
    StageName: 'prod',
    StageDescription: { ClientCertificateId: id },
  });
  const plain = { StageName: 'prod', StageDescription: { CacheClusterEnabled: true } };
  test.each<Case>([
    ['new, without values', deployment({ Action: 'Add' }), ['unknown', 'PlanValueUnknown']],
    [
      'new, with a stage of its own',
      deployment({ Action: 'Add', AfterContext: contextOf(plain) }),
      ['unchanged'],
    ],
    [
      'new, with a certificate',
      deployment({ Action: 'Add', AfterContext: contextOf(described('ohwc42')) }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'another description',
      deployment({ Action: 'Modify', Replacement: 'False', Details: [detail('StageDescription')] }),
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'another certificate',
      deployment({
        Action: 'Modify',
        Replacement: 'False',
        Details: [detail('StageDescription', { Path: '/Properties/StageDescription/ClientCertificateId' })],
      }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'another certificate, by the values',
      deployment({
        Action: 'Modify',
        Replacement: 'False',
        Details: [detail('StageDescription')],
        ...both(described('03q4xp'), described('ohwc42')),
      }),
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'a neighbour in the description',
      deployment({
        Action: 'Modify',
        Replacement: 'False',
        Details: [detail('StageDescription', { Path: '/Properties/StageDescription/CacheClusterEnabled' })],
      }),
      ['unchanged'],
    ],
    [
      'another description, with the same certificate',
      deployment({
        Action: 'Modify',
        Replacement: 'False',
        Details: [detail('StageDescription')],
        ...both(described('03q4xp'), described('03q4xp')),
      }),
      ['unchanged'],
    ],
    ['its end', deployment({ Action: 'Remove' }), ['unchanged']],
  ])('%s', (_name, change, expected) => {
    expect(said(check(changeSet([change])))).toEqual(expected);
  });
});

describe('what a change set does not show', () => {
  const nestedId = 'arn:aws:cloudformation:eu-west-1:123456789012:changeSet/nested/2';
  const nested = changeOf({
    Action: 'Modify',
    LogicalResourceId: 'Nested',
    ResourceType: 'AWS::CloudFormation::Stack',
    Replacement: 'False',
    ChangeSetId: nestedId,
  });

  test.each<[string, object, string[]]>([
    ['nothing', {}, []],
    ['the next page', { NextToken: 'abc' }, ['PlanIncomplete']],
    ['creation in progress', { Status: 'CREATE_IN_PROGRESS' }, ['PlanIncomplete']],
    ['failed', { Status: 'FAILED', StatusReason: 'why' }, ['PlanIncomplete']],
    ['no status', { Status: undefined }, ['PlanIncomplete']],
    ['no changes', { Changes: undefined }, ['PlanNotUnderstood']],
    [
      'a change without a type',
      { Changes: [{ Type: 'Resource', ResourceChange: {} }] },
      ['PlanNotUnderstood'],
    ],
    ['null', { Changes: [null] }, ['PlanNotUnderstood']],
    ['a nested stack', { Changes: [nested] }, ['NestedStackUnknown']],
  ])('%s', (_name, more, codes) => {
    expect(said(check(changeSet([], more)))).toEqual([
      codes.length === 0 ? 'unchanged' : 'unknown',
      ...codes,
    ]);
  });

  test('a nested change set that is specified as well is known', () => {
    const inner = changeSet([stageChange({ Details: [detail('ClientCertificateId')] })], {
      ChangeSetId: nestedId,
    });
    expect(said(check(changeSet([nested]), changeSet([], { ChangeSetId: nestedId })))).toEqual(['unchanged']);
    const report = check(changeSet([nested]), inner);
    expect(said(report)).toEqual(['outage', 'PlanChangesStageCertificate']);
    expect(report.items.map(({ file, verdict }) => [file, verdict])).toEqual([
      ['0.json', 'unchanged'],
      ['1.json', 'outage'],
    ]);
  });
});
