import type { StageRef } from '../../control-plane/api-gateway.js';

/**
 * The journal's format. A journal of a higher version is refused, never guessed at. Since 2 a switch may be about
 * several stages; see `switch-record.ts`. Since 3 steps and outcomes have their present names.
 */
export const JOURNAL_VERSION = 3;

/** The formats that can be read. */
export type JournalVersion = 1 | 2 | 3;

/**
 * What a rotation can do, in the order of a plain one, then what takes it back and what ends it; and what is done of a renewal
 * by ACM, which no journal has.
 */
export const ROTATION_STEPS = [
  'generate',
  'import',
  'adopt',
  'trust',
  'acknowledge',
  'preflight',
  'recheck',
  'switch',
  'verifySwitch',
  'soak',
  'verifyUnused',
  'untrust',
  'verifyRemoval',
  'delete',
  'retire',
  'redeploy',
  'publish',
  'hook',
  'undo',
  'rollBack',
  'untrustNew',
  'deleteNew',
  'release',
  'withdraw',
  'settle',
  'finish',
  'verifyTrust',
  'verifyUse',
  'watch',
] as const;

export type RotationStep = (typeof ROTATION_STEPS)[number];

/** What journals of versions 1 and 2 call some steps. */
const EARLIER_STEPS: ReadonlyMap<unknown, RotationStep> = new Map([
  ['prove', 'preflight'],
  ['check', 'recheck'],
  ['verify', 'verifySwitch'],
  ['recount', 'verifyUnused'],
  ['confirm', 'verifyRemoval'],
]);

/** The step that a journal of any version says; `undefined` for what is none. */
export function rotationStepIn(written: unknown): RotationStep | undefined {
  return EARLIER_STEPS.get(written) ?? ROTATION_STEPS.find((name) => name === written);
}

export const ROTATION_OUTCOMES = ['completed', 'aborted', 'cancelled', 'superseded'] as const;

/** How a rotation ended. `cancelled`: before the switch. `superseded`: another run was first, and this one took its certificate back. */
export type RotationOutcome = (typeof ROTATION_OUTCOMES)[number];

/** What journals of versions 1 and 2 call some outcomes. */
const EARLIER_OUTCOMES: ReadonlyMap<unknown, RotationOutcome> = new Map([
  ['rolledBack', 'cancelled'],
  ['yielded', 'superseded'],
]);

/** The outcome that a journal of any version says; `undefined` for what is none. */
export function rotationOutcomeIn(written: unknown): RotationOutcome | undefined {
  return EARLIER_OUTCOMES.get(written) ?? ROTATION_OUTCOMES.find((name) => name === written);
}

/**
 * One line of a rotation's journal. The first is `started`. `at` is ISO 8601 in UTC; an `intent` is written before
 * the effect and its `done` or `failed` after it, so an intent without either must be settled by looking.
 */
export type RotationRecord =
  | {
      type: 'started';
      version: JournalVersion;
      at: string;
      rotationId: string;
      region: string;
      account?: string;
      endpoint?: string;
      oldCertificateId: string;
      stages: StageRef[];
      /** AWS showed the rotation under way already: an earlier journal of it is lost, or on another machine. */
      foundUnderWay?: true;
      /** The target's name in the configuration, where the rotation was started from one. */
      target?: string;
    }
  | {
      type: 'intent';
      at: string;
      step: RotationStep;
      subject?: string;
      /** What the step is about to change, where the subject does not tell. */
      evidence?: Record<string, unknown>;
    }
  | {
      type: 'done';
      at: string;
      step: RotationStep;
      /** What the step was about: a trust store's name, a stage, a certificate's id. */
      subject?: string;
      evidence?: Record<string, unknown>;
      /** How long the step took, in milliseconds. */
      ms: number;
    }
  | { type: 'failed'; at: string; step: RotationStep; subject?: string; code: string; message: string }
  /** A certificate of the rotation: when somebody deletes it, a trust store may hold it still. */
  | {
      type: 'certificate';
      at: string;
      clientCertificateId: string;
      pem: string;
      /** Of one of ACM, what backends trust instead of `pem`: the root, and the name that it is trusted for. */
      authority?: { pem: string; subject?: string; san?: string };
      /** The rotation that made it, where that has a journal of its own: this one does not tell where it is trusted. */
      madeBy?: string;
    }
  /** Until when the old certificate is to be kept: a promise that later runs keep without being told of it. */
  | { type: 'kept'; at: string; until: string }
  | { type: 'note'; at: string; text: string }
  | { type: 'ended'; at: string; outcome: RotationOutcome };
