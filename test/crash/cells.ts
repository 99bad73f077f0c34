import type { RotationStep } from '../../src/core/rotation/record.js';
import { POINTS, type Mode, type Point } from './world.js';

export const FAULTS = [
  'kill',
  'cutBefore',
  'cutAfter',
  'throttle',
  'error500',
  'timeout',
  'diskFull',
  'journalDeleted',
] as const;

export type FaultKind = (typeof FAULTS)[number];

/** Every step that a rotation of one stage can take, and the run that takes it. */
export const STEPS: readonly (readonly [step: RotationStep, mode: Mode])[] = [
  ['generate', 'rotate'],
  ['trust', 'rotate'],
  ['prove', 'rotate'],
  ['check', 'rotate'],
  ['switch', 'rotate'],
  ['redeploy', 'rotate'],
  ['verify', 'rotate'],
  ['hook', 'rotate'],
  ['soak', 'rotate'],
  ['recount', 'rotate'],
  ['untrust', 'rotate'],
  ['confirm', 'rotate'],
  ['delete', 'rotate'],
  ['undo', 'abort'],
  ['rollBack', 'abort'],
  ['untrustNew', 'abort'],
  ['deleteNew', 'abort'],
];

export interface Cell {
  step: RotationStep;
  mode: Mode;
  /** Where the process is killed, the disk fills up, or from where on AWS does not answer as it should. */
  point: Point;
  fault: FaultKind;
}

const NETWORK: ReadonlySet<FaultKind> = new Set(['cutBefore', 'cutAfter', 'throttle', 'error500', 'timeout']);
/** After the effect of these, a run calls AWS no more: there is nothing left that could be cut. */
const LAST: ReadonlySet<RotationStep> = new Set(['delete', 'deleteNew', 'undo']);

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

/** One cell for each point and fault, going round the steps, so that every row and every column is in it. */
export const SAMPLE: readonly Cell[] = FAULTS.flatMap((fault, i) =>
  POINTS.flatMap((point, j) => {
    const first = i * POINTS.length + j;
    const order = STEPS.map((_, k) => STEPS[(first + k) % STEPS.length]);
    const cells = order.flatMap((row) => (row ? [{ step: row[0], mode: row[1], point, fault }] : []));
    return cells.find((cell) => impossible(cell) === undefined) ?? [];
  }),
);

export const cellName = ({ step, point, fault }: Cell): string => `${step} × ${point} × ${fault}`;
