import type { ErrorCode } from '../../platform/errors.js';

/** Why a change must not begin or go on, and what to do about it. */
export interface GateFailure {
  code: ErrorCode;
  message: string;
  hint: string;
  /** What the message names in part, whole. */
  details?: { stages: string[]; backends?: string[] };
}
