import type { RotationStep } from '../../src/rotation/rules/record.js';
import { isAcmMode, POINTS, type AcmMode, type Mode, type Point } from './world.js';

export const FAULTS = [
  'kill',
  'cutBefore',
  'cutAfter',
  'throttle',
  'error500',
  'timeout',
  'diskFull',
  'journalDeleted',
  'otherRotates',
  'otherAborts',
  'proxyRepeats',
  'proxyDelays',
  'proxyWithholds',
] as const;

export type FaultKind = (typeof FAULTS)[number];

/** Every step that a rotation of one stage can take, and the run that takes it. */
export const STEPS: readonly (readonly [step: RotationStep, mode: Mode])[] = [
  ['generate', 'rotate'],
  ['trust', 'rotate'],
  ['preflight', 'rotate'],
  ['recheck', 'rotate'],
  ['switch', 'rotate'],
  ['redeploy', 'rotate'],
  ['verifySwitch', 'rotate'],
  ['hook', 'rotate'],
  ['soak', 'rotate'],
  ['verifyUnused', 'rotate'],
  ['delete', 'rotate'],
  ['untrust', 'rotate'],
  ['verifyRemoval', 'rotate'],
  ['finish', 'rotate'],
  ['undo', 'abort'],
  ['withdraw', 'abort'],
  ['rollBack', 'abort'],
  ['deleteNew', 'abort'],
  ['untrustNew', 'abort'],
  ['publish', 'rotate'],
];

/** Every step that a rotation from, to or between certificates of ACM can take, and the run that takes it. */
export const ACM_STEPS: readonly (readonly [step: RotationStep, mode: AcmMode])[] = [
  ['adopt', 'toAcm'],
  ['trust', 'toAcm'],
  ['preflight', 'toAcm'],
  ['recheck', 'toAcm'],
  ['switch', 'toAcm'],
  ['verifySwitch', 'toAcm'],
  ['soak', 'toAcm'],
  ['verifyUnused', 'toAcm'],
  ['delete', 'toAcm'],
  ['untrust', 'toAcm'],
  ['verifyRemoval', 'toAcm'],
  ['finish', 'toAcm'],
  ['generate', 'toGenerated'],
  ['trust', 'toGenerated'],
  ['preflight', 'toGenerated'],
  ['recheck', 'toGenerated'],
  ['switch', 'toGenerated'],
  ['verifySwitch', 'toGenerated'],
  ['soak', 'toGenerated'],
  ['verifyUnused', 'toGenerated'],
  ['retire', 'toGenerated'],
  ['settle', 'toGenerated'],
  ['untrust', 'toGenerated'],
  ['verifyRemoval', 'toGenerated'],
  ['finish', 'toGenerated'],
  ['import', 'import'],
  ['adopt', 'import'],
  ['preflight', 'import'],
  ['recheck', 'import'],
  ['switch', 'import'],
  ['verifySwitch', 'import'],
  ['soak', 'import'],
  ['verifyUnused', 'import'],
  ['retire', 'import'],
  ['finish', 'import'],
];

/** The steps that no rotation between generated certificates takes: each fault befalls them. */
const ONLY_OF_ACM: ReadonlySet<RotationStep> = new Set(['adopt', 'import', 'retire', 'settle']);
/** The faults of the other steps. */
const DEADLY: ReadonlySet<FaultKind> = new Set(['kill', 'cutBefore', 'cutAfter', 'journalDeleted']);

export interface Cell {
  step: RotationStep;
  mode: Mode;
  /**
   * Where the process is killed, or stopped until another machine has finished, where the disk fills up, or from where
   * on AWS or a proxy does not answer as it should.
   */
  point: Point;
  fault: FaultKind;
  /** The stage is switched by the stack that owns it. */
  by?: 'stack';
}

const NETWORK: ReadonlySet<FaultKind> = new Set([
  'cutBefore',
  'cutAfter',
  'throttle',
  'error500',
  'timeout',
  'proxyRepeats',
  'proxyDelays',
  'proxyWithholds',
]);
/** After the effect of these, a run calls AWS no more: there is nothing left that could be cut. */
const LAST: ReadonlySet<RotationStep> = new Set(['finish', 'deleteNew', 'untrustNew', 'undo']);

/** Why a cell cannot exist, or nothing. */
export function impossible({ step, point, fault }: Cell): string | undefined {
  return NETWORK.has(fault) && point === 'afterEffect' && LAST.has(step)
    ? 'no call to AWS follows the last effect'
    : undefined;
}

/** The whole matrix, impossible cells included. */
export const ALL_CELLS: readonly Cell[] = STEPS.flatMap(([step, mode]) =>
  POINTS.flatMap((point) => FAULTS.map((fault) => ({ step, mode, point, fault }))),
);

export const CELLS: readonly Cell[] = ALL_CELLS.filter((cell) => impossible(cell) === undefined);

/** One cell for each step, each with the fault and the point that have come least often so far, so that each is in it. */
export const SAMPLE: readonly Cell[] = STEPS.reduce<Cell[]>((cells, [step, mode]) => {
  const times = (is: (cell: Cell) => boolean): number => cells.filter(is).length;
  const use = ({ point, fault }: Cell): number =>
    times((cell) => cell.fault === fault) * STEPS.length + times((cell) => cell.point === point);
  const [first] = CELLS.filter((cell) => cell.step === step && cell.mode === mode).sort(
    (x, y) => use(x) - use(y),
  );
  return first ? [...cells, first] : cells;
}, []);

/** The steps that a stack takes. */
export const STACK_CELLS: readonly Cell[] = STEPS.filter(
  ([step]) => step === 'switch' || step === 'rollBack',
).flatMap(([step, mode]) =>
  POINTS.flatMap((point) => FAULTS.map((fault) => ({ step, mode, point, fault, by: 'stack' as const }))),
);

/** The cells of certificates of ACM. */
export const ACM_CELLS: readonly Cell[] = ACM_STEPS.flatMap(([step, mode]) =>
  POINTS.flatMap((point) =>
    FAULTS.filter((fault) => ONLY_OF_ACM.has(step) || DEADLY.has(fault)).map((fault) => ({
      step,
      mode,
      point,
      fault,
    })),
  ),
).filter((cell) => impossible(cell) === undefined);

/** Killed where something was done in each direction that only a certificate of ACM takes. */
export const ACM_SAMPLE: readonly Cell[] = [
  { step: 'switch', mode: 'toAcm', point: 'afterEffect', fault: 'kill' },
  { step: 'import', mode: 'import', point: 'afterIntent', fault: 'cutAfter' },
  { step: 'retire', mode: 'toGenerated', point: 'afterEffect', fault: 'kill' },
];

export const cellName = ({ step, mode, point, fault, by }: Cell): string =>
  `${step}${isAcmMode(mode) ? ` ${mode}` : ''}${by === undefined ? '' : ' by stack'} × ${point} × ${fault}`;
