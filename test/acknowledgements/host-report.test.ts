/** What follows from the reports of hosts: whether all that may be there are as wanted. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  acknowledgement,
  CLOCKS_APART,
  readReport,
  writeReport,
  type HostReport,
} from '../../src/acknowledgements/host-report.js';

const print = (octet: number): string =>
  Array.from({ length: 32 }, () => octet.toString(16).padStart(2, '0').toUpperCase()).join(':');
const [OLD, NEW] = [print(1), print(2)];
const NOW = new Date('2026-12-01T00:00:00Z');
const later = (ms: number): Date => new Date(NOW.getTime() + ms);

const host = (name: string, trusts: string[] | undefined, expires = 60_000): HostReport => ({
  host: name,
  trustStore: 'nginx:/etc/nginx/apigw.map',
  ...(trusts === undefined ? {} : { fingerprintsSha256: trusts }),
  reportedAt: NOW,
  expiresAt: later(expires),
});

const live = (...reports: (HostReport | { unreadable: string })[]) =>
  acknowledgement(reports, { state: 'live', keys: [NEW], hosts: 2 }, NOW);

const reports = fc.record(
  {
    host: fc.string({ minLength: 1, maxLength: 20 }),
    trustStore: fc.string({ maxLength: 20 }),
    listVersion: fc.nat(),
    fingerprintsSha256: fc.subarray([OLD, NEW]),
    reportedAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
    expiresAt: fc.integer({ min: -2 * CLOCKS_APART, max: CLOCKS_APART }).map(later),
  },
  { requiredKeys: ['host', 'trustStore', 'reportedAt', 'expiresAt'] },
) as fc.Arbitrary<HostReport>;

describe('a report', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(reports, (report) => {
        expect(readReport('name', writeReport(report))).toEqual(report);
      }),
    );
  });

  test('of any other content is a host of which nothing is known', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => writeReport(host('x', [OLD])).replace(/"\w+"/, json)),
        ),
        (text) => {
          const read = readReport('name', text);
          if (!('unreadable' in read))
            expect(read).toMatchObject({ host: expect.any(String), expiresAt: expect.any(Date) });
          else expect(read).toEqual({ unreadable: 'name' });
        },
      ),
    );
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      writeReport(host('x', ['short'])),
      writeReport(host('', [OLD])),
      writeReport(host('x', [OLD])).replace('"version":1', '"version":2'),
    ])
      expect(readReport('name', text)).toEqual({ unreadable: 'name' });
  });
});

describe('an acknowledgement', () => {
  test('is never given by nobody', () => {
    for (const state of ['live', 'gone'] as const)
      expect(acknowledgement([], { state, keys: [NEW], hosts: 1 }, NOW)).toEqual({
        isGiven: false,
        living: 0,
        asWanted: 0,
        waitingFor: [],
      });
  });

  test.each<[what: string, given: boolean, found: (HostReport | { unreadable: string })[]]>([
    ['all have it', true, [host('a', [OLD, NEW]), host('b', [NEW])]],
    ['too few are there', false, [host('a', [NEW])]],
    ['one more is there and lacks it', false, [host('a', [NEW]), host('b', [NEW]), host('c', [OLD])]],
    ['of one more nothing is known', false, [host('a', [NEW]), host('b', [NEW]), host('c', undefined)]],
    ['one more cannot be read', false, [host('a', [NEW]), host('b', [NEW]), { unreadable: 'c' }]],
    [
      'one that lacks it may be there, by a clock that is behind',
      false,
      [host('a', [NEW]), host('b', [NEW]), host('c', [OLD], 1 - CLOCKS_APART)],
    ],
    [
      'one that lacks it is gone',
      true,
      [host('a', [NEW]), host('b', [NEW]), host('c', [OLD], -CLOCKS_APART)],
    ],
    ['one of those that have it is gone', false, [host('a', [NEW]), host('b', [NEW], -CLOCKS_APART)]],
  ])('%s: %s', (_what, given, found) => {
    expect(live(...found).isGiven).toBe(given);
  });

  test('is as the reports of the hosts that may be there, each host by itself', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .tuple(reports, fc.constantFrom('a', 'b', 'c', 'd', 'e'))
            .map(([report, name]) => ({ ...report, host: name })),
          { maxLength: 8 },
        ),
        fc.constantFrom('live' as const, 'gone' as const),
        fc.integer({ min: 1, max: 4 }),
        (found, state, hosts) => {
          const there = found.filter(({ expiresAt }) => NOW.getTime() - expiresAt.getTime() < CLOCKS_APART);
          const bad = there.filter(
            ({ fingerprintsSha256: trusts }) => trusts?.includes(NEW) !== (state === 'live'),
          );
          const hostsOf = (some: typeof there): number => new Set(some.map((one) => one.host)).size;
          const seen = acknowledgement(found, { state, keys: [NEW], hosts }, NOW);
          expect(seen).toMatchObject({
            isGiven: hostsOf(there) >= hosts && bad.length === 0,
            living: hostsOf(there),
            asWanted: hostsOf(there) - hostsOf(bad),
          });
          expect(seen.waitingFor.length > 0).toBe(bad.length > 0);
        },
      ),
    );
  });

  test('counts a host once, for however many trust stores it reports', () => {
    const [one, other] = [host('a', [NEW]), { ...host('a', [NEW]), trustStore: 'pem-bundle:/etc/apigw.pem' }];
    expect(live(one, other)).toMatchObject({ isGiven: false, living: 1, asWanted: 1, waitingFor: [] });
    expect(live(one, other, host('b', [NEW]))).toMatchObject({ isGiven: true, living: 2, asWanted: 2 });
    const behind = { ...other, fingerprintsSha256: [OLD] };
    expect(live(one, behind, host('b', [NEW]))).toMatchObject({
      isGiven: false,
      asWanted: 1,
      waitingFor: ['a'],
    });
  });

  test('of several certificates needs all of them', () => {
    const both = (state: 'live' | 'gone', ...trusts: string[]): boolean =>
      acknowledgement([host('a', trusts)], { state, keys: [OLD, NEW], hosts: 1 }, NOW).isGiven;
    expect([both('live', OLD), both('live', OLD, NEW), both('gone', OLD), both('gone')]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });
});
