import { AppError, type ErrorCode } from '../../platform/errors.js';

/** Why a change must not begin or go on, and what to do about it. */
export interface GateFailure {
  code: ErrorCode;
  message: string;
  hint: string;
  /** What the message names in part, whole. */
  details?: { stages: string[]; backends?: string[] };
}

/** @throws AppError for a gate that is closed */
export function assertOpen(failure: GateFailure | undefined): void {
  if (!failure) return;
  const { code, message, hint, details } = failure;
  throw new AppError(code, message, { hint, ...(details ? { details } : {}) });
}
