import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AppError } from '../../src/platform/errors.js';
import {
  explainedAccounts,
  ORDER,
  resolve,
  resolveAccount,
  resolveAll,
  type Candidates,
  type FileAccounts,
} from '../../src/settings/resolve.js';

const layers = fc.uniqueArray(fc.constantFrom(...ORDER));

describe('one order', () => {
  test('of a setting the first layer that says anything counts, whatever the later ones say', () => {
    fc.assert(
      fc.property(layers, (present) => {
        const candidates: Candidates<string> = Object.fromEntries(
          present.map((layer) => [layer, `by ${layer}`]),
        );
        const first = ORDER.find((layer) => present.includes(layer));
        expect(resolve(candidates)).toEqual(first && { value: `by ${first}`, layer: first });
      }),
    );
  });

  test('a value that is false, zero or empty is said all the same', () => {
    for (const value of [false, 0, ''] as const)
      expect(resolve<unknown>({ flag: value, file: 'other' })).toEqual({ value, layer: 'flag' });
  });

  test('several settings at once are each decided as they are alone', () => {
    const values = fc.record({ soak: layers, settle: layers, force: layers });
    fc.assert(
      fc.property(values, (present) => {
        const keys = Object.keys(present) as (keyof typeof present)[];
        const said = Object.fromEntries(
          ORDER.map((layer) => [
            layer,
            Object.fromEntries(keys.filter((key) => present[key].includes(layer)).map((key) => [key, layer])),
          ]),
        ) as Parameters<typeof resolveAll<Record<keyof typeof present, string>>>[0];
        const { values: decided, origins } = resolveAll(said);
        for (const key of keys) {
          const alone = resolve(Object.fromEntries(present[key].map((layer) => [layer, layer])));
          expect(decided[key]).toBe(alone?.value);
          expect(origins[key]).toBe(alone?.layer);
        }
      }),
    );
  });
});

const REGIONS = ['eu-west-1', 'us-east-1'] as const;
const region = fc.option(fc.constantFrom(...REGIONS), { nil: undefined });
const profile = fc.option(fc.constantFrom('shop', 'billing'), { nil: undefined });
const regionList = fc.option(fc.uniqueArray(fc.constantFrom(...REGIONS), { minLength: 1 }), {
  nil: undefined,
});

/** Without the members that are `undefined`, as a file has them. */
const present = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

const file: fc.Arbitrary<FileAccounts> = fc
  .record({
    profile,
    place: fc.oneof(
      region.map((one) => ({ region: one })),
      regionList.map((regions) => ({ regions })),
    ),
    accounts: fc.option(
      fc
        .record({ name: fc.constantFrom('a', 'b'), profile: fc.constant('shop'), regions: regionList })
        .map((entry) => [present(entry)]),
      { nil: undefined },
    ),
  })
  // With both, `accounts` says where to look, and `profile` where a command in one account works.
  .filter(({ profile: top, accounts }) => top === undefined || accounts === undefined)
  .map(({ place, ...rest }) => present({ ...rest, ...place }) as FileAccounts);

test('a command that works in one account takes the one that a command over a fleet finds, where it finds one', () => {
  fc.assert(
    fc.property(file, profile, region, (configuration, profileFlag, regionFlag) => {
      const fleet = explainedAccounts({ configuration, profileFlag, regionFlag });
      let single: ReturnType<typeof resolveAccount>;
      try {
        single = resolveAccount({ profile: profileFlag, region: regionFlag }, configuration);
      } catch (error) {
        // It asks only where there is more than one answer.
        expect((error as AppError).code).toBe('Usage');
        const regions = fleet[0]?.account.regions;
        expect(fleet.length > 1 || (Array.isArray(regions) && regions.length > 1)).toBe(true);
        return;
      }
      const [found] = fleet;
      expect(fleet).toHaveLength(1);
      expect(found?.account.profile).toBe(single.profile);
      // Of several Regions of an account, the top level's `region` chooses one.
      expect(found?.account.regions).toEqual(
        single.region === undefined ? 'default' : expect.arrayContaining([single.region]),
      );
    }),
    { numRuns: 2_000 },
  );
});
