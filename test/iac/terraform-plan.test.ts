import { describe, expect, test } from '@jest/globals';
import { checkPlans, type PlanReport } from '../../src/commands/iac/check/run.js';
import {
  CERTIFICATE,
  certificateValues,
  STAGE,
  stageValues,
  terraformChange,
  terraformPlan,
  type PlannedChange,
} from './plans.js';

const check = (document: unknown): PlanReport =>
  checkPlans([{ file: 'plan.json', bytes: Buffer.from(JSON.stringify(document)) }]);

const checkChanges = (...changes: PlannedChange[]): PlanReport =>
  check(terraformPlan(changes.map(terraformChange)));

const said = ({ verdict, findings }: PlanReport): [string, ...string[]] => [
  verdict,
  ...findings.map(({ code }) => code),
];

const OLD = certificateValues('03q4xp');

describe('client certificates', () => {
  test.each<[string, PlannedChange, [string, ...string[]]]>([
    ['nothing', { actions: ['no-op'], before: OLD, after: OLD }, ['unchanged']],
    [
      'a description',
      { actions: ['update'], before: OLD, after: certificateValues('03q4xp', { description: 'new' }) },
      ['unchanged'],
    ],
    [
      'a new one',
      { actions: ['create'], after: { description: 'x' }, unknown: { id: true } },
      ['outage', 'PlanCreatesCertificate'],
    ],
    ['its end', { actions: ['delete'], before: OLD }, ['outage', 'PlanDeletesCertificate']],
    [
      'a deposed one',
      { actions: ['delete'], before: OLD, more: { deposed: '1a2b3c4d' } },
      ['outage', 'PlanDeletesCertificate'],
    ],
    [
      'a replacement',
      { actions: ['delete', 'create'], before: OLD, after: {}, unknown: { id: true } },
      ['outage', 'PlanReplacesCertificate'],
    ],
    [
      'create_before_destroy',
      { actions: ['create', 'delete'], before: OLD, after: {}, unknown: { id: true } },
      ['outage', 'PlanReplacesCertificate'],
    ],
    [
      'a replacement that keeps the old one',
      { actions: ['create', 'forget'], before: OLD, after: {}, unknown: { id: true } },
      ['outage', 'PlanReplacesCertificate'],
    ],
    ['a removed block', { actions: ['forget'], before: OLD }, ['unchanged', 'PlanForgets']],
    [
      'an import block',
      { actions: ['no-op'], before: OLD, after: OLD, importing: { id: '03q4xp' } },
      ['unchanged'],
    ],
    [
      'an import of something unknown',
      { actions: ['no-op'], before: OLD, after: OLD, importing: { unknown: true } },
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'a moved block',
      { actions: ['no-op'], before: OLD, after: OLD, more: { previous_address: `${CERTIFICATE}.old` } },
      ['unchanged'],
    ],
    ['an action of another version', { actions: ['renew'], before: OLD }, ['unknown', 'PlanNotUnderstood']],
  ])('%s', (_name, change, expected) => {
    expect(said(checkChanges({ type: CERTIFICATE, ...change }))).toEqual(expected);
  });

  test('the outage is named: both orders of a replacement, and the certificate', () => {
    const messages = checkChanges(
      { type: CERTIFICATE, actions: ['create', 'delete'], before: OLD, after: {}, unknown: { id: true } },
      { type: CERTIFICATE, actions: ['delete', 'create'], before: OLD, after: {}, unknown: { id: true } },
    ).findings.map(({ message }) => message);
    expect(messages).toEqual([
      'aws_api_gateway_client_certificate.orders: the apply replaces client certificate 03q4xp with a new one and switches its stages at once, before any backend trusts it: backends refuse all requests',
      'aws_api_gateway_client_certificate.orders: the apply deletes client certificate 03q4xp and creates another one: AWS refuses this while a stage presents it, and no backend trusts the new one',
    ]);
  });

  test('the plan after a rotation: the old certificate is gone, and another is made instead', () => {
    const address = 'module.orders["eu"].aws_api_gateway_client_certificate.backend[0]';
    const { verdict, findings } = check(
      terraformPlan(
        [
          terraformChange({ address, type: CERTIFICATE, actions: ['create'], unknown: { id: true } }),
          terraformChange({
            actions: ['update'],
            before: stageValues('ohwc42'),
            after: stageValues(undefined, { client_certificate_id: undefined }),
            unknown: { client_certificate_id: true },
          }),
        ],
        {
          resource_drift: [
            terraformChange({ address, type: CERTIFICATE, actions: ['delete'], before: OLD }),
            terraformChange({
              actions: ['update'],
              before: stageValues('03q4xp'),
              after: stageValues('ohwc42'),
            }),
          ],
        },
      ),
    );
    expect(verdict).toBe('outage');
    expect(findings.map(({ severity, code, message }) => [severity, code, message])).toEqual([
      [
        'critical',
        'PlanCreatesCertificate',
        `${address}: the apply creates a client certificate that no backend trusts, instead of 03q4xp, which no longer exists: a backend refuses all requests of a stage that presents it`,
      ],
      [
        'unknown',
        'PlanValueUnknown',
        'aws_api_gateway_stage.orders: which client certificate the stage presents is not known before the apply',
      ],
      [
        'warning',
        'PlanDrift',
        `${address}: changed outside of Terraform since its last apply, as a rotation does: 03q4xp → no certificate`,
      ],
      [
        'warning',
        'PlanDrift',
        'aws_api_gateway_stage.orders: changed outside of Terraform since its last apply, as a rotation does: 03q4xp → ohwc42',
      ],
    ]);
    expect(findings[1]?.stage).toEqual({ restApiId: 'a1b2c3d4e5', apiName: 'a1b2c3d4e5', stageName: 'prod' });
    expect(findings[1]?.remedy).toContain('ignore_changes = [client_certificate_id]');
  });
});

describe('stages', () => {
  const [none, old, next] = [stageValues(), stageValues('03q4xp'), stageValues('ohwc42')];
  test.each<[string, PlannedChange, [string, ...string[]]]>([
    ['nothing', { actions: ['no-op'], before: old, after: old }, ['unchanged']],
    [
      'a variable',
      { actions: ['update'], before: old, after: stageValues('03q4xp', { variables: { a: 'b' } }) },
      ['unchanged'],
    ],
    [
      'another certificate',
      { actions: ['update'], before: old, after: next },
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'a certificate where there was none',
      { actions: ['update'], before: none, after: next },
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'no certificate',
      { actions: ['update'], before: old, after: none },
      ['outage', 'PlanRemovesStageCertificate'],
    ],
    [
      'an empty one',
      { actions: ['update'], before: old, after: stageValues('') },
      ['outage', 'PlanRemovesStageCertificate'],
    ],
    [
      'one that is not known yet',
      { actions: ['update'], before: old, after: {}, unknown: { client_certificate_id: true } },
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'everything unknown',
      { actions: ['update'], before: old, unknown: true },
      ['unknown', 'PlanValueUnknown'],
    ],
    ['a new stage', { actions: ['create'], after: old }, ['unchanged', 'PlanCreatesStage']],
    ['a new stage without one', { actions: ['create'], after: none }, ['unchanged']],
    [
      'a new stage with one that is not known yet',
      { actions: ['create'], after: {}, unknown: { client_certificate_id: true } },
      ['unknown', 'PlanValueUnknown'],
    ],
    ['its end', { actions: ['delete'], before: old }, ['outage', 'PlanDeletesStage']],
    ['the end of one without a certificate', { actions: ['delete'], before: none }, ['unchanged']],
    [
      'a replacement',
      { actions: ['delete', 'create'], before: old, after: old },
      ['outage', 'PlanReplacesStage'],
    ],
    [
      'a replacement with another certificate',
      { actions: ['create', 'delete'], before: old, after: next },
      ['outage', 'PlanReplacesStage', 'PlanChangesStageCertificate'],
    ],
    ['a removed block', { actions: ['forget'], before: old }, ['unchanged', 'PlanForgets']],
    [
      'a number for a certificate',
      { actions: ['update'], before: old, after: stageValues(7) },
      ['unknown', 'PlanNotUnderstood'],
    ],
    [
      'a WebSocket stage',
      {
        type: 'aws_apigatewayv2_stage',
        actions: ['update'],
        before: { api_id: 'a1', name: 'prod', client_certificate_id: '03q4xp' },
        after: { api_id: 'a1', name: 'prod', client_certificate_id: 'ohwc42' },
      },
      ['outage', 'PlanChangesStageCertificate'],
    ],
    [
      'a deployment that made its stage',
      {
        type: 'aws_api_gateway_deployment',
        actions: ['delete', 'create'],
        before: { stage_name: 'prod' },
        after: { stage_name: 'prod' },
      },
      ['unknown', 'PlanValueUnknown'],
    ],
    [
      'a deployment of its own',
      {
        type: 'aws_api_gateway_deployment',
        actions: ['create', 'delete'],
        before: { stage_name: null },
        after: { stage_name: null },
      },
      ['unchanged'],
    ],
    [
      'a stack',
      { type: 'aws_cloudformation_stack', actions: ['update'], before: {}, after: {} },
      ['unknown', 'NestedStackUnknown'],
    ],
    [
      'a stack that stays',
      { type: 'aws_cloudformation_stack', actions: ['no-op'], before: {}, after: {} },
      ['unchanged'],
    ],
    [
      'something else',
      { type: 'aws_s3_bucket', actions: ['delete', 'create'], before: {}, after: {} },
      ['unchanged'],
    ],
    ['what is only read', { type: STAGE, actions: ['read'], more: { mode: 'data' } }, ['unchanged']],
  ])('%s', (_name, change, expected) => {
    expect(said(checkChanges(change))).toEqual(expected);
  });

  test('a sensitive id is compared, and not shown', () => {
    const sensitive = { before: { client_certificate_id: true }, after: { client_certificate_id: true } };
    expect(said(checkChanges({ actions: ['update'], before: old, after: old, sensitive }))).toEqual([
      'unchanged',
    ]);
    const report = checkChanges({ actions: ['update'], before: old, after: next, sensitive });
    expect(report.findings[0]?.message).toContain('from (sensitive) to (sensitive)');
    expect(JSON.stringify(report)).not.toMatch(/03q4xp|ohwc42/);
  });
});

describe('what a plan does not show', () => {
  const old = stageValues('03q4xp');
  const harmless = [terraformChange({ actions: ['no-op'], before: old, after: old })];
  test.each<[string, object, string[]]>([
    ['nothing', {}, []],
    ['an error', { errored: true }, ['PlanIncomplete']],
    ['-target', { complete: false }, ['PlanIncomplete']],
    ['deferred changes', { deferred_changes: [{ reason: 'unknown' }] }, ['PlanIncomplete']],
    ['no deferred changes', { deferred_changes: [] }, []],
    ['the next format', { format_version: '2.0' }, ['PlanNotUnderstood']],
    ['a former format', { format_version: '0.2' }, ['PlanNotUnderstood']],
    ['a number for a version', { format_version: 1.2 }, ['PlanNotUnderstood']],
    ['no version', { format_version: undefined }, ['PlanNotUnderstood']],
    ['OpenTofu, which has no "complete"', { complete: undefined, applyable: undefined }, []],
    ['no list of changes', { resource_changes: { 0: harmless[0] } }, ['PlanNotUnderstood']],
    ['resources without changes', { resource_changes: undefined }, ['PlanNotUnderstood']],
    ['an entry that is null', { resource_changes: [null] }, ['PlanNotUnderstood']],
    ['a word for a flag', { errored: 'false' }, ['PlanNotUnderstood']],
  ])('%s', (_name, more, codes) => {
    const report = check(terraformPlan(harmless, more));
    expect(said(report)).toEqual([codes.length === 0 ? 'unchanged' : 'unknown', ...codes]);
  });

  test('a plan without resources has no list of them', () => {
    const plan = { format_version: '1.2', planned_values: { root_module: {} }, complete: true };
    expect(said(check(plan))).toEqual(['unchanged']);
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a state',
      { format_version: '1.0', values: { root_module: {} } },
      /this is a Terraform state, not a plan/,
    ],
    ['a state file', { version: 4, resources: [] }, /this is a Terraform state file, not a plan/],
    ['a template', { Resources: {} }, /this is a CloudFormation template, not a plan/],
    ['a log', { '@level': 'info' }, /this is the log of a Terraform command, not a plan/],
    ['a list', [1], /this JSON is not an object/],
    ['another document', {}, /neither a Terraform plan nor a CloudFormation change set/],
    ['both', { ...terraformPlan([]), Changes: [] }, /both a Terraform plan and a CloudFormation change set/],
  ])('%s', (_name, document, message) => {
    const { verdict, findings } = check(document);
    expect(verdict).toBe('unknown');
    expect(findings.map(({ message: text }) => text)).toEqual([expect.stringMatching(message)]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', Buffer.from(' \n'), /there is nothing in it/],
    ['a binary plan', Buffer.from('PK\u0003\u0004'), /terraform show -json PLAN/],
    ['half a document', Buffer.from('{"format_version":"1.2",'), /not one whole JSON document/],
    ['two documents', Buffer.from('{}\n{}'), /not one whole JSON document/],
    ['a deep document', Buffer.from('['.repeat(200_000)), /not one whole JSON document/],
  ])('%s', (_name, bytes, message) => {
    const { verdict, findings } = checkPlans([{ file: 'plan.json', bytes }]);
    expect([verdict, findings[0]?.message]).toEqual(['unknown', expect.stringMatching(message)]);
  });

  test('a plan that PowerShell wrote, in UTF-16, is read', () => {
    const text = JSON.stringify(terraformPlan(harmless));
    for (const bytes of [Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from(`\ufeff${text}`)]) {
      expect(checkPlans([{ file: 'plan.json', bytes }]).verdict).toBe('unchanged');
    }
  });

  test('names that every object has are no members', () => {
    const text = JSON.stringify(terraformPlan([])).replace(
      '"resource_changes":[]',
      '"resource_changes":[{"address":"x","type":"constructor","change":{"__proto__":{"actions":["no-op"]}}},' +
        '{"address":"y","type":"aws_api_gateway_stage","change":{"__proto__":{"actions":["no-op"],"before":{},"after":{}}}},' +
        '{"address":"z","type":"aws_api_gateway_stage","change":{"actions":["toString"]}}]',
    );
    const report = checkPlans([{ file: 'plan.json', bytes: Buffer.from(text) }]);
    expect(said(report)).toEqual(['unknown', 'PlanNotUnderstood', 'PlanNotUnderstood']);
  });

  test('control characters and long names do not reach the output', () => {
    const address = `aws_api_gateway_stage.orders["\u001b[31m\n::error::\u202e${'x'.repeat(5_000)}"]`;
    const [found] = checkChanges({
      address,
      type: STAGE,
      actions: ['update'],
      before: old,
      after: stageValues('\u001b]0;x\u0007'),
    }).findings;
    expect(found?.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(found?.message.length).toBeLessThan(800);
  });
});
