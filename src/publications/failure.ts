import { AppError, type ErrorCode } from '../platform/errors.js';

/** What the parts that trust stores share say, as it is said of publications. */
const CODES: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  FileNotWritable: 'PublicationFailed',
  FileNotReadable: 'PublicationUnreadable',
  TrustStoreFailed: 'PublicationFailed',
  TrustStoreUnreadable: 'PublicationUnreadable',
};

/** Does it, and says of an error which publication it is about. @throws AppError */
export async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const code = CODES[error.code];
    if (code === undefined && !KEPT.has(error.code)) throw error;
    throw new AppError(code ?? error.code, `${name}: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: { publication: name, ...error.details },
    });
  }
}

/** Codes that stay what they are. */
const KEPT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'PublicationFailed',
  'PublicationUnreadable',
  'ServiceUnreachable',
]);

/** A command of the user that failed to look is no failure to write. */
export async function whileReading<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'TrustStoreFailed') throw error;
    throw new AppError('PublicationUnreadable', error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: error.details,
    });
  }
}
