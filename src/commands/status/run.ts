import type { StageRef } from '../../control-plane/api-gateway.js';
import type { AppError } from '../../platform/errors.js';
import type { RotationOutcome, RotationRecord } from '../../rotation/rules/record.js';
import type { Journal, JournalEnd } from '../../rotation/journal/journal.js';

/** A rotation as the journal has it. */
export interface RotationStatus {
  rotationId: string;
  /**
   * `inProgress`: a later run continues it. `cancelled`: it failed before any stage was switched, and left everything as
   * it was. `superseded`: another run rotates the same certificate. `unreadable`: see `problem`; no rotation may be there
   * at all.
   */
  state: RotationOutcome | 'inProgress' | 'unreadable';
  /** The account's number, or its access key id where nothing tells the number. */
  account?: string;
  region?: string;
  /** Where it is not AWS's own. */
  endpoint?: string;
  target?: string;
  /** As the journal has them: without the names of their APIs. */
  stages: readonly StageRef[];
  oldCertificateId?: string;
  newCertificateId?: string;
  startedAt?: string;
  /** Until when the old certificate is kept. */
  keptUntil?: string;
  /** Of the last record. */
  lastAt?: string;
  steps: {
    at: string;
    step: string;
    subject?: string;
    result: 'done' | 'failed' | 'begun';
    ms?: number;
    evidence?: Record<string, unknown>;
    message?: string;
  }[];
  problem?: { code: string; message: string; hint?: string; file?: string };
}

/** So many journals are read at a time, and are in memory together. */
const AT_A_TIME = 32;

/** How many of those that have ended are among {@link recentRotations}. */
const RECENT = 10;

/** Ids of the rotations that have not ended, or cannot be told to have, and of the last that have; oldest first. */
export function recentRotations(ends: readonly JournalEnd[]): string[] {
  const recent = new Set(ends.filter(({ ended }) => ended).slice(-RECENT));
  return ends.filter((one) => !one.ended || recent.has(one)).map(({ rotationId }) => rotationId);
}

/** Rotations of the journal in the order given, read as they are asked for; without those whose journal has gone. */
export async function* rotationStatuses(
  journal: Pick<Journal, 'read'>,
  rotationIds: readonly string[],
): AsyncGenerator<RotationStatus> {
  for (let i = 0; i < rotationIds.length; i += AT_A_TIME) {
    const read = await Promise.all(rotationIds.slice(i, i + AT_A_TIME).map((id) => journal.read(id)));
    for (const one of read) {
      if (one?.problem) yield unreadable(one.rotationId, one.problem);
      else if (one) yield statusOf(one.rotationId, one.records);
    }
  }
}

function unreadable(rotationId: string, { code, message, hint, details }: AppError): RotationStatus {
  return {
    rotationId,
    state: 'unreadable',
    stages: [],
    steps: [],
    problem: {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(typeof details['file'] === 'string' ? { file: details['file'] } : {}),
    },
  };
}

function statusOf(rotationId: string, records: readonly RotationRecord[]): RotationStatus {
  const started = records.find((record) => record.type === 'started');
  const ended = records.findLast((record) => record.type === 'ended');
  const generated = records.find(
    (record) => record.type === 'done' && (record.step === 'generate' || record.step === 'adopt'),
  );
  // Where the journal begins in the middle, the certificates that it knows tell.
  const known = records.find(
    (record) => record.type === 'certificate' && record.clientCertificateId !== started?.oldCertificateId,
  );
  const newId =
    generated?.type === 'done'
      ? generated.evidence?.['clientCertificateId']
      : known?.type === 'certificate'
        ? known.clientCertificateId
        : undefined;
  const kept = records.findLast((record) => record.type === 'kept');
  const last = records.at(-1);
  return {
    rotationId,
    state: ended && ended === last ? ended.outcome : 'inProgress',
    ...(started
      ? { region: started.region, oldCertificateId: started.oldCertificateId, startedAt: started.at }
      : {}),
    ...(started?.account === undefined ? {} : { account: started.account }),
    ...(started?.endpoint === undefined ? {} : { endpoint: started.endpoint }),
    ...(started?.target === undefined ? {} : { target: started.target }),
    stages: started?.stages ?? [],
    ...(typeof newId === 'string' ? { newCertificateId: newId } : {}),
    ...(kept ? { keptUntil: kept.until } : {}),
    ...(last ? { lastAt: last.at } : {}),
    steps: stepsOf(records),
  };
}

/** Results, and intents that have none. */
function stepsOf(records: readonly RotationRecord[]): RotationStatus['steps'] {
  /** Where each kind of step about each subject last came to a result. */
  const settled = new Map<string, number>();
  const key = ({ step, subject }: { step: string; subject?: string }): string =>
    JSON.stringify([step, subject]);
  for (const [i, record] of records.entries())
    if (record.type === 'done' || record.type === 'failed') settled.set(key(record), i);
  return records.flatMap((record, i): RotationStatus['steps'] => {
    if (record.type !== 'intent' && record.type !== 'done' && record.type !== 'failed') return [];
    const about = {
      at: record.at,
      step: record.step,
      ...(record.subject === undefined ? {} : { subject: record.subject }),
    };
    if (record.type === 'done') {
      const { ms, evidence } = record;
      return [{ ...about, result: 'done', ms, ...(evidence === undefined ? {} : { evidence }) }];
    }
    if (record.type === 'failed') return [{ ...about, result: 'failed', message: record.message }];
    return (settled.get(key(record)) ?? -1) > i ? [] : [{ ...about, result: 'begun' }];
  });
}
