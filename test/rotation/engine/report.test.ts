import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { plannedStep, reportOf } from '../../../src/rotation/engine/report.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import type { Step } from '../../../src/rotation/rules/next-step.js';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import { begun, successor } from './model/begun.js';
import { prepare, scene, type Scene } from './model/scene.js';

/* What a report says of a rotation that has come so far. */

beforeAll(prepare);

let the: Scene;
beforeEach(() => {
  the = scene();
});

const AT = '2026-11-28T12:00:00.000Z';
const known = (id: string) => certificateOf(the.world.certificate(id));
const namedStage = (stageName: string) => ({ restApiId: 'api', apiName: 'orders', stageName });
const named = (...names: string[]) => names.map(namedStage);
const NAMES = new Map([['api', 'orders']]);

test.each([
  ['in use while a stage of the rotation presents it', ['api/prod'], false, 'inUse'],
  ['in use while a stage of no concern presents it', ['api/prod'], true, 'inUse'],
  ['present where no stage does', ['api/prod', 'api/beta'], false, 'present'],
  ['present where no stage does, with --only-stage', ['api/prod', 'api/beta'], true, 'present'],
])('the old certificate is %s', (_, moved, onlyTarget, oldCertificate) => {
  const next = successor(the, onlyTarget ? { onlyStage: 'api/prod' } : {});
  for (const name of moved) the.world.place(name, next);
  const { run } = begun(the, { onlyTarget });
  const report = reportOf(run, 'keepingOld');
  expect(report).toMatchObject({
    oldCertificate,
    newCertificateId: next,
    rotationId: 'r1',
    notAfter: the.world.identity(next).notAfter,
  });
});

test('one that is deleted is, and nothing is said of a new one that there is not', () => {
  const { run } = begun(the);
  const { notAfter } = the.world.identity(the.oldId);
  const none = reportOf(run, 'nothingToAbort');
  expect([none.oldCertificate, none.notAfter]).toEqual(['inUse', notAfter]);
  for (const key of ['newCertificateId', 'rotationId']) expect(none).not.toHaveProperty(key);
  expect(reportOf(run, 'notDue')).not.toHaveProperty('rotationId');
  expect(reportOf(run, 'aborted').rotationId).toBe('r1');
  run.certificates = [];
  const gone = reportOf(run, 'aborted');
  expect(gone.oldCertificate).toBe('deleted');
  expect(gone).not.toHaveProperty('notAfter');
});

test('its steps are those done, about stages or something else, without what only encloses others', () => {
  const done = (step: string, more: object = {}): RotationRecord =>
    ({ type: 'done', at: AT, step, ms: 7, ...more }) as RotationRecord;
  const stages = ['api/prod', 'x/y/z'].map((stage) => ({ stage, before: the.oldId }));
  const { run } = begun(the, {
    records: [
      { type: 'intent', at: AT, step: 'trust', subject: 'file' },
      done('trust', { subject: 'file', evidence: { a: 1 } }),
      done('recheck'),
      done('switch', { evidence: { after: 'c9', stages } }),
      done('rollBack', { subject: 'api/beta', evidence: { after: 'c9' } }),
      done('redeploy', { subject: 'api/beta' }),
      done('undo'),
    ],
  });
  run.apiNames = new Map([...NAMES]);
  expect(reportOf(run, 'aborted').steps).toEqual([
    { step: 'trust', subject: 'file', ms: 7, evidence: { a: 1 } },
    { step: 'recheck', ms: 7 },
    {
      step: 'switch',
      stages: [namedStage('prod'), expect.objectContaining({ restApiId: 'x', stageName: 'y/z' })],
      ms: 7,
      evidence: { after: 'c9', stages },
    },
    { step: 'rollBack', stages: named('beta'), ms: 7, evidence: { after: 'c9' } },
    { step: 'redeploy', stages: named('beta'), ms: 7 },
  ]);
});

test('a plan says of each step what it is about, by the name that it has in a run', () => {
  const { run } = begun(the);
  run.apiNames = new Map([...NAMES]);
  const certificate = known(the.oldId);
  const stage = the.world.stage('api/beta');
  const until = new Date(AT);
  const plan = (step: Step) => plannedStep(run, step);
  const forward: [Step, object][] = [
    [{ kind: 'generate' }, { step: 'generate' }],
    [
      { kind: 'trust', store: 'file', certificate },
      { step: 'trust', subject: `file: ${the.oldId}` },
    ],
    [
      { kind: 'untrust', store: 'file', certificate },
      { step: 'untrust', subject: `file: ${the.oldId}` },
    ],
    [
      { kind: 'switch', stages: [stage], to: certificate },
      { step: 'switch', stages: named('beta') },
    ],
    [
      { kind: 'redeploy', stage, to: certificate },
      { step: 'redeploy', stages: named('beta') },
    ],
    [
      { kind: 'adopt', certificate },
      { step: 'adopt', subject: the.oldId },
    ],
    [
      { kind: 'delete', certificate },
      { step: 'delete', subject: the.oldId },
    ],
    [
      { kind: 'release', certificate },
      { step: 'release', subject: the.oldId },
    ],
    ...(['soak', 'settle', 'keep'] as const).map((kind): [Step, object] => [
      { kind, until },
      { step: kind, subject: `until ${AT}` },
    ]),
  ];
  for (const [step, expected] of forward) expect(plan(step)).toEqual(expected);
  run.goal = 'abort';
  const back = { switch: 'rollBack', untrust: 'untrustNew', delete: 'deleteNew' } as Record<string, string>;
  for (const [step, expected] of forward) {
    expect(plan(step)).toEqual({ ...expected, step: back[step.kind] ?? step.kind });
  }
});
