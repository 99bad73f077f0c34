import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { askStage, stageUrlResults } from '../../../src/rotation/engine/stage-url.js';
import type { Run } from '../../../src/rotation/engine/run.js';
import { begun, successor } from './model/begun.js';
import { PLAIN, prepare, scene, type Scene } from './model/scene.js';

/* What the stage's own URL shows, and of which stage. */

beforeAll(prepare);

const CUSTOM = 'https://api.example.com/health?deep=1';
let the: Scene;
beforeEach(() => {
  the = scene({ ...PLAIN, stages: { 'api/prod': {}, 'api/beta': {} } });
});

function runWith(url: string, statuses: number[] = [200], onlyTarget = false): Run {
  const request = (): Promise<number> => Promise.resolve(statuses.shift() ?? 0);
  return begun(the, { request: { probeUrl: url }, deps: { request }, onlyTarget }).run;
}

async function shown(run: Run): Promise<unknown> {
  const failure = await the.world.time.until(askStage(run));
  const next = certificateOf(the.world.certificate(successor(the)));
  return failure ?? stageUrlResults(run, 'new', next).flatMap(({ backends }) => backends)[0];
}

test('nothing, where it was not asked', () => {
  const next = certificateOf(the.world.certificate(successor(the)));
  expect(stageUrlResults(runWith(CUSTOM), 'new', next)).toEqual([]);
});

test('the status that it answered, and after how many requests', async () => {
  expect(await shown(runWith(CUSTOM, [503, 302], true))).toEqual({
    backend: 'api.example.com',
    stages: [{ stage: 'api/prod' }],
    call: 'GET /health?deep=1',
    tried: 2,
    outcome: 'accepted',
    status: 302,
  });
  expect(await shown(runWith(CUSTOM, [503, 0, 500]))).toBe(`${CUSTOM} answered 500 3 times in a row`);
});

test.each([
  ['https://api.execute-api.eu-central-1.amazonaws.com/beta/health', ['api/beta']],
  ['https://api.execute-api.eu-central-1.amazonaws.com/betamax', []],
  ['https://other.execute-api.eu-central-1.amazonaws.com/beta', []],
  [CUSTOM, []],
])('of several stages the one that the URL names, and none where it names none: %s', async (url, stages) => {
  expect(await shown(runWith(url))).toMatchObject({ stages: stages.map((stage) => ({ stage })) });
});
