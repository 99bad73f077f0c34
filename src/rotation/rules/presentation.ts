import type { Stage } from '../../control-plane/api-gateway.js';
import { UNKNOWN_OUTCOME, type ErrorCode } from '../../platform/errors.js';
import type { RotationRecord, RotationStep } from './record.js';
import { stageText, type RotationUnit } from './unit.js';

/** What one process has seen of a stage; times are milliseconds of that process's own steady clock. */
export interface StageSighting {
  /** What it presented when it was last seen. */
  clientCertificateId?: string;
  /** Since when it has been seen to present that. */
  since: number;
  /** When it was last seen to present each certificate that it ever presented, by id. */
  lastWith: ReadonlyMap<string, number>;
}

/** What is known of a stage after it was seen once more. */
export function sighted(
  before: StageSighting | undefined,
  { clientCertificateId: id }: Pick<Stage, 'clientCertificateId'>,
  at: number,
): StageSighting {
  const lastWith = new Map(before?.lastWith);
  if (id !== undefined) lastWith.set(id, at);
  const isSame = before !== undefined && before.clientCertificateId === id;
  return {
    ...(id === undefined ? {} : { clientCertificateId: id }),
    since: isSame ? before.since : at,
    lastWith,
  };
}

/** All that tells when stages may have presented a certificate. */
export interface PresentationEvidence {
  unit: RotationUnit;
  /** Every stage of the account and Region. */
  stages: readonly Stage[];
  /** By `stageText`. */
  sightings: ReadonlyMap<string, StageSighting>;
  /** About one stage each: see `stageByStage`. */
  records: readonly RotationRecord[];
  /** Ids of all certificates that were ever made to take the place of the old one, for whatever stage. */
  successors: readonly string[];
  /** Milliseconds. */
  soak: number;
  now: Date;
}

const MOVES: ReadonlySet<RotationStep> = new Set<RotationStep>(['switch', 'redeploy', 'rollBack']);

/** When this rotation's own records last speak of a change to each stage, by `stageText`; milliseconds. */
function recordedMoves(records: readonly RotationRecord[]): Map<string, number> {
  const moves = new Map<string, number>();
  const before = new Map<string, number | undefined>();
  for (const entry of records) {
    if (!('step' in entry) || !MOVES.has(entry.step) || entry.subject === undefined) continue;
    const { subject } = entry;
    if (entry.type === 'intent') before.set(subject, moves.get(subject));
    moves.set(subject, Date.parse(entry.at));
    // What AWS refused did not take place.
    if (entry.type !== 'failed' || UNKNOWN_OUTCOME.has(entry.code as ErrorCode)) continue;
    const last = before.get(subject);
    if (last === undefined) moves.delete(subject);
    else moves.set(subject, last);
  }
  return moves;
}

/** AWS gives whole seconds. */
const SECOND = 1_000;

/** So far ahead AWS's clock may be of one that counts as right, in milliseconds: see `platform/clock.ts`. */
const AHEAD = 6_000;

/**
 * When a stage last changed, as late as anything says: AWS's date of its last update, the rotation's records, and what
 * this process saw. A date that is long to come is one of a wrong clock: then what this process saw counts.
 */
function lastChange(stage: Stage, moved: number | undefined, since: number, now: number): number {
  const past = (time: number): number => (time > now + AHEAD ? since : time);
  const updated = stage.lastUpdatedDate?.getTime();
  const byAws = (): number => {
    if (updated === undefined) return since;
    // Where the record of the same change is exact, AWS's whole seconds need no rounding up.
    return moved !== undefined && moved >= updated ? past(updated) : past(updated + SECOND);
  };
  return Math.max(byAws(), moved === undefined ? 0 : past(moved));
}

/**
 * How long changes of stages that have nothing to do with the rotation, as far as anybody knows, may put off the end of
 * trust: so many soaks after the last change of a stage that has. In a busy account some stage changes all the time.
 */
const STRANGERS_SOAKS = 2;

/** When stages may have presented the certificates of a rotation for the last time. */
export interface LastPresented {
  /** When the last of the stages that the rotation moves changed. */
  switchedAt: Date;
  /**
   * The same by AWS's date alone, as far as there is one: what `--keep-old` counts from, so that it ends at the same time for
   * runs with the journal and without, on any machine.
   */
  keptFrom: Date;
  /**
   * The last moment at which a stage that has left the certificate may still have presented it; the beginning of time
   * where none ever can have. For stages that present it now, ask the stages.
   */
  of: (certificate: { clientCertificateId: string; createdDate?: Date }) => Date;
}

/** Works out {@link LastPresented}. */
export function lastPresented(evidence: PresentationEvidence, moving: readonly Stage[]): LastPresented {
  const { unit, stages, sightings, records, successors, soak, now } = evidence;
  const moves = recordedMoves(records);
  const ours = [unit.oldId, ...successors];
  const [first] = records;
  const begun = new Set(first?.type === 'started' ? first.stages.map(stageText) : []);
  const known = stages.map((stage) => {
    const name = stageText(stage);
    const sighting = sightings.get(name);
    const moved = moves.get(name);
    return {
      name,
      stage,
      lastWith: sighting?.lastWith,
      isMoved: moved !== undefined,
      changed: lastChange(stage, moved, sighting?.since ?? now.getTime(), now.getTime()),
      updated: stage.lastUpdatedDate && stage.lastUpdatedDate.getTime() + SECOND,
      isRelated:
        moved !== undefined ||
        begun.has(name) ||
        ours.some((id) => id === stage.clientCertificateId || sighting?.lastWith.has(id) === true),
    };
  });
  const latest = (times: readonly number[]): number => times.reduce((a, b) => Math.max(a, b), 0);
  const cap =
    latest(known.flatMap(({ isRelated, changed }) => (isRelated ? [changed] : []))) + STRANGERS_SOAKS * soak;
  const movingNames = new Set(moving.map(stageText));
  const moved = known.filter(({ name }) => movingNames.has(name));
  return {
    switchedAt: new Date(latest(moved.map(({ changed }) => changed))),
    keptFrom: new Date(
      latest(
        moved.map(({ updated, changed }) =>
          updated === undefined || updated > now.getTime() + AHEAD ? changed : updated,
        ),
      ),
    ),
    of({ clientCertificateId: id, createdDate }) {
      const times = known.map(({ stage, lastWith, isMoved, isRelated, changed }) => {
        if (stage.clientCertificateId === id) return 0;
        const seen = lastWith?.get(id) ?? 0;
        const isOlder =
          createdDate !== undefined &&
          stage.lastUpdatedDate !== undefined &&
          stage.lastUpdatedDate.getTime() + SECOND <= createdDate.getTime();
        // What did not exist yet when the stage last changed was never presented by it.
        if (isOlder && seen === 0 && !isMoved) return 0;
        return isRelated ? Math.max(changed, seen) : Math.min(changed, cap);
      });
      return new Date(latest(times));
    },
  };
}

/** Ids that stages are known to have presented, by what this process saw and what the records say of switches. */
export function presentedBefore({
  sightings,
  records,
}: Pick<PresentationEvidence, 'sightings' | 'records'>): Set<string> {
  const ids = new Set([...sightings.values()].flatMap(({ lastWith }) => [...lastWith.keys()]));
  for (const entry of records) {
    if (entry.type !== 'done' && entry.type !== 'intent') continue;
    if (entry.step !== 'switch' && entry.step !== 'rollBack') continue;
    for (const id of [entry.evidence?.['before'], entry.evidence?.['after']]) {
      if (typeof id === 'string') ids.add(id);
    }
  }
  return ids;
}

type Write = 'switch' | 'rollBack' | 'generate' | 'adopt' | 'release';

/** A write to AWS whose outcome the records leave open. */
export interface OpenWrite {
  step: Write;
  /** When it was last tried, ISO 8601. */
  at: string;
}

const isWrite = (step: RotationStep): step is Write =>
  step === 'switch' || step === 'rollBack' || step === 'generate' || step === 'adopt' || step === 'release';

/**
 * The writes that may still take effect: begun and without a result, failed in a way that tells nothing, or done only
 * after an earlier try that told nothing, which may come late.
 * @param records about one stage each: see `stageByStage`
 */
export function openWrites(records: readonly RotationRecord[]): OpenWrite[] {
  const open = new Map<string, OpenWrite>();
  for (const entry of records) {
    if (!('step' in entry) || !isWrite(entry.step)) continue;
    const { step, at } = entry;
    const key = `${step} ${entry.subject ?? ''}`;
    const isOpen =
      entry.type === 'intent' ||
      (entry.type === 'failed' && UNKNOWN_OUTCOME.has(entry.code as ErrorCode)) ||
      (entry.type === 'done' && entry.evidence?.['triedAgain'] === true);
    if (isOpen) open.set(key, { step, at });
    else open.delete(key);
  }
  return [...open.values()];
}
