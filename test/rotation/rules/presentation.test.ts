import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  lastPresented,
  openWrites,
  presentedBefore,
  sighted,
  type PresentationEvidence,
  type StageSighting,
} from '../../../src/rotation/rules/presentation.js';
import { JOURNAL_VERSION, type RotationRecord } from '../../../src/rotation/rules/record.js';
import { after, certificate, DAY, mark, MINUTE, NOW, stage } from './fixture.js';

const SOAK = 5 * MINUTE;
/** How long ago the change of a stranger counts at most, where the stages of the rotation changed 20 minutes ago. */
const LIMIT = 20 * MINUTE - 1_000 - 2 * SOAK;
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
  step: 'switch' | 'rollBack' | 'redeploy' | 'generate' | 'adopt' | 'release',
  type: 'intent' | 'done',
  at: number,
  evidenceOf: Record<string, unknown> = {},
): RotationRecord =>
  type === 'intent'
    ? { type, at: after(-at).toISOString(), step, subject: 'api/prod', evidence: evidenceOf }
    : { type, at: after(-at).toISOString(), step, subject: 'api/prod', evidence: evidenceOf, ms: 1 };

const started = (stageName: string): RotationRecord => ({
  type: 'started',
  version: JOURNAL_VERSION,
  at: after(-DAY).toISOString(),
  rotationId: 'r1',
  region: 'eu-west-1',
  oldCertificateId: 'old',
  stages: [{ restApiId: 'api', stageName }],
});

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

test('a stage is known by what it presents since when, and by when it was last seen with what', () => {
  const a = { clientCertificateId: 'a' };
  const first = sighted(undefined, a, 5);
  expect(first).toStrictEqual({ ...a, since: 5, lastWith: new Map([['a', 5]]) });
  const again = sighted(first, a, 9);
  expect(again).toStrictEqual({ ...a, since: 5, lastWith: new Map([['a', 9]]) });
  const none = sighted(again, {}, 12);
  expect(none).toStrictEqual({ since: 12, lastWith: new Map([['a', 9]]) });
  expect(sighted(none, {}, 15)).toStrictEqual(none);
  expect(sighted(none, { clientCertificateId: 'b' }, 20)).toStrictEqual({
    clientCertificateId: 'b',
    since: 20,
    lastWith: new Map([
      ['a', 9],
      ['b', 20],
    ]),
  });
  expect(first.lastWith).toEqual(new Map([['a', 5]]));
});

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

  test('a record of the very second that AWS names needs no rounding', () => {
    const stages = [updated('prod', 'new', 4 * MINUTE)];
    const records = [move('switch', 'done', 4 * MINUTE)];
    expect(ago(lastPresented(evidence({ stages, records }), stages).of(old))).toBe(4 * MINUTE);
  });

  test('a second that ends now is not yet to come', () => {
    const stages = [updated('prod', 'new', 1_000)];
    const sightings = new Map([['api/prod', seen(['new', 3 * MINUTE])]]);
    expect(lastPresented(evidence({ stages, sightings }), stages).of(old)).toEqual(NOW);
  });

  test('a stage of which nothing tells when it changed may have changed now', () => {
    const stages = [stage('prod', 'new')];
    const last = lastPresented(evidence({ stages }), stages);
    expect(last.of(old)).toEqual(NOW);
    expect(last.switchedAt).toEqual(NOW);
    const sightings = new Map([['api/prod', seen(['new', 3 * MINUTE])]]);
    expect(ago(lastPresented(evidence({ stages, sightings }), stages).of(old))).toBe(3 * MINUTE);
  });

  test('where there is no stage, none can have presented anything', () => {
    const last = lastPresented(evidence({}), []);
    expect([last.of(old), last.switchedAt]).toEqual([new Date(0), new Date(0)]);
  });

  test('what a stage presents now it has not left', () => {
    const stages = [updated('prod', 'old', MINUTE)];
    expect(lastPresented(evidence({ stages }), stages).of(old)).toEqual(new Date(0));
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

  test.each<[string, Partial<PresentationEvidence>, number]>([
    ['it presents the old one', { stages: [updated('x', 'old', 1_000)] }, 0],
    ['it presents a successor', { stages: [updated('x', 'new', 2_000)] }, 1_000],
    [
      'it was seen with the old one',
      { sightings: new Map([['api/x', seen(['old', 9 * MINUTE], ['foreign', 0])]]) },
      1_000,
    ],
    [
      'it was seen with a successor',
      { sightings: new Map([['api/x', seen(['new', 9 * MINUTE], ['foreign', 0])]]) },
      1_000,
    ],
    ['it was seen with others alone', { sightings: new Map([['api/x', seen(['foreign', 0])]]) }, LIMIT],
    [
      'the rotation began with it',
      {
        records: [started('x')],
      },
      1_000,
    ],
    [
      'the rotation has moved it',
      {
        records: [
          { ...move('switch', 'intent', 30 * MINUTE), subject: 'api/x' },
          { ...move('switch', 'done', 30 * MINUTE), subject: 'api/x' },
        ] as RotationRecord[],
      },
      1_000,
    ],
  ])('a change of a stage is no stranger’s where %s', (_, changes, expected) => {
    const prod = updated('prod', 'new', 20 * MINUTE);
    const stages = [prod, ...(changes.stages ?? [updated('x', 'foreign', 2_000)])];
    const { of } = lastPresented(evidence({ ...changes, stages }), [prod]);
    // What a stage presents now is no matter of the past.
    expect(ago(of(old))).toBe(expected === 0 ? 20 * MINUTE - 1_000 : expected);
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

  test.each([
    ['a second before it was made', 1_000, 0],
    ['later', 999, 10 * MINUTE - 1],
  ])('nor what was made when the stage last changed %s', (_, before, expected) => {
    const stages = [updated('prod', 'old', 10 * MINUTE + before)];
    expect(ago(lastPresented(evidence({ stages }), stages).of(next))).toBe(expected);
  });

  test('but one that it was seen with it presented, whatever AWS says of its last change', () => {
    const stages = [updated('prod', 'old', DAY)];
    const sightings = new Map([['api/prod', seen(['new', 2 * MINUTE], ['old', 0])]]);
    expect(ago(lastPresented(evidence({ stages, sightings }), stages).of(next))).toBe(2 * MINUTE);
  });

  test('of a certificate of which nobody knows when it was made every change counts', () => {
    const stages = [updated('prod', 'old', 300 * DAY)];
    const { of } = lastPresented(evidence({ stages }), stages);
    expect(ago(of({ clientCertificateId: 'gone' }))).toBe(300 * DAY - 1_000);
  });

  test('after a refused switch the one before it counts as before', () => {
    const stages = [updated('prod', 'old', DAY)];
    const earlier = [move('switch', 'intent', 30 * MINUTE), move('switch', 'done', 20 * MINUTE)];
    const refused = [move('switch', 'intent', 2 * MINUTE), failed('switch', 'AccessDenied', MINUTE)];
    const { of } = lastPresented(evidence({ stages, records: [...earlier, ...refused] }), stages);
    expect(ago(of(next))).toBe(20 * MINUTE);
  });

  test('the making of a certificate moves no stage', () => {
    const stages = [updated('prod', 'new', 9 * MINUTE)];
    const records = [move('generate', 'done', MINUTE)];
    expect(ago(lastPresented(evidence({ stages, records }), stages).of(old))).toBe(9 * MINUTE - 1_000);
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

  test("AWS's clock may be a little ahead of this one", () => {
    const stages = [updated('prod', 'new', -4_000)];
    const sightings = new Map([['api/prod', seen(['new', 3 * MINUTE])]]);
    expect(ago(lastPresented(evidence({ stages, sightings }), stages).of(old))).toBe(-5_000);
  });

  test("what is kept is kept from AWS's date on, whether or not there is a record of the switch", () => {
    const stages = [updated('prod', 'new', 4 * MINUTE)];
    const records = [move('switch', 'done', 4 * MINUTE - 3_000)];
    const sightings = new Map([['api/prod', seen(['new', 9 * MINUTE])]]);
    const keptFrom = (change: Partial<PresentationEvidence>): number =>
      ago(lastPresented(evidence({ stages, sightings, ...change }), stages).keptFrom);
    expect([keptFrom({}), keptFrom({ records })]).toEqual([4 * MINUTE - 1_000, 4 * MINUTE - 1_000]);
    // One of a wrong clock, or none, does not tell.
    expect(keptFrom({ stages: [updated('prod', 'new', -60 * MINUTE)], records })).toBe(4 * MINUTE - 3_000);
    expect(keptFrom({ stages: [stage('prod', 'new')], records })).toBe(4 * MINUTE - 3_000);
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
    ['the intent of a way back', [move('rollBack', 'intent', 1)], ['rollBack']],
    ['the intent to take one that is there', [move('adopt', 'intent', 1)], ['adopt']],
    ['the intent to take a mark off', [move('release', 'intent', 1)], ['release']],
    ['done', [move('switch', 'intent', 2), move('switch', 'done', 1)], []],
    [
      'done at a second try: the first may come late',
      [move('switch', 'intent', 2), move('switch', 'done', 1, { triedAgain: true })],
      ['switch'],
    ],
    ['refused', [move('switch', 'intent', 2), failed('switch', 'AccessDenied', 1)], []],
    ['no answer', [move('generate', 'intent', 2), failed('generate', 'ServiceUnreachable', 1)], ['generate']],
    ['a conflict', [move('switch', 'intent', 2), failed('switch', 'ConcurrentModification', 1)], ['switch']],
    [
      'interrupted between two tries',
      [move('switch', 'intent', 2), failed('switch', 'Interrupted', 1)],
      ['switch'],
    ],
    ['other steps are no writes of that kind', [move('redeploy', 'intent', 1)], []],
  ])('%s', (_, records, expected) => {
    expect(openWrites(records).map(({ step }) => step)).toEqual(expected);
  });

  test('what came of one stage says nothing of another', () => {
    const beta = { ...move('switch', 'intent', 2), subject: 'api/beta' } as RotationRecord;
    expect(openWrites([beta, move('switch', 'intent', 2), move('switch', 'done', 1)])).toEqual([
      { step: 'switch', at: after(-2).toISOString() },
    ]);
  });

  test('counts from the last try', () => {
    const records = [move('switch', 'intent', 9), failed('switch', 'ServiceUnreachable', 4)];
    expect(openWrites(records)).toEqual([{ step: 'switch', at: after(-4).toISOString() }]);
  });
});
