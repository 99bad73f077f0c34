/** Between these a certificate can begin, and end a year later: X.509 knows the years up to 9999. */
export const EARLIEST = new Date('1970-01-01T00:00:00Z');
export const LATEST = new Date('9998-01-01T00:00:00Z');

/** The emulator's own time: starts where it is told to and runs on from there at the pace of the real one. */
export interface Clock {
  now(): Date;
  set(date: Date): void;
}

export function createClock(start?: Date): Clock {
  let offset = start === undefined ? 0 : start.getTime() - Date.now();
  return {
    now: () => new Date(Date.now() + offset),
    set: (date) => {
      offset = date.getTime() - Date.now();
    },
  };
}
