import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { execa } from 'execa';

const units = join(dirname(fileURLToPath(import.meta.url)), '..', 'systemd');
const hasSystemd = existsSync('/usr/bin/systemd-analyze');

// In CI systemd is installed, and a skip fails the run.
(hasSystemd ? test : test.skip).each([
  'apigw-cert@.service',
  'apigw-cert@.timer',
  'apigw-cert-follow@.service',
])('systemd finds no fault in %s', async (name) => {
  const { all, exitCode } = await execa('systemd-analyze', ['verify', '--man=no', join(units, name)], {
    all: true,
    reject: false,
    env: { SYSTEMD_UNIT_PATH: `${units}:` },
  });
  expect({ all, exitCode }).toEqual({ all: '', exitCode: 0 });
});

(hasSystemd ? test : test.skip)('the timer names times that there are', () => {
  expect(() => execFileSync('systemd-analyze', ['calendar', 'hourly'])).not.toThrow();
});
