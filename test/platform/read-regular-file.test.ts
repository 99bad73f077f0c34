import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readRegularFile } from '../../src/platform/read-regular-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-read-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([0, 1, 4095, 4096, 4097, 3_000_000])('%d bytes come whole', async (size) => {
  const file = join(folder, `of-${size}`);
  const content = Buffer.alloc(size, 'abcdefg');
  await writeFile(file, content);
  expect((await readRegularFile(file)).equals(content)).toBe(true);
});

test('a file of /proc, whose size is 0, comes whole', async () => {
  expect((await readRegularFile('/proc/self/status')).toString()).toMatch(
    /^Name:.*\nnonvoluntary_ctxt_switches:/s,
  );
});

test('the limit itself may be read, and no byte more', async () => {
  const file = join(folder, 'large');
  await writeFile(file, '');
  await truncate(file, 5000);
  expect(await readRegularFile(file, 5000)).toHaveLength(5000);
  await truncate(file, 5001);
  await expect(readRegularFile(file, 5000)).rejects.toMatchObject({ code: 'EFBIG' });
});

test('a device without an end and a pipe without a writer are refused at once', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(readRegularFile('/dev/zero')).rejects.toMatchObject({ code: 'ENOTFILE' });
  await expect(readRegularFile(pipe)).rejects.toMatchObject({ code: 'ENOTFILE' });
});

test('a directory and a file that is missing are the system’s errors', async () => {
  await expect(readRegularFile(folder)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(readRegularFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});
