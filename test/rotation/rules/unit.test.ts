import type { Certificate } from '../../../src/control-plane/certificate.js';
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { oldIdOf, presentedIds, rank, stageText, unitOf } from '../../../src/rotation/rules/unit.js';
import { after, certificate, mark, stage } from './fixture.js';

const PROD = 'api/prod';
const BETA = 'api/beta';
const a = certificate('aaaaaa');
const b = certificate('bbbbbb', { mark: mark('aaaaaa') });
const twin = certificate('bbbbbc', { mark: mark('aaaaaa') });
const rival = certificate('cccccc', { mark: mark('aaaaaa', { rotationId: 'r2' }), created: after(1_000) });
const prodOnly = certificate('dddddd', { mark: mark('aaaaaa', { onlyStage: PROD }) });
const betaOnly = certificate('eeeeee', { mark: mark('aaaaaa', { rotationId: 'r2', onlyStage: BETA }) });

describe('oldIdOf', () => {
  test.each<[string, string, Certificate[], string, string]>([
    ['a certificate without a past', 'aaaaaa', [a], PROD, 'aaaaaa'],
    ['one with a successor that no stage presents yet', 'aaaaaa', [a, b], PROD, 'aaaaaa'],
    ['the successor, while the old one exists', 'bbbbbb', [a, b], PROD, 'aaaaaa'],
    ['the successor, when nothing is left', 'bbbbbb', [b], PROD, 'bbbbbb'],
    ['the successor, while a duplicate of a lost answer is left', 'bbbbbb', [b, twin], PROD, 'aaaaaa'],
    ['the successor, while a racing run has not taken its own back', 'bbbbbb', [b, rival], PROD, 'aaaaaa'],
    [
      'the only stage that moved: the old one stays and says nothing',
      'dddddd',
      [a, prodOnly],
      PROD,
      'dddddd',
    ],
    ['two stages that each moved alone', 'dddddd', [a, prodOnly, betaOnly], PROD, 'dddddd'],
    [
      'a stage that somebody attached to what was made for another alone',
      'dddddd',
      [a, prodOnly],
      BETA,
      'dddddd',
    ],
    [
      'the only stage that moved, while a duplicate made for it is left',
      'dddddd',
      [a, prodOnly, certificate('dddddf', { mark: mark('aaaaaa', { onlyStage: PROD }) })],
      PROD,
      'aaaaaa',
    ],
    [
      'the only stage that moved, while the others move to one of theirs',
      'dddddd',
      [a, prodOnly, certificate('eeeeee', { mark: mark('aaaaaa', { replacesSha256: 'AA' }) })],
      PROD,
      'dddddd',
    ],
    [
      'the only stage that moved, while trust in what it left may be left',
      'dddddd',
      [prodOnly, certificate('eeeeee', { mark: mark('aaaaaa', { replacesSha256: 'AA' }) })],
      PROD,
      'aaaaaa',
    ],
    [
      'the only stage that moved, after the others moved to one of theirs',
      'dddddd',
      [prodOnly, certificate('eeeeee', { mark: mark('aaaaaa') })],
      PROD,
      'dddddd',
    ],
    [
      'the successor that still says what trust may be left, although the old one is deleted',
      'bbbbbb',
      [certificate('bbbbbb', { mark: mark('aaaaaa', { replacesSha256: 'AA' }) })],
      PROD,
      'aaaaaa',
    ],
    ['an id that the account does not have', 'zzzzzz', [a], PROD, 'zzzzzz'],
  ])('%s', (_, currentId, certificates, scope, expected) => {
    expect(oldIdOf(currentId, certificates, scope)).toBe(expected);
  });
});

describe('unitOf', () => {
  test('joins old, next and spares', () => {
    expect(unitOf('aaaaaa', [rival, twin, a, b], new Set(['aaaaaa']), PROD)).toStrictEqual({
      oldId: 'aaaaaa',
      old: a,
      next: b,
      spares: [twin, rival],
    });
  });

  test('does without the old one once it is deleted', () => {
    expect(unitOf('aaaaaa', [b], new Set(['bbbbbb']), PROD)).toStrictEqual({
      oldId: 'aaaaaa',
      next: b,
      spares: [],
    });
  });

  test('does without one of ACM once it is retired, unless a stage presents it again', () => {
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
    const ofAcm = certificate(arn);
    const next = certificate('bbbbbb', { mark: mark(arn, { retired: '2026-11-24T12:00:00Z' }) });
    expect(unitOf(arn, [ofAcm, next], new Set(['bbbbbb']), PROD)).toStrictEqual({
      oldId: arn,
      next,
      spares: [],
    });
    expect(unitOf(arn, [ofAcm, next], new Set(['bbbbbb', arn]), PROD).old).toBe(ofAcm);
    // Of any other, AWS tells whether it is deleted.
    const marked = certificate('bbbbbb', { mark: mark('aaaaaa', { retired: '2026-11-24T12:00:00Z' }) });
    expect(unitOf('aaaaaa', [a, marked], new Set(['bbbbbb']), PROD).old).toBe(a);
  });

  test('that one of ACM exists says nothing of the rotation that has replaced it', () => {
    const arn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
    const ofAcm = certificate(arn);
    const done = certificate('bbbbbb', { mark: mark(arn) });
    expect(oldIdOf('bbbbbb', [ofAcm, done], PROD)).toBe('bbbbbb');
    const open = certificate('bbbbbb', { mark: mark(arn, { replacesSha256: 'X' }) });
    expect(oldIdOf('bbbbbb', [ofAcm, open], PROD)).toBe(arn);
  });

  test('what was made for another stage alone is none of its business', () => {
    expect(unitOf('aaaaaa', [a, betaOnly], new Set(), PROD)).toStrictEqual({
      oldId: 'aaaaaa',
      old: a,
      spares: [],
    });
    expect(unitOf('aaaaaa', [a, prodOnly, betaOnly], new Set(), PROD).next).toBe(prodOnly);
  });

  test('a mark that names its own certificate makes no circle', () => {
    const self = certificate('aaaaaa', { mark: mark('aaaaaa') });
    expect(unitOf('aaaaaa', [self], new Set(), PROD)).toStrictEqual({
      oldId: 'aaaaaa',
      old: self,
      spares: [],
    });
  });
});

describe('rank', () => {
  const many = fc.uniqueArray(fc.record({ id: fc.stringMatching(/^[a-z0-9]{6}$/), age: fc.nat(2) }), {
    selector: ({ id }) => id,
    maxLength: 6,
  });

  test('is the same for every run, however AWS lists them', () => {
    fc.assert(
      fc.property(many, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (list, noise) => {
        const certificates = list.map(({ id, age }) => certificate(id, { created: after(-age * 1_000) }));
        const shuffled = certificates
          .map((one, i) => ({ one, at: noise[i] ?? 0 }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }) => one);
        const presented = new Set(list.slice(0, 1).map(({ id }) => id));
        expect(rank(shuffled, presented)).toEqual(rank(certificates, presented));
      }),
    );
  });

  test('what a stage presents goes first, then the older, then the smaller id', () => {
    const young = certificate('aaaaaa', { created: after(1_000) });
    const older = certificate('bbbbbb');
    const sameAge = certificate('cccccc');
    expect(rank([young, sameAge, older], new Set())).toEqual([older, sameAge, young]);
    expect(rank([young, sameAge, older], new Set(['aaaaaa']))).toEqual([young, older, sameAge]);
  });
});

test('presentedIds are those of all stages that present any', () => {
  const stages = [stage('prod', 'aaaaaa'), stage('beta'), stage('gamma', 'bbbbbb'), stage('delta', 'aaaaaa')];
  expect([...presentedIds(stages)]).toEqual(['aaaaaa', 'bbbbbb']);
});

test('a stage is written with its API', () => {
  expect(stageText(stage('prod'))).toBe('api/prod');
});
