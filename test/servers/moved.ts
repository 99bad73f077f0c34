import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { migrateUnderTraffic, type MovedServer } from '../lab/migration.js';

/** Moves a server's stage in both directions: no request fails, and whoever is not presented any more is refused. */
export async function expectMoved(name: MovedServer): Promise<void> {
  const { toAcm, toGenerated, strangers } = await migrateUnderTraffic(name);
  const measured = { name, toAcm, toGenerated, strangers };
  const folder = process.env['APIGW_CERT_MEASURED'];
  if (folder !== undefined) await writeFile(join(folder, `${name}.json`), JSON.stringify(measured));
  expect(toAcm).toMatchObject({ failed: [], accepted: ['the certificate of ACM'] });
  expect(toGenerated).toMatchObject({ failed: [], accepted: [] });
  expect(strangers.accepted).toBe(0);
  // Something was seen of each.
  expect(Math.min(toAcm.requests, toGenerated.requests)).toBeGreaterThan(50);
  expect(strangers.calls).toBeGreaterThan(10);
}
