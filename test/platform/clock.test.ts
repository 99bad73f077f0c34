import { expect, test } from '@jest/globals';
import { steadyClock } from '../../src/platform/clock.js';

test('goes on with what has passed, whatever the machine says that time it is', () => {
  let wall = Date.parse('2026-11-28T12:00:00Z');
  let passed = 500;
  const clock = steadyClock(
    () => wall,
    () => passed,
  );
  expect(clock()).toEqual(new Date('2026-11-28T12:00:00Z'));
  passed += 60_000;
  wall += 3_600_000;
  expect(clock()).toEqual(new Date('2026-11-28T12:01:00Z'));
  wall -= 7_200_000;
  passed += 1_000;
  expect(clock()).toEqual(new Date('2026-11-28T12:01:01Z'));
});
