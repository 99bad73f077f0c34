import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ProofResult } from '../../../src/rotation/rules/proof.js';
import { JOURNAL_VERSION } from '../../../src/rotation/rules/record.js';
import { run, SETTINGS, type Ran } from './model/command.js';
import { Machine } from './model/machine.js';
import { prepare, scene, type Scene } from './model/scene.js';

/* All that a rotation says of itself: to the journal, to whoever listens, and in its report. */

beforeAll(prepare);

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const NEW = 'c00004';
const STAGES = [
  { restApiId: 'api', stageName: 'prod' },
  { restApiId: 'api', stageName: 'beta' },
];

let the: Scene;
let a: Machine;
beforeEach(() => {
  the = scene();
  a = new Machine(the.world, 'a');
});

/** As reports and events have them. */
const NAMED_STAGES = ['prod', 'beta'].map((stageName) => ({
  restApiId: 'api',
  apiName: 'orders',
  stageName,
}));

const rotate = (): Promise<Ran> =>
  the.world.time.until(run(a, { settings: { probes: 2 } }, { answers: () => 200 }));

/** What `asked` made of a caller. */
function treated(
  caller: Pick<ProofResult, 'caller' | 'certificateId'>,
  outcome: 'accepted' | 'refused',
  tried: number,
): ProofResult {
  const stages = [{ stage: 'api/prod' }, { stage: 'api/beta' }];
  const status = outcome === 'accepted' ? 200 : 403;
  const call = 'GET /health0';
  return {
    ...caller,
    wanted: outcome,
    backends: [{ backend: 'orders.example', stages, call, tried, outcome, status }],
  };
}

/** The steps of a plain rotation in order: name, subject, milliseconds, evidence, and what is known before. */
function steps(): {
  about: { step: string; subject?: string };
  ms: number;
  evidence: Record<string, unknown>;
  intent?: Record<string, unknown>;
}[] {
  const { world, oldId } = the;
  const of = (id: string) => ({ clientCertificateId: id, fingerprintSha256: world.fingerprint(id) });
  const { notAfter } = world.identity(NEW);
  const moved = {
    after: NEW,
    stages: ['api/prod', 'api/beta'].map((stage) => ({ stage, before: oldId })),
  };
  const accepted = treated({ caller: 'new', certificateId: NEW }, 'accepted', 2);
  const none = treated({ caller: 'none' }, 'refused', 1);
  const before = [
    accepted,
    treated({ caller: 'old', certificateId: oldId }, 'accepted', 2),
    none,
    treated({ caller: 'other', certificateId: the.spareId }, 'refused', 1),
  ];
  const proof = { unreached: [], gone: [], noOther: false };
  return [
    { about: { step: 'generate' }, ms: 20, evidence: { ...of(NEW), notAfter: notAfter.toISOString() } },
    { about: { step: 'trust', subject: 'file' }, ms: 20, evidence: of(NEW), intent: of(NEW) },
    { about: { step: 'trust', subject: 'blind' }, ms: 20, evidence: of(NEW), intent: of(NEW) },
    {
      about: { step: 'preflight', subject: NEW },
      ms: 120,
      evidence: { proof: { ...proof, results: before } },
    },
    { about: { step: 'recheck' }, ms: 40, evidence: {} },
    { about: { step: 'switch' }, ms: 40, evidence: moved, intent: moved },
    { about: { step: 'verifySwitch', subject: NEW }, ms: 20, evidence: {} },
    { about: { step: 'soak' }, ms: SETTINGS.soak - 100, evidence: { requests: 12 } },
    { about: { step: 'verifyUnused' }, ms: 80, evidence: { stages: 2 } },
    { about: { step: 'delete', subject: oldId }, ms: 20, evidence: {} },
    { about: { step: 'untrust', subject: 'file' }, ms: 20, evidence: of(oldId), intent: of(oldId) },
    { about: { step: 'untrust', subject: 'blind' }, ms: 20, evidence: of(oldId), intent: of(oldId) },
    {
      about: { step: 'verifyRemoval', subject: NEW },
      ms: 60,
      evidence: { proof: { ...proof, results: [accepted, none], gone: [oldId] } },
    },
    { about: { step: 'finish', subject: NEW }, ms: 20, evidence: {} },
  ];
}

test('the journal has each step twice, with what a later run needs to know', async () => {
  const { report } = await rotate();
  const { world, oldId } = the;
  const at = expect.stringMatching(ISO) as unknown;
  const remembered = (id: string) => ({
    type: 'certificate',
    at,
    clientCertificateId: id,
    pem: world.identity(id).pem,
  });
  const records = [...a.records.values()][0] ?? [];
  expect(records).toStrictEqual([
    {
      type: 'started',
      version: JOURNAL_VERSION,
      at,
      rotationId: report?.rotationId,
      account: '123456789012',
      region: 'eu-west-1',
      oldCertificateId: oldId,
      stages: STAGES,
    },
    remembered(oldId),
    ...steps().flatMap(({ about, ms, evidence, intent }) => [
      { type: 'intent', at, ...about, ...(intent === undefined ? {} : { evidence: intent }) },
      { type: 'done', at, ...about, evidence, ms },
      ...(about.step === 'generate' ? [remembered(NEW)] : []),
    ]),
    { type: 'ended', at, outcome: 'completed' },
  ]);
  const times = records.map((record) => record.at);
  expect(times).toEqual(times.toSorted());
});

test('whoever listens is told each step twice, and what is waited for', async () => {
  const { events, report } = await rotate();
  const at = expect.stringMatching(ISO) as unknown;
  const told = { at, rotationId: report?.rotationId };
  expect(events).toStrictEqual([
    {
      ...told,
      type: 'started',
      oldCertificateId: the.oldId,
      stages: NAMED_STAGES,
      resumed: false,
    },
    { ...told, type: 'calls', calls: report?.calls },
    ...steps().flatMap(({ about, ms, evidence }) => [
      ...(about.step === 'soak' ? [{ ...told, type: 'waiting', until: at, reason: 'soak' }] : []),
      { ...told, type: 'stepStarted', ...about },
      ...(about.step === 'switch'
        ? [1, 2].map((done) => ({ ...told, type: 'stepProgress', ...about, done, of: 2 }))
        : []),
      { ...told, type: 'stepDone', ...about, ms, evidence },
    ]),
    { ...told, type: 'ended', outcome: 'completed' },
  ]);
});

test('the report has what was done, and what is in place', async () => {
  const { report } = await rotate();
  expect(report).toStrictEqual({
    outcome: 'completed',
    region: 'eu-west-1',
    stages: NAMED_STAGES,
    oldCertificateId: the.oldId,
    oldCertificate: 'deleted',
    newCertificateId: NEW,
    rotationId: expect.stringMatching(/^a-\d+-0$/) as unknown,
    notAfter: the.world.identity(NEW).notAfter,
    calls: [
      {
        method: 'GET',
        path: '/health0',
        backend: 'orders.example',
        stages: NAMED_STAGES,
        // New and old twice each, two that are to be refused; new twice at the end, and one without any.
        times: 9,
      },
    ],
    steps: steps().map(({ about, ms, evidence }) => ({
      ...about,
      ...(about.step === 'switch' ? { stages: NAMED_STAGES } : {}),
      ms,
      evidence,
    })),
    warnings: [],
  });
});
