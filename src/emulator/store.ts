import type { RestApi, World } from './model.js';

/** All worlds. An account in one Region sees nothing of any other. */
export interface Store {
  world(account: string, region: string): World;
  worlds(): readonly World[];
  /** An API by its id alone, as the unsigned invoke URL names it: ids are unique over all worlds. */
  findApi(apiId: string): { world: World; api: RestApi } | undefined;
}

export function createStore(initial: readonly World[] = []): Store {
  const key = (account: string, region: string): string => `${account}/${region}`;
  const worlds = new Map(initial.map((world) => [key(world.account, world.region), world]));
  return {
    world(account, region) {
      let world = worlds.get(key(account, region));
      if (world === undefined) {
        world = { account, region, certificates: new Map(), apis: new Map() };
        worlds.set(key(account, region), world);
      }
      return world;
    },
    worlds: () => [...worlds.values()],
    findApi(apiId) {
      for (const world of worlds.values()) {
        const api = world.apis.get(apiId);
        if (api !== undefined) return { world, api };
      }
      return undefined;
    },
  };
}
