import { expect, test } from '@jest/globals';
import { CreateRestApiCommand } from '@aws-sdk/client-api-gateway';
import { list } from '../../src/control-plane/list.js';
import { startEmulator } from '../../src/emulator/index.js';
import { createAwsFleet } from '../../src/control-plane/aws-fleet.js';
import { clientOf, generateCertificate } from '../support/emulator.js';

/** AWS's own limit, ten times as fast; the benchmark runs at the real one. */
const LIMIT = { perSecond: 100, burst: 400 };
const APIS = 480;

test('an inventory goes as fast as the limit allows: the fewest calls, and none throttled', async () => {
  const emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  await generateCertificate(client);
  for (let i = 0; i < APIS; i++) await client.send(new CreateRestApiCommand({ name: `api-${i}` }));
  client.destroy();
  emulator.clearRequests();
  emulator.configure({ rateLimit: LIMIT });

  const environment = { ...process.env };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 'secret' });
  try {
    const fleet = createAwsFleet({ endpoint: emulator.url, pace: { share: 1, limit: LIMIT } });
    const started = performance.now();
    const { sources } = await list(
      fleet,
      [{ name: 'default', regions: ['eu-central-1'] }],
      { usage: true },
      () => new Date(),
    );
    const seconds = (performance.now() - started) / 1000;
    expect(sources).toMatchObject([{ state: 'read', certificates: 1, apis: APIS, stages: 0 }]);
    expect(emulator.requests()).toHaveLength(3 + APIS);
    expect(emulator.requests().filter(({ status }) => status === 429)).toEqual([]);
    // Nobody is faster than the limit; how near it comes is the benchmark's to say.
    expect(seconds).toBeGreaterThanOrEqual((3 + APIS - LIMIT.burst) / LIMIT.perSecond);
  } finally {
    process.env = environment;
    await emulator.close();
  }
});
