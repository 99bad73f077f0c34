import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, so that another one can tell later whether it still runs. */
export interface ProcessIdentity {
  pid: number;
  /** When it began, in the kernel's own unit: a pid is given again, a pid with its start is not. Linux alone. */
  start?: string;
  /** For people. */
  host: string;
  /** Where the pid means anything: the boot of a kernel and the namespaces, or the host's name where neither is known. */
  scope: string;
}

/** `elsewhere`: on another host, or in another container, so that nobody here can tell. */
export type ProcessState = 'running' | 'stopped' | 'ended' | 'elsewhere';

function textOf(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}

/**
 * Two containers of one host can share a directory but not process ids, two hosts can have one name, and a host that
 * has booted anew has none of its processes left. Start times count from the time namespace's own beginning.
 */
function scopeOfThisProcess(): string {
  const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  if (boot === undefined) return hostname();
  const namespaces = ['pid', 'time'].map((name) => textOf(() => readlinkSync(`/proc/self/ns/${name}`)) ?? '');
  return [boot, ...namespaces].join(' ');
}

interface Stat {
  /** `T` is stopped by a signal, `t` by a debugger; `Z` and `X` have ended. */
  state: string;
  start: string;
}

/** proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted behind its end; 3 and 22. */
function statOf(pid: number | 'self'): Stat | undefined {
  const text = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields?.[0], fields?.[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  const start = statOf('self')?.start;
  return {
    pid: process.pid,
    ...(start === undefined ? {} : { start }),
    host: hostname(),
    scope: scopeOfThisProcess(),
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process exists too (EPERM).
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whether a process runs. In doubt it does. */
export function stateOf({ pid, start, scope }: ProcessIdentity): ProcessState {
  if (scope !== scopeOfThisProcess()) return 'elsewhere';
  if (!exists(pid)) return 'ended';
  const stat = statOf(pid);
  // Not on Linux, or /proc is mounted so that it hides others' processes.
  if (stat === undefined || start === undefined) return 'running';
  if (stat.start !== start || stat.state === 'Z' || stat.state === 'X') return 'ended';
  return stat.state.toUpperCase() === 'T' ? 'stopped' : 'running';
}
