import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { ACM_CELLS, cellName, CELLS, STACK_CELLS } from './cells.js';
import { runMatrix } from './matrix.js';

const report = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'crash-matrix.json');

/** Some of them: `APIGW_CERT_CRASH_CELLS='switch × .* × proxy' npm run test:crash`. */
const only = new RegExp(process.env['APIGW_CERT_CRASH_CELLS'] ?? '');
const cells = [...CELLS, ...STACK_CELLS, ...ACM_CELLS].filter((cell) => only.test(cellName(cell)));

test('every cell converges, and no request fails', async () => {
  const started = performance.now();
  const { results, requests, failed } = await runMatrix(cells, 3);
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
  expect(results).toHaveLength(cells.length);
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(100 * cells.length);
}, 3_600_000);
