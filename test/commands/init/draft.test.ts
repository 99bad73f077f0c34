import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { examineText } from '../../../src/settings/read.js';
import { validateText } from '../../../src/configuration/validate.js';
import { TRUST_KINDS } from '../../../src/configuration/trust-kinds.js';
import { draftText, targetName, type Draft } from '../../../src/commands/init/draft.js';

const anything = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    '12345e6789',
    '0123456789',
    'true',
    '~',
    'a: b',
    '- x',
    '# c',
    '"',
    "'",
    '{x}',
    '*a',
    '&a',
    '!t',
  ),
  fc.constantFrom('a\nregion: evil', 'x\r\n# y', '\u2028', '\u202Eevil', '\u{E0001}', '\u0085', '\uFEFF'),
);

const draft: fc.Arbitrary<Draft> = fc
  .record({
    api: anything,
    stages: fc.uniqueArray(anything, { minLength: 1, maxLength: 3 }),
    elsewhere: fc.array(anything, { maxLength: 2 }),
    backends: fc.array(anything, { maxLength: 2 }),
    seen: fc.array(anything, { maxLength: 2 }),
    profile: fc.option(anything, { nil: undefined }),
    path: fc.option(
      fc.webPath().map((path) => `/${path}`),
      { nil: undefined },
    ),
    file: anything,
    reload: fc.option(anything, { nil: undefined }),
    expires: fc.constantFrom('2027-01-01', undefined),
    id: anything,
  })
  .map(({ profile, path, file, reload, expires, id, ...rest }) => ({
    ...rest,
    date: '2026-11-28',
    region: 'eu-west-1',
    ...(profile === undefined ? {} : { profile }),
    target: targetName(rest.api, 'a1b2c3d4e5'),
    apiId: id,
    certificate: { id, ...(expires === undefined ? {} : { expires }) },
    ...(path === undefined ? {} : { probe: { method: 'GET', path } }),
    trust: [{ kind: 'pem-bundle', file: `/${file}`, ...(reload === undefined ? {} : { reload }) }],
  }));

test('whatever names and paths hold, the file says it and nothing else, and has no mistake', () => {
  fc.assert(
    fc.property(draft, (given) => {
      const text = draftText(given);
      expect(validateText(text, '/')).toEqual([]);
      expect(examineText(text, '/', TRUST_KINDS)).toMatchObject({
        configuration: {
          region: 'eu-west-1',
          targets: {
            [given.target]: {
              api: given.api,
              stages: given.stages,
              ...(given.probe ? { probe: given.probe } : {}),
            },
          },
        },
      });
      // What could move a cursor or turn the direction of text is in no line.
      expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['orders', 'orders'],
  ['Orders API (v2)', 'Orders-API-v2'],
  ['日本', 'a1b2c3d4e5'],
  ['--', 'a1b2c3d4e5'],
  ['x'.repeat(100), 'x'.repeat(64)],
])('the target of the API %s', (name, target) => {
  expect(targetName(name, 'a1b2c3d4e5')).toBe(target);
});
