import { describe, expect, test } from '@jest/globals';
import type { Certificate } from '../../../src/control-plane/certificate.js';
import { MOST_AT_ONCE, nextStep, type Situation, type Step } from '../../../src/rotation/rules/next-step.js';
import {
  DAY,
  MINUTE,
  NOTHING,
  NOW,
  SETTLED,
  after,
  certificate,
  mark,
  proof,
  situation,
  stage,
  store,
} from './fixture.js';

const old = certificate('old');
const next = certificate('new', { mark: mark('old') });
const spare = certificate('spare', { mark: mark('old') });

const others = certificate('spare', { mark: mark('old', { rotationId: 'r2' }) });

const BOTH = [store('file', 'OLD', 'NEW')];
const made = { oldId: 'old', old, next, spares: [] };
const gone = { oldId: 'old', next, spares: [] };
const unfinished = certificate('new', { mark: mark('old', { replacesSha256: 'OLD' }) });
const adopted = certificate('new', { mark: mark('old', { adopted: true }) });
const adoptedOld = certificate('old', { mark: mark('older', { adopted: true }) });
const withdrawn = certificate('new', { mark: mark('old', { withdrawn: after(-MINUTE).toISOString() }) });
const withdrawnOthers = certificate('spare', {
  mark: mark('old', { rotationId: 'r2', withdrawn: after(-MINUTE).toISOString() }),
});
const many = Array.from({ length: MOST_AT_ONCE + 1 }, (_, i) => stage(`s${i}`, 'old'));
const proved = { ...NOTHING, proved: proof('new') };
const checked = { ...proved, checked: true };
const verified = { ...NOTHING, verified: proof('new') };
const recounted = { ...verified, recounted: true };

const settings = (soak: number, keepOld: number, redeploy: 'never' | 'always'): Situation['settings'] => ({
  soak,
  keepOld,
  redeploy,
  inFlight: MINUTE,
});

/** After the switch of the one stage, so long ago. */
const switched = (ago: number, changes: Partial<Situation> = {}): Situation =>
  situation({
    unit: made,
    moving: [stage('prod', 'new')],
    stores: BOTH,
    switchedAt: after(-ago),
    lastPresented: new Map([['old', after(-ago)]]),
    presentedBefore: new Set(['old', 'new']),
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
  ['both are trusted', situation({ unit: made, stores: BOTH }), { kind: 'preflight', to: next }],
  [
    'both are trusted, and hosts have to report it',
    situation({ unit: made, stores: BOTH, acknowledges: true }),
    { kind: 'acknowledge', wanted: 'live', certificates: [next] },
  ],
  [
    'the hosts have reported another certificate',
    situation({
      unit: made,
      stores: BOTH,
      acknowledges: true,
      progress: { ...NOTHING, acknowledged: 'live old' },
    }),
    { kind: 'acknowledge', wanted: 'live', certificates: [next] },
  ],
  [
    'the hosts have reported that one is gone',
    situation({
      unit: made,
      stores: BOTH,
      acknowledges: true,
      progress: { ...NOTHING, acknowledged: 'gone new' },
    }),
    { kind: 'acknowledge', wanted: 'live', certificates: [next] },
  ],
  [
    'the hosts have reported it',
    situation({
      unit: made,
      stores: BOTH,
      acknowledges: true,
      progress: { ...NOTHING, acknowledged: 'live new' },
    }),
    { kind: 'preflight', to: next },
  ],
  [
    'stages go back: no host is waited for',
    situation({
      unit: made,
      goal: 'rollBack',
      moving: [stage('prod', 'new')],
      stores: BOTH,
      acknowledges: true,
    }),
    { kind: 'preflight', to: old },
  ],
  [
    'no stage is behind: no host is waited for',
    situation({ unit: made, moving: [stage('prod', 'new')], stores: BOTH, acknowledges: true }),
    { kind: 'verifySwitch', next },
  ],
  [
    'trust in what is deleted has ended: every host has to report it',
    soaked({
      unit: gone,
      stores: [store('file', 'NEW')],
      deleted: [certificate('spare'), certificate('old')],
      progress: { ...verified, acknowledged: 'live new' },
      acknowledges: true,
    }),
    { kind: 'acknowledge', wanted: 'gone', certificates: [certificate('old'), certificate('spare')] },
  ],
  [
    'what other stages need is not waited for: hosts report it as before',
    soaked({
      unit: gone,
      stores: [store('file', 'NEW', 'OLD')],
      deleted: [certificate('old')],
      trustedElsewhere: ['OLD'],
      progress: { ...verified, acknowledged: 'live new' },
      acknowledges: true,
    }),
    { kind: 'verifyRemoval', next },
  ],
  [
    'what API Gateway generated is trusted for itself alone, whatever is not known of others',
    soaked({
      unit: gone,
      stores: [store('file', 'NEW', 'OLD')],
      deleted: [certificate('old')],
      trustedElsewhere: 'unknown',
      progress: { ...verified, recounted: true },
    }),
    { kind: 'untrust', store: 'file', certificate: certificate('old') },
  ],
  [
    'every host has reported that it is gone',
    soaked({
      unit: gone,
      stores: [store('file', 'NEW')],
      deleted: [certificate('old')],
      progress: { ...verified, acknowledged: 'gone old' },
      acknowledges: true,
    }),
    { kind: 'verifyRemoval', next },
  ],
  [
    'both are proved',
    situation({ unit: made, stores: BOTH, progress: proved }),
    { kind: 'recheck', stages: [stage('prod', 'old')] },
  ],
  [
    'all is checked',
    situation({ unit: made, stores: BOTH, progress: checked }),
    { kind: 'switch', stages: [stage('prod', 'old')], to: next },
  ],
  [
    'one of two stages is switched, by this run',
    situation({
      unit: made,
      stores: BOTH,
      progress: checked,
      moving: [stage('prod', 'new'), stage('beta', 'old')],
    }),
    { kind: 'switch', stages: [stage('beta', 'old')], to: next },
  ],
  [
    'one of two stages was switched by an earlier run: its proofs count for nothing',
    situation({ unit: made, stores: BOTH, moving: [stage('prod', 'new'), stage('beta', 'old')] }),
    { kind: 'preflight', to: next },
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
    { kind: 'switch', stages: [stage('beta', 'spare')], to: next },
  ],
  [
    'more stages than are looked at at once',
    situation({ unit: made, stores: BOTH, progress: proved, moving: [stage('first', 'new'), ...many] }),
    { kind: 'recheck', stages: many.slice(0, MOST_AT_ONCE) },
  ],
  [
    'more stages than are switched at once',
    situation({ unit: made, stores: BOTH, progress: checked, moving: [stage('first', 'new'), ...many] }),
    { kind: 'switch', stages: many.slice(0, MOST_AT_ONCE), to: next },
  ],
  [
    'a stage has to leave a spare, and the old one may be needed again: it is trusted still',
    situation({
      unit: { ...made, spares: [spare] },
      stores: [store('file', 'NEW', 'SPARE')],
      moving: [stage('prod', 'new'), stage('beta', 'spare')],
    }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
  [
    'no stage presents the spare of a racing run: it need not be trusted',
    situation({ unit: { ...made, spares: [spare] }, stores: BOTH }),
    { kind: 'preflight', to: next },
  ],
  [
    'the old one is deleted, and a stage presents a spare: it moves on',
    situation({
      unit: { ...gone, spares: [spare] },
      stores: [store('file', 'NEW', 'SPARE')],
      moving: [stage('prod', 'new'), stage('beta', 'spare')],
    }),
    { kind: 'preflight', to: next },
  ],
  [
    'one that --to named is moved to as any other',
    situation({ unit: { ...made, next: adopted }, stores: BOTH }),
    { kind: 'preflight', to: adopted },
  ],
  [
    'a spare that no stage is known to have presented need not be trusted',
    situation({
      unit: { ...made, spares: [spare] },
      stores: BOTH,
      lastPresented: new Map([['spare', NOW]]),
    }),
    { kind: 'preflight', to: next },
  ],
  ['every stage is switched', switched(0), { kind: 'verifySwitch', next }],
  [
    'the stage is switched and has to be deployed',
    switched(0, { settings: settings(0, 0, 'always') }),
    { kind: 'redeploy', stage: stage('prod', 'new'), to: next },
  ],
  [
    'the stage is deployed',
    switched(0, { settings: settings(0, 0, 'always'), redeployed: ['api/prod'] }),
    { kind: 'verifySwitch', next },
  ],
  ['verified', switched(0, { progress: verified }), { kind: 'soak', until: after(5 * MINUTE) }],
  [
    'verified, and of no certificate is it known when stages left it: the soak counts from the switch',
    switched(0, { progress: verified, lastPresented: new Map() }),
    { kind: 'soak', until: after(5 * MINUTE) },
  ],
  [
    'the file was emptied within the soak, whatever is known of who has presented the old one',
    switched(MINUTE, { stores: [store('file', 'NEW')], presentedBefore: new Set(['new']) }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
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
  ['a later run finds the soak over: it proves for itself', soaked(), { kind: 'verifySwitch', next }],
  ['the soak is over', soaked({ progress: verified }), { kind: 'verifyUnused' }],
  [
    'the old one is to be kept',
    soaked({ progress: verified, settings: settings(0, 7 * DAY, 'never') }),
    { kind: 'keep', until: after(7 * DAY - 5 * MINUTE) },
  ],
  [
    'the old one is to be kept, and other stages keep it anyway (--only-stage)',
    soaked({ progress: verified, elsewhere: ['old'], settings: settings(0, 7 * DAY, 'never') }),
    { kind: 'done' },
  ],
  [
    'the old one was kept long enough',
    switched(7 * DAY, { progress: verified, settings: settings(0, 7 * DAY, 'never') }),
    { kind: 'verifyUnused' },
  ],
  ['recounted: AWS has the last word', soaked({ progress: recounted }), { kind: 'delete', certificate: old }],
  [
    'recounted, and an earlier rotation had adopted the old one: it goes like any other',
    soaked({ unit: { ...made, old: adoptedOld }, progress: recounted }),
    { kind: 'delete', certificate: adoptedOld },
  ],
  [
    'recounted: that a call may still make a certificate is nothing to wait for',
    soaked({
      progress: recounted,
      unsettled: { ...SETTLED, switches: after(MINUTE), generation: after(MINUTE) },
    }),
    { kind: 'delete', certificate: old },
  ],
  [
    'two are deleted: whatever the order in which they are known, the trust in them ends in the same',
    soaked({
      unit: gone,
      progress: recounted,
      deleted: [spare, old],
      stores: [store('file', 'OLD', 'NEW', 'SPARE')],
    }),
    { kind: 'untrust', store: 'file', certificate: old },
  ],
  [
    'the old one is deleted',
    soaked({ unit: gone, progress: recounted, deleted: [old] }),
    { kind: 'untrust', store: 'file', certificate: old },
  ],
  [
    'trusted nowhere any more',
    soaked({ unit: gone, progress: recounted, deleted: [old], stores: [store('file', 'NEW')] }),
    { kind: 'verifyRemoval', next },
  ],
  [
    'confirmed',
    soaked({
      unit: gone,
      progress: { ...recounted, confirmed: true },
      deleted: [old],
      stores: [store('file', 'NEW')],
    }),
    { kind: 'done' },
  ],
  [
    'confirmed, and the mark says still that trust may be left',
    soaked({
      unit: { ...gone, next: unfinished },
      progress: { ...recounted, confirmed: true },
      deleted: [old],
      stores: [store('file', 'NEW')],
    }),
    { kind: 'finish', certificate: unfinished },
  ],
  [
    'the old one is deleted and trusted still: a spare whose mark may be the last to tell of it goes after its trust',
    soaked({
      unit: { oldId: 'old', next, spares: [spare] },
      progress: recounted,
      deleted: [old],
      stores: [store('file', 'NEW'), store('blind', 'OLD', 'NEW')],
    }),
    { kind: 'untrust', store: 'blind', certificate: old },
  ],
  [
    'the old one is deleted, a spare of a lost answer is left',
    soaked({
      unit: { oldId: 'old', next, spares: [spare] },
      progress: recounted,
      deleted: [old],
      stores: [store('file', 'NEW')],
    }),
    { kind: 'delete', certificate: spare },
  ],
  [
    'the old one is gone and nothing is known of it',
    soaked({ unit: gone, progress: verified, stores: [store('file', 'NEW')] }),
    { kind: 'done' },
  ],
  [
    'somebody deleted the old one before the trust in it ended: the account is looked at first',
    soaked({ unit: gone, progress: verified, deleted: [old] }),
    { kind: 'verifyUnused' },
  ],
  [
    'a stage that has left the old one by another rotation still spreads',
    soaked({ progress: verified, lastPresented: new Map([['old', after(-MINUTE)]]) }),
    { kind: 'soak', until: after(4 * MINUTE) },
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
    { kind: 'preflight', to: next },
  ],
  [
    'no soak is wanted',
    switched(0, { progress: verified, settings: settings(0, 0, 'never') }),
    { kind: 'verifyUnused' },
  ],
];

const back = (changes: Partial<Situation> = {}): Situation =>
  switched(0, { goal: 'abort', unit: { ...made, next: withdrawn }, ...changes });
const backProved = { ...NOTHING, proved: proof('old') };

/** Nothing has moved, and a certificate that `--to` named is taken back, in these stores. */
const withdrawnAdopted = certificate('new', {
  mark: mark('old', { adopted: true, withdrawn: after(-MINUTE).toISOString() }),
});
const released = (...stores: Situation['stores']): Situation =>
  situation({
    goal: 'abort',
    unit: { ...made, next: withdrawnAdopted },
    stores,
    progress: recounted,
  });

/** Nothing has moved, and one that `--to` named was withdrawn at that time. */
const withdrawnFor = (at: string, changes: Partial<Situation>): Situation =>
  situation({
    goal: 'abort',
    unit: {
      ...made,
      next: certificate('new', { mark: mark('old', { adopted: true, withdrawn: at }) }),
    },
    ...changes,
  });

const WAY_BACK: readonly (readonly [what: string, situation: Situation, step: Step])[] = [
  [
    'stages present the new one: other runs have to know first',
    back({ unit: made }),
    { kind: 'withdraw', certificate: next },
  ],
  ['the old one is trusted', back(), { kind: 'preflight', to: old }],
  [
    'the old one is not trusted any more',
    back({ stores: [store('file', 'NEW')] }),
    { kind: 'trust', store: 'file', certificate: old },
  ],
  [
    'hosts may present the new one still, and it is not trusted any more',
    back({
      moving: [stage('prod', 'old')],
      stores: [store('file', 'OLD')],
      lastPresented: new Map([['new', NOW]]),
    }),
    { kind: 'trust', store: 'file', certificate: withdrawn },
  ],
  [
    'nothing has moved: that the old one is trusted nowhere is not for this run to change',
    situation({
      goal: 'abort',
      unit: { ...made, next: withdrawn },
      stores: [store('file', 'NEW')],
      progress: recounted,
    }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'a proof of the new one says nothing of the old one',
    back({ progress: { ...proved, checked: true } }),
    { kind: 'preflight', to: old },
  ],
  [
    'the old one is proved',
    back({ progress: backProved }),
    { kind: 'recheck', stages: [stage('prod', 'new')] },
  ],
  [
    'checked',
    back({ progress: { ...backProved, checked: true } }),
    { kind: 'switch', stages: [stage('prod', 'new')], to: old },
  ],
  [
    'the stage is back and hosts may present the new one still',
    back({ moving: [stage('prod', 'old')], lastPresented: new Map([['new', NOW]]) }),
    { kind: 'soak', until: after(5 * MINUTE) },
  ],
  [
    'the stage is back and was deployed with the new one',
    back({ moving: [stage('prod', 'old')], settings: settings(0, 0, 'always') }),
    { kind: 'redeploy', stage: stage('prod', 'old'), to: old },
  ],
  [
    'rolled back, and deployed with the new one',
    back({ goal: 'rollBack', moving: [stage('prod', 'old')], settings: settings(0, 0, 'always') }),
    { kind: 'redeploy', stage: stage('prod', 'old'), to: old },
  ],
  [
    'cancelled: no stage is deployed that none of this rotation has moved',
    situation({
      goal: 'cancel',
      unit: made,
      progress: recounted,
      settings: settings(0, 0, 'always'),
    }),
    { kind: 'delete', certificate: next },
  ],
  [
    'the stage is back and deployed',
    back({
      moving: [stage('prod', 'old')],
      settings: settings(0, 0, 'always'),
      redeployed: ['api/prod'],
    }),
    { kind: 'verifyUnused' },
  ],
  ['the soak is over', back({ moving: [stage('prod', 'old')] }), { kind: 'verifyUnused' }],
  [
    'recounted',
    back({ moving: [stage('prod', 'old')], progress: recounted }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'recounted: --keep-old is not about the way back',
    back({
      moving: [stage('prod', 'old')],
      progress: recounted,
      keptFrom: NOW,
      settings: settings(0, 7 * DAY, 'never'),
    }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'the new one is deleted',
    back({
      moving: [stage('prod', 'old')],
      progress: recounted,
      unit: { oldId: 'old', old, spares: [] },
      deleted: [next],
    }),
    { kind: 'untrust', store: 'file', certificate: next },
  ],
  [
    'nothing is left',
    back({ moving: [stage('prod', 'old')], unit: { oldId: 'old', old, spares: [] } }),
    { kind: 'done' },
  ],
  ['the old one is deleted', back({ unit: gone }), { kind: 'impossible' }],
  [
    'the old one is deleted, and there is no stage that would go back',
    back({ unit: { ...gone, next: withdrawn }, moving: [], progress: recounted }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'no stage has moved: others are told first, for the deletion may come late',
    situation({ goal: 'abort', unit: made, progress: recounted }),
    { kind: 'withdraw', certificate: next },
  ],
  [
    'no stage has moved, and others have been told',
    situation({ goal: 'abort', unit: { ...made, next: withdrawn }, progress: recounted }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'what another rotation has made for the same place goes too, and other runs have to know first',
    situation({
      goal: 'abort',
      unit: { ...made, next: withdrawn, spares: [others] },
      progress: recounted,
    }),
    { kind: 'withdraw', certificate: others },
  ],
  [
    'what another rotation has made for the same place goes before what this one has',
    situation({
      goal: 'abort',
      unit: { ...made, next: withdrawn, spares: [withdrawnOthers] },
      progress: recounted,
    }),
    { kind: 'delete', certificate: withdrawnOthers },
  ],
  [
    'a stage that is not moved presents it: it stays there, trusted',
    situation({
      goal: 'abort',
      unit: { ...made, next: withdrawn },
      elsewhere: ['new'],
      stores: [store('file', 'OLD', 'NEW')],
      progress: recounted,
    }),
    { kind: 'release', certificate: withdrawn },
  ],
  [
    'a stage that is not moved presents what another rotation has made: that is not touched',
    situation({
      goal: 'abort',
      unit: {
        ...made,
        next: certificate('new', { mark: mark('old', { rotationId: 'r2', replacesSha256: 'OLD' }) }),
      },
      elsewhere: ['new'],
      stores: [store('file', 'OLD', 'NEW')],
      progress: recounted,
    }),
    { kind: 'done' },
  ],
  [
    'a spare is deleted, and what another rotation has made stays in use: that is not proved',
    situation({
      goal: 'abort',
      unit: { ...made, next: certificate('new', { mark: mark('old', { rotationId: 'r2' }) }) },
      elsewhere: ['new'],
      deleted: [spare],
      stores: BOTH,
      progress: recounted,
    }),
    { kind: 'done' },
  ],
  [
    'a call that makes a certificate may still take effect',
    situation({
      goal: 'abort',
      unsettled: { ...SETTLED, generation: after(MINUTE) },
    }),
    { kind: 'settle', until: after(MINUTE) },
  ],
  [
    'a certificate that --to named is withdrawn first, for AWS does not keep others from it',
    situation({ goal: 'abort', unit: { ...made, next: adopted } }),
    { kind: 'withdraw', certificate: adopted },
  ],
  [
    'one that --to named is trusted no more, where this rotation has put it',
    released(store('file', 'OLD', 'NEW')),
    { kind: 'untrust', store: 'file', certificate: withdrawnAdopted },
  ],
  [
    'one that --to named stays where it was trusted before',
    released({ ...store('file', 'OLD', 'NEW'), added: [] }),
    { kind: 'release', certificate: withdrawnAdopted },
  ],
  [
    'one that --to named has been taken from the store already',
    released({ ...store('file', 'OLD'), added: ['NEW'] }),
    { kind: 'release', certificate: withdrawnAdopted },
  ],
  [
    'a switch to what is deleted need not be waited for',
    situation({
      goal: 'abort',
      unit: { ...made, next: withdrawn },
      progress: recounted,
      unsettled: { ...SETTLED, switches: after(2 * MINUTE) },
    }),
    { kind: 'delete', certificate: withdrawn },
  ],
  [
    'others may have been about to switch to it when it was withdrawn',
    situation({
      goal: 'abort',
      unit: {
        ...made,
        next: certificate('new', {
          mark: mark('old', { adopted: true, withdrawn: after(-MINUTE / 2).toISOString() }),
        }),
      },
    }),
    { kind: 'settle', until: after(MINUTE / 2) },
  ],
  [
    'a withdrawal of this very moment counts from now, not from when the run began',
    withdrawnFor(NOW.toISOString(), { since: after(-MINUTE) }),
    { kind: 'settle', until: after(MINUTE) },
  ],
  [
    'a withdrawal that is yet to come counts from when the run began',
    withdrawnFor(after(60 * MINUTE).toISOString(), { since: after(-MINUTE / 2) }),
    { kind: 'settle', until: after(MINUTE / 2) },
  ],
  [
    'a withdrawal of no known time is none to wait for, but a switch is',
    withdrawnFor('whenever', { unsettled: { ...SETTLED, switches: after(2 * MINUTE) } }),
    { kind: 'settle', until: after(2 * MINUTE) },
  ],
  [
    'an earlier release may still take its mark: nothing is done with it before',
    situation({
      goal: 'abort',
      unit: made,
      moving: [stage('prod', 'new')],
      unsettled: { ...SETTLED, release: after(MINUTE) },
    }),
    { kind: 'settle', until: after(MINUTE) },
  ],
  [
    'an earlier release has taken its mark: there is nothing to wait for',
    situation({ goal: 'abort', unsettled: { ...SETTLED, release: after(MINUTE) } }),
    { kind: 'done' },
  ],
  [
    'a switch to it may still take effect',
    situation({
      goal: 'abort',
      unit: {
        ...made,
        next: certificate('new', { mark: mark('old', { adopted: true, withdrawn: NOW.toISOString() }) }),
      },
      unsettled: { ...SETTLED, switches: after(2 * MINUTE) },
    }),
    { kind: 'settle', until: after(2 * MINUTE) },
  ],
  [
    'after a failure in use the new one is kept',
    back({ goal: 'rollBack', unit: made, moving: [stage('prod', 'old')] }),
    { kind: 'done' },
  ],
  [
    'after a failure in use one that --to named is kept as it is',
    back({ goal: 'rollBack', unit: { ...made, next: adopted }, moving: [stage('prod', 'old')] }),
    { kind: 'done' },
  ],
  [
    'cancelled: one that --to named stays, and others have to know first',
    situation({ goal: 'cancel', unit: { ...made, next: adopted }, progress: recounted }),
    { kind: 'withdraw', certificate: adopted },
  ],
  [
    "cancelled, and a stage presents another rotation's: it is not moved",
    situation({
      goal: 'cancel',
      unit: { ...made, spares: [others] },
      moving: [stage('prod', 'spare')],
      stores: [store('file', 'OLD', 'NEW', 'SPARE')],
      progress: recounted,
    }),
    { kind: 'delete', certificate: next },
  ],
  [
    'cancelled, and a stage presents it by now',
    back({ goal: 'cancel' }),
    { kind: 'inUse', certificate: withdrawn },
  ],
  [
    "cancelled: what another run made is not this one's to take away",
    situation({
      goal: 'cancel',
      unit: { ...made, next: certificate('new', { mark: mark('old', { rotationId: 'r2' }) }) },
    }),
    { kind: 'done' },
  ],
];

const ARN = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
const OTHER_ARN = 'arn:aws:acm:eu-west-1:123456789012:certificate/2';
const rooted = (id: string, subject: string, rest: Parameters<typeof certificate>[1] = {}): Certificate => ({
  ...certificate(id, rest),
  authority: { ca: { ...certificate('root').trusted }, subject },
});
const KEY = 'ROOT subject CN=a';
const oldOfAcm = rooted(ARN, 'CN=a');
const inPlace = certificate('new', { mark: mark(ARN, { replacesSha256: 'X' }) });
const retiredAt = (at: Date): Certificate =>
  certificate('new', { mark: mark(ARN, { replacesSha256: 'X', retired: at.toISOString() }) });
/** A generated certificate is in use, and the one of ACM is to go. */
const fromAcm = (changes: Partial<Situation> = {}): Situation =>
  situation({
    unit: { oldId: ARN, old: oldOfAcm, next: inPlace, spares: [] },
    moving: [stage('prod', 'new')],
    stores: [store('file', KEY, 'NEW')],
    progress: recounted,
    ...changes,
  });
const ended = (changes: Partial<Situation> = {}): Situation =>
  fromAcm({
    unit: { oldId: ARN, next: retiredAt(after(-2 * MINUTE)), spares: [] },
    deleted: [oldOfAcm],
    ...changes,
  });

/** Certificates of ACM: trusted by a root with a name, and never deleted. */
const OF_ACM: [string, Situation, Step][] = [
  [
    'is trusted by its root and name',
    fromAcm({ moving: [stage('prod', ARN)], stores: [store('file', 'NEW')], progress: NOTHING }),
    { kind: 'trust', store: 'file', certificate: oldOfAcm },
  ],
  ['is retired in the place of a deletion', fromAcm(), { kind: 'retire', certificate: oldOfAcm }],
  [
    'is kept as long as is asked for',
    fromAcm({ keptFrom: NOW, settings: settings(5 * MINUTE, DAY, 'never') }),
    { kind: 'keep', until: after(DAY) },
  ],
  [
    'once retired, switches that were sent before have to take effect',
    ended({ unit: { oldId: ARN, next: retiredAt(after(-MINUTE / 2)), spares: [] } }),
    { kind: 'settle', until: after(MINUTE / 2) },
  ],
  [
    'once retired, so have those of this rotation',
    ended({ unsettled: { ...SETTLED, switches: after(MINUTE) } }),
    { kind: 'settle', until: after(MINUTE) },
  ],
  [
    'once retired, all is looked at again',
    ended({ progress: { ...recounted, recounted: false } }),
    { kind: 'verifyUnused' },
  ],
  ['once retired, is trusted no more', ended(), { kind: 'untrust', store: 'file', certificate: oldOfAcm }],
  [
    'stays trusted where other stages present one with the same root and name',
    ended({ trustedElsewhere: [KEY] }),
    { kind: 'verifyRemoval', next: retiredAt(after(-2 * MINUTE)) },
  ],
  [
    'stays trusted where it is not known what other stages need',
    ended({ trustedElsewhere: 'unknown' }),
    { kind: 'verifyRemoval', next: retiredAt(after(-2 * MINUTE)) },
  ],
  [
    'need not be waited for where no store trusts it',
    ended({
      unit: { oldId: ARN, next: retiredAt(NOW), spares: [] },
      stores: [store('file', 'NEW')],
    }),
    { kind: 'verifyRemoval', next: retiredAt(NOW) },
  ],
  [
    'stays trusted for one in its place with the same root and name',
    ended({
      unit: {
        oldId: ARN,
        next: rooted(OTHER_ARN, 'CN=a', {
          mark: mark(ARN, { replacesSha256: 'X', retired: NOW.toISOString() }),
        }),
        spares: [],
      },
      moving: [stage('prod', OTHER_ARN)],
      stores: [store('file', KEY)],
      progress: { ...recounted, verified: proof(OTHER_ARN), confirmed: true },
    }),
    {
      kind: 'finish',
      certificate: rooted(OTHER_ARN, 'CN=a', {
        mark: mark(ARN, { replacesSha256: 'X', retired: NOW.toISOString() }),
      }),
    },
  ],
  [
    'is imported first where it is not there yet',
    situation({ importable: rooted('(new)', 'CN=a') }),
    { kind: 'import' },
  ],
  [
    'is marked once it is imported',
    situation({ importable: rooted('(new)', 'CN=a'), adoptable: oldOfAcm }),
    { kind: 'adopt', certificate: oldOfAcm },
  ],
];

describe('nextStep', () => {
  test.each(OF_ACM)('a certificate of ACM %s', (_, given, expected) => {
    expect(nextStep(given)).toEqual(expected);
  });

  test("without --keep-old nothing is kept, not even to the end of AWS's second", () => {
    const soaked = situation({
      unit: made,
      moving: [stage('prod', 'new')],
      stores: [store('file', 'OLD', 'NEW')],
      progress: recounted,
      keptFrom: after(500),
    });
    expect(nextStep(soaked)).toEqual({ kind: 'delete', certificate: old });
    expect(nextStep({ ...soaked, settings: settings(5 * MINUTE, 1, 'never') })).toEqual({
      kind: 'keep',
      until: after(501),
    });
  });

  test.each(CASES)('%s', (_, given, expected) => {
    expect(nextStep(given)).toEqual(expected);
  });

  test.each(WAY_BACK)('back: %s', (_, given, expected) => {
    expect(nextStep(given)).toEqual(expected);
  });
});
