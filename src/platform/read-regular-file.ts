/** The one way to read a file that a user names: with a limit, and never waiting for what does not come. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** No file that this program reads whole is larger than this, in bytes. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** How long a named pipe may have no writer, in milliseconds. */
const PATIENCE_MS = 5_000;
const LONGEST_PAUSE_MS = 50;

/** Without O_NONBLOCK, opening a pipe would wait for its writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Why a path is not read: a device, a pipe, a socket, a file that is too large to be what it is taken for. */
export class UnsuitableFile extends Error {
  readonly code: 'ENOTFILE' | 'EFBIG' | 'ENOWRITER';
  constructor(code: 'ENOTFILE' | 'EFBIG' | 'ENOWRITER', message: string) {
    super(message);
    this.code = code;
  }
}

/** ` (it is larger than 64 MiB)`, to put behind `cannot be read`; empty for an error of the system. */
export const unsuitability = (cause: unknown): string =>
  cause instanceof UnsuitableFile ? ` (${cause.message})` : '';

/** Collects what is read, and refuses what goes beyond the limit. */
function collector(limit: number) {
  const chunks: Buffer[] = [];
  let length = 0;
  return {
    /** Where the next octets go. Read to the end whatever the size, since files of /proc have the size 0. */
    next: (size: number): Buffer =>
      Buffer.allocUnsafe(Math.min(Math.max(size - length + 1, 4096), 1024 * 1024)),
    add(chunk: Buffer): void {
      length += chunk.length;
      if (length > limit) {
        throw new UnsuitableFile('EFBIG', `it is larger than ${Math.floor(limit / 1024 / 1024)} MiB`);
      }
      chunks.push(chunk);
    },
    isEmpty: (): boolean => length === 0,
    content: (): Buffer => Buffer.concat(chunks),
  };
}

function assertRegular(stats: Stats): void {
  // The system's own error says it of a directory.
  if (stats.isFile() || stats.isDirectory()) return;
  throw new UnsuitableFile('ENOTFILE', 'it is a device, a pipe or a socket, not a file');
}

/**
 * Reads a regular file whole, never more than `limit` bytes of it. A device without an end or a pipe that nobody writes to
 * is refused at once.
 * @throws UnsuitableFile, or the system's error; EISDIR for a directory
 */
export async function readRegularFile(path: string, limit = MAX_FILE_BYTES): Promise<Buffer> {
  return readWhole(path, { limit, patience: 0 }, assertRegular);
}

/** As {@link readRegularFile}, for readers that cannot wait. */
export function readRegularFileSync(path: string, limit = MAX_FILE_BYTES): Buffer {
  const file = openSync(path, FLAGS);
  try {
    const stats = fstatSync(file);
    assertRegular(stats);
    if (stats.isDirectory()) return readFileSync(file);
    const collected = collector(limit);
    for (;;) {
      const chunk = collected.next(stats.size);
      const length = readSync(file, chunk, 0, chunk.length, null);
      if (length === 0) return collected.content();
      collected.add(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a file, a pipe (`/dev/stdin`, the `<(…)` of a shell) or a device to its end, never more than `limit` bytes. A
 * pipe that has a writer is waited for as long as it has one.
 * @throws UnsuitableFile also for a pipe that nobody has written to for some seconds, or the system's error
 */
export async function readFileOrStream(
  path: string,
  { limit = MAX_FILE_BYTES, patience = PATIENCE_MS }: { limit?: number; patience?: number } = {},
): Promise<Buffer> {
  return readWhole(path, { limit, patience });
}

async function readWhole(
  path: string,
  { limit, patience }: { limit: number; patience: number },
  assertSuitable?: (stats: Stats) => void,
): Promise<Buffer> {
  const file = await open(path, FLAGS);
  try {
    const stats = await file.stat();
    assertSuitable?.(stats);
    if (stats.isDirectory()) return await file.readFile();
    const isPipe = stats.isFIFO();
    const collected = collector(limit);
    let pause = 1;
    let deadline = performance.now() + patience;
    for (;;) {
      const chunk = collected.next(isPipe ? 65_536 : stats.size);
      const length = await file.read(chunk, 0, chunk.length, null).then(
        ({ bytesRead }) => bytesRead,
        (error: unknown) => {
          // A writer is there, and has written nothing yet.
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
          throw error;
        },
      );
      if (length !== undefined && length > 0) {
        collected.add(chunk.subarray(0, length));
        pause = 1;
        continue;
      }
      if (length === undefined) deadline = performance.now() + patience;
      else if (!isPipe || !collected.isEmpty()) return collected.content();
      else if (performance.now() >= deadline) {
        throw new UnsuitableFile('ENOWRITER', 'it is a pipe, and nothing has been written to it');
      }
      await delay(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  } finally {
    await file.close();
  }
}
