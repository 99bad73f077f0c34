import { randomUUID } from 'node:crypto';

/** The log that TestInvokeMethod answers: a line a step, in the service's style. */
export interface ExecutionLog {
  readonly requestId: string;
  add(line: string): void;
  text(): string;
}

/** `Thu Nov 26 09:30:00 UTC 2026` */
function timestamp(date: Date): string {
  const [, weekday, day, month, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? [];
  return [weekday, month, day, time, 'UTC', year].join(' ');
}

export function createExecutionLog(now: () => Date): ExecutionLog {
  const requestId = randomUUID();
  const lines = [`Execution log for request ${requestId}`];
  return {
    requestId,
    add(line) {
      lines.push(`${timestamp(now())} : ${line}`);
    },
    text: () => `${lines.join('\n')}\n`,
  };
}
