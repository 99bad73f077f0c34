import { expect, test } from '@jest/globals';
import { openWrites, presentedBefore } from '../../../src/rotation/rules/presentation.js';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import { stageByStage } from '../../../src/rotation/rules/switch-record.js';

const AT = '2026-03-01T10:00:00.000Z';
const LATER = '2026-03-01T10:00:07.000Z';
/** What is sent last by a step of several stages, for the last time, is sent by then. */
const LAST_SENT = '2026-03-01T10:00:30.000Z';

const a = { stage: 'api/a', before: 'old' };
const b = { stage: 'api/b', before: 'spare' };
const c = { stage: 'api/c' };
const intent = (...stages: object[]): RotationRecord => ({
  type: 'intent',
  at: AT,
  step: 'switch',
  evidence: { after: 'new', stages },
});
const done = (stages: object[], more: object = {}): RotationRecord => ({
  type: 'done',
  at: LATER,
  step: 'switch',
  evidence: { after: 'new', stages, ...more },
  ms: 7_000,
});
const failed = (code: string): RotationRecord => ({
  type: 'failed',
  at: LATER,
  step: 'switch',
  code,
  message: 'm',
});

/** That of the first one alone. */
const A_DONE = {
  type: 'done',
  at: LATER,
  step: 'switch',
  subject: 'api/a',
  evidence: { before: 'old', after: 'new' },
  ms: 7_000,
};

test('a step of several stages reads as one of each', () => {
  expect(stageByStage([intent(a, b, c), done([a, b, c], { triedAgain: ['api/b'] })])).toEqual([
    {
      type: 'intent',
      at: LAST_SENT,
      step: 'switch',
      subject: 'api/a',
      evidence: { before: 'old', after: 'new' },
    },
    {
      type: 'intent',
      at: LAST_SENT,
      step: 'switch',
      subject: 'api/b',
      evidence: { before: 'spare', after: 'new' },
    },
    { type: 'intent', at: LAST_SENT, step: 'switch', subject: 'api/c', evidence: { after: 'new' } },
    A_DONE,
    {
      type: 'done',
      at: LATER,
      step: 'switch',
      subject: 'api/b',
      evidence: { before: 'spare', after: 'new', triedAgain: true },
      ms: 7_000,
    },
    { type: 'done', at: LATER, step: 'switch', subject: 'api/c', evidence: { after: 'new' }, ms: 7_000 },
  ]);
});

test('what a step did not come to did not take place', () => {
  expect(stageByStage([intent(a, b), done([a])]).slice(2)).toEqual([
    A_DONE,
    { type: 'failed', at: LATER, step: 'switch', subject: 'api/b', code: 'NotAttempted', message: '' },
  ]);
});

test.each<[what: string, records: RotationRecord[], open: string[]]>([
  [
    'an intent alone leaves all open, as late as the last may have been sent',
    [intent(a, b)],
    [LAST_SENT, LAST_SENT],
  ],
  ['a result that names all leaves none open', [intent(a, b), done([a, b])], []],
  ['a result that does not name one leaves none open: it was not sent', [intent(a, b), done([a])], []],
  ['unless it says that the one is not known', [intent(a, b), done([a], { unsettled: 'api/b' })], [LATER]],
  [
    'one that was sent more than once may come late',
    [intent(a, b), done([a, b], { triedAgain: ['api/a'] })],
    [LATER],
  ],
  [
    'a failure that tells nothing leaves all open',
    [intent(a, b), failed('ServiceUnreachable')],
    [LATER, LATER],
  ],
  ['a refusal leaves none open', [intent(a, b), failed('AccessDenied')], []],
  [
    'the next step about the one settles it',
    [
      intent(a, b),
      done([a], { unsettled: 'api/b' }),
      { type: 'intent', at: LATER, step: 'switch', subject: 'api/b' },
      { type: 'done', at: LATER, step: 'switch', subject: 'api/b', ms: 1 },
    ],
    [],
  ],
])('%s', (_, records, open) => {
  expect(openWrites(stageByStage(records))).toEqual(open.map((at) => ({ step: 'switch', at })));
});

test('what stages are said to have presented before, and what they were to present', () => {
  expect(presentedBefore({ sightings: new Map(), records: stageByStage([intent(a, b, c)]) })).toEqual(
    new Set(['old', 'spare', 'new']),
  );
});

test.each([
  ['no evidence', undefined],
  ['no stages', { after: 'new' }],
  [
    'stages of the wrong type',
    { after: 7, stages: [null, 'api/a', { stage: 7 }, { stage: 'api/a', before: 7 }] },
  ],
])('a journal that says nonsense is read all the same: %s', (_, evidence) => {
  const record = {
    type: 'intent',
    at: AT,
    step: 'switch',
    ...(evidence ? { evidence } : {}),
  } as RotationRecord;
  const read = stageByStage([
    record,
    { ...record, type: 'done', ms: 1 } as RotationRecord,
    failed('AccessDenied'),
  ]);
  expect(read.every((entry) => 'subject' in entry && entry.subject === 'api/a')).toBe(true);
});
