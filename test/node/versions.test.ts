import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { nodeBinary } from '../support/node-binary.js';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The oldest that is supported, and the two that people run. What OpenSSL and Node do with certificates differs. */
const VERSIONS = ['20.19.0', '22', '24'];

const binaries: [version: string, path: string | undefined][] = [];
for (const version of VERSIONS) binaries.push([version, await nodeBinary(version)]);

/** Runs the tests beside this one on another Node; what the reporter counted, and everything printed. */
async function suite(node: string) {
  const jest = ['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')];
  const args = [...jest, 'test/node', '-w', '1', '--testPathIgnorePatterns', 'versions'];
  const { stdout, stderr } = await run(node, args, { cwd: root }).catch(
    (failure: unknown) => failure as { stdout: string; stderr: string },
  );
  const [, passed = NaN, failed = NaN] = /(\d+) passed, (\d+) failed/.exec(stdout)?.map(Number) ?? [];
  return { passed, failed, printed: stdout + stderr };
}

describe.each(binaries)('on Node %s', (version, node) => {
  // Only a developer's machine without a network may go without; where it counts, nothing is skipped.
  const runs = node === undefined && !process.env['CI'] ? test.skip : test;
  const because = node === undefined ? ` (npm could not fetch node@${version})` : '';
  runs(`all tests of apigw-cert/node pass${because}`, async () => {
    if (node === undefined) throw new Error(`npm could not fetch node@${version}`);
    expect((await run(node, ['--version'])).stdout).toMatch(
      new RegExp(`^v${version.replaceAll('.', '\\.')}\\b`),
    );
    const { passed, failed, printed } = await suite(node);
    if (failed !== 0) throw new Error(printed);
    expect(passed).toBeGreaterThan(70);
  });
});
