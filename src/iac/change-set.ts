/**
 * Change sets of CloudFormation as DescribeChangeSet answers them (service model `cloudformation` 2010-05-15): what their
 * execution would do with client certificates and with the certificates of stages. Pure.
 */
import type { Where } from '../findings/entry.js';
import { isPart, member, nameOf, textMember, type Part } from './document.js';
import { incomplete, notUnderstood, planFinding, type Judgement, type PlanFinding } from './judgement.js';

/** What a resource is to this question. */
type Kind = 'certificate' | 'stage' | 'deployment' | 'stack';

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['AWS::ApiGateway::ClientCertificate', 'certificate'],
  ['AWS::ApiGateway::Stage', 'stage'],
  ['AWS::ApiGatewayV2::Stage', 'stage'],
  ['AWS::ApiGateway::Deployment', 'deployment'],
  ['AWS::CloudFormation::Stack', 'stack'],
  ['AWS::CloudFormation::StackSet', 'stack'],
  ['AWS::ServiceCatalog::CloudFormationProvisionedProduct', 'stack'],
]);

const ACTIONS = ['Add', 'Modify', 'Remove', 'Import', 'Dynamic', 'SyncWithActual'] as const;
type Action = (typeof ACTIONS)[number];

const PROPERTY = 'ClientCertificateId';

/** What stands for a value that only the execution shows. */
const isPlaceholder = (value: string): boolean => value.includes('{{changeSet:');

/** One entry of `Changes` that concerns this question. */
interface Entry {
  file: string;
  address: string;
  action: Action;
  change: Part;
}

const toolOf = ({ address }: Entry): { address: string; tool: 'cloudformation' } => ({
  address,
  tool: 'cloudformation',
});

const unknownValue = (entry: Entry, what: string): PlanFinding =>
  planFinding('PlanValueUnknown', { file: entry.file }, { ...toolOf(entry), what });

/** The properties of a resource before or after; nothing where the change set was described without them. */
function propertiesOf({ change }: Entry, side: 'BeforeContext' | 'AfterContext'): Part | undefined {
  const context = textMember(change, side);
  if (context === undefined) return undefined;
  try {
    const properties = member(JSON.parse(context), 'Properties');
    return isPart(properties) ? properties : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a resource is replaced; a word that is not known is taken for one that does not say it. */
function replacementOf({ change }: Entry): 'yes' | 'no' | 'unknown' {
  const word = member(change, 'Replacement');
  if (word === 'True') return 'yes';
  return word === 'False' ? 'no' : 'unknown';
}

/** Whether CloudFormation leaves the resource that a removal or replacement is about. */
const isRetained = ({ change }: Entry): boolean => member(change, 'PolicyAction') === 'Retain';

function judgeCertificate(entry: Entry): PlanFinding[] {
  const { file, action, change } = entry;
  const id = textMember(change, 'PhysicalResourceId');
  const name = id === undefined ? {} : { before: nameOf(id) };
  const where: Where = { file, ...(id === undefined ? {} : { clientCertificateId: nameOf(id) }) };
  switch (action) {
    case 'Add':
      return [planFinding('PlanCreatesCertificate', where, toolOf(entry))];
    case 'Remove':
      return [
        isRetained(entry)
          ? planFinding('PlanForgets', where, toolOf(entry))
          : planFinding('PlanDeletesCertificate', where, { ...toolOf(entry), ...name }),
      ];
    case 'Modify':
      switch (replacementOf(entry)) {
        case 'yes':
          return [
            planFinding('PlanReplacesCertificate', where, { ...toolOf(entry), ...name, deletesFirst: false }),
          ];
        case 'no':
          return [];
        case 'unknown':
          return [
            unknownValue(entry, 'whether the client certificate is replaced is known only at execution'),
          ];
      }
      break;
    case 'Dynamic':
      return [unknownValue(entry, 'what is done with the client certificate is known only at execution')];
    case 'Import':
    case 'SyncWithActual':
      return [];
  }
}

/** One entry of `Details`. */
interface Detail {
  /** As a path of the template: `/Properties/StageDescription/ClientCertificateId`. */
  path: string;
  isStatic: boolean;
  isRemoved: boolean;
  before?: string;
  after?: string;
}

/** The changes of properties; nothing where they are not in the documented form. */
function detailsOf({ change }: Entry): Detail[] | undefined {
  const details = member(change, 'Details');
  if (!Array.isArray(details)) return undefined;
  const read: Detail[] = [];
  for (const each of details) {
    const target = member(each, 'Target');
    const attribute = member(target, 'Attribute');
    if (typeof attribute !== 'string') return undefined;
    if (attribute !== 'Properties') continue;
    const name = textMember(target, 'Name');
    if (name === undefined) return undefined;
    const [before, after] = [member(target, 'BeforeValue'), member(target, 'AfterValue')];
    read.push({
      path: textMember(target, 'Path') ?? `/Properties/${name}`,
      isStatic: member(each, 'Evaluation') === 'Static',
      isRemoved: member(target, 'AttributeChangeType') === 'Remove',
      ...(typeof before === 'string' ? { before } : {}),
      ...(typeof after === 'string' ? { after } : {}),
    });
  }
  return read;
}

/** Whether a detail is about a property, a part of it, or all that contains it. */
const concerns = ({ path }: Detail, property: string): boolean =>
  path === property || path.startsWith(`${property}/`) || property.startsWith(`${path}/`);

/** The id of a certificate in the properties of a resource. */
type Value = { is: 'none' } | { is: 'unknown' } | { is: 'known'; id: string };

function valueAt(properties: Part | undefined, path: readonly string[]): Value {
  if (properties === undefined) return { is: 'unknown' };
  let at: unknown = properties;
  for (const key of path) {
    if (at !== undefined && !isPart(at)) return { is: 'unknown' };
    at = member(at, key);
  }
  if (at === undefined || at === '' || at === null) return { is: 'none' };
  return typeof at === 'string' && !isPlaceholder(at) ? { is: 'known', id: at } : { is: 'unknown' };
}

const idText = (value: Value): string | undefined => (value.is === 'known' ? nameOf(value.id) : undefined);

/** What a change in place does with the certificate at a path of the properties. */
function judgeProperty(entry: Entry, path: readonly string[]): PlanFinding[] {
  const { file } = entry;
  const property = `/Properties/${path.join('/')}`;
  const isUnknown = unknownValue(
    entry,
    'whether the client certificate of the stage changes is known only at execution',
  );
  const before = valueAt(propertiesOf(entry, 'BeforeContext'), path);
  const after = valueAt(propertiesOf(entry, 'AfterContext'), path);
  const areShown = before.is !== 'unknown' && after.is !== 'unknown';
  const isSame = areShown && idText(before) === idText(after);
  const details = detailsOf(entry)?.filter((each) => concerns(each, property));
  if (details === undefined) return [isUnknown];
  // Both have to say that nothing happens, where both are there.
  if (details.length === 0) return areShown && !isSame ? [isUnknown] : [];
  const isExact = details.some((each) => each.path === property);
  // A change of a neighbour in the same property, where the values show that this one stays.
  if (!isExact && isSame) return [];
  const exact = details.find((each) => each.isStatic && each.path === property);
  if (exact === undefined && (!areShown || isSame)) return [isUnknown];
  const was = exact?.before ?? idText(before);
  const becomes = exact?.after ?? idText(after);
  if (becomes !== undefined && (isPlaceholder(becomes) || becomes === was)) return [isUnknown];
  const args = { ...toolOf(entry), ...(was === undefined ? {} : { before: nameOf(was) }) };
  if (exact?.isRemoved === true || after.is === 'none') {
    return [planFinding('PlanRemovesStageCertificate', { file }, args)];
  }
  const to = becomes === undefined ? {} : { after: nameOf(becomes) };
  return [planFinding('PlanChangesStageCertificate', { file }, { ...args, ...to })];
}

function judgeStage(entry: Entry): PlanFinding[] {
  const { file, action } = entry;
  const path = [PROPERTY];
  const before = valueAt(propertiesOf(entry, 'BeforeContext'), path);
  const was = idText(before);
  const args = { ...toolOf(entry), ...(was === undefined ? {} : { before: was }) };
  switch (action) {
    case 'Add': {
      const after = valueAt(propertiesOf(entry, 'AfterContext'), path);
      if (after.is === 'none') return [];
      const becomes = idText(after);
      return [
        planFinding(
          'PlanCreatesStage',
          { file },
          { ...toolOf(entry), ...(becomes === undefined ? {} : { after: becomes }) },
        ),
      ];
    }
    case 'Remove':
      if (isRetained(entry)) return [planFinding('PlanForgets', { file }, toolOf(entry))];
      if (before.is === 'none') return [];
      if (before.is === 'known') return [planFinding('PlanDeletesStage', { file }, args)];
      return [
        unknownValue(entry, 'whether the stage that is deleted presents a client certificate is not shown'),
      ];
    case 'Modify':
      switch (replacementOf(entry)) {
        case 'yes':
          return [planFinding('PlanReplacesStage', { file }, args), ...judgeProperty(entry, path)];
        case 'no':
          return judgeProperty(entry, path);
        case 'unknown':
          return [
            unknownValue(entry, 'whether the stage is replaced is known only at execution'),
            ...judgeProperty(entry, path),
          ];
      }
      break;
    case 'Dynamic':
      return [unknownValue(entry, 'what is done with the stage is known only at execution')];
    case 'Import':
    case 'SyncWithActual':
      return [];
  }
}

/** A deployment sets the certificate of its stage with StageDescription. */
function judgeDeployment(entry: Entry): PlanFinding[] {
  const { file, action } = entry;
  const path = ['StageDescription', PROPERTY];
  const isUnknown = unknownValue(
    entry,
    'whether its StageDescription changes the client certificate of the stage is not shown',
  );
  switch (action) {
    case 'Add': {
      const after = valueAt(propertiesOf(entry, 'AfterContext'), path);
      if (after.is === 'none') return [];
      if (after.is === 'unknown') return [isUnknown];
      return [
        planFinding('PlanChangesStageCertificate', { file }, { ...toolOf(entry), after: nameOf(after.id) }),
      ];
    }
    case 'Modify': {
      const replacement = replacementOf(entry);
      const after = valueAt(propertiesOf(entry, 'AfterContext'), path);
      // A new deployment sets what its description says, changed or not.
      if (replacement !== 'no' && after.is !== 'none') return [isUnknown, ...judgeProperty(entry, path)];
      return judgeProperty(entry, path);
    }
    case 'Dynamic':
      return [isUnknown];
    case 'Remove':
    case 'Import':
    case 'SyncWithActual':
      return [];
  }
}

/** @param contained the ids of the change sets that were specified as well */
function judgeStack(entry: Entry, contained: ReadonlySet<string>): PlanFinding[] {
  const { file, action, change } = entry;
  if (action === 'Import' || action === 'SyncWithActual') return [];
  const own = textMember(change, 'ChangeSetId');
  if (own !== undefined && contained.has(own)) return [];
  return [planFinding('NestedStackUnknown', { file }, toolOf(entry))];
}

function judgeEntry(
  given: unknown,
  index: number,
  { file, contained }: { file: string; contained: ReadonlySet<string> },
): PlanFinding[] {
  const change = member(given, 'ResourceChange');
  const type = member(change, 'ResourceType');
  if (!isPart(change) || typeof type !== 'string') {
    return [notUnderstood(file, `Changes[${index}] has no ResourceType`)];
  }
  const kind = KINDS.get(type);
  if (kind === undefined) return [];
  const address = nameOf(textMember(change, 'LogicalResourceId') ?? `Changes[${index}]`);
  const action = ACTIONS.find((each) => each === member(change, 'Action'));
  if (action === undefined) return [notUnderstood(file, `the Action of ${address}`)];
  const entry: Entry = { file, address, action, change };
  switch (kind) {
    case 'certificate':
      return judgeCertificate(entry);
    case 'stage':
      return judgeStage(entry);
    case 'deployment':
      return judgeDeployment(entry);
    case 'stack':
      return judgeStack(entry, contained);
  }
}

/** Whether a document is the description of a change set. */
export const isChangeSet = (document: Part): boolean =>
  member(document, 'Changes') !== undefined ||
  (member(document, 'ChangeSetId') !== undefined && member(document, 'StackId') !== undefined);

/** The id by which another change set names this one as nested; nothing where it does not say. */
export const changeSetId = (document: Part): string | undefined => textMember(document, 'ChangeSetId');

/** Why a change set does not show everything that will be done. */
function gaps(document: Part, file: string): PlanFinding[] {
  const found: PlanFinding[] = [];
  const status = member(document, 'Status');
  if (status !== 'CREATE_COMPLETE') {
    const word = typeof status === 'string' ? nameOf(status) : 'unknown';
    const reason = textMember(document, 'StatusReason');
    found.push(
      incomplete(
        file,
        `the status of the change set is ${word}${reason === undefined ? '' : `: ${nameOf(reason)}`}`,
      ),
    );
  }
  const next = member(document, 'NextToken');
  if (next !== undefined && next !== null && next !== '') {
    found.push(incomplete(file, 'this is one page of several (NextToken is set)'));
  }
  return found;
}

/** @param contained the ids of the change sets that were specified as well: nested ones among them are known */
export function judgeChangeSet(
  document: Part,
  file: string,
  contained: ReadonlySet<string> = new Set(),
): Judgement {
  const changes = member(document, 'Changes');
  const list: readonly unknown[] = Array.isArray(changes) ? changes : [];
  return {
    format: 'changeSet',
    kind: 'a CloudFormation change set',
    changes: list.length,
    findings: [
      ...gaps(document, file),
      ...(Array.isArray(changes) ? [] : [notUnderstood(file, 'Changes is no list')]),
      ...list.flatMap((each, index) => judgeEntry(each, index, { file, contained })),
    ],
  };
}
