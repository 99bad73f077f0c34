import type { IdentityFiles } from '../certificates/client-identity.js';
import { AppError } from '../platform/errors.js';
import { readFileOrStream, unsuitability } from '../platform/read-regular-file.js';

/**
 * Reads the files of `--cert` and `--key`; nothing where neither is given.
 * @throws AppError `Usage` for one without the other, `FileNotReadable`
 */
export async function identityFiles({
  cert,
  key,
}: {
  cert?: string;
  key?: string;
}): Promise<IdentityFiles | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new AppError('Usage', '--cert and --key must be specified together', {
      hint: 'specify both: --cert client.pem --key client.key',
    });
  }
  return { certificate: await readNamed(cert), privateKey: await readNamed(key) };
}

/** @throws AppError `FileNotReadable` */
export async function readNamed(file: string): Promise<Uint8Array> {
  try {
    return await readFileOrStream(file);
  } catch (cause) {
    throw new AppError('FileNotReadable', `the file ${file} cannot be read${unsuitability(cause)}`, {
      cause,
      hint: 'specify a PEM file that this user may read',
      details: { file },
    });
  }
}
