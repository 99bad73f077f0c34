import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a test run one temporary directory of its own, so that nothing of it stays, killed processes' files included. */
export default function scratch() {
  const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-tests-'));
  // Servers that drop root's rights read their files in it.
  chmodSync(directory, 0o755);
  process.env.TMPDIR = directory;
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
}
