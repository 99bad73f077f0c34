/**
 * The worlds in a directory: a snapshot (`state.json`) and beside it the changes since (`changes-N.jsonl`, a line each).
 * The snapshot names the file of its own changes, so that a kill between the two writes leaves no changes that belong to
 * an older one. What a kill left of a last line was never answered, and is dropped.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { types } from 'node:util';
import { AppError } from '../platform/errors.js';
import { replaceAtomically } from '../platform/replace-atomically.js';
import type { World } from './model.js';
import { emptyWorld } from './store.js';

const FORMAT = 2;
/** A snapshot alone, from before there were changes beside it. */
const FORMAT_WITHOUT_CHANGES = 1;
const FILE = 'state.json';
const CHANGES = /^changes-\d+\.jsonl$/;
/** Changes may grow to the snapshot's size before another is written, and to this at least. Octets. */
const LEAST_CHANGES = 1_048_576;

/** Keeps the worlds in a directory. */
export interface Persistence {
  load(): World[];
  /**
   * Resolves when what an operation changed in a world is on the disk.
   * @param named what its path names: of what a world holds, an operation changes that alone, beside what it makes and
   * deletes
   */
  save(world: World, named: Iterable<string>): Promise<void>;
  /** Resolves when all that the worlds hold is in `state.json` alone. */
  close(): Promise<void>;
}

export const noPersistence: Persistence = {
  load: () => [],
  save: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** JSON has no Map: one is written as an object with a single key that no member of the model has. */
const MAP = '$map';

function replacer(_key: string, value: unknown): unknown {
  return types.isMap(value) ? { [MAP]: [...value] } : value;
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(MAP in value)) return value;
  return new Map(value[MAP] as [unknown, unknown][]);
}

/** A world as it was written before there were apigatewayv2 and ACM. */
const completed = (world: Pick<World, 'account' | 'region'> & Partial<World>): World => ({
  ...emptyWorld(world.account, world.region),
  ...world,
});

/** What a world holds: an API with its stages is one thing, a certificate another. */
const KINDS = [
  'certificates',
  'acmCertificates',
  'authorities',
  'apis',
  'v2Apis',
  'stacks',
  'parameters',
] as const;
type Kind = (typeof KINDS)[number];

/** A thing as it is now; deleted where it has no value. */
interface Change {
  kind: Kind;
  id: string;
  value?: unknown;
}

/** What one operation changed. */
interface Line extends Pick<World, 'account' | 'region'> {
  changes: Change[];
}

interface Snapshot {
  format: number;
  /** The number of its file of changes. */
  changes?: number;
  worlds: World[];
}

const changesFile = (number: number): string => `changes-${number}.jsonl`;

function replay(worlds: World[], { account, region, changes }: Line): void {
  let world = worlds.find((each) => each.account === account && each.region === region);
  if (world === undefined) {
    world = emptyWorld(account, region);
    worlds.push(world);
  }
  for (const { kind, id, value } of changes) {
    const things = world[kind] as Map<string, unknown>;
    if (value === undefined) things.delete(id);
    else things.set(id, value);
  }
}

/** The ids of what a world held when its changes were last noted. */
type Known = Record<Kind, Set<string>>;

const idsOf = (world: World): Known =>
  Object.fromEntries(KINDS.map((kind) => [kind, new Set(world[kind].keys())])) as Known;

function changesOf(world: World, known: Known, named: ReadonlySet<string>): Change[] {
  return KINDS.flatMap((kind) => {
    const things: ReadonlyMap<string, unknown> = world[kind];
    const changes: Change[] = [...known[kind]].filter((id) => !things.has(id)).map((id) => ({ kind, id }));
    for (const [id, value] of things)
      if (named.has(id) || !known[kind].has(id)) changes.push({ kind, id, value });
    return changes;
  });
}

/**
 * Keeps the worlds in a directory, all readable by their owner alone, since the files hold the private keys. A snapshot is
 * written atomically; changes that come while one is written are put together.
 * @param worlds all there are, for a snapshot
 * @throws AppError `FileNotWritable`
 */
export function createPersistence(dataDir: string, worlds: () => readonly World[]): Persistence {
  const file = join(dataDir, FILE);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (existsSync(file)) chmodSync(file, 0o600);
  } catch (cause) {
    throw new AppError('FileNotWritable', `cannot store the emulator's state in ${dataDir}`, { cause });
  }
  const known = new Map<World, Known>();
  let number = 0;
  let snapshotSize = 0;
  let changesSize = 0;
  /** Whether a snapshot has to come first: nothing may be added to changes whose last line is torn. */
  let isSnapshotDue = true;
  let lines: string[] = [];
  let last: Promise<void> = Promise.resolve();
  /** A write that has not begun, and so will hold whatever changes meanwhile. */
  let waiting: Promise<void> | undefined;

  async function writeSnapshot(): Promise<void> {
    isSnapshotDue = true;
    const next = number + 1;
    rmSync(join(dataDir, changesFile(next)), { force: true });
    const text = `${JSON.stringify({ format: FORMAT, changes: next, worlds: worlds() }, replacer)}\n`;
    lines = [];
    await replaceAtomically(existsSync(file) ? realpathSync(file) : file, text, { newFileMode: 0o600 });
    number = next;
    isSnapshotDue = false;
    snapshotSize = text.length;
    changesSize = 0;
    for (const name of readdirSync(dataDir))
      if (CHANGES.test(name)) rmSync(join(dataDir, name), { force: true });
  }

  async function writeChanges(): Promise<void> {
    const text = lines.join('');
    lines = [];
    if (text === '') return;
    isSnapshotDue = true;
    const handle = await open(join(dataDir, changesFile(number)), 'a', 0o600);
    try {
      await handle.appendFile(text);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    changesSize += text.length;
    isSnapshotDue = changesSize > Math.max(snapshotSize, LEAST_CHANGES);
  }

  function write(how: () => Promise<void>): Promise<void> {
    waiting ??= last
      .catch(() => undefined)
      .then(() => {
        waiting = undefined;
        return how();
      });
    last = waiting;
    return waiting;
  }

  return {
    load() {
      if (!existsSync(file)) return [];
      try {
        const state = JSON.parse(readFileSync(file, 'utf8'), reviver) as Snapshot;
        if (state.format !== FORMAT && state.format !== FORMAT_WITHOUT_CHANGES)
          throw new Error(`format ${state.format}`);
        number = state.changes ?? 0;
        const loaded = state.worlds.map(completed);
        const changes = join(dataDir, changesFile(number));
        const text = state.format === FORMAT && existsSync(changes) ? readFileSync(changes, 'utf8') : '';
        const answered = text.slice(0, text.lastIndexOf('\n') + 1);
        for (const line of answered.split('\n').slice(0, -1))
          replay(loaded, JSON.parse(line, reviver) as Line);
        isSnapshotDue = state.format !== FORMAT || answered !== text;
        snapshotSize = statSync(file).size;
        changesSize = text.length;
        for (const world of loaded) known.set(world, idsOf(world));
        return loaded;
      } catch (cause) {
        throw new AppError('FileNotReadable', `${file} is not a state file of this emulator`, {
          cause,
          hint: 'Specify another directory, or move the file away to start over.',
        });
      }
    },
    save(world, named) {
      const before = known.get(world) ?? idsOf(emptyWorld(world.account, world.region));
      const changes = changesOf(world, before, new Set(named));
      known.set(world, idsOf(world));
      const { account, region } = world;
      if (changes.length > 0)
        lines.push(`${JSON.stringify({ account, region, changes } satisfies Line, replacer)}\n`);
      return write(() => (isSnapshotDue ? writeSnapshot() : writeChanges()));
    },
    close: async () => {
      await last.catch(() => undefined);
      await write(writeSnapshot);
    },
  };
}
