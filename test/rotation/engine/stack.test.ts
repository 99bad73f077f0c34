import { expect, test } from '@jest/globals';
import { newToken } from '../../../src/rotation/engine/stack.js';

test.each(['20261124T120000Z-0a1b2c3d', 'r_1', 'r'.repeat(128)])(
  'the tokens of two updates differ, and are what CloudFormation takes: rotation %s',
  (rotationId) => {
    const at = Date.UTC(2026, 10, 24, 12);
    const tokens = [at, at + 1].map((ms) => newToken({ rotationId, deps: { now: () => new Date(ms) } }).text);
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,127}$/);
  },
);
