import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import type { Goal, Situation, Step } from '../../../src/rotation/rules/next-step.js';
import { nextStep } from '../../../src/rotation/rules/next-step.js';
import { afterStep, isLast, planSteps } from '../../../src/rotation/rules/plan.js';
import {
  after,
  certificate,
  DAY,
  mark,
  MINUTE,
  NOTHING,
  NOW,
  proof,
  situation,
  stage,
  store,
} from './fixture.js';

const kinds = ({ steps }: { steps: readonly Step[] }): string[] => steps.map(({ kind }) => kind);

const ids = ['old', 'new', 'spare'] as const;
const marks = fc.record(
  {
    adopted: fc.constant(true),
    withdrawn: fc.constantFrom(after(-DAY).toISOString(), after(-1_000).toISOString(), 'nonsense'),
    replacesSha256: fc.constant('OLD'),
    rotationId: fc.constantFrom('r1', 'r2'),
  },
  { requiredKeys: [] },
);
const certificates = {
  old: fc.constantFrom(certificate('old'), certificate('old', { notAfter: NOW }), undefined),
  next: fc.option(
    marks.map((rest) => certificate('new', { mark: mark('old', rest) })),
    { nil: undefined, freq: 4 },
  ),
  spares: fc.subarray([certificate('spare', { mark: mark('old', { rotationId: 'r2' }) })]),
};

const past = fc.constantFrom(0, MINUTE, 10 * MINUTE, 8 * DAY).map((ago) => after(-ago));

/** Where an id is published: of all stages that move, or also of one that does not; by what was seen or not. */
const publications = fc.array(
  fc.record({
    holds: fc.constantFrom('old', 'new', 'spare', 'foreign', undefined),
    isKnown: fc.boolean(),
  }),
  { maxLength: 2 },
);

/** Any state that crashes, races and people can leave, and some that they cannot. */
const situations: fc.Arbitrary<Situation> = fc
  .record({
    ...certificates,
    goal: fc.constantFrom<Goal>('rotate', 'rotate', 'rollBack', 'abort', 'cancel'),
    presented: fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }),
    elsewhere: fc.subarray(['old', 'spare']),
    stores: fc.array(fc.subarray(['OLD', 'NEW', 'SPARE', 'FOREIGN']), { minLength: 1, maxLength: 3 }),
    deleted: fc.boolean(),
    publications,
    switchedAt: past,
    last: fc.record({ old: past, new: past, spare: past }),
    unsettled: fc.record({ switches: past, generation: past, release: past }),
    acknowledges: fc.boolean(),
    progress: fc.record({
      proved: fc.constantFrom(proof('new'), proof('old'), 'something else'),
      checked: fc.boolean(),
      verified: fc.constantFrom(proof('new'), 'something else'),
      recounted: fc.boolean(),
      confirmed: fc.boolean(),
    }),
    settings: fc.record({
      soak: fc.constantFrom(0, 5 * MINUTE),
      keepOld: fc.constantFrom(0, 7 * DAY),
      redeploy: fc.constantFrom('never' as const, 'always' as const),
      inFlight: fc.constantFrom(0, MINUTE),
    }),
  })
  .map(({ old, next, spares, goal, presented, elsewhere, stores, deleted, last, publications, ...rest }) => {
    const exists = new Set([old, next, ...spares].flatMap((one) => one?.clientCertificateId ?? []));
    const shown = presented.filter((id) => exists.has(id) && (next !== undefined || id === 'old'));
    return situation({
      ...rest,
      goal,
      unit: { oldId: 'old', ...(old ? { old } : {}), ...(next ? { next } : {}), spares: next ? spares : [] },
      moving: shown.map((id, i) => stage(`s${i}`, id)),
      elsewhere: elsewhere.filter((id) => exists.has(id)),
      stores: stores.map((trusts, i) => store(`store${i}`, ...trusts)),
      deleted: deleted ? [certificate('gone')] : [],
      publications: publications.map(({ holds, isKnown }, i) => ({
        name: `publication${i}`,
        stages: shown.map((_, n) => `api/s${n}`),
        elsewhere: [],
        isKnown,
        ...(isKnown && holds !== undefined ? { holds } : {}),
      })),
      lastPresented: new Map(Object.entries(last)),
      presentedBefore: new Set(['old', ...shown]),
    });
  })
  .filter(({ moving }) => moving.length > 0);

const unproved = (any: Situation): Situation => ({ ...any, progress: NOTHING });

/** The situations before each step of a plan. */
function played(start: Situation): { before: Situation; step: Step }[] {
  let current = start;
  return planSteps(start).steps.map((step) => {
    const before = current;
    current = afterStep(current, step);
    return { before, step };
  });
}

const endOf = (start: Situation): Situation => planSteps(start).steps.reduce(afterStep, start);

test('no stage comes to a certificate, and no removal is confirmed, before the hosts have reported', () => {
  fc.assert(
    fc.property(situations, (any) => {
      for (const { before, step } of played(unproved(any))) {
        if (step.kind === 'acknowledge') expect([before.acknowledges, before.goal]).toEqual([true, 'rotate']);
        if (before.acknowledges !== true || before.goal !== 'rotate') continue;
        const { acknowledged } = before.progress;
        if (step.kind === 'switch') expect(acknowledged).toBe(`live ${step.to.clientCertificateId}`);
        if (step.kind === 'verifyRemoval') expect(acknowledged).toMatch(/^gone /);
      }
    }),
  );
});

describe('afterStep', () => {
  const next = certificate('new', { mark: mark('old', { replacesSha256: 'OLD' }) });
  const spare = certificate('spare', { mark: mark('old', { rotationId: 'r2' }) });
  const unit = { oldId: 'old', old: certificate('old'), next, spares: [spare] };
  const start = situation({
    unit,
    moving: [stage('prod', 'old'), stage('beta')],
    stores: [store('a', 'OLD'), store('b', 'OLD', 'NEW')],
    lastPresented: new Map([['spare', after(-DAY)]]),
    progress: { ...NOTHING, proved: 'before' },
  });
  const gone = certificate('gone');

  test('what is generated stands for a certificate of a year, with the tags of the old one', () => {
    const old = { ...certificate('old'), tags: { team: 'orders' } };
    const notAfter = after(365 * DAY);
    const made = (before: Situation) => afterStep(before, { kind: 'generate' });
    const expected = {
      clientCertificateId: '(new)',
      createdDate: NOW,
      expirationDate: notAfter,
      pemEncodedCertificate: '',
      tags: { team: 'orders' },
      trusted: {
        subject: '',
        issuer: '',
        serialNumber: '',
        notBefore: NOW,
        notAfter,
        fingerprintSha256: '(new)',
        fingerprintSha1: '',
        spkiPin: '',
        pem: '',
      },
      mark: { rotationId: 'r1', replaces: 'old', replacesSha256: 'OLD' },
    };
    const before = situation({ unit: { oldId: 'old', old, spares: [spare] } });
    expect(made(before)).toStrictEqual({
      ...before,
      unit: { oldId: 'old', old, next: expected, spares: [spare] },
    });
    const withoutOld = made(situation({ unit: { oldId: 'old', spares: [] } }));
    expect(withoutOld.unit).toStrictEqual({
      oldId: 'old',
      next: { ...expected, tags: {}, mark: { rotationId: 'r1', replaces: 'old' } },
      spares: [],
    });
  });

  test.each<[Step, Partial<Situation>]>([
    [
      { kind: 'adopt', certificate: gone },
      {
        unit: {
          ...unit,
          next: {
            ...gone,
            mark: { rotationId: 'r1', replaces: 'old', replacesSha256: 'OLD', adopted: true },
          },
        },
      },
    ],
    [
      { kind: 'withdraw', certificate: next },
      {
        unit: {
          ...unit,
          next: {
            ...next,
            mark: { ...mark('old', { replacesSha256: 'OLD' }), withdrawn: NOW.toISOString() },
          },
        },
      },
    ],
    [
      { kind: 'withdraw', certificate: spare },
      {
        unit: {
          ...unit,
          spares: [
            { ...spare, mark: { ...mark('old', { rotationId: 'r2' }), withdrawn: NOW.toISOString() } },
          ],
        },
      },
    ],
    [
      { kind: 'trust', store: 'a', certificate: next },
      { stores: [store('a', 'OLD', 'NEW'), store('b', 'OLD', 'NEW')] },
    ],
    [
      { kind: 'untrust', store: 'b', certificate: unit.old },
      { stores: [store('a', 'OLD'), { ...store('b', 'NEW'), added: ['OLD', 'NEW'] }] },
    ],
    [{ kind: 'preflight', to: next }, { progress: { ...NOTHING, proved: proof('new') } }],
    [{ kind: 'recheck', stages: [] }, { progress: { ...NOTHING, proved: 'before', checked: true } }],
    [{ kind: 'verifySwitch', next }, { progress: { ...NOTHING, proved: 'before', verified: proof('new') } }],
    [{ kind: 'verifyUnused' }, { progress: { ...NOTHING, proved: 'before', recounted: true } }],
    [{ kind: 'verifyRemoval', next }, { progress: { ...NOTHING, proved: 'before', confirmed: true } }],
    [
      { kind: 'switch', stages: [stage('prod', 'old')], to: next },
      {
        moving: [stage('prod', 'new'), stage('beta')],
        switchedAt: NOW,
        keptFrom: NOW,
        lastPresented: new Map([
          ['spare', after(-DAY)],
          ['old', NOW],
        ]),
        presentedBefore: new Set(['old', 'new']),
      },
    ],
    [
      { kind: 'switch', stages: [stage('beta')], to: next },
      {
        moving: [stage('prod', 'old'), stage('beta', 'new')],
        switchedAt: NOW,
        keptFrom: NOW,
        presentedBefore: new Set(['old', 'new']),
      },
    ],
    [{ kind: 'publish', publication: 'unknown', clientCertificateId: 'new' }, {}],
    [
      { kind: 'redeploy', stage: stage('prod', 'new'), to: next },
      { redeployed: ['api/prod'], switchedAt: NOW, keptFrom: NOW },
    ],
    [{ kind: 'soak', until: after(DAY) }, { now: after(DAY) }],
    [{ kind: 'settle', until: after(DAY) }, { now: after(DAY) }],
    [{ kind: 'keep', until: after(DAY) }, { now: after(DAY) }],
    [
      { kind: 'delete', certificate: unit.old },
      { unit: { oldId: 'old', next, spares: [spare] }, deleted: [unit.old] },
    ],
    [
      { kind: 'delete', certificate: spare },
      { unit: { ...unit, spares: [] }, deleted: [spare] },
    ],
    [{ kind: 'release', certificate: next }, { unit: { oldId: 'old', old: unit.old, spares: [spare] } }],
    [{ kind: 'finish', certificate: next }, { unit: { ...unit, next: { ...next, mark: mark('old') } } }],
    [{ kind: 'finish', certificate: gone }, {}],
    [{ kind: 'stageChanged' }, {}],
    [{ kind: 'impossible' }, {}],
    [{ kind: 'inUse', certificate: next }, {}],
    [{ kind: 'done' }, {}],
  ])('%j', (step, changes) => {
    const kept = structuredClone(start);
    expect(afterStep(start, step)).toStrictEqual({ ...start, ...changes });
    expect(start).toStrictEqual(kept);
  });

  test('what was not there before a deletion is not there after it', () => {
    const before = { ...start, unit: { oldId: 'old', spares: [spare] } };
    const ended = afterStep(before, { kind: 'delete', certificate: spare });
    expect(ended.unit).toStrictEqual({ oldId: 'old', spares: [] });
  });

  test('several stages are switched at once, and others have to be looked at before they are', () => {
    const moving = [stage('prod', 'old'), stage('beta', 'spare'), stage('dev', 'old')];
    const before = { ...start, moving, progress: { ...NOTHING, checked: true } };
    const after = afterStep(before, { kind: 'switch', stages: moving.slice(0, 2), to: next });
    expect(after.moving).toEqual([stage('prod', 'new'), stage('beta', 'new'), stage('dev', 'old')]);
    expect(after.lastPresented).toEqual(
      new Map([
        ['spare', NOW],
        ['old', NOW],
      ]),
    );
    expect(after.progress.checked).toBe(false);
  });

  describe('an import in place', () => {
    const arn = 'arn:aws:acm:eu-central-1:123456789012:certificate/1';
    const [from, into] = [certificate(`${arn}@0000000000000001`), certificate(`${arn}@0000000000000002`)];
    const moving = [stage('prod', from.clientCertificateId), stage('beta', from.clientCertificateId)];
    const before = {
      ...start,
      unit: { oldId: from.clientCertificateId, old: from, next: into, spares: [] },
      moving,
    };
    const forward = { kind: 'switch' as const, stages: moving.slice(0, 1), to: into };

    test('reaches every stage, and its old certificate may be gone with it', () => {
      const kept = afterStep(before, forward);
      expect(kept.moving.map(({ clientCertificateId }) => clientCertificateId)).toEqual([
        into.clientCertificateId,
        into.clientCertificateId,
      ]);
      expect(kept.unit).toStrictEqual(before.unit);
      expect(kept.deleted).toStrictEqual(before.deleted);
      const lost = afterStep({ ...before, losesOld: true }, forward);
      expect(lost.unit).toStrictEqual({ oldId: from.clientCertificateId, next: into, spares: [] });
      expect(lost.deleted).toStrictEqual([...before.deleted, from]);
    });

    test('is not lost by the import that takes it back, nor its trust where the new one needs it', () => {
      const back = { ...forward, to: from };
      expect(afterStep({ ...before, losesOld: true }, back).unit).toStrictEqual(before.unit);
      const { fingerprintSha256 } = from.trusted;
      const next = { ...into, trusted: { ...into.trusted, fingerprintSha256 } };
      const shared = { ...before, losesOld: true, unit: { ...before.unit, next } };
      expect(afterStep(shared, { ...forward, to: next }).deleted).toStrictEqual(before.deleted);
    });
  });

  test('one redeployed after another is remembered beside it', () => {
    const first = afterStep(start, { kind: 'redeploy', stage: stage('prod', 'new'), to: next });
    const second = afterStep(first, { kind: 'redeploy', stage: stage('beta', 'new'), to: next });
    expect(second.redeployed).toEqual(['api/prod', 'api/beta']);
  });

  test('one deleted after another is remembered beside it', () => {
    const first = afterStep(start, { kind: 'delete', certificate: spare });
    expect(afterStep(first, { kind: 'delete', certificate: unit.old }).deleted).toEqual([spare, unit.old]);
  });
});

test.each<[Step, boolean]>([
  [{ kind: 'done' }, true],
  [{ kind: 'stageChanged' }, true],
  [{ kind: 'impossible' }, true],
  [{ kind: 'inUse', certificate: certificate('new') }, true],
  [{ kind: 'recheck', stages: [] }, false],
])('isLast %j: %s', (step, last) => {
  expect(isLast(step)).toBe(last);
});

describe('planSteps', () => {
  test('a plain rotation, in order', () => {
    expect(kinds(planSteps(situation()))).toEqual([
      'generate',
      'trust',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'soak',
      'verifyUnused',
      'delete',
      'untrust',
      'verifyRemoval',
      'finish',
    ]);
  });

  test('two stages, two stores, redeployed, the old one kept', () => {
    const plan = planSteps(
      situation({
        moving: [stage('prod', 'old'), stage('beta', 'old')],
        stores: [store('a', 'OLD'), store('b', 'OLD')],
        settings: { soak: MINUTE, keepOld: DAY, redeploy: 'always', inFlight: MINUTE },
      }),
    );
    expect(kinds(plan)).toEqual([
      ...[
        'generate',
        'trust',
        'trust',
        'preflight',
        'recheck',
        'switch',
        'redeploy',
        'redeploy',
        'verifySwitch',
      ],
      ...['soak', 'keep', 'verifyUnused', 'delete', 'untrust', 'untrust', 'verifyRemoval', 'finish'],
    ]);
  });

  test('to a certificate that is there', () => {
    const adoptable = certificate('there');
    expect(planSteps(situation({ adoptable })).steps.slice(0, 2)).toEqual([
      { kind: 'adopt', certificate: adoptable },
      {
        kind: 'trust',
        store: 'file',
        certificate: {
          ...adoptable,
          mark: { rotationId: 'r1', replaces: 'old', replacesSha256: 'OLD', adopted: true },
        },
      },
    ]);
  });

  test('an abort after the switch is the same loop the other way round', () => {
    const plan = planSteps(
      situation({
        goal: 'abort',
        unit: {
          oldId: 'old',
          old: certificate('old'),
          next: certificate('new', { mark: mark('old') }),
          spares: [],
        },
        moving: [stage('prod', 'new')],
        stores: [store('file', 'NEW')],
      }),
    );
    expect(kinds(plan)).toEqual([
      ...['withdraw', 'trust', 'preflight', 'recheck', 'switch', 'soak', 'verifyUnused', 'delete', 'untrust'],
    ]);
  });

  test('comes to an end from any state: forward with one certificate in place and trusted alone', () => {
    fc.assert(
      fc.property(situations, (start) => {
        const end = endOf(start);
        const last = nextStep(end);
        expect(last).toEqual(planSteps(start).last);
        if (start.goal !== 'rotate') return;
        const { next, old, spares } = end.unit;
        expect(last.kind).toBe('done');
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
      { numRuns: 1_500 },
    );
  });

  test('back: an abort ends with the old one in place and nothing left of the new, or says why not', () => {
    fc.assert(
      fc.property(situations, (any) => {
        const start: Situation = { ...any, goal: 'abort' };
        const end = endOf(start);
        const { last } = planSteps(start);
        if (last.kind === 'impossible') {
          expect(start.unit.old).toBeUndefined();
          expect(end).toEqual(start);
          return;
        }
        if (last.kind === 'inUse') {
          expect(start.elsewhere).toContain(last.certificate.clientCertificateId);
          return;
        }
        expect(last.kind).toBe('done');
        for (const { clientCertificateId } of end.moving) expect(clientCertificateId).toBe('old');
        expect(end.unit.next).toBeUndefined();
        // Of one that was never seen nobody can tell whose it is.
        if (start.unit.next) for (const { trusts } of end.stores) expect(trusts).not.toContain('NEW');
      }),
      { numRuns: 1_500 },
    );
  });

  test('back: a cancellation moves no stage and takes away nothing that is not its own', () => {
    fc.assert(
      fc.property(situations, (any) => {
        const start: Situation = { ...any, goal: 'cancel' };
        const end = endOf(start);
        expect(end.moving).toEqual(start.moving);
        expect(end.unit.old).toEqual(start.unit.old);
        if (start.unit.next?.mark?.rotationId === 'r2') expect(end.unit.next).toEqual(start.unit.next);
      }),
      { numRuns: 1_000 },
    );
  });

  test('at no step does a stage come to, or keep, what some store lacks', () => {
    fc.assert(
      fc.property(situations, (start) => {
        for (const { before, step } of played(start)) {
          if (step.kind === 'switch') {
            for (const { trusts } of before.stores)
              expect(trusts).toContain(step.to.trusted.fingerprintSha256);
          }
          if (step.kind === 'untrust' || step.kind === 'delete') {
            const id = step.certificate.clientCertificateId;
            expect(before.moving.map((one) => one.clientCertificateId)).not.toContain(id);
            expect(before.elsewhere).not.toContain(id);
          }
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('no trust ends but in what AWS has deleted, or in what was withdrawn long enough ago', () => {
    fc.assert(
      fc.property(situations, (start) => {
        for (const { before, step } of played(start)) {
          if (step.kind !== 'untrust') continue;
          const id = step.certificate.clientCertificateId;
          const { next } = before.unit;
          if (before.deleted.some(({ clientCertificateId }) => clientCertificateId === id)) continue;
          expect(id).toBe(next?.clientCertificateId);
          expect(next?.mark?.adopted).toBe(true);
          const withdrawn = Date.parse(next?.mark?.withdrawn ?? '') || 0;
          expect(before.now.getTime()).toBeGreaterThanOrEqual(withdrawn + before.settings.inFlight);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('what is published exists and is presented at the end, and nothing that is published is deleted or trusted no more', () => {
    fc.assert(
      fc.property(situations, (start) => {
        const end = endOf(start);
        const { last } = planSteps(start);
        for (const { before, step } of played(start)) {
          if (step.kind === 'publish') {
            for (const { clientCertificateId } of before.moving)
              expect(clientCertificateId).toBe(step.clientCertificateId);
          }
          if (step.kind !== 'delete' && step.kind !== 'untrust') continue;
          const { clientCertificateId: id } = step.certificate;
          if (before.deleted.some(({ clientCertificateId }) => clientCertificateId === id)) continue;
          for (const { holds } of before.publications) expect(holds).not.toBe(id);
        }
        if (last.kind !== 'done' || start.goal === 'cancel') return;
        const [presented] = end.moving.map(({ clientCertificateId }) => clientCertificateId);
        for (const { holds } of end.publications) expect(holds).toBe(presented);
      }),
      { numRuns: 1_500 },
    );
  });

  test('what was made for nothing stays where its id is published and no other one can be', () => {
    const view = {
      name: 'file:id',
      stages: ['api/prod', 'api/beta'],
      elsewhere: [],
      isKnown: true,
      holds: 'new',
    };
    const mixed = situation({
      goal: 'cancel',
      unit: {
        ...{ oldId: 'old', old: certificate('old'), next: certificate('new', { mark: mark('old') }) },
        spares: [certificate('spare', { mark: { ...mark('old'), rotationId: 'r2' } })],
      },
      moving: [stage('prod', 'old'), stage('beta', 'spare')],
      publications: [view],
    });
    expect(planSteps(mixed).last).toMatchObject({
      kind: 'stillPublished',
      certificate: { clientCertificateId: 'new' },
      publication: 'file:id',
    });
    const other = planSteps({ ...mixed, publications: [{ ...view, holds: 'old' }] });
    expect(other.last.kind).toBe('done');
    expect(kinds(other)).toContain('delete');
  });

  test.each(['abort', 'cancel'] as const)(
    '%s: what --to named stays trusted where its id is published and no other one can be',
    (goal) => {
      const next = certificate('new', { mark: mark('old', { adopted: true }) });
      const publication = { name: 'file:id', stages: ['api/prod'], elsewhere: ['other'], isKnown: true };
      const start = situation({
        goal,
        unit: { oldId: 'old', old: certificate('old'), next, spares: [] },
        stores: [store('file', 'OLD', 'NEW')],
        publications: [{ ...publication, holds: 'new' }],
      });
      const { steps, last } = planSteps(start);
      expect(steps.map(({ kind }) => kind)).not.toContain('untrust');
      expect(last).toMatchObject({
        kind: 'stillPublished',
        certificate: { clientCertificateId: 'new' },
        publication: 'file:id',
      });
      const other = planSteps({ ...start, publications: [{ ...publication, holds: 'old' }] });
      expect([kinds(other).includes('untrust'), other.last.kind]).toEqual([true, 'done']);
    },
  );

  test('a retired certificate of ACM stays trusted where it is published again meanwhile', () => {
    const arn = 'arn:aws:acm:eu-central-1:123456789012:certificate/old';
    const next = certificate('new', { mark: mark(arn, { retired: after(-DAY).toISOString() }) });
    const start = situation({
      unit: { oldId: arn, next, spares: [] },
      moving: [stage('prod', 'new')],
      stores: [store('file', 'OLD', 'NEW')],
      deleted: [{ clientCertificateId: arn, trusted: { fingerprintSha256: 'OLD' } }],
      publications: [
        { name: 'file:id', stages: ['api/prod'], elsewhere: ['other'], isKnown: true, holds: arn },
      ],
    });
    const { steps, last } = planSteps(start);
    expect([steps.map(({ kind }) => kind).includes('untrust'), last.kind]).toEqual([false, 'stillPublished']);
    expect(kinds(planSteps({ ...start, publications: [] }))).toContain('untrust');
  });

  test('a rotation that publishes nothing has the same steps without it', () => {
    fc.assert(
      fc.property(situations, (any) => {
        const { steps, last } = planSteps(any);
        fc.pre(last.kind !== 'stillPublished');
        const others = steps.filter(({ kind }) => kind !== 'publish');
        expect(planSteps({ ...any, publications: [] }).steps.map(({ kind }) => kind)).toEqual(
          others.map(({ kind }) => kind),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('the id is published before anything else where it is not, after the switch was seen, and before the soak', () => {
    const view = { name: 'ssm:/id', stages: ['api/prod'], elsewhere: [] };
    const steps = (isKnown: boolean, holds?: string) =>
      planSteps(
        situation({ publications: [{ ...view, isKnown, ...(holds === undefined ? {} : { holds }) }] }),
      ).steps.map((step) => (step.kind === 'publish' ? `publish ${step.clientCertificateId}` : step.kind));
    const rest = [
      'generate',
      'trust',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'publish (new)',
      'soak',
    ];
    expect(steps(true, 'old').slice(0, 8)).toEqual(rest);
    expect(steps(true).slice(0, 9)).toEqual(['publish old', ...rest]);
    expect(steps(true, 'foreign').slice(0, 9)).toEqual(['publish old', ...rest]);
    // What cannot be looked into is taken to be right until a stage was moved.
    expect(steps(false).slice(0, 8)).toEqual(rest);
  });

  test('on the way back the old id is published before the new certificate goes', () => {
    const next = certificate('new', { mark: mark('old') });
    const back = (goal: Goal, changes: Partial<Situation>) =>
      kinds(
        planSteps(
          situation({
            goal,
            unit: { oldId: 'old', old: certificate('old'), next, spares: [] },
            stores: [store('file', 'OLD', 'NEW')],
            ...changes,
          }),
        ),
      );
    const view = { name: 'file:id', stages: ['api/prod'], elsewhere: [], isKnown: true, holds: 'new' };
    const switched = { moving: [stage('prod', 'new')], publications: [view] };
    expect(back('rollBack', switched)).toEqual(['preflight', 'recheck', 'switch', 'publish']);
    expect(back('abort', switched)).toEqual([
      ...[
        'withdraw',
        'preflight',
        'recheck',
        'switch',
        'publish',
        'soak',
        'verifyUnused',
        'delete',
        'untrust',
      ],
    ]);
    expect(back('cancel', { publications: [view] }).slice(0, 1)).toEqual(['publish']);
    expect(back('cancel', { publications: [{ ...view, holds: 'foreign' }] })).not.toContain('publish');
  });

  test('stages of a target that present different certificates have no id to publish', () => {
    const view = { name: 'file:id', stages: ['api/prod'], elsewhere: ['other'], isKnown: true, holds: 'old' };
    expect(kinds(planSteps(situation({ publications: [view] })))).not.toContain('publish');
  });

  test('nothing is taken away before a look and the soak, nor a stage moved unproved', () => {
    fc.assert(
      fc.property(situations.map(unproved), (start) => {
        let looked = false;
        for (const { before, step } of played(start)) {
          if (step.kind === 'switch') {
            expect(before.progress.proved).toBe(proof(step.to.clientCertificateId));
            expect(before.progress.checked).toBe(true);
          }
          if (step.kind === 'verifyUnused') looked = true;
          if (step.kind === 'untrust' || step.kind === 'delete') {
            expect(looked).toBe(true);
            const last = before.lastPresented.get(step.certificate.clientCertificateId)?.getTime() ?? 0;
            expect(before.now.getTime()).toBeGreaterThanOrEqual(last + before.settings.soak);
          }
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('a proof of one certificate, or by other calls, moves no stage to another', () => {
    fc.assert(
      fc.property(situations, (start) => {
        for (const { before, step } of played(start)) {
          if (step.kind !== 'switch') continue;
          expect(before.progress.proved).toBe(proof(step.to.clientCertificateId));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
