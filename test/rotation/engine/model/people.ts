import fc from 'fast-check';
import type { Scene } from './scene.js';

const EDITS = [
  'attachForeign',
  'attachOld',
  'attachNew',
  'detach',
  'deleteNew',
  'deleteOld',
  'emptyFile',
  'removeStage',
] as const;

/** What somebody does, so many milliseconds after the start; the stage is the one of that number. */
export interface Edit {
  at: number;
  what: (typeof EDITS)[number];
  stage: number;
}

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    at: fc.oneof(fc.nat(5_000), fc.nat(150_000)),
    what: fc.constantFrom(...EDITS),
    stage: fc.nat(3),
  }),
  { minLength: 1, maxLength: 4 },
);

/** At that time people attach what the backend accepts, and delete what no host presents. What they break, they break themselves. */
export function happens(the: Scene, { at, what, stage }: Edit): void {
  the.world.time.after(at, () => {
    edit(the, what, stage);
  });
}

function edit({ world, oldId, foreignId }: Scene, what: Edit['what'], stage: number): void {
  const names = [...world.account().stages.keys()];
  const name = names[stage % names.length];
  if (name === undefined) return;
  const newest = [...world.makers].findLast(([, maker]) => 'abc'.includes(maker))?.[0];
  const attach = (id: string | undefined): void => {
    if (id !== undefined && world.exists(id) && world.acceptedBehind(name, id))
      world.attach('somebody', name, id);
  };
  const remove = (id: string | undefined): void => {
    if (id === undefined || !world.exists(id)) return;
    if (names.some((one) => world.presented(one).includes(id))) return;
    world.delete('somebody', id);
  };
  switch (what) {
    case 'attachForeign':
      attach(foreignId);
      return;
    case 'attachOld':
      attach(oldId);
      return;
    case 'attachNew':
      attach(newest);
      return;
    case 'detach':
      world.attach('somebody', name, undefined);
      return;
    case 'deleteNew':
      remove(newest);
      return;
    case 'deleteOld':
      remove(oldId);
      return;
    case 'emptyFile':
      world.empty('file');
      return;
    case 'removeStage':
      if (names.length > 1) world.removeStage(name);
  }
}
