import { describe, expect, test } from '@jest/globals';
import {
  ACM_CELLS,
  ACM_SAMPLE,
  ALL_CELLS,
  CELLS,
  FAULTS,
  impossible,
  SAMPLE,
  STEPS,
  cellName,
} from './cells.js';
import { runMatrix } from './matrix.js';
import { POINTS } from './world.js';

describe('the crash matrix', () => {
  test('is every step by every point by every fault, but for what cannot be', () => {
    expect(ALL_CELLS).toHaveLength(STEPS.length * POINTS.length * FAULTS.length);
    expect(ALL_CELLS.filter((cell) => impossible(cell) !== undefined).map(cellName)).toEqual(
      ['finish', 'undo', 'deleteNew', 'untrustNew'].flatMap((step) =>
        [
          'cutBefore',
          'cutAfter',
          'throttle',
          'error500',
          'timeout',
          'proxyRepeats',
          'proxyDelays',
          'proxyWithholds',
        ].map((fault) => `${step} × afterEffect × ${fault}`),
      ),
    );
    expect(CELLS).toHaveLength(748);
    expect(ACM_CELLS).toHaveLength(576);
  });

  test('its sample has every step, every fault and every point', () => {
    expect(SAMPLE.map(({ step }) => step)).toEqual(STEPS.map(([step]) => step));
    expect(new Set(SAMPLE.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
    expect(new Set(SAMPLE.map(({ point }) => point))).toEqual(new Set(POINTS));
  });

  test('the sample converges, and no request fails', async () => {
    const cells = [...SAMPLE, ...ACM_SAMPLE];
    const { results, requests, failed } = await runMatrix(cells, 3);
    expect(results.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    expect(results).toHaveLength(cells.length);
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(500);
    // Generous: a machine that is busy with other things is twenty times as slow.
  }, 3_600_000);
});
