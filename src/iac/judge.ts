import { changeSetId, isChangeSet, judgeChangeSet } from './change-set.js';
import { member, parseDocument, type ParsedDocument, type Part } from './document.js';
import { notUnderstood, type Judgement } from './judgement.js';
import { isTerraformPlan, judgeTerraformPlan } from './terraform-plan.js';

/** A file that was specified. */
export interface PlanSource {
  /** As messages call it. */
  file: string;
  bytes: Uint8Array;
}

/** What a document is that is no plan, in words. */
function otherKind(document: Part): string {
  if (member(document, 'values') !== undefined && member(document, 'format_version') !== undefined) {
    return 'a Terraform state';
  }
  if (member(document, 'version') !== undefined && member(document, 'resources') !== undefined) {
    return 'a Terraform state file';
  }
  if (member(document, '@level') !== undefined) return 'the log of a Terraform command';
  return member(document, 'Resources') === undefined
    ? 'neither a Terraform plan nor a CloudFormation change set'
    : 'a CloudFormation template';
}

const other = (file: string, kind: string): Judgement => ({
  format: 'other',
  kind,
  changes: 0,
  findings: [
    notUnderstood(
      file,
      kind.startsWith('a ') || kind.startsWith('the ') ? `this is ${kind}, not a plan` : kind,
    ),
  ],
});

function judgeDocument(parsed: ParsedDocument, file: string, contained: ReadonlySet<string>): Judgement {
  if ('reason' in parsed) return other(file, parsed.reason);
  const { document } = parsed;
  const [isPlan, isSet] = [isTerraformPlan(document), isChangeSet(document)];
  if (isPlan && isSet) return other(file, 'both a Terraform plan and a CloudFormation change set');
  if (isPlan) return judgeTerraformPlan(document, file);
  return isSet ? judgeChangeSet(document, file, contained) : other(file, otherKind(document));
}

/** Judges plans and change sets, each by itself; a change set that another one nests is known to that one. */
export function judgePlans(sources: readonly PlanSource[]): (Judgement & { file: string })[] {
  const read = sources.map(({ file, bytes }) => ({ file, parsed: parseDocument(bytes) }));
  const contained = new Set(
    read.flatMap(({ parsed }) => {
      const id = 'document' in parsed ? changeSetId(parsed.document) : undefined;
      return id === undefined ? [] : [id];
    }),
  );
  return read.map(({ file, parsed }) => ({ file, ...judgeDocument(parsed, file, contained) }));
}
