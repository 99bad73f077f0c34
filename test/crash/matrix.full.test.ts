import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { CELLS } from './cells.js';
import { runMatrix } from './matrix.js';

const report = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'crash-matrix.json');

test('every cell converges, and no request fails', async () => {
  const started = performance.now();
  const { results, requests, failed } = await runMatrix(CELLS, 3);
  const passed = results.filter(({ wrong }) => wrong.length === 0).length;
  const seconds = Math.round((performance.now() - started) / 1000);
  await mkdir(dirname(report), { recursive: true });
  await writeFile(
    report,
    JSON.stringify(
      { cells: results.length, passed, requests, failed: failed.length, seconds, results },
      null,
      2,
    ),
  );
  expect(results.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  expect(results).toHaveLength(CELLS.length);
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(50_000);
}, 3_600_000);
