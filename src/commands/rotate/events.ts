import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { RotationEvent } from '../../rotation/rules/event.js';
import { AppError } from '../../platform/errors.js';

export interface EventLog {
  write(event: RotationEvent): void;
  close(): void;
}

/**
 * Opens what `--events` names, a file or `-` for stdout, before anything is done. Later failures (a full disk, a
 * reader that went away) are told once and disturb nothing: a rotation is not to fail for its report.
 * @throws AppError `Usage` when the file cannot be written
 */
export function openEvents(target: string | undefined, warn: (text: string) => void): EventLog {
  if (target === undefined) return { write: () => undefined, close: () => undefined };
  let failed = false;
  const failure = (error: unknown): void => {
    if (!failed) warn(`events are no longer written to ${target}: ${String(error)}`);
    failed = true;
  };
  if (target === '-') {
    // Elsewhere the end of the reader ends the process; here the work goes on without it.
    process.stdout.removeAllListeners('error').on('error', failure);
    return {
      write(event) {
        if (!failed) process.stdout.write(`${JSON.stringify(event)}\n`);
      },
      close: () => undefined,
    };
  }
  const file = open(target);
  return {
    write(event) {
      if (failed) return;
      try {
        writeSync(file, `${JSON.stringify(event)}\n`);
      } catch (error) {
        failure(error);
      }
    },
    close() {
      closeSync(file);
    },
  };
}

function open(file: string): number {
  try {
    // A pipe that nobody reads, or that is full, must not hold the rotation up.
    const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
    return openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
  } catch (cause) {
    throw new AppError('Usage', `--events: ${file} cannot be written`, {
      hint: 'check the folder and its permissions, and that a pipe has a reader; - means stdout',
      cause,
    });
  }
}
