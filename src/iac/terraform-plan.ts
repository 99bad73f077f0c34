/**
 * Plans of Terraform and OpenTofu as `show -json` prints them ("JSON Output Format", format_version 1.x): what an apply
 * would do with client certificates and with the certificates of stages. Pure.
 */
import type { NamedStage } from '../control-plane/named-stage.js';
import type { Where } from '../findings/entry.js';
import { isPart, member, nameOf, textMember, type Part } from './document.js';
import { incomplete, notUnderstood, planFinding, type Judgement, type PlanFinding } from './judgement.js';

/** What a resource is to this question; `path` leads to the id of its client certificate. */
type Kind =
  | { is: 'certificate' }
  | { is: 'stage'; path: readonly string[] }
  /** Deleting a deployment deletes the stage that it has made, where the stage still uses it. */
  | { is: 'deployment' }
  | { is: 'stack' };

const ATTRIBUTE = 'client_certificate_id';
const STAGE: Kind = { is: 'stage', path: [ATTRIBUTE] };

/** By the types of the providers `aws` and `awscc`. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['aws_api_gateway_client_certificate', { is: 'certificate' }],
  ['awscc_apigateway_client_certificate', { is: 'certificate' }],
  ['aws_api_gateway_stage', STAGE],
  ['aws_apigatewayv2_stage', STAGE],
  ['awscc_apigateway_stage', STAGE],
  ['awscc_apigateway_deployment', { is: 'stage', path: ['stage_description', ATTRIBUTE] }],
  ['aws_api_gateway_deployment', { is: 'deployment' }],
  ['aws_cloudformation_stack', { is: 'stack' }],
  ['aws_cloudformation_stack_set', { is: 'stack' }],
  ['aws_cloudformation_stack_instances', { is: 'stack' }],
  ['aws_cloudformation_stack_set_instance', { is: 'stack' }],
  ['aws_serverlessapplicationrepository_cloudformation_stack', { is: 'stack' }],
  ['aws_servicecatalog_provisioned_product', { is: 'stack' }],
]);

type Operation = 'keep' | 'create' | 'delete' | 'replace' | 'deleteThenCreate' | 'forget';

/** The values of `actions`; `update` changes in place, as `no-op` changes nothing, so that the values decide. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'no-op': 'keep',
  update: 'keep',
  create: 'create',
  delete: 'delete',
  forget: 'forget',
  'create,delete': 'replace',
  'create,forget': 'replace',
  'forget,create': 'replace',
  'delete,create': 'deleteThenCreate',
};

function operationOf(actions: unknown): Operation | undefined {
  if (!Array.isArray(actions) || !actions.every((action) => typeof action === 'string')) return undefined;
  const key = actions.join(',');
  return Object.hasOwn(OPERATIONS, key) ? OPERATIONS[key] : undefined;
}

/** A certificate's id as a plan has it. `wrong`: it has a type that no id has. */
type Value = { is: 'none' | 'unknown' | 'wrong' } | { is: 'known'; id: string; isSensitive: boolean };

const NONE: Value = { is: 'none' };

/** What `after_unknown` and `*_sensitive` say of a path: `true` stands for everything below it. */
function isMarked(marks: unknown, path: readonly string[]): boolean {
  let at = marks;
  for (const key of path) {
    if (at === true) return true;
    at = member(at, key);
  }
  return at === true;
}

function valueAt(
  values: unknown,
  path: readonly string[],
  { unknown, sensitive }: { unknown?: unknown; sensitive: unknown },
): Value {
  if (isMarked(unknown, path)) return { is: 'unknown' };
  let at = values;
  for (const key of path) {
    if (at === null || at === undefined) return NONE;
    if (!isPart(at)) return { is: 'wrong' };
    at = member(at, key);
  }
  if (at === null || at === undefined || at === '') return NONE;
  if (typeof at !== 'string') return { is: 'wrong' };
  return { is: 'known', id: at, isSensitive: isMarked(sensitive, path) };
}

/** What may be shown of a value; nothing of one that is sensitive. */
function shown(value: Value): string | undefined {
  if (value.is !== 'known') return undefined;
  return value.isSensitive ? '(sensitive)' : nameOf(value.id);
}

const given = <Key extends string>(key: Key, text: string | undefined): Partial<Record<Key, string>> =>
  (text === undefined ? {} : { [key]: text }) as Partial<Record<Key, string>>;

/** The stage of an entry, where its values say which. */
function stageOf(values: unknown): { stage: NamedStage } | undefined {
  const restApiId = textMember(values, 'rest_api_id') ?? textMember(values, 'api_id');
  const stageName = textMember(values, 'stage_name') ?? textMember(values, 'name');
  if (restApiId === undefined || stageName === undefined) return undefined;
  if (!/^[A-Za-z0-9]{1,64}$/.test(restApiId) || !/^[\w$-]{1,128}$/.test(stageName)) return undefined;
  return { stage: { restApiId, apiName: restApiId, stageName } };
}

/** One entry of `resource_changes` that concerns this question. */
interface Entry {
  file: string;
  address: string;
  operation: Operation;
  change: Part;
}

function beforeOf({ change }: Entry, path: readonly string[]): Value {
  return valueAt(member(change, 'before'), path, { sensitive: member(change, 'before_sensitive') });
}

function afterOf({ change }: Entry, path: readonly string[]): Value {
  return valueAt(member(change, 'after'), path, {
    unknown: member(change, 'after_unknown'),
    sensitive: member(change, 'after_sensitive'),
  });
}

const idOf = (entry: Entry): string | undefined => shown(beforeOf(entry, ['id']));

/** @param gone ids of certificates that were found deleted, by the addresses of their resources */
function judgeCertificate(entry: Entry, gone: ReadonlyMap<string, string>): PlanFinding[] {
  const { file, address, operation } = entry;
  const id = idOf(entry);
  const where: Where = { file, ...(id === undefined ? {} : { clientCertificateId: id }) };
  const planned = { address, tool: 'terraform' as const };
  const args = { ...planned, ...given('before', id) };
  switch (operation) {
    case 'create':
      return [
        planFinding('PlanCreatesCertificate', where, { ...planned, ...given('before', gone.get(address)) }),
      ];
    case 'delete':
      return [planFinding('PlanDeletesCertificate', where, args)];
    case 'replace':
      return [planFinding('PlanReplacesCertificate', where, { ...args, deletesFirst: false })];
    case 'deleteThenCreate':
      return [planFinding('PlanReplacesCertificate', where, { ...args, deletesFirst: true })];
    case 'forget':
      return [planFinding('PlanForgets', where, planned)];
    case 'keep':
      return [];
  }
}

function judgeStage(entry: Entry, path: readonly string[]): PlanFinding[] {
  const { file, address, operation, change } = entry;
  const [before, after] = [beforeOf(entry, path), afterOf(entry, path)];
  const where: Where = { file, ...(stageOf(member(change, 'before')) ?? stageOf(member(change, 'after'))) };
  const planned = { address, tool: 'terraform' as const };
  const was = { ...planned, ...given('before', shown(before)) };
  if (before.is === 'wrong' || after.is === 'wrong') {
    return [notUnderstood(file, `${ATTRIBUTE} of ${address} is not a string`)];
  }
  const isUnknown = planFinding('PlanValueUnknown', where, {
    ...planned,
    what: 'which client certificate the stage presents is not known before the apply',
  });
  switch (operation) {
    case 'create':
      if (after.is === 'unknown') return [isUnknown];
      if (after.is === 'none') return [];
      return [planFinding('PlanCreatesStage', where, { ...planned, ...given('after', shown(after)) })];
    case 'delete':
      return before.is === 'none' ? [] : [planFinding('PlanDeletesStage', where, was)];
    case 'replace':
    case 'deleteThenCreate':
      return [
        planFinding('PlanReplacesStage', where, was),
        ...(after.is === 'unknown' ? [isUnknown] : changedCertificate(where, was, before, after)),
      ];
    case 'forget':
      return [planFinding('PlanForgets', where, planned)];
    case 'keep':
      return after.is === 'unknown' ? [isUnknown] : changedCertificate(where, was, before, after);
  }
}

/** What changes between two known certificates of a stage. */
function changedCertificate(
  where: Where,
  was: { address: string; tool: 'terraform'; before?: string },
  before: Value,
  after: Value,
): PlanFinding[] {
  if (after.is === 'none') {
    return before.is === 'none' ? [] : [planFinding('PlanRemovesStageCertificate', where, was)];
  }
  if (before.is === 'known' && after.is === 'known' && before.id === after.id) return [];
  const args = { ...was, before: was.before ?? 'no certificate', ...given('after', shown(after)) };
  return [planFinding('PlanChangesStageCertificate', where, args)];
}

function judgeDeployment({ file, address, operation, change }: Entry): PlanFinding[] {
  const stageName = textMember(member(change, 'before'), 'stage_name');
  if (stageName === undefined || (operation !== 'delete' && operation !== 'deleteThenCreate')) return [];
  return [
    planFinding(
      'PlanValueUnknown',
      { file },
      {
        address,
        tool: 'terraform',
        what: `the apply deletes this deployment, and with it the stage ${nameOf(stageName)} if that still uses it`,
      },
    ),
  ];
}

const addressOf = (entry: Part, index: number, list: string): string =>
  nameOf(textMember(entry, 'address') ?? `${list}[${index}]`);

/** The kind of an entry; nothing for what is another resource, or only read. */
function kindOf(entry: Part): Kind | undefined {
  if (member(entry, 'mode') === 'data') return undefined;
  const type = member(entry, 'type');
  return typeof type === 'string' ? KINDS.get(type) : undefined;
}

function judgeEntry(
  item: unknown,
  index: number,
  { file, gone }: { file: string; gone: ReadonlyMap<string, string> },
): PlanFinding[] {
  if (!isPart(item) || typeof member(item, 'type') !== 'string') {
    return [notUnderstood(file, `resource_changes[${index}] has no resource type`)];
  }
  const kind = kindOf(item);
  if (kind === undefined) return [];
  const address = addressOf(item, index, 'resource_changes');
  const change = member(item, 'change');
  const operation = operationOf(member(change, 'actions'));
  if (!isPart(change) || operation === undefined) {
    return [notUnderstood(file, `the actions of ${address}`)];
  }
  // A change in place has an object on both sides; others have one where there is something.
  const hasBefore = isPart(member(change, 'before'));
  const hasAfter = isPart(member(change, 'after')) || member(change, 'after_unknown') === true;
  if ((operation !== 'create' && !hasBefore) || (operation === 'keep' && !hasAfter)) {
    return [notUnderstood(file, `the values of ${address}`)];
  }
  const entry: Entry = { file, address, operation, change };
  const isImportUnknown = member(member(change, 'importing'), 'unknown') === true;
  const imported = isImportUnknown
    ? [
        planFinding(
          'PlanValueUnknown',
          { file },
          { address, tool: 'terraform', what: 'what the apply imports here is not known before it' },
        ),
      ]
    : [];
  switch (kind.is) {
    case 'certificate':
      return [...imported, ...judgeCertificate(entry, gone)];
    case 'stage':
      return [...imported, ...judgeStage(entry, kind.path)];
    case 'deployment':
      return judgeDeployment(entry);
    case 'stack':
      return isUnchanged(change)
        ? []
        : [planFinding('NestedStackUnknown', { file }, { address, tool: 'terraform' })];
  }
}

/** Of a resource whose values are not looked at. */
function isUnchanged(change: Part): boolean {
  const actions = member(change, 'actions');
  return (
    Array.isArray(actions) && actions.length === 1 && (actions[0] === 'no-op' || actions[0] === 'forget')
  );
}

/** What was changed outside since the last apply, which `resource_drift` lists. */
function judgeDrift(item: unknown, file: string, index: number): PlanFinding[] {
  if (!isPart(item)) return [notUnderstood(file, `resource_drift[${index}]`)];
  const kind = kindOf(item);
  const change = member(item, 'change');
  if (kind === undefined || (kind.is !== 'certificate' && kind.is !== 'stage') || !isPart(change)) return [];
  const path = kind.is === 'stage' ? kind.path : ['id'];
  const address = addressOf(item, index, 'resource_drift');
  const entry: Entry = { file, address, operation: 'keep', change };
  const [before, after] = [beforeOf(entry, path), afterOf(entry, path)];
  const isSame =
    before.is === after.is && (before.is !== 'known' || before.id === (after as typeof before).id);
  if (isSame) return [];
  const where: Where = { file, ...(kind.is === 'stage' ? stageOf(member(change, 'before')) : {}) };
  const args = { address, tool: 'terraform' as const };
  return [
    planFinding('PlanDrift', where, {
      ...args,
      ...given('before', shown(before)),
      ...given('after', shown(after)),
    }),
  ];
}

/** Certificates of the state that no longer exist, by the addresses of their resources. */
function goneCertificates(drift: readonly unknown[]): Map<string, string> {
  const gone = new Map<string, string>();
  drift.forEach((item, index) => {
    if (!isPart(item) || kindOf(item)?.is !== 'certificate') return;
    const change = member(item, 'change');
    if (!isPart(change) || operationOf(member(change, 'actions')) !== 'delete') return;
    const address = addressOf(item, index, 'resource_drift');
    const id = idOf({ file: '', address, operation: 'delete', change });
    if (id !== undefined) gone.set(address, id);
  });
  return gone;
}

/** Why a plan does not show everything that will be done. */
function gaps(plan: Part, file: string): PlanFinding[] {
  const found: PlanFinding[] = [];
  const flag = (key: string, wanted: boolean, reason: string): void => {
    const value = member(plan, key);
    if (value === undefined || value === wanted) return;
    found.push(
      typeof value === 'boolean' ? incomplete(file, reason) : notUnderstood(file, `${key} is no boolean`),
    );
  };
  flag('errored', false, 'planning ended with an error');
  flag('complete', true, 'not all resources were planned (complete is false), as with -target');
  for (const key of ['deferred_changes', 'deferred_action_invocations']) {
    const deferred = member(plan, key);
    if (deferred === undefined) continue;
    if (!Array.isArray(deferred)) found.push(notUnderstood(file, `${key} is no list`));
    else if (deferred.length > 0) found.push(incomplete(file, `${deferred.length} changes are deferred`));
  }
  return found;
}

/** Whether a plan names resources at all: `resource_changes` is left out only where there are none. */
function hasResources(plan: Part): boolean {
  const root = member(member(plan, 'planned_values'), 'root_module');
  return member(root, 'resources') !== undefined || member(root, 'child_modules') !== undefined;
}

/** A list of the plan; what is no list is a finding. */
function listOf(plan: Part, key: string, file: string): { list: readonly unknown[]; wrong: PlanFinding[] } {
  const value = member(plan, key);
  if (value === undefined) return { list: [], wrong: [] };
  if (Array.isArray(value)) return { list: value, wrong: [] };
  return { list: [], wrong: [notUnderstood(file, `${key} is no list`)] };
}

/** Whether a document is a plan, whatever its version. */
export const isTerraformPlan = (document: Part): boolean =>
  member(document, 'resource_changes') !== undefined || member(document, 'planned_values') !== undefined;

/** Judges a plan. A plan that is not understood in part has a finding that says so. */
export function judgeTerraformPlan(plan: Part, file: string): Judgement {
  const version = member(plan, 'format_version');
  const kind = 'a Terraform or OpenTofu plan';
  const { list: changes, wrong } = listOf(plan, 'resource_changes', file);
  const { list: drift, wrong: wrongDrift } = listOf(plan, 'resource_drift', file);
  const judgement = (findings: PlanFinding[]): Judgement => ({
    format: 'terraform',
    kind,
    changes: changes.length,
    findings,
  });
  if (typeof version !== 'string' || !/^1\.\d+$/.test(version)) {
    const named = typeof version === 'string' ? `format_version "${nameOf(version)}"` : 'no format_version';
    return judgement([notUnderstood(file, `${named}; only versions 1.x are known`)]);
  }
  const lost =
    member(plan, 'resource_changes') === undefined && hasResources(plan)
      ? [notUnderstood(file, 'the plan has resources but no resource_changes')]
      : [];
  const gone = goneCertificates(drift);
  return judgement([
    ...gaps(plan, file),
    ...wrong,
    ...wrongDrift,
    ...lost,
    ...changes.flatMap((each, index) => judgeEntry(each, index, { file, gone })),
    ...drift.flatMap((each, index) => judgeDrift(each, file, index)),
  ]);
}
