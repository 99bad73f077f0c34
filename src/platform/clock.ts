/**
 * A clock that only goes on: the wall clock's time of when it was made, and what has passed since by a clock that nobody
 * sets. A jump of the machine's clock must not end a wait within a run.
 * @param wall milliseconds since the epoch
 * @param monotonic milliseconds since anything
 */
export function steadyClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => Date {
  const offset = wall() - monotonic();
  return () => new Date(offset + monotonic());
}
