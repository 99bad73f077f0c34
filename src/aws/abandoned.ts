let some = false;

/** Notes that something is under way (a process that gives credentials, a connection) that nobody waits for any more. */
export function abandon(): void {
  some = true;
}

/** Whether the program has to be ended when its work is done, since what was abandoned would keep it alive. */
export function hasAbandoned(): boolean {
  return some;
}
