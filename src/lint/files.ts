/** The files around a configuration: found by the servers' own patterns, and read once. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import picomatch from 'picomatch';
import { readRegularFileSync, UnsuitableFile } from '../platform/read-regular-file.js';

/** What became of reading a file. */
export type Read = { bytes: Uint8Array } | { problem: string };

export interface Files {
  read(path: string): Read;
  /** The files and folders that a pattern of `*`, `?` and `[…]` means, sorted; names with a leading dot only if asked for. */
  glob(pattern: string): { paths: string[]; problem?: string };
  /** The files of a folder, sorted; `undefined` where it is no folder that can be read. */
  list(folder: string): string[] | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};

const reason = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return REASONS[code] ?? code;
};

function read(path: string): Read {
  try {
    return { bytes: readRegularFileSync(path) };
  } catch (error) {
    return { problem: error instanceof UnsuitableFile ? error.message : reason(error) };
  }
}

export const hasPattern = (path: string): boolean => /[*?[]/.test(path);

/** One part of a path by the patterns of fnmatch(3): no braces, no `**`. A leading dot is not special here. */
export const nameMatcher = (pattern: string): ((name: string) => boolean) =>
  picomatch(pattern, { nobrace: true, noext: true, noglobstar: true, nonegate: true, dot: true });

/** As glob(3) without flags: no braces, no `**`, a leading dot is matched by a dot alone. */
function glob(pattern: string): { paths: string[]; problem?: string } {
  const absolute = isAbsolute(pattern);
  let found = [absolute ? '/' : '.'];
  let problem: string | undefined;
  for (const part of pattern.split('/').filter((each) => each !== '')) {
    if (!hasPattern(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const matches = nameMatcher(part);
    found = found.flatMap((folder) => {
      try {
        return readdirSync(folder)
          .filter((name) => matches(name) && (!name.startsWith('.') || part.startsWith('.')))
          .sort()
          .map((name) => join(folder, name));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOENT' && code !== 'ENOTDIR') problem = `${folder}: ${reason(error)}`;
        return [];
      }
    });
  }
  const paths = found.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  return problem === undefined ? { paths } : { paths, problem };
}

function list(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return undefined;
  }
}

/** The files of this machine; each is read once. */
export function localFiles(): Files {
  const seen = new Map<string, Read>();
  return {
    read(path) {
      const key = normalize(path);
      const known = seen.get(key) ?? read(key);
      seen.set(key, known);
      return known;
    },
    glob,
    list,
  };
}

/** A path of a configuration, which starts at `folder` where it is not absolute. */
export const within = (folder: string, path: string): string =>
  isAbsolute(path) ? path : join(folder, path);

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export { dirname };
