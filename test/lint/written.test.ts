/** Configurations as people write them: what the real server does with seven callers, and what lint says of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isInstalled } from '../support/real-server.js';
import { type Lab, openLab } from './lab/run.js';
import { measure, type Written } from './lab/written.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'lint', 'written');

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => {
  lab.close();
});

const PREFIXES: Readonly<Record<Written, string>> = { nginx: 'ng-', haproxy: 'ha-', apache: 'ap-' };

/** `# truth: open` and `# lint: open` of a file. */
function expected(path: string, key: 'truth' | 'lint'): string {
  return new RegExp(`^# ${key}: (\\w+)`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? '';
}

describe.each(['nginx', 'haproxy', 'apache'] as const)('%s', (kind) => {
  const names = readdirSync(folder).filter((name) => name.startsWith(PREFIXES[kind]));
  (isInstalled(kind) ? test : test.skip).each(names)('%s', async (name) => {
    const path = join(folder, name);
    const { truth, admitted, report } = await measure(kind, path, lab);
    if (process.env['APIGW_CERT_LINT_SAY'] !== undefined) {
      process.stderr.write(
        `${name}: truth ${truth}, lint ${report.verdict ?? ''}\n  admitted: ${admitted.join(', ')}\n${report.listeners
          .map(
            (each) =>
              `  ${each.listener}: ${each.verdict} ${each.reason ?? ''} ${each.witness?.caller ?? ''} ${each.witness?.request ?? ''}\n`,
          )
          .join('')}`,
      );
    }
    expect({ truth, lint: report.verdict, admitted }).toMatchObject({
      truth: expected(path, 'truth'),
      lint: expected(path, 'lint'),
    });
  });
});
