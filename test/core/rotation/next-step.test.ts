import { describe, expect, test } from '@jest/globals';
import { nextStep, type Situation, type Step } from '../../../src/core/rotation/next-step.js';
import { after, certificate, DAY, mark, MINUTE, NOTHING, NOW, situation, stage, store } from './fixture.js';

const old = certificate('old');
const next = certificate('new', { mark: mark('old') });
const spare = certificate('spare', { mark: mark('old') });

const BOTH = [store('file', 'OLD', 'NEW')];
const made = { oldId: 'old', old, next, spares: [] };
const proved = { ...NOTHING, proved: true };
const checked = { ...proved, checked: true };
const verified = { ...NOTHING, verified: true };
const recounted = { ...verified, recounted: true };

/** After the switch of the one stage, so long ago. */
const switched = (ago: number, changes: Partial<Situation> = {}): Situation =>
  situation({
    unit: made,
    moving: [stage('prod', 'new')],
    stores: BOTH,
    switchedAt: new Date(NOW.getTime() - ago),
    ...changes,
  });

const soaked = (changes: Partial<Situation> = {}): Situation => switched(5 * MINUTE, changes);

const CASES: readonly (readonly [what: string, situation: Situation, step: Step])[] = [
  ['nothing is there yet', situation(), { kind: 'generate' }],
  [
    'the new certificate is trusted nowhere',
    situation({ unit: made }),
    { kind: 'trust', store: 'file', certificate: next },
  ],
  [
    'a second store lacks it',
    situation({ unit: made, stores: [...BOTH, store('other', 'OLD')] }),
    { kind: 'trust', store: 'other', certificate: next },
  ],
  [
    'a store was emptied: what is in use comes first',
    situation({ unit: made, stores: [store('file')] }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
  [
    'the old one has expired: trusting it would help nobody',
    situation({ unit: { ...made, old: certificate('old', { notAfter: NOW }) }, stores: [store('file')] }),
    { kind: 'trust', store: 'file', certificate: next },
  ],
  ['both are trusted', situation({ unit: made, stores: BOTH }), { kind: 'prove' }],
  ['both are proved', situation({ unit: made, stores: BOTH, progress: proved }), { kind: 'check' }],
  [
    'all is checked',
    situation({ unit: made, stores: BOTH, progress: checked }),
    { kind: 'switch', stage: stage('prod', 'old'), next },
  ],
  [
    'one of two stages is switched, by this run',
    situation({
      unit: made,
      stores: BOTH,
      progress: checked,
      moving: [stage('prod', 'new'), stage('beta', 'old')],
    }),
    { kind: 'switch', stage: stage('beta', 'old'), next },
  ],
  [
    'one of two stages was switched by an earlier run: its proofs count for nothing',
    situation({ unit: made, stores: BOTH, moving: [stage('prod', 'new'), stage('beta', 'old')] }),
    { kind: 'prove' },
  ],
  [
    'a stage presents the spare of a racing run: trusted first',
    situation({
      unit: { ...made, spares: [spare] },
      stores: BOTH,
      moving: [stage('prod', 'new'), stage('beta', 'spare')],
    }),
    { kind: 'trust', store: 'file', certificate: spare },
  ],
  [
    'a stage presents the spare of a racing run: switched as any other',
    situation({
      unit: { ...made, spares: [spare] },
      stores: [store('file', 'OLD', 'NEW', 'SPARE')],
      progress: checked,
      moving: [stage('prod', 'new'), stage('beta', 'spare')],
    }),
    { kind: 'switch', stage: stage('beta', 'spare'), next },
  ],
  ['every stage is switched', switched(0), { kind: 'verify', next }],
  [
    'the stage is switched and has to be deployed',
    switched(0, { settings: { soak: 0, keepOld: 0, redeploy: 'always' } }),
    { kind: 'redeploy', stage: stage('prod', 'new'), next },
  ],
  [
    'the stage is deployed',
    switched(0, { settings: { soak: 0, keepOld: 0, redeploy: 'always' }, redeployed: ['api/prod'] }),
    { kind: 'verify', next },
  ],
  ['verified', switched(0, { progress: verified }), { kind: 'soak', until: after(5 * MINUTE) }],
  [
    'the soak is under way',
    switched(MINUTE, { progress: verified }),
    { kind: 'soak', until: after(4 * MINUTE) },
  ],
  [
    'the file was emptied while hosts of API Gateway may present the old one still',
    switched(MINUTE, { stores: [store('file', 'NEW')] }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
  [
    'the file was emptied after the soak',
    soaked({ stores: [store('file')] }),
    { kind: 'trust', store: 'file', certificate: next },
  ],
  ['a later run finds the soak over: it proves for itself', soaked(), { kind: 'verify', next }],
  ['the soak is over', soaked({ progress: verified }), { kind: 'recount' }],
  [
    'the old one is to be kept',
    soaked({ progress: verified, settings: { soak: 0, keepOld: 7 * DAY, redeploy: 'never' } }),
    { kind: 'keep', until: after(7 * DAY - 5 * MINUTE) },
  ],
  [
    'the old one was kept long enough',
    switched(7 * DAY, { progress: verified, settings: { soak: 0, keepOld: 7 * DAY, redeploy: 'never' } }),
    { kind: 'recount' },
  ],
  ['recounted', soaked({ progress: recounted }), { kind: 'untrust', store: 'file', certificate: old }],
  [
    'trusted nowhere any more',
    soaked({ progress: recounted, stores: [store('file', 'NEW')] }),
    { kind: 'confirm', next },
  ],
  [
    'confirmed',
    soaked({ progress: { ...recounted, confirmed: true }, stores: [store('file', 'NEW')] }),
    { kind: 'delete', certificate: old },
  ],
  [
    'the old one is deleted, a spare of a lost answer is left',
    soaked({
      unit: { oldId: 'old', next, spares: [spare] },
      progress: { ...recounted, confirmed: true },
      stores: [store('file', 'NEW')],
    }),
    { kind: 'delete', certificate: spare },
  ],
  [
    'a spare is trusted',
    soaked({
      unit: { oldId: 'old', next, spares: [spare] },
      progress: recounted,
      stores: [store('file', 'NEW', 'SPARE')],
    }),
    { kind: 'untrust', store: 'file', certificate: spare },
  ],
  [
    'the old one is gone',
    soaked({ unit: { oldId: 'old', next, spares: [] }, progress: verified, stores: [store('file', 'NEW')] }),
    { kind: 'done' },
  ],
  [
    'somebody deleted the old one before the trust in it ended',
    soaked({ unit: { oldId: 'old', next, spares: [] }, progress: recounted, deleted: [old] }),
    { kind: 'untrust', store: 'file', certificate: old },
  ],
  [
    'other stages keep the old one (--only-stage)',
    soaked({ progress: verified, elsewhere: ['old'] }),
    { kind: 'done' },
  ],
  [
    'other stages keep the old one and its trust was emptied',
    soaked({ progress: verified, elsewhere: ['old'], stores: [store('file', 'NEW')] }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
  [
    'others present a spare: it stays',
    soaked({
      unit: { oldId: 'old', next, spares: [spare] },
      progress: recounted,
      elsewhere: ['spare'],
      stores: [store('file', 'NEW', 'SPARE')],
    }),
    { kind: 'done' },
  ],
  ['somebody moved every stage elsewhere', situation({ moving: [] }), { kind: 'stageChanged' }],
  [
    'somebody moved the stage back after the switch',
    switched(MINUTE, { moving: [stage('prod', 'old')], progress: recounted }),
    { kind: 'prove' },
  ],
  [
    'no soak is wanted',
    switched(0, { progress: verified, settings: { soak: 0, keepOld: 0, redeploy: 'never' } }),
    { kind: 'recount' },
  ],
];

describe('nextStep', () => {
  test.each(CASES)('%s', (_, given, expected) => {
    expect(nextStep(given)).toEqual(expected);
  });
});
