/** Configurations whose truth was measured on real servers: the verdict has to be that. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { lintBackend } from '../../src/commands/backend/lint/run.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'lint');

/** `fine`: listed callers alone are admitted; `unknown`: not a configuration that can be judged. */
const VERDICTS: Readonly<Record<string, string>> = {
  fine: 'enforces',
  open: 'open',
  trap: 'trap',
  unknown: 'cannotTell',
};

const cases = readFileSync(join(folder, 'truth.tsv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t') as [file: string, truth: string, what: string]);

describe('what real servers did', () => {
  test.each(cases)('%s: %s', async (name, truth) => {
    const file = join(folder, name);
    const report = await lintBackend(
      { file, bytes: readFileSync(file), consumer: 'openssl-ca-bundle' },
      () => new Date('2026-11-28T12:00:00Z'),
    );
    expect({ file: name, verdict: report.verdict }).toEqual({ file: name, verdict: VERDICTS[truth] });
  });
});
