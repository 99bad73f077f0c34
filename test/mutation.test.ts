import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** An entry of the list of changes that have no effect. */
interface Entry {
  file: string;
  line: string;
  why: string;
}

test('what is listed as a change without effect is still written where the list says', () => {
  const list = JSON.parse(readFileSync(join(root, 'scripts/mutation/equivalent.json'), 'utf8')) as Entry[];
  const stale = list.filter(({ file, line }) => {
    const path = join(root, file);
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(line);
  });
  expect(stale).toEqual([]);
  expect(list.filter(({ why }) => why === '')).toEqual([]);
});
