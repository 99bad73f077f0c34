/**
 * Plans that are generated, against an oracle that plays the apply step by step: what exists, and what each stage presents,
 * before and after every action.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkPlans, type PlanVerdict } from '../../src/commands/iac/check/run.js';
import {
  CERTIFICATE,
  certificateValues,
  changeOf,
  changeSet,
  contextOf,
  detail,
  STAGE,
  stageChange,
  stageValues,
  terraformChange,
  terraformPlan,
} from './plans.js';

const verdictOf = (...documents: unknown[]): PlanVerdict =>
  checkPlans(documents.map((each, index) => ({ file: `${index}`, bytes: Buffer.from(JSON.stringify(each)) })))
    .verdict;

const ids = fc.constantFrom('aaaaaa', 'bbbbbb', 'cccccc');
/** `null`: none; `?`: known after the apply. */
const presented = fc.oneof(ids, fc.constant(null));

interface Resource {
  type: 'certificate' | 'stage' | 'other';
  steps: ('create' | 'update' | 'delete' | 'forget' | 'no-op')[];
  before: string | null;
  after: string | null;
  key: string;
}

const resource: fc.Arbitrary<Resource> = fc
  .record({
    type: fc.constantFrom('certificate' as const, 'stage' as const, 'other' as const),
    steps: fc.constantFrom<Resource['steps'][]>(
      ['no-op'],
      ['update'],
      ['create'],
      ['delete'],
      ['delete', 'create'],
      ['create', 'delete'],
      ['create', 'forget'],
      ['forget'],
    ),
    before: presented,
    after: fc.oneof(presented, fc.constant('?')),
    key: fc.string(),
  })
  .map((each) => (each.steps[0] === 'no-op' ? { ...each, after: each.before } : each));

const TYPES = { certificate: CERTIFICATE, stage: STAGE, other: 'aws_sqs_queue' } as const;

function entryOf({ type, steps, before, after, key }: Resource, index: number): object {
  const [isMade, isGone] = [!steps.includes('create') || steps.length > 1, steps.join() === 'delete'];
  const hasAfter = !isGone && steps.join() !== 'forget';
  const values = (certificate: string | null): object =>
    type === 'stage' ? stageValues(certificate ?? undefined) : certificateValues('aaaaaa');
  const isUnknown = type === 'stage' && after === '?';
  return terraformChange({
    address: `module.m["${JSON.stringify(key).slice(1, -1)}"].${TYPES[type]}.r[${index}]`,
    type: TYPES[type],
    actions: steps,
    before: isMade ? values(before) : null,
    after: hasAfter ? values(isUnknown ? null : after) : null,
    unknown: hasAfter && isUnknown ? { client_certificate_id: true } : {},
  });
}

/** Plays one resource's apply: a world in which it is there with what it presents, or is not there. */
function oracle({ type, steps, before, after }: Resource): PlanVerdict {
  if (type === 'other') return 'unchanged';
  const existed = steps[0] !== 'create' || steps.length > 1;
  const worlds: (string | null | undefined)[] = [existed ? before : undefined];
  let made = 0;
  for (const step of steps) {
    const now = worlds.at(-1);
    if (step === 'create') made += 1;
    if (step === 'delete' || step === 'forget') worlds.push(steps[0] === 'create' ? now : undefined);
    else worlds.push(step === 'no-op' ? now : after);
  }
  const last = worlds.at(-1);
  if (steps.join() === 'forget') return 'unchanged';
  if (type === 'certificate') return made > 0 || steps.includes('delete') ? 'outage' : 'unchanged';
  if (existed && made > 0) return 'outage';
  if (last === '?') return 'unknown';
  if (!existed) return 'unchanged';
  if (last === undefined) return before === null ? 'unchanged' : 'outage';
  return last === before ? 'unchanged' : 'outage';
}

const ORDER: readonly PlanVerdict[] = ['unchanged', 'unknown', 'outage'];
const worst = (verdicts: readonly PlanVerdict[]): PlanVerdict =>
  verdicts.reduce((a, b) => (ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b), 'unchanged');

/** What makes a plan one of which not all is known. */
const gap = fc.constantFrom<object>(
  { errored: true },
  { complete: false },
  { deferred_changes: [{ reason: 'provider_config_unknown' }] },
  { format_version: '1.0' },
  { format_version: '1.99' },
  {},
);

test('a Terraform plan is judged as its apply plays out', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 6 }), gap, (resources, more) => {
      const isGap = 'errored' in more || 'complete' in more || 'deferred_changes' in more;
      const expected = worst([...resources.map(oracle), ...(isGap ? ['unknown' as const] : [])]);
      seen.add(expected);
      expect(verdictOf(terraformPlan(resources.map(entryOf), more))).toBe(expected);
    }),
    { numRuns: 1_000 },
  );
  expect([...seen].sort()).toEqual(['outage', 'unchanged', 'unknown']);
});

test('no unknown major version is judged, whatever the plan holds', () => {
  fc.assert(
    fc.property(
      fc.array(resource),
      fc.oneof(fc.string(), fc.integer(), fc.constantFrom('2.0', '10.1', '1', '1.x', ' 1.2', '0.9')),
      (resources, version) => {
        fc.pre(typeof version !== 'string' || !/^1\.\d+$/.test(version));
        expect(verdictOf(terraformPlan(resources.map(entryOf), { format_version: version }))).toBe('unknown');
      },
    ),
  );
});

/** Values that none of these members may have. */
const wrong = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constantFrom<unknown>([], [{}], [[]], 7.5),
  fc.array(fc.anything({ maxDepth: 2 }), { maxLength: 3 }),
);

const PATHS: readonly (readonly string[])[] = [
  ['resource_changes'],
  ['resource_changes', '0'],
  ['resource_changes', '0', 'type'],
  ['resource_changes', '0', 'change'],
  ['resource_changes', '0', 'change', 'actions'],
  ['resource_changes', '0', 'change', 'before'],
  ['resource_changes', '0', 'change', 'before', 'client_certificate_id'],
  ['resource_changes', '0', 'change', 'after'],
  ['resource_changes', '0', 'change', 'after', 'client_certificate_id'],
];

function withValue(document: object, path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(document) as Record<string, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[path.at(-1) ?? ''] = value;
  return copy;
}

test('a wrong type where it matters never looks like a plan that changes nothing', () => {
  const plan = terraformPlan([
    terraformChange({ actions: ['update'], before: stageValues('aaaaaa'), after: stageValues('bbbbbb') }),
  ]);
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), wrong, (path, value) => {
      // A list of changes that is empty is a list.
      fc.pre(path.length > 1 || !Array.isArray(value) || value.length > 0);
      expect(verdictOf(withValue(plan, path, value))).not.toBe('unchanged');
    }),
    { numRuns: 1_000 },
  );
});

test('whatever JSON there is, it is judged, and only a plan can come out unchanged', () => {
  const keys = fc.constantFrom(
    ...['format_version', 'resource_changes', 'planned_values', 'Changes', 'ChangeSetId', 'Status'],
    ...['change', 'actions', 'type', '__proto__', 'constructor', 'ResourceChange', 'ResourceType', 'Details'],
  );
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(
        '1.2',
        STAGE,
        'update',
        'AWS::ApiGateway::Stage',
        'CREATE_COMPLETE',
        0,
        null,
        true,
      ),
      fc.array(tie('any')),
      fc.array(fc.tuple(keys, tie('any'))).map((pairs) => Object.fromEntries(pairs)),
    ),
  })).any;
  fc.assert(
    fc.property(value, (document) => {
      const text = JSON.stringify(document);
      const { verdict } = checkPlans([{ file: 'x', bytes: Buffer.from(text) }]);
      if (verdict === 'unchanged') expect(text).toMatch(/"format_version":"1\.2"|"Status":"CREATE_COMPLETE"/);
    }),
    { numRuns: 2_000 },
  );
});

test('a change set is judged by what it says of the certificate of each stage', () => {
  const property = fc.constantFrom<[PlanVerdict, object]>(
    ['unchanged', detail('Variables')],
    ['unchanged', detail('TracingEnabled', {}, 'Dynamic')],
    ['outage', detail('ClientCertificateId')],
    ['outage', detail('ClientCertificateId', { BeforeValue: 'a', AfterValue: 'b' })],
    ['unknown', detail('ClientCertificateId', {}, 'Dynamic')],
  );
  const change = fc.oneof(
    fc
      .tuple(fc.array(property, { maxLength: 4 }), fc.constantFrom('False', 'True', 'Conditional'))
      .map(([details, Replacement]): [PlanVerdict, object] => {
        const replaced = ({ True: 'outage', False: 'unchanged', Conditional: 'unknown' } as const)[
          Replacement
        ];
        const Details = details.map(([, each]) => each);
        return [
          worst([replaced, ...details.map(([verdict]) => verdict)]),
          stageChange({ Replacement, Details }),
        ];
      }),
    fc.record({ before: presented, after: presented }).map(({ before, after }): [PlanVerdict, object] => [
      before === after ? 'unchanged' : 'outage',
      stageChange({
        Details: before === after ? [] : [detail('ClientCertificateId')],
        BeforeContext: contextOf(before === null ? {} : { ClientCertificateId: before }),
        AfterContext: contextOf(after === null ? {} : { ClientCertificateId: after }),
      }),
    ]),
    fc.constantFrom<[PlanVerdict, object]>(
      ['unchanged', changeOf({ Action: 'Remove', ResourceType: 'AWS::SQS::Queue' })],
      ['unknown', changeOf({ Action: 'Modify', ResourceType: 'AWS::CloudFormation::Stack' })],
      ['outage', changeOf({ Action: 'Add', ResourceType: 'AWS::ApiGateway::ClientCertificate' })],
    ),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), fc.boolean(), (changes, hasNext) => {
      const expected = worst([
        ...changes.map(([verdict]) => verdict),
        ...(hasNext ? ['unknown' as const] : []),
      ]);
      const document = changeSet(
        changes.map(([, each]) => each),
        hasNext ? { NextToken: 'next' } : {},
      );
      expect(verdictOf(document)).toBe(expected);
    }),
    { numRuns: 1_000 },
  );
});
