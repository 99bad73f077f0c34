import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { BINARY } from '../support/cli.js';
import { rotateCli, rotateWords, stateOf } from '../support/rotate-cli.js';
import { startRotationLab, startTraffic } from '../support/rotation.js';

/** Runs with files limited to that many KiB: for the journal, which grows, it is as if its disk were full. */
async function withLimit(kib: number, words: readonly string[], env: Record<string, string>) {
  const child = spawn(
    'bash',
    ['-c', `ulimit -f ${kib}; trap "" XFSZ; exec "$@"`, 'bash', process.execPath, BINARY, ...words],
    { env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

test.each([2, 4, 5])(
  'a disk that is full at %i KiB of journal stops a rotation where nothing is lost, and a later run ends it',
  async (kib) => {
    const lab = await startRotationLab({ propagationDelayMs: 200 });
    const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
    try {
      const { code, stderr } = await withLimit(kib, rotateWords(lab), lab.env);
      expect(stderr).toMatch(/error: .*\.jsonl cannot be written \((EFBIG|ENOSPC)\)/);
      expect(code).toBe(1);
      expect((await rotateCli(lab)).code).toBe(0);
      const { failed } = await traffic.stop();
      expect(failed).toEqual([]);
      const { certificates, presented, trusted } = await stateOf(lab);
      expect({ certificates, trusted }).toEqual({ certificates: [presented], trusted: [presented] });
      expect(presented).not.toBe(lab.oldId);
    } finally {
      await traffic.stop();
      await lab.close();
    }
  },
);
