import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../platform/read-regular-file.js';
import type { OpenContext } from './kinds/kind.js';

const MAX_BYTES = 1024 * 1024;

/** A server that reads a file as a CA bundle, and the line that says so. */
export interface KnownReader {
  kind: string;
  configuration: string;
  line: number;
}

const readText = (path: string): Promise<string> =>
  readRegularFile(path, MAX_BYTES).then(
    (bytes) => bytes.toString('latin1'),
    () => '',
  );

async function texts(folder: string): Promise<{ path: string; text: string }[]> {
  // What cannot be read says nothing: this look is a help, and the proof before the switch is the guard.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(files.map(async (path) => ({ path, text: await readText(path) })));
  return read;
}

/**
 * Looks for a server on this host that reads `file` as an OpenSSL CA bundle.
 * @param root the root of the file system, for tests
 */
export async function knownReader(
  file: string,
  readers: OpenContext['caBundleReaders'],
  root = '/',
): Promise<KnownReader | undefined> {
  const places = readers.flatMap(({ kind, folders, directive }) =>
    folders.map((folder) => ({ kind, folder, directive })),
  );
  for (const { kind, folder, directive } of places) {
    for (const { path, text } of await texts(join(root, folder))) {
      if (!text.includes(file)) continue;
      const line = text.split('\n').findIndex((candidate) => {
        const [code = ''] = candidate.split('#');
        const words = code.split(/[\s"'=;]+/);
        return directive.test(code) && words.includes(file);
      });
      if (line !== -1) return { kind, configuration: path, line: line + 1 };
    }
  }
  return undefined;
}
