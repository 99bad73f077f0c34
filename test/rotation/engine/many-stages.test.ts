import { beforeAll, expect, test } from '@jest/globals';
import { run } from './model/command.js';
import { Machine } from './model/machine.js';
import { prepare, scene } from './model/scene.js';
import type { Topology } from './model/world.js';

beforeAll(prepare);

test('a certificate on hundreds of stages rotates in one run, which says how far it has come', async () => {
  const [apis, stages] = [60, 10];
  const names = Array.from({ length: apis }, (_, i) => `api${i}`);
  const topology: Topology = {
    apis: Object.fromEntries(names.map((name) => [name, { name, hosts: ['orders.example'] }])),
    stages: Object.fromEntries(
      names.flatMap((name) => Array.from({ length: stages }, (_, i) => [`${name}/s${i}`, {}])),
    ),
    hosts: { 'orders.example': { stores: ['file'] } },
    stores: { file: {} },
  };
  const the = scene(topology);
  const machine = new Machine(the.world, 'a');
  const ran = await the.world.time.until(run(machine, { stage: 'api0/s0' }, { latency: () => 1 }));
  expect(ran.outcome).toBe('completed');
  expect(ran.report?.stages).toHaveLength(apis * stages);
  const progress = ran.events.flatMap((event) => (event.type === 'stepProgress' ? [event.done] : []));
  expect(progress).toEqual(Array.from({ length: apis * stages }, (_, i) => i + 1));
});
