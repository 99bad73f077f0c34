/** The emulator's own time: starts where it is told to and runs on from there at the pace of the real one. */
export interface Clock {
  now(): Date;
  set(date: Date): void;
  /** Milliseconds; may be negative. */
  advance(ms: number): void;
}

export function createClock(start?: Date): Clock {
  let offset = start === undefined ? 0 : start.getTime() - Date.now();
  return {
    now: () => new Date(Date.now() + offset),
    set: (date) => {
      offset = date.getTime() - Date.now();
    },
    advance: (ms) => {
      offset += ms;
    },
  };
}
