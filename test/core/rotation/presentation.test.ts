import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  lastPresented,
  openWrites,
  presentedBefore,
  sighted,
  type PresentationEvidence,
  type StageSighting,
} from '../../../src/core/rotation/presentation.js';
import type { RotationRecord } from '../../../src/core/rotation/record.js';
import { after, certificate, DAY, mark, MINUTE, NOW, stage } from './fixture.js';

const SOAK = 5 * MINUTE;
const old = certificate('old', { created: after(-300 * DAY) });
const next = certificate('new', { created: after(-10 * MINUTE), mark: mark('old') });

const evidence = (changes: Partial<PresentationEvidence>): PresentationEvidence => ({
  unit: { oldId: 'old', old, next, spares: [] },
  stages: [],
  sightings: new Map(),
  records: [],
  successors: ['new'],
  soak: SOAK,
  now: NOW,
  ...changes,
});

/** Milliseconds before now; zero at the beginning of time. */
const ago = (date: Date): number => (date.getTime() === 0 ? 0 : NOW.getTime() - date.getTime());

const seen = (...ids: readonly (readonly [id: string, ago: number])[]): StageSighting =>
  ids.reduce<StageSighting | undefined>(
    (before, [id, since]) => sighted(before, { clientCertificateId: id }, NOW.getTime() - since),
    undefined,
  ) ?? { since: NOW.getTime(), lastWith: new Map() };

const move = (
  step: 'switch' | 'rollBack' | 'redeploy' | 'generate',
  type: 'intent' | 'done',
  at: number,
  evidenceOf: Record<string, unknown> = {},
): RotationRecord =>
  type === 'intent'
    ? { type, at: after(-at).toISOString(), step, subject: 'api/prod', evidence: evidenceOf }
    : { type, at: after(-at).toISOString(), step, subject: 'api/prod', evidence: evidenceOf, ms: 1 };

const failed = (step: 'switch' | 'generate', code: string, at: number): RotationRecord => ({
  type: 'failed',
  at: after(-at).toISOString(),
  step,
  subject: 'api/prod',
  code,
  message: '',
});

const updated = (name: string, id: string, before: number) =>
  stage(name, id, { lastUpdatedDate: after(-before) });

describe('lastPresented', () => {
  test("by AWS's date, rounded up to the end of its second", () => {
    const stages = [updated('prod', 'new', 4 * MINUTE)];
    const last = lastPresented(evidence({ stages }), stages);
    expect(ago(last.of(old))).toBe(4 * MINUTE - 1_000);
    expect(ago(last.switchedAt)).toBe(4 * MINUTE - 1_000);
  });

  test('a record of the same change is exact', () => {
    const stages = [updated('prod', 'new', 4 * MINUTE)];
    const records = [move('switch', 'done', 4 * MINUTE - 200)];
    expect(ago(lastPresented(evidence({ stages, records }), stages).of(old))).toBe(4 * MINUTE - 200);
  });

  test('another machine switched later than this journal knows', () => {
    const stages = [updated('prod', 'new', MINUTE)];
    const records = [move('switch', 'done', 9 * MINUTE)];
    expect(ago(lastPresented(evidence({ stages, records }), stages).of(old))).toBe(MINUTE - 1_000);
  });

  test('a stage that left by another rotation of the same certificate counts', () => {
    const prod = updated('prod', 'other', MINUTE);
    const beta = updated('beta', 'new', 8 * MINUTE);
    const both = evidence({ stages: [prod, beta], successors: ['new', 'other'] });
    expect(ago(lastPresented(both, [beta]).of(old))).toBe(MINUTE - 1_000);
    expect(ago(lastPresented(both, [beta]).switchedAt)).toBe(8 * MINUTE - 1_000);
  });

  test('what this process saw counts, whatever AWS says', () => {
    const stages = [updated('prod', 'new', 9 * MINUTE)];
    const sightings = new Map([['api/prod', seen(['old', MINUTE], ['new', 30_000])]]);
    expect(ago(lastPresented(evidence({ stages, sightings }), stages).of(old))).toBe(MINUTE);
  });

  test('a stranger that changes all the time puts the end off for two soaks at most', () => {
    const prod = updated('prod', 'new', 20 * MINUTE);
    const busy = updated('busy', 'foreign', 1_000);
    const last = lastPresented(evidence({ stages: [prod, busy] }), [prod]);
    expect(ago(last.of(old))).toBe(20 * MINUTE - 1_000 - 2 * SOAK);
  });

  test('a stranger that changed within the soak may have left the old one', () => {
    const prod = updated('prod', 'new', 6 * MINUTE);
    const stranger = updated('x', 'foreign', 2 * MINUTE);
    expect(ago(lastPresented(evidence({ stages: [prod, stranger] }), [prod]).of(old))).toBe(
      2 * MINUTE - 1_000,
    );
  });

  test('no stage can have presented what did not exist when it last changed', () => {
    const stages = [updated('prod', 'old', 11 * MINUTE), updated('x', 'foreign', 12 * MINUTE)];
    expect(lastPresented(evidence({ stages }), stages.slice(0, 1)).of(next)).toEqual(new Date(0));
  });

  test('a switch that AWS refused did not take place, one without an answer may have', () => {
    const stages = [updated('prod', 'old', DAY)];
    const lastOf = (code: string): Date =>
      lastPresented(
        evidence({ stages, records: [move('switch', 'intent', MINUTE), failed('switch', code, MINUTE)] }),
        stages,
      ).of(next);
    expect(lastOf('AccessDenied')).toEqual(new Date(0));
    expect(ago(lastOf('ServiceUnreachable'))).toBe(MINUTE);
  });

  test('a date that is yet to come is one of a wrong clock: what this process saw counts', () => {
    const stages = [updated('prod', 'new', -60 * MINUTE)];
    const sightings = new Map([['api/prod', seen(['new', 3 * MINUTE])]]);
    const records = [move('switch', 'done', -30 * MINUTE)];
    expect(ago(lastPresented(evidence({ stages, sightings, records }), stages).of(old))).toBe(3 * MINUTE);
  });

  test('nothing that is known makes it earlier', () => {
    const times = fc.integer({ min: 0, max: 60 }).map((minutes) => minutes * MINUTE);
    fc.assert(
      fc.property(times, times, fc.option(times, { nil: undefined }), (aws, saw, moved) => {
        const stages = [updated('prod', 'new', aws)];
        const sightings = new Map([['api/prod', seen(['old', saw], ['new', 0])]]);
        const records = moved === undefined ? [] : [move('switch', 'done', moved)];
        const last = lastPresented(evidence({ stages, sightings, records }), stages).of(old);
        expect(ago(last)).toBeLessThanOrEqual(Math.min(aws, saw, moved ?? Infinity));
      }),
    );
  });
});

describe('presentedBefore', () => {
  test('what was seen, and what was or may have been switched', () => {
    const sightings = new Map([['api/prod', seen(['a', 2], ['b', 1])]]);
    const records = [
      move('switch', 'intent', 2, { before: 'c', after: 'd' }),
      move('rollBack', 'done', 1, { before: 'e', after: 'f' }),
      move('redeploy', 'done', 1, { before: 'x', after: 'y' }),
    ];
    expect([...presentedBefore({ sightings, records })].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });
});

describe('openWrites', () => {
  test.each<[string, RotationRecord[], string[]]>([
    ['an intent alone', [move('switch', 'intent', 1)], ['switch']],
    ['done', [move('switch', 'intent', 2), move('switch', 'done', 1)], []],
    [
      'done at a second try: the first may come late',
      [move('switch', 'intent', 2), move('switch', 'done', 1, { triedAgain: true })],
      ['switch'],
    ],
    ['refused', [move('switch', 'intent', 2), failed('switch', 'AccessDenied', 1)], []],
    ['no answer', [move('generate', 'intent', 2), failed('generate', 'ServiceUnreachable', 1)], ['generate']],
    ['a conflict', [move('switch', 'intent', 2), failed('switch', 'ConcurrentModification', 1)], ['switch']],
    ['other steps are no writes of that kind', [move('redeploy', 'intent', 1)], []],
  ])('%s', (_, records, expected) => {
    expect(openWrites(records).map(({ step }) => step)).toEqual(expected);
  });

  test('counts from the last try', () => {
    const records = [move('switch', 'intent', 9), failed('switch', 'ServiceUnreachable', 4)];
    expect(openWrites(records)).toEqual([{ step: 'switch', at: after(-4).toISOString() }]);
  });
});
