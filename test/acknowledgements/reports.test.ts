/** Where hosts report: the same of a folder, a DynamoDB table and an S3 bucket. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HostReport } from '../../src/acknowledgements/host-report.js';
import { openReports } from '../../src/acknowledgements/reports.js';
import { parseReportPlace } from '../../src/settings/report-place.js';
import { appError } from '../contract/trust-store.contract.js';
import { startStateServices } from '../support/state-services.js';

let folder: string;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ folder, close } = await startStateServices('example-hosts'));
});
afterAll(() => close());

const AT = new Date('2026-12-01T00:00:00Z');
const report = (host: string, rest: Partial<HostReport> = {}): HostReport => ({
  host,
  trustStore: 'nginx:/etc/nginx/apigw.map',
  reportedAt: AT,
  expiresAt: AT,
  ...rest,
});

describe.each(['folder', 'dynamodb:apigw-cert/orders', 's3://example-hosts/orders'])('%s', (text) => {
  const open = (more = '') => openReports(parseReportPlace(text === 'folder' ? folder : `${text}${more}`));

  test('has the last report of each trust store of each host, and deletes those of long ago', async () => {
    const reports = open();
    expect(await reports.list()).toEqual([]);
    await reports.put(report('web-1'));
    await reports.put(report('web-1', { listVersion: 2, fingerprintsSha256: [] }));
    await reports.put(report('web-1', { trustStore: 'other', expiresAt: new Date(AT.getTime() - 1) }));
    await reports.put(report('../wéb 2'));
    const hosts = async (): Promise<string[]> =>
      (await reports.list())
        .map((one) =>
          'host' in one
            ? `${one.host} ${one.trustStore.slice(0, 5)} ${one.listVersion ?? ''}`
            : one.unreadable,
        )
        .sort();
    expect(await hosts()).toEqual(['../wéb 2 nginx ', 'web-1 nginx 2', 'web-1 other ']);
    await reports.prune(AT);
    expect(await hosts()).toEqual(['../wéb 2 nginx ', 'web-1 nginx 2']);
    if (text !== 'folder') expect(await open('-others').list()).toEqual([]);
  });
});

test('what cannot be read in a folder is a host of which nothing is known', async () => {
  await writeFile(join(folder, 'x.json'), '{');
  await writeFile(join(folder, 'notes.txt'), '{');
  expect(await openReports({ kind: 'folder', directory: folder }).list()).toContainEqual({ unreadable: 'x' });
  const missing = openReports({ kind: 'folder', directory: join(folder, 'none') });
  for (const error of [await appError(missing.list()), await appError(missing.prune(AT))])
    expect([error.code, error.hint]).toEqual([
      'StateUnavailable',
      'create it, and let this user read and write it',
    ]);
});

test.each([
  'dynamodb:apigw-cert',
  'dynamodb:apigw-cert/',
  'dynamodb:x/y',
  's3://',
  'ssm:x',
  '',
  `dynamodb:apigw-cert/${'x'.repeat(65)}`,
])('%j is no place for reports', (text) => {
  expect(() => parseReportPlace(text)).toThrow('is not a place for reports');
});

test('a table may be named by its ARN', () => {
  const table = 'arn:aws:dynamodb:eu-west-1:123456789012:table/apigw-cert';
  expect(parseReportPlace(`dynamodb:${table}/orders`)).toEqual({ kind: 'dynamodb', table, group: 'orders' });
});
