/** One run that kills or stops itself, as by a signal from outside, at a point of a step. argv: a JSON object. */
import { AppError } from '../../src/platform/errors.js';
import type { RotationStep } from '../../src/rotation/rules/record.js';
import { openFileJournal } from '../../src/rotation/journal/file-journal.js';
import { runRotation, trapped, type Mode, type Point, type World } from './world.js';

export interface Order {
  world: World;
  mode: Mode;
  step: RotationStep;
  point: Point;
  /** With SIGSTOP it says `stopped` on stdout, and goes on with SIGCONT. */
  signal: 'SIGKILL' | 'SIGSTOP';
}

const { world, mode, step, point, signal } = JSON.parse(process.argv[2] ?? '') as Order;
const journal = trapped(openFileJournal(world.journalDirectory), { step, point }, async () => {
  await new Promise<void>((resolve) => {
    process.stdout.write('stopped\n', () => {
      resolve();
    });
  });
  process.kill(process.pid, signal);
  // A signal to oneself is there before the next turn; SIGKILL has no next turn.
  await new Promise((resolve) => setImmediate(resolve));
});
try {
  await runRotation(world, mode, journal);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(error.code);
}
