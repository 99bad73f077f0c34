/** Twenty hosts that follow a published list, through a rotation under traffic. Prints what docs/follow.md states. */
import { expect, test } from '@jest/globals';
import { rotateFleet } from '../support/follow-fleet.js';

test('no request fails while hosts are killed and added during a rotation', async () => {
  const { output, ...figures } = await rotateFleet(20);
  process.stderr.write(`${JSON.stringify(figures)}\n`);
  const { failed, exitCode, left } = figures;
  expect({ failed, exitCode, output: exitCode === 0 ? '' : output }).toEqual({
    failed: [],
    exitCode: 0,
    output: '',
  });
  expect(left).toEqual({
    listVersion: 3,
    reports: 20,
    fingerprints: [expect.stringMatching(/^[0-9A-F:]{95}$/)],
  });
});
