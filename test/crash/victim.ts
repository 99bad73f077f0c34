/** One run that kills itself, as by SIGKILL from outside, at a point of a step. argv: a JSON object. */
import type { RotationStep } from '../../src/core/rotation/record.js';
import { openFileJournal } from '../../src/journal/file-journal.js';
import { runRotation, trapped, type Mode, type Point, type World } from './world.js';

export interface Order {
  world: World;
  mode: Mode;
  step: RotationStep;
  point: Point;
}

const { world, mode, step, point } = JSON.parse(process.argv[2] ?? '') as Order;
const journal = trapped(openFileJournal(world.journalDirectory), { step, point }, async () => {
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
});
try {
  await runRotation(world, mode, journal);
} catch (error) {
  process.stderr.write(String(error));
  process.exitCode = 1;
}
