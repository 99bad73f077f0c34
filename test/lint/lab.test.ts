/** A sample of what `npm run lab:lint` does with thousands: generated configurations, each on the real server. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isInstalled } from '../support/real-server.js';
import { compareGenerated, type Lab, openLab } from './lab/run.js';

const count = Number(process.env['APIGW_CERT_LINT_COUNT'] ?? 15);
const seed = Number(process.env['APIGW_CERT_LINT_SEED'] ?? 1);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => {
  lab.close();
});

for (const server of ['nginx', 'haproxy', 'apache', 'caddy'] as const) {
  (isInstalled(server) ? describe : describe.skip)(server, () => {
    test('nobody whom it admits is called refused, nobody whom it refuses admitted', async () => {
      const { disagreements, ...figures } = await compareGenerated(server, { count, batch: 200, seed }, lab);
      process.stderr.write(
        `${server}: ${JSON.stringify({ ...figures, disagreements: disagreements.length })}\n`,
      );
      const report = process.env['APIGW_CERT_LINT_REPORT'];
      if (report !== undefined) writeFileSync(`${report}-${server}`, disagreements.join('\n\n'));
      expect(disagreements.slice(0, 3)).toEqual([]);
      expect(figures.admitted).toBeGreaterThan(0);
    }, 3_600_000);
  });
}
