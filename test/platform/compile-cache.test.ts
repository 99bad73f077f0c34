import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { useCompileCache } from '../../src/platform/compile-cache.js';

let home: string;
let env: NodeJS.ProcessEnv;
let used: string[];
const keep = (directory: string): unknown => used.push(directory);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'apigw-cert-compile-cache-'));
  env = { XDG_CACHE_HOME: home };
  used = [];
});

afterEach(() => {
  rmSync(home, { recursive: true });
});

const of = (version: string): string => join(home, 'apigw-cert', 'compile', version);

test('is in a directory of this user alone, and that of another version goes when one is made', () => {
  useCompileCache('1.0.0', env, keep);
  expect(used).toEqual([of('1.0.0')]);
  expect(statSync(of('1.0.0')).mode & 0o777).toBe(0o700);
  writeFileSync(join(of('1.0.0'), 'code'), '');
  useCompileCache('1.0.0', env, keep);
  expect(existsSync(join(of('1.0.0'), 'code'))).toBe(true);
  useCompileCache('1.1.0', env, keep);
  expect(used).toEqual([of('1.0.0'), of('1.0.0'), of('1.1.0')]);
  expect(existsSync(of('1.0.0'))).toBe(false);
});

test('is not used where the user has no home, which is no failure', () => {
  const noHome = {
    get XDG_CACHE_HOME(): string {
      // As homedir() throws for a user ID without an entry, and without HOME.
      throw new Error('uv_os_homedir returned ENOENT');
    },
  };
  expect(() => {
    useCompileCache('1.0.0', noHome, keep);
  }).not.toThrow();
  expect(used).toEqual([]);
});

test.each<[string, () => void]>([
  [
    'others may write to',
    () => {
      mkdirSync(of('1.0.0'), { recursive: true });
      chmodSync(of('1.0.0'), 0o770);
    },
  ],
  [
    'is a link to somewhere else',
    () => {
      mkdirSync(join(of('1.0.0'), '..'), { recursive: true });
      symlinkSync(home, of('1.0.0'));
    },
  ],
  [
    'is a file',
    () => {
      writeFileSync(join(home, 'apigw-cert'), '');
    },
  ],
  // mkdir of Node, recursive, would try for ever there.
  ['cannot be made', () => (env = { XDG_CACHE_HOME: '/proc/apigw-cert-test' })],
])('is left alone where it %s', (_, prepare) => {
  prepare();
  useCompileCache('1.0.0', env, keep);
  expect(used).toEqual([]);
});

test.each(['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'])(
  'is left to the user who has set %s',
  (name) => {
    useCompileCache('1.0.0', { ...env, [name]: '1' }, keep);
    expect(used).toEqual([]);
    expect(existsSync(join(home, 'apigw-cert'))).toBe(false);
  },
);
