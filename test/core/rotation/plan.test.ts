import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import type { Situation, Step } from '../../../src/core/rotation/next-step.js';
import { nextStep } from '../../../src/core/rotation/next-step.js';
import { afterStep, planSteps } from '../../../src/core/rotation/plan.js';
import { after, certificate, DAY, mark, MINUTE, NOW, situation, stage, store } from './fixture.js';

const kinds = (steps: readonly Step[]): string[] => steps.map(({ kind }) => kind);

const ids = ['old', 'new', 'spare'] as const;
const certificates = {
  old: fc.constantFrom(certificate('old'), certificate('old', { notAfter: NOW }), undefined),
  next: fc.constantFrom(certificate('new', { mark: mark('old') }), undefined),
  spares: fc.subarray([certificate('spare', { mark: mark('old', { rotationId: 'r2' }) })]),
};

/** Any state that crashes, races and people can leave, and some that they cannot. */
const situations: fc.Arbitrary<Situation> = fc
  .record({
    ...certificates,
    presented: fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }),
    elsewhere: fc.subarray(['old', 'spare']),
    stores: fc.array(fc.subarray(['OLD', 'NEW', 'SPARE', 'FOREIGN']), { minLength: 1, maxLength: 3 }),
    deleted: fc.boolean(),
    switchedAgo: fc.constantFrom(0, MINUTE, 10 * MINUTE, 8 * DAY),
    progress: fc.record({
      proved: fc.boolean(),
      checked: fc.boolean(),
      verified: fc.boolean(),
      recounted: fc.boolean(),
      confirmed: fc.boolean(),
    }),
    settings: fc.record({
      soak: fc.constantFrom(0, 5 * MINUTE),
      keepOld: fc.constantFrom(0, 7 * DAY),
      redeploy: fc.constantFrom('never' as const, 'always' as const),
    }),
  })
  .map(({ old, next, spares, presented, elsewhere, stores, deleted, switchedAgo, progress, settings }) => {
    const exists = new Set([old, next, ...spares].flatMap((one) => one?.clientCertificateId ?? []));
    const shown = presented.filter((id) => exists.has(id) && (next !== undefined || id === 'old'));
    return situation({
      unit: { oldId: 'old', ...(old ? { old } : {}), ...(next ? { next } : {}), spares: next ? spares : [] },
      moving: shown.map((id, i) => stage(`s${i}`, id)),
      elsewhere: elsewhere.filter((id) => exists.has(id)),
      stores: stores.map((trusts, i) => store(`store${i}`, ...trusts)),
      deleted: deleted ? [certificate('gone')] : [],
      switchedAt: after(-switchedAgo),
      progress,
      settings,
    });
  })
  .filter(({ moving }) => moving.length > 0);

const PROVING: ReadonlySet<string> = new Set(['prove', 'check', 'verify', 'recount', 'confirm']);

describe('planSteps', () => {
  test('a plain rotation, in order', () => {
    expect(kinds(planSteps(situation()))).toEqual([
      'generate',
      'trust',
      'prove',
      'check',
      'switch',
      'verify',
      'soak',
      'recount',
      'untrust',
      'confirm',
      'delete',
    ]);
  });

  test('two stages, two stores, redeployed, the old one kept', () => {
    const steps = planSteps(
      situation({
        moving: [stage('prod', 'old'), stage('beta', 'old')],
        stores: [store('a', 'OLD'), store('b', 'OLD')],
        settings: { soak: MINUTE, keepOld: DAY, redeploy: 'always' },
      }),
    );
    expect(kinds(steps)).toEqual([
      ...[
        'generate',
        'trust',
        'trust',
        'prove',
        'check',
        'switch',
        'switch',
        'redeploy',
        'redeploy',
        'verify',
      ],
      ...['soak', 'keep', 'recount', 'untrust', 'untrust', 'confirm', 'delete'],
    ]);
  });

  test('comes to an end from any state, with one certificate in place and trusted alone', () => {
    fc.assert(
      fc.property(situations, (start) => {
        const end = planSteps(start).reduce(afterStep, start);
        const { next, old, spares } = end.unit;
        expect(nextStep(end).kind).toBe('done');
        expect(next).toBeDefined();
        for (const { clientCertificateId } of end.moving)
          expect(clientCertificateId).toBe(next?.clientCertificateId);
        const left = [old, ...spares].flatMap((one) => one?.clientCertificateId ?? []);
        expect(left.filter((id) => !end.elsewhere.includes(id))).toEqual([]);
        for (const { name, trusts } of end.stores) {
          expect(trusts).toContain(next?.trusted.fingerprintSha256);
          const gone = [start.unit.old, ...start.unit.spares, ...start.deleted].filter(
            (one) => one !== undefined && !end.elsewhere.includes(one.clientCertificateId),
          );
          for (const one of gone) expect(trusts).not.toContain(one?.trusted.fingerprintSha256);
          // What is no certificate of this rotation's is nobody's to take away.
          const before = start.stores.find((store) => store.name === name);
          expect(trusts.includes('FOREIGN')).toBe(before?.trusts.includes('FOREIGN'));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('at no step does a stage come to, or keep, what some store lacks', () => {
    fc.assert(
      fc.property(situations, (start) => {
        let current = start;
        for (const step of planSteps(start)) {
          if (step.kind === 'switch') {
            for (const { trusts } of current.stores)
              expect(trusts).toContain(step.next.trusted.fingerprintSha256);
          }
          if (step.kind === 'untrust' || step.kind === 'delete') {
            const id = step.certificate.clientCertificateId;
            expect(current.moving.map((one) => one.clientCertificateId)).not.toContain(id);
            expect(current.elsewhere).not.toContain(id);
          }
          if (step.kind === 'delete') {
            // What is deleted for good is one of the rotation's own, and nobody trusts it any more.
            expect([current.unit.old, ...current.unit.spares]).toContain(step.certificate);
            const { fingerprintSha256 } = step.certificate.trusted;
            for (const { trusts } of current.stores) expect(trusts).not.toContain(fingerprintSha256);
          }
          current = afterStep(current, step);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('nothing is taken away before every stage has soaked, nor a stage moved unproved', () => {
    fc.assert(
      fc.property(situations, (any) => {
        const start = {
          ...any,
          progress: { ...any.progress, proved: false, checked: false, recounted: false },
        };
        let current: Situation = start;
        const done = new Set<string>();
        for (const step of planSteps(start)) {
          if (step.kind === 'switch') expect([...done]).toEqual(expect.arrayContaining(['prove', 'check']));
          if (step.kind === 'untrust') {
            expect(done).toContain('recount');
            expect(current.now.getTime()).toBeGreaterThanOrEqual(
              current.switchedAt.getTime() + current.settings.soak,
            );
          }
          if (PROVING.has(step.kind)) done.add(step.kind);
          current = afterStep(current, step);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
