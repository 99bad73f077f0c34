import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** No file that this program reads whole is larger than this, in bytes. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Why a path is not read: a device, a pipe, a socket, or a file that is too large to be what it is taken for. */
export class UnsuitableFile extends Error {
  readonly code: 'ENOTFILE' | 'EFBIG';
  constructor(code: 'ENOTFILE' | 'EFBIG', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads a regular file whole, never more than `limit` bytes of it. A device without an end or a pipe that nobody writes to
 * is refused at once.
 * @throws UnsuitableFile, or the system's error; EISDIR for a directory
 */
export async function readRegularFile(path: string, limit = MAX_FILE_BYTES): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size, ...stats } = await file.stat().then((found) => ({
      size: found.size,
      isFile: found.isFile(),
      isDirectory: found.isDirectory(),
    }));
    // The system's own error says it.
    if (stats.isDirectory) return await file.readFile();
    if (!stats.isFile) throw new UnsuitableFile('ENOTFILE', 'it is a device, a pipe or a socket, not a file');
    const chunks: Buffer[] = [];
    let length = 0;
    // Read to its end, since files of /proc have the size 0.
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(size - length + 1, 4096), 1024 * 1024));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      length += bytesRead;
      if (length > limit) {
        throw new UnsuitableFile('EFBIG', `it is larger than ${Math.floor(limit / 1024 / 1024)} MiB`);
      }
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
