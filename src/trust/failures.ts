/** Failures that several kinds of trust stores have in common. */
import { AppError } from '../platform/errors.js';

/** The error for a change by someone else between reading and writing. */
export const changedMeanwhile = (details: Record<string, unknown>): AppError =>
  new AppError('TrustStoreFailed', 'someone else changed it at the same time', {
    hint: 'their change was kept; run the same command again',
    details,
  });

/** The error for a removal that would leave nothing trusted. */
export const lastCertificate = (hint: string): AppError =>
  new AppError(
    'TrustStoreFailed',
    'this is the last certificate in it, and with an empty list, some servers accept any caller',
    { hint },
  );
