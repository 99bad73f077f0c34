import { expect, test } from '@jest/globals';
import { askUntil, refusalText, type Question } from '../../../src/rotation/engine/ask.js';
import { newRun, type Run } from '../../../src/rotation/engine/run.js';
import type { Probe } from '../../../src/rotation/rules/probe.js';
import { DEFAULT_SETTINGS } from '../../../src/settings/rotation.js';
import type { ProbeResult } from '../../../src/rotation/engine/test-invoke.js';
import { Machine, Process } from './model/machine.js';
import { Time } from './model/time.js';
import { World } from './model/world.js';

/* When backends are asked, how often, and what is made of their answers; in virtual time. */

/** What a backend makes of a caller: it lets it in, refuses it, or has trouble of its own. */
type Answer = 'accepts' | 'refuses' | 'fails' | 'fails mutely';
const STATUS = { accepts: 200, refuses: 403, fails: 503, 'fails mutely': 503 } as const;

/** By `backend caller`, the answers in order; the last one lasts. */
type Script = Readonly<Record<string, readonly Answer[]>>;

const probeOf = (backend: string): Probe => ({
  stage: { restApiId: 'api', stageName: 'prod' },
  resourceId: backend,
  httpMethod: 'GET',
  pathWithQueryString: '/health',
  stageVariables: {},
  backend,
  backendPath: '/',
});

/** A question that backends answer by a script; each call is written down as `ms backend caller`, with `-` for nobody. */
function asked(script: Script, abortAfter = Infinity) {
  const time = new Time(0);
  const world = new World({ apis: {}, stages: {}, hosts: {}, stores: {} }, [], 0);
  const process = new Process(new Machine(world, 'a'));
  const calls: string[] = [];
  const counts = new Map<string, number>();
  const interruption = new AbortController();
  const controlPlane = {
    ...process.controlPlane(),
    testInvokeMethod({
      resourceId,
      clientCertificateId = '-',
    }: {
      resourceId: string;
      clientCertificateId?: string;
    }) {
      const key = `${resourceId} ${clientCertificateId}`;
      calls.push(`${time.now} ${key}`);
      if (calls.length >= abortAfter) interruption.abort();
      const nth = counts.get(key) ?? 0;
      counts.set(key, nth + 1);
      const answer = script[key]?.[nth] ?? script[key]?.at(-1);
      if (answer === undefined) throw new Error(`nobody expects ${key}`);
      return Promise.resolve({
        status: STATUS[answer],
        body: '',
        log: answer === 'fails' ? 'no route' : '',
        latency: 1,
      });
    },
  };
  const run = newRun({
    deps: {
      controlPlane,
      apis: [],
      now: () => new Date(time.now),
      sleep: (ms: number) => time.sleep(ms),
      signal: interruption.signal,
    } as unknown as Run['deps'],
    request: { settings: DEFAULT_SETTINGS, hooks: {} },
    rotationId: 'r1',
    oldId: 'old',
    target: { restApiId: 'api', stageName: 'prod' },
    onlyTarget: false,
    since: new Date(0),
    certificates: [],
    stages: [],
  });
  const names = [...new Set(Object.keys(script).map((key) => key.split(' ')[0] ?? ''))];
  const waits: number[] = [];
  const until = async (question: Omit<Question, 'probes'>, settle: number) => {
    const answer = await time.until(
      askUntil(run, { probes: names.map(probeOf), ...question }, settle, () => {
        waits.push(time.now);
        return Promise.resolve();
      }),
    );
    return {
      asWanted: answer.asWanted,
      results: answer.results.map(({ backend, outcome, cause }) =>
        [backend, outcome, ...(cause === undefined ? [] : [cause])].join(' '),
      ),
    };
  };
  return { until, calls, waits };
}

const accepted = { certificateId: 'new', wanted: 'accepted', times: 1 } as const;
const refused = { wanted: 'refused', times: 1, control: 'new' } as const;

test('each is asked so often in a row, and no more once it has accepted', async () => {
  const { until, calls } = asked({ 'a new': ['accepts'], 'b new': ['accepts', 'refuses', 'accepts'] });
  expect(await until({ ...accepted, times: 2 }, 1_000)).toEqual({
    asWanted: true,
    results: ['a accepted', 'b accepted'],
  });
  expect(calls).toEqual(['0 a new', '0 a new', '0 b new', '0 b new', '100 b new', '100 b new']);
});

test('one that does not obey is asked ever more rarely, and not once the time is up', async () => {
  const { until, calls, waits } = asked({ 'a new': ['refuses'] });
  expect(await until(accepted, 3_500)).toEqual({ asWanted: false, results: ['a refused'] });
  const times = [0, 100, 300, 700, 1_500, 2_500, 3_500];
  // Without a control the last word is an answer as any other.
  expect(calls).toEqual(times.map((ms) => `${ms} a new`));
  expect(waits).toEqual(times.slice(0, -1));
});

test.each([
  ['once', 0, [0]],
  ['as long as there is time', 1, [0, 100]],
] as const)('is asked %s', async (_, settle, times) => {
  const { until, calls, waits } = asked({ 'a -': ['fails'] });
  expect(await until({ wanted: 'refused', times: 1 }, settle)).toEqual({
    asWanted: false,
    results: ['a unknown no route'],
  });
  expect(calls).toEqual(times.map((ms) => `${ms} a -`));
  expect(waits).toEqual(times.slice(0, -1));
});

test('one of several that is not as wanted is enough', async () => {
  for (const backends of [
    ['refuses', 'accepts'],
    ['accepts', 'refuses'],
  ] as const) {
    const { until } = asked({ 'a new': [backends[0]], 'b new': [backends[1]] });
    expect((await until(accepted, 0)).asWanted).toBe(false);
  }
});

test.each<[string, Script, boolean, string, string[]]>([
  ['refuses', { 'a -': ['refuses'] }, true, 'a refused', ['a -']],
  ['accepts', { 'a -': ['accepts'] }, false, 'a accepted', ['a -']],
  [
    'fails, and lets the control in, refuses',
    { 'a -': ['fails'], 'a new': ['accepts'] },
    true,
    'a refused no route; the same call succeeds with new',
    ['a -', 'a new', 'a -'],
  ],
  [
    'fails mutely, and lets the control in, refuses',
    { 'a -': ['fails mutely'], 'a new': ['accepts'] },
    true,
    'a refused the same call succeeds with new',
    ['a -', 'a new', 'a -'],
  ],
  [
    'fails for everybody does not tell',
    { 'a -': ['fails'], 'a new': ['fails'] },
    false,
    'a unknown no route',
    ['a -', 'a new'],
  ],
  [
    'had failed for a moment and refuses then',
    { 'a -': ['fails', 'refuses'], 'a new': ['accepts'] },
    true,
    'a refused',
    ['a -', 'a new', 'a -'],
  ],
  [
    'had failed for a moment and lets everybody in then',
    { 'a -': ['fails', 'accepts'], 'a new': ['accepts'] },
    false,
    'a accepted',
    ['a -', 'a new', 'a -'],
  ],
])('whom it should refuse: a backend that %s', async (_, script, asWanted, result, calls) => {
  const { until, calls: made } = asked(script);
  expect(await until(refused, 0)).toEqual({ asWanted, results: [result] });
  expect(made).toEqual(calls.map((call) => `0 ${call}`));
});

test('whether one that fails refuses is asked by a control at the end alone, of those that fail alone', async () => {
  const { until, calls } = asked({
    'a new': ['fails'],
    'a old': ['accepts'],
    'b new': ['refuses'],
    'c new': ['accepts'],
  });
  expect(await until({ ...accepted, control: 'old' }, 100)).toEqual({
    asWanted: false,
    results: ['a refused no route; the same call succeeds with old', 'b refused', 'c accepted'],
  });
  expect(calls).toEqual([
    '0 a new',
    '0 b new',
    '0 c new',
    '100 a new',
    '100 b new',
    '100 a old',
    '100 a new',
  ]);
});

test('one that has come to accept by then has', async () => {
  const { until } = asked({ 'a new': ['fails', 'accepts'], 'a old': ['accepts'] });
  expect(await until({ ...accepted, control: 'old' }, 0)).toEqual({
    asWanted: true,
    results: ['a accepted'],
  });
});

test('a run that is stopped asks nobody any more', async () => {
  const { until, calls } = asked({ 'a new': ['accepts'], 'b new': ['accepts'] }, 1);
  await expect(until(accepted, 1_000)).rejects.toMatchObject({ code: 'Interrupted' });
  expect(calls).toEqual(['0 a new']);
});

test('what did not accept is told with its answers, five at most', () => {
  const answer = (backend: string, more: Partial<ProbeResult>): ProbeResult => ({
    backend,
    outcome: 'refused',
    accepted: false,
    tries: 1,
    status: 403,
    latency: 1,
    progress: 'answered',
    ...more,
  });
  const others = ['d', 'e', 'f', 'g'].map((name) => answer(name, {}));
  const first = [
    answer('a', { cause: 'tls alert' }),
    answer('ok', { accepted: true, status: 200 }),
    answer('b', { progress: 'unanswered', status: 504 }),
    answer('c', { progress: 'notSent', status: 500, cause: 'no endpoint' }),
  ];
  expect(refusalText(first)).toBe(
    'a answered 403 (tls alert); b did not answer; c was not called (no endpoint)',
  );
  expect(refusalText([...first, ...others.slice(0, 2)])).toBe(
    'a answered 403 (tls alert); b did not answer; c was not called (no endpoint); d answered 403; e answered 403',
  );
  expect(refusalText([...first, ...others])).toBe(
    'a answered 403 (tls alert); b did not answer; c was not called (no endpoint); d answered 403; e answered 403; and 2 more backends',
  );
  expect(refusalText(first.slice(1, 2))).toBe('every backend accepted it');
});
