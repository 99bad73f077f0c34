import type { RestApi, V2Api, World } from './model.js';

/** All worlds. An account in one Region sees nothing of any other. */
export interface Store {
  world(account: string, region: string): World;
  worlds(): readonly World[];
  /** An API by its id alone, as the unsigned invoke URL names it: ids are unique over all worlds. */
  findApi(apiId: string): RestApi | undefined;
  findV2Api(apiId: string): V2Api | undefined;
}

const found = <T>(all: readonly (T | undefined)[]): T | undefined => all.find((each) => each !== undefined);

/** Whether an id is an API's already: REST, WebSocket and HTTP APIs share one space of ids. */
export const isApiId = (store: Pick<Store, 'findApi' | 'findV2Api'>, id: string): boolean =>
  store.findApi(id) !== undefined || store.findV2Api(id) !== undefined;

/** A world without anything in it. */
export const emptyWorld = (account: string, region: string): World => ({
  account,
  region,
  certificates: new Map(),
  acmCertificates: new Map(),
  authorities: new Map(),
  apis: new Map(),
  v2Apis: new Map(),
  stacks: new Map(),
  parameters: new Map(),
});

export function createStore(initial: readonly World[] = []): Store {
  const key = (account: string, region: string): string => `${account}/${region}`;
  const worlds = new Map(initial.map((world) => [key(world.account, world.region), world]));
  return {
    world(account, region) {
      let world = worlds.get(key(account, region));
      if (world === undefined) {
        world = emptyWorld(account, region);
        worlds.set(key(account, region), world);
      }
      return world;
    },
    worlds: () => [...worlds.values()],
    findApi: (apiId) => found([...worlds.values()].map(({ apis }) => apis.get(apiId))),
    findV2Api: (apiId) => found([...worlds.values()].map(({ v2Apis }) => v2Apis.get(apiId))),
  };
}
