/**
 * The journal as files: one a rotation, JSON Lines, append-only, synced at every record. The part of a line that a
 * crash or a full disk left behind was never acknowledged, so readers ignore it and the next record replaces it.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, readdir, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../platform/errors.js';
import { byText } from '../../platform/order.js';
import type { RotationRecord } from '../rules/record.js';
import type { Journal, JournalEnd } from './journal.js';
import { assertRotationId, endIn, parseJson, readRecords, ROTATION_ID } from './read-records.js';
import {
  makePrivateDirectory,
  notWritable,
  stateDirectory,
  syncDirectory,
} from '../../platform/state-directory.js';

const SUFFIX = '.jsonl';
const NEWLINE = 0x0a;
/** So many files are looked at in a row. */
const AT_A_TIME = 32;
/** Of the end of a file, at first: an `ended` is much shorter. Octets. */
const TAIL = 1_024;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Not a rotation: the run that began to write was stopped before it had recorded, and so done, anything. */
function remains(file: string, size: number): AppError {
  const what = size === 0 ? 'it is empty' : 'its first record is incomplete';
  return new AppError('JournalBroken', `${file} is not a rotation journal: ${what}`, {
    hint: 'delete it; if a rotation is in progress, the next run finds it from the state of AWS and the backend',
    details: { file },
  });
}

/** Reads the acknowledged lines. @throws AppError `JournalBroken`, `JournalTooNew` */
function parseJournal(file: string, rotationId: string, content: string): Promise<RotationRecord[]> {
  const lines = content.slice(0, content.lastIndexOf('\n') + 1).split('\n');
  lines.pop();
  return readRecords(lines.map(parseJson), {
    rotationId,
    where: file,
    details: { file },
    hint: 'move the file away and run the same command again: the rotation is reconstructed from the state of AWS and the backend',
  });
}

/** The last line of a file that was acknowledged, and whether a part of another follows it. */
interface LastLine {
  text: string;
  isTorn: boolean;
}

/**
 * Reads the end of a file, as much of it as the last acknowledged line needs; nothing where there is none. Synchronous:
 * thousands of files are read so several times faster, and each is read in no time.
 */
function lastLine(file: string): LastLine | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    for (let length = Math.min(TAIL, size); size > 0; length = Math.min(8 * length, size)) {
      const buffer = Buffer.alloc(length);
      const isWhole = readSync(descriptor, buffer, 0, length, size - length) === length;
      const end = isWhole ? buffer.lastIndexOf(NEWLINE) : -1;
      const begin = end < 1 ? -1 : buffer.lastIndexOf(NEWLINE, end - 1);
      if (end >= 0 && (begin >= 0 || length === size))
        return { text: buffer.toString('utf8', begin + 1, end), isTorn: end < length - 1 };
      if (length === size) return undefined;
    }
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** The length up to and including the last newline: where the next line has to begin. */
async function acknowledgedLength(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  if (size === 0) return 0;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer[0] === NEWLINE) return size;
  return (await handle.readFile()).lastIndexOf(NEWLINE) + 1;
}

/** Opens the journal in `directory`, by default `rotations` in the user's state directory. Nothing is created yet. */
export function openFileJournal(directory: string = join(stateDirectory(), 'rotations')): Journal {
  /** @throws AppError `Usage` for an id that would leave the directory */
  function fileOf(rotationId: string): string {
    assertRotationId(rotationId);
    return join(directory, rotationId + SUFFIX);
  }

  /** A file's text, `undefined` where there is none. @throws AppError `FileNotReadable` */
  async function textOf(file: string): Promise<string | undefined> {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw new AppError('FileNotReadable', `the journal ${file} cannot be read`, {
        hint: 'run as the user who started the rotation',
        cause,
        details: { file },
      });
    }
  }

  /** The last line of a rotation's journal; nothing where there is none, or it cannot be read. */
  function lastLineOf(rotationId: string): LastLine | undefined {
    try {
      return lastLine(fileOf(rotationId));
    } catch {
      return undefined;
    }
  }

  function endOf(rotationId: string): JournalEnd {
    const ended = endIn(parseJson(lastLineOf(rotationId)?.text ?? ''));
    return ended ? { rotationId, ended } : { rotationId };
  }

  return {
    async open(rotationId) {
      const file = fileOf(rotationId);
      const content = await textOf(file);
      return content === undefined ? [] : parseJournal(file, rotationId, content);
    },

    isUnended(rotationId) {
      const line = lastLineOf(rotationId);
      const record = parseJson(line?.text ?? '') as { type?: unknown } | null | undefined;
      return Promise.resolve(typeof record?.type === 'string' && record.type !== 'ended');
    },

    async append(rotationId, record) {
      const file = fileOf(rotationId);
      try {
        await makePrivateDirectory(directory);
        const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
        try {
          const length = await acknowledgedLength(handle);
          if (length < (await handle.stat()).size) await handle.truncate(length);
          await handle.writeFile(`${JSON.stringify(record)}\n`);
          await handle.sync();
          if (length === 0) await syncDirectory(directory);
        } finally {
          await handle.close();
        }
      } catch (cause) {
        throw notWritable(file, cause);
      }
    },

    async ends() {
      let names: string[];
      try {
        names = await readdir(directory);
      } catch (cause) {
        if (isMissing(cause)) return [];
        throw new AppError('FileNotReadable', `the directory ${directory} cannot be read`, { cause });
      }
      const ids = names
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length))
        .filter((name) => ROTATION_ID.test(name))
        .sort(byText);
      const ends: JournalEnd[] = [];
      for (let i = 0; i < ids.length; i += AT_A_TIME) {
        ends.push(...ids.slice(i, i + AT_A_TIME).map(endOf));
        // On a slow disk the rest of the process must go on: the lease is kept alive by it.
        await setImmediate();
      }
      return ends;
    },

    async read(rotationId) {
      const file = fileOf(rotationId);
      try {
        const content = await textOf(file);
        if (content === undefined) return undefined;
        if (!content.includes('\n')) throw remains(file, content.length);
        return { rotationId, records: await parseJournal(file, rotationId, content) };
      } catch (error) {
        if (error instanceof AppError) return { rotationId, records: [], problem: error };
        throw error;
      }
    },

    async remove(rotationId) {
      const file = fileOf(rotationId);
      const line = lastLineOf(rotationId);
      if (line === undefined || line.isTorn || endIn(parseJson(line.text)) === undefined) return false;
      try {
        await unlink(file);
      } catch (cause) {
        if (!isMissing(cause)) throw notWritable(file, cause);
      }
      return true;
    },
  };
}
