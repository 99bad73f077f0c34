/** What the journal says of switches: a step switches several stages, and each has a fate of its own. */
import type { RotationRecord } from './record.js';

/** A stage that a step which switches stages is about, and what it presented before. */
export interface SwitchedStage {
  /** `apiId/stageName` */
  stage: string;
  before?: string;
}

/**
 * What the records of a switch, in either direction, say. The intent names all stages that may be changed; the result
 * those that were. In version 1 a record is about one stage, its subject.
 */
export interface SwitchEvidence {
  /** The certificate that the stages are to present. */
  after: string;
  stages: readonly SwitchedStage[];
  /** Those whose change was sent more than once: an earlier request may take effect late. */
  triedAgain?: readonly string[];
  /** The one at which the step ended early, not knowing whether it was changed. */
  unsettled?: string;
}

/** How long a step goes on to further stages, in milliseconds. */
export const LONGEST_BATCH = 10_000;
/** How long the change of one stage whose outcome is not known is sent again, in milliseconds. */
export const LONGEST_RETRY = 20_000;

type StepDone = Extract<RotationRecord, { type: 'done' }>;
type StepRecord = Extract<RotationRecord, { step: unknown }>;

const isBatched = (entry: RotationRecord): entry is StepRecord =>
  'step' in entry && (entry.step === 'switch' || entry.step === 'rollBack') && entry.subject === undefined;

/** The records with those of several stages as records of one stage each, which are easier to reason with. */
export function stageByStage(records: readonly RotationRecord[]): RotationRecord[] {
  const begun = new Map<string, SwitchEvidence>();
  return records.flatMap((entry): RotationRecord[] => {
    if (!isBatched(entry)) return [entry];
    const { at, step } = entry;
    if (entry.type === 'intent') {
      const intent = switchEvidence(entry.evidence);
      begun.set(step, intent);
      const last = new Date(Date.parse(at) + LONGEST_BATCH + LONGEST_RETRY).toISOString();
      return intent.stages.map((stage) => ({ type: 'intent', at: last, step, ...about(intent, stage) }));
    }
    const intent = begun.get(step) ?? { after: '', stages: [] };
    if (entry.type === 'failed') {
      return intent.stages.map(({ stage }) => ({ ...entry, subject: stage }));
    }
    const done = switchEvidence(entry.evidence);
    const changed = new Map(done.stages.map((stage) => [stage.stage, stage]));
    return [...new Set([...intent.stages.map(({ stage }) => stage), ...changed.keys()])].map((name) => {
      const stage = changed.get(name);
      if (stage) {
        const { subject, evidence } = about(done, stage);
        const triedAgain = done.triedAgain?.includes(name) === true ? { triedAgain: true } : {};
        return { type: 'done', at, step, subject, evidence: { ...evidence, ...triedAgain }, ms: entry.ms };
      }
      const code = done.unsettled === name ? 'ServiceUnreachable' : 'NotAttempted';
      return { type: 'failed', at, step, subject: name, code, message: '' };
    });
  });
}

const about = (
  { after }: SwitchEvidence,
  { stage, before }: SwitchedStage,
): { subject: string; evidence: Record<string, unknown> } => ({
  subject: stage,
  evidence: { after, ...(before === undefined ? {} : { before }) },
});

/** The stages, `apiId/stageName`, that were switched by a step whose result is that. */
export const stagesSwitched = ({ subject, evidence }: Pick<StepDone, 'subject' | 'evidence'>): string[] =>
  subject === undefined ? switchEvidence(evidence).stages.map(({ stage }) => stage) : [subject];

/** What a journal has may be anything. */
function switchEvidence(evidence: Record<string, unknown> = {}): SwitchEvidence {
  const { after, stages, triedAgain, unsettled } = evidence;
  const known = (Array.isArray(stages) ? stages : []).flatMap((one: unknown): SwitchedStage[] => {
    if (typeof one !== 'object' || one === null || !('stage' in one) || typeof one.stage !== 'string')
      return [];
    const before = 'before' in one && typeof one.before === 'string' ? { before: one.before } : {};
    return [{ stage: one.stage, ...before }];
  });
  const again = (Array.isArray(triedAgain) ? triedAgain : []).filter((name) => typeof name === 'string');
  return {
    after: typeof after === 'string' ? after : '',
    stages: known,
    triedAgain: again,
    ...(typeof unsettled === 'string' ? { unsettled } : {}),
  };
}
