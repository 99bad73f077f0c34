/** Twenty hosts that follow a published list, through a rotation under traffic. Prints what docs/follow.md states. */
import { expect, test } from '@jest/globals';
import { rotateFleet } from '../support/follow-fleet.js';

test('a host whose follower is gone keeps the stages where they are', async () => {
  const { output, failed, exitCode, requests, left } = await rotateFleet(20, { isLost: true });
  process.stderr.write(`${JSON.stringify({ exitCode, requests, failed })}\n`);
  expect({ exitCode, failed }).toEqual({ exitCode: 75, failed: [] });
  expect(output).toMatch(/19 of 20 hosts in \S+ report it; not web-1/);
  // Both are trusted, and nothing was taken away.
  expect(left).toMatchObject({ listVersion: 2, reports: 20 });
});

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
