import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import { AppError } from '../core/errors.js';
import type { V2Api, World } from './model.js';

const FORMAT = 1;
const FILE = 'state.json';

/** Keeps the worlds in a directory. */
export interface Persistence {
  load(): World[];
  /** Resolves when all that the worlds held at the time of the call is in the file. */
  save(worlds: () => readonly World[]): Promise<void>;
}

/** JSON has no Map: one is written as an object with a single key that no member of the model has. */
const MAP = '$map';

function replacer(_key: string, value: unknown): unknown {
  return types.isMap(value) ? { [MAP]: [...value] } : value;
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(MAP in value)) return value;
  return new Map(value[MAP] as [unknown, unknown][]);
}

/** A world as it was written before there was apigatewayv2. */
function completed(world: Omit<World, 'v2Apis'> & Partial<World>): World {
  return { ...world, v2Apis: world.v2Apis ?? new Map<string, V2Api>() };
}

export const noPersistence: Persistence = {
  load: () => [],
  save: () => Promise.resolve(),
};

/**
 * Keeps the worlds in `state.json` of a directory, both readable by their owner alone, since the file holds the
 * private keys. Every save is atomic; saves that come while one is written are put together into one.
 * @throws AppError `FileNotWritable`
 */
export function createPersistence(dataDir: string): Persistence {
  const file = join(dataDir, FILE);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (existsSync(file)) chmodSync(file, 0o600);
  } catch (cause) {
    throw new AppError('FileNotWritable', `cannot keep the emulator's state in ${dataDir}`, { cause });
  }
  let last: Promise<void> = Promise.resolve();
  /** A save that has not begun, and so will hold whatever changes meanwhile. */
  let waiting: Promise<void> | undefined;

  async function write(worlds: () => readonly World[]): Promise<void> {
    const text = JSON.stringify({ format: FORMAT, worlds: worlds() }, replacer);
    await writeFileAtomic(file, `${text}\n`, { mode: 0o600 });
  }

  return {
    load() {
      if (!existsSync(file)) return [];
      try {
        const state = JSON.parse(readFileSync(file, 'utf8'), reviver) as { format: number; worlds: World[] };
        if (state.format !== FORMAT) throw new Error(`format ${state.format}`);
        return state.worlds.map(completed);
      } catch (cause) {
        throw new AppError('FileNotReadable', `${file} is not a state of this emulator`, {
          cause,
          hint: 'Give another directory, or move the file away to begin anew.',
        });
      }
    },
    save(worlds) {
      waiting ??= last
        .catch(() => undefined)
        .then(() => {
          waiting = undefined;
          return write(worlds);
        });
      last = waiting;
      return waiting;
    },
  };
}
