/** Hosts that follow a published list, through a rotation under traffic; follow.full.test.ts has twenty of them. */
import { expect, test } from '@jest/globals';
import { isInstalled } from '../support/real-server.js';
import { rotateFleet } from '../support/follow-fleet.js';

const hasServers = (['nginx', 'haproxy'] as const).every(isInstalled);

// In CI both servers are installed, and a skip fails the run.
(hasServers ? test : test.skip)(
  'no request fails while hosts are killed and added during a rotation',
  async () => {
    const { failed, exitCode, output, left, requests } = await rotateFleet(2);
    expect({ failed, exitCode, output: exitCode === 0 ? '' : output }).toEqual({
      failed: [],
      exitCode: 0,
      output: '',
    });
    expect(requests).toBeGreaterThan(50);
    expect(output).toContain('wait until the hosts report the change');
    expect(left).toEqual({
      listVersion: 3,
      reports: 2,
      fingerprints: [expect.stringMatching(/^[0-9A-F:]{95}$/)],
    });
  },
);
