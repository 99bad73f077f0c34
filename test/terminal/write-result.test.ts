import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import { createOutput } from '../../src/terminal/output.js';
import { writeResult } from '../../src/terminal/write-result.js';

test('a result in a file has no colours, whatever stdout is, and one line end at its end', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'apigw-cert-write-result-')), 'result.txt');
  const { red } = new Chalk({ level: 1 });
  const out = createOutput({ output: 'text', color: true });
  for (const text of [`status  ${red('expired')}`, `status  ${red('expired')}\n`]) {
    await writeResult(out, text, file);
    expect(readFileSync(file, 'utf8')).toBe('status  expired\n');
  }
});
