import { expect, test } from '@jest/globals';
import { steadyClock } from '../../src/platform/clock.js';

function clocks(): {
  clock: ReturnType<typeof steadyClock>;
  pass: (ms: number) => void;
  jump: (ms: number) => void;
} {
  let wall = Date.parse('2026-11-28T12:00:00Z');
  let passed = 500;
  return {
    clock: steadyClock(
      () => wall,
      () => passed,
    ),
    pass: (ms) => {
      passed += ms;
      wall += ms;
    },
    jump: (ms) => {
      wall += ms;
    },
  };
}

test('goes on with what has passed, whatever the machine says that time it is', () => {
  const { clock, pass, jump } = clocks();
  expect(clock.now()).toEqual(new Date('2026-11-28T12:00:00Z'));
  pass(60_000);
  jump(3_600_000);
  expect(clock.now()).toEqual(new Date('2026-11-28T12:01:00Z'));
  jump(-7_200_000);
  pass(1_000);
  expect(clock.now()).toEqual(new Date('2026-11-28T12:01:01Z'));
});

test('is set once by a server that is far from it', () => {
  const { clock, pass } = clocks();
  clock.correct(new Date('2026-11-28T10:59:58Z'));
  expect(clock.now()).toEqual(new Date('2026-11-28T10:59:58Z'));
  pass(1_000);
  clock.correct(new Date('2026-11-28T15:00:00Z'));
  expect(clock.now()).toEqual(new Date('2026-11-28T10:59:59Z'));
});

test('is not moved by the whole seconds of an HTTP date', () => {
  const { clock } = clocks();
  clock.correct(new Date('2026-11-28T11:59:57Z'));
  expect(clock.now()).toEqual(new Date('2026-11-28T12:00:00Z'));
});

test.each([-3_600_000, 3_600_000])(
  'is right already where the machine’s clock jumped by %i ms between its making and the first answer',
  (ms) => {
    const { clock, pass, jump } = clocks();
    pass(1_000);
    jump(ms);
    clock.correct(new Date('2026-11-28T12:00:01Z'));
    expect(clock.now()).toEqual(new Date('2026-11-28T12:00:01Z'));
  },
);
