/** Following a published list: what a host has live, whatever becomes of the list, the server, the host and the follower. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { openReports } from '../../src/acknowledgements/reports.js';
import type { HostReport } from '../../src/acknowledgements/host-report.js';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { openDestination } from '../../src/commands/backend/follow/destination.js';
import { openHealth, parseAddress } from '../../src/commands/backend/follow/health.js';
import {
  isHealthy,
  lifetime,
  pauseAfter,
  type FollowStatus,
} from '../../src/commands/backend/follow/rules.js';
import { follow, followOn, type Follower } from '../../src/commands/backend/follow/loop.js';
import { openSource } from '../../src/commands/backend/follow/source.js';
import { AppError } from '../../src/platform/errors.js';
import { asAppError } from '../../src/terminal/output.js';
import { TRUST_KINDS, trustKind } from '../../src/trust/kinds/index.js';
import { MAX_LIST_OCTETS, sealed } from '../../src/trust/published-list.js';
import { appError } from '../contract/trust-store.contract.js';
import { startAwsDouble } from '../support/aws-double.js';
import { manyLike, mintIdentity } from '../support/certificates.js';
import { BINARY, cli } from '../support/cli.js';

let old: TrustedCertificate;
let next: TrustedCertificate;
beforeAll(async () => {
  [old, next] = manyLike((await mintIdentity('a1b2c3')).certificate, 2) as [
    TrustedCertificate,
    TrustedCertificate,
  ];
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-follow-'));
  writeFileSync(pins(), '');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const pins = (): string => join(folder, 'pins');
const list = (): string => join(folder, 'list.pem');
const text = (file = pins()): string => readFileSync(file, 'utf8');
const log = (): string => (existsSync(join(folder, 'log')) ? text(join(folder, 'log')) : '');

let published = '';
/** Publishes the next version. */
function publish(...certificates: TrustedCertificate[]): void {
  published = sealed(certificates.map(({ pem }) => pem).join(''), published, 'latin1');
  writeFileSync(list(), published);
}
beforeEach(() => {
  published = '';
});

const START = Date.parse('2026-12-01T00:00:00Z');

interface World extends Partial<Follower> {
  reload?: string;
}

function follower({ reload = `echo reload >> ${join(folder, 'log')}`, ...parts }: World = {}): Follower {
  return {
    source: openSource(`file:${list()}`, {}),
    destination: openDestination(`haproxy:${pins()}`, { check: 'true', reload }),
    host: 'web-1',
    allowOlder: false,
    interval: 30_000,
    onStatus: () => undefined,
    now: () => new Date(START),
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal: new AbortController().signal,
    asError: asAppError,
    ...parts,
  };
}

const prints = (...certificates: TrustedCertificate[]): string[] =>
  certificates.map(({ fingerprintSha256 }) => fingerprintSha256);

describe('one look', () => {
  test('applies the list in the form of the server, once', async () => {
    publish(old, next);
    const status = {
      host: 'web-1',
      from: `file:${list()}`,
      trustStore: `haproxy:${pins()}`,
      state: 'current',
      listVersion: 1,
      fingerprintsSha256: prints(old, next),
      since: '2026-12-01T00:00:00.000Z',
      checkedAt: '2026-12-01T00:00:00.000Z',
      updatedAt: '2026-12-01T00:00:00.000Z',
      validUntil: '2026-12-01T00:05:00.000Z',
    };
    expect(await follow(follower())).toEqual({ changed: true, status });
    const written = text();
    expect(written.match(/^[0-9a-f]{64}$/gm)).toHaveLength(2);
    const { mtimeMs, ino } = statSync(pins());
    const later = new Date(START + 60_000);
    expect(await follow(follower({ now: () => later }))).toMatchObject({
      changed: false,
      status: { since: status.since, checkedAt: later.toISOString() },
    });
    expect({ mtimeMs, ino }).toEqual({ mtimeMs: statSync(pins()).mtimeMs, ino: statSync(pins()).ino });
    expect(log()).toBe('reload\n');
  });

  test('adds and removes in one change and one reload', async () => {
    publish(old);
    await follow(follower());
    publish(next);
    const { status } = await follow(follower());
    expect(status).toMatchObject({ listVersion: 2, fingerprintsSha256: prints(next) });
    expect(log()).toBe('reload\nreload\n');
  });

  test.each<[what: string, reason: string | undefined, break_: () => void]>([
    [
      'missing',
      undefined,
      () => {
        rmSync(list());
      },
    ],
    [
      'empty',
      'empty',
      () => {
        writeFileSync(list(), '');
      },
    ],
    [
      'torn',
      'incomplete',
      () => {
        writeFileSync(list(), published.slice(0, -80));
      },
    ],
    [
      'torn between two certificates',
      'incomplete',
      () => {
        writeFileSync(list(), published.slice(0, published.indexOf(next.pem)));
      },
    ],
    [
      'without its first line',
      'noVersion',
      () => {
        writeFileSync(list(), published.slice(published.indexOf('\n') + 1));
      },
    ],
    [
      'older',
      'older',
      () => {
        writeFileSync(list(), sealed(next.pem, '', 'latin1'));
      },
    ],
    [
      'not a list',
      'unreadable',
      () => {
        writeFileSync(list(), '<html>busy</html>');
      },
    ],
    [
      'oversized',
      'tooLarge',
      () => {
        writeFileSync(list(), 'x'.repeat(MAX_LIST_OCTETS + 1));
      },
    ],
  ])('a list that is %s changes nothing, and what is live is known', async (_what, reason, breakIt) => {
    publish(old);
    publish(old, next);
    await follow(follower());
    const before = text();
    breakIt();
    const seen: FollowStatus[] = [];
    const error = await appError(follow(follower({ onStatus: (status) => seen.push(status) })));
    expect(error.code).toBe(reason === undefined ? 'TrustStoreUnreadable' : 'ListRefused');
    expect(error.details['reason']).toBe(reason);
    expect(text()).toBe(before);
    expect(log()).toBe('reload\n');
    expect(seen).toMatchObject([{ state: 'failing', listVersion: 2, fingerprintsSha256: prints(old, next) }]);
  });

  test('an older list is applied when the user says so, and counts from then on', async () => {
    publish(old);
    const first = published;
    publish(old, next);
    await follow(follower());
    writeFileSync(list(), first);
    expect(await follow(follower({ allowOlder: true }))).toMatchObject({
      changed: true,
      status: { listVersion: 1 },
    });
    expect(await follow(follower())).toMatchObject({
      changed: false,
      status: { fingerprintsSha256: prints(old) },
    });
  });

  test('of a list without a version nothing is removed, and that is said', async () => {
    writeFileSync(list(), old.pem);
    await follow(follower());
    writeFileSync(list(), next.pem);
    const { status } = await follow(follower());
    expect(status).toMatchObject({ fingerprintsSha256: prints(old, next), notInList: prints(old) });
    expect(status).not.toHaveProperty('listVersion');
    expect((await follow(follower({ allowOlder: true }))).status.fingerprintsSha256).toEqual(prints(next));
  });

  test('a reload that fails leaves the former list live, and no older one comes after it', async () => {
    publish(old);
    const first = published;
    await follow(follower());
    publish(next);
    const seen: FollowStatus[] = [];
    const onStatus = (status: FollowStatus): number => seen.push(status);
    expect(
      (
        await appError(
          follow(
            follower({
              reload: `test ! -s ${pins()} || grep -q ${old.fingerprintSha256.replaceAll(':', '').toLowerCase()} ${pins()}`,
              onStatus,
            }),
          ),
        )
      ).code,
    ).toBe('TrustStoreFailed');
    expect(seen).toMatchObject([{ state: 'failing', listVersion: 1, fingerprintsSha256: prints(old) }]);
    writeFileSync(list(), first);
    expect((await appError(follow(follower()))).details).toMatchObject({ reason: 'older' });
    publish(next);
    expect((await follow(follower())).status.fingerprintsSha256).toEqual(prints(next));
  });

  test('what is not reloaded, or was changed by hand, is not said to be live', async () => {
    publish(old);
    await follow(follower());
    publish(next);
    const seen: FollowStatus[] = [];
    const onStatus = (status: FollowStatus): number => seen.push(status);
    await appError(follow(follower({ reload: 'false', onStatus })));
    expect(seen[0]).not.toHaveProperty('fingerprintsSha256');
    expect(await follow(follower())).toMatchObject({ changed: true });
    writeFileSync(pins(), text().replace(/^[0-9a-f]{64}$/m, '0'.repeat(64)));
    rmSync(list());
    await appError(follow(follower({ onStatus })));
    expect(seen[1]).not.toHaveProperty('fingerprintsSha256');
  });

  test('a damaged memory is no memory of a younger list', async () => {
    publish(old);
    await follow(follower());
    writeFileSync(join(folder, '.pins.apigw-cert-followed'), '{"accepted":');
    const error = await appError(follow(follower()));
    expect([error.code, error.hint]).toEqual([
      'FileNotReadable',
      'delete it: the next list is then applied whatever its version',
    ]);
  });

  test('followers of one trust store wait for each other', async () => {
    publish(old, next);
    const results = await Promise.all([1, 2, 3].map(() => follow(follower())));
    expect(results.filter(({ changed }) => changed)).toHaveLength(1);
  });
});

describe('every kind of trust store that is a file or folder', () => {
  const kinds = TRUST_KINDS.filter(({ flag }) => typeof flag === 'object');

  test.each(kinds.map(({ name }) => name))('%s', async (name) => {
    const { options, flag } = trustKind(name) ?? { options: {} };
    const path = join(folder, 'trusted');
    if (typeof flag === 'object' && flag.option === 'directory') mkdirSync(path);
    else writeFileSync(path, '');
    const destination = openDestination(
      `${name}:${path}`,
      Object.fromEntries(
        ['check', 'reload'].flatMap((option) => (option in options ? [[option, 'true']] : [])),
      ),
    );
    publish(old);
    await follow(follower({ destination }));
    publish(next);
    expect((await follow(follower({ destination }))).status.fingerprintsSha256).toEqual(prints(next));
    expect(await destination.store.observe()).toEqual(prints(next));
    expect(await follow(follower({ destination }))).toMatchObject({ changed: false });
  });
});

describe('a follower that keeps looking', () => {
  /** Runs what is given before each pause, and stops after the last. */
  async function run(turns: (() => void)[], parts: World = {}) {
    const stop = new AbortController();
    const seen: FollowStatus[] = [];
    const pauses: number[] = [];
    let now = START;
    const last = await followOn(
      follower({
        onStatus: (status) => seen.push(status),
        now: () => new Date(now),
        sleep: (ms) => {
          pauses.push(ms);
          now += ms;
          const turn = turns.shift();
          if (turn) turn();
          else stop.abort(new Error('stopped'));
          return stop.signal.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve();
        },
        signal: stop.signal,
        ...parts,
      }),
    );
    return { seen, pauses, last };
  }

  test('follows, backs off, recovers and says so', async () => {
    publish(old);
    const statusFile = join(folder, 'status.json');
    const { seen, pauses, last } = await run(
      [
        () => {
          rmSync(list());
        },
        () => undefined,
        () => undefined,
        () => {
          publish(next);
        },
      ],
      { statusFile },
    );
    expect(seen.map(({ state, listVersion }) => [state, listVersion])).toEqual([
      ['starting', undefined],
      ['current', 1],
      ['failing', 1],
      ['failing', 1],
      ['failing', 1],
      ['current', 2],
      ['stopped', 2],
    ]);
    expect(pauses).toEqual([30_000, 30_000, 60_000, 60_000, 30_000]);
    expect(seen[4]?.checkedAt).toBe(seen[1]?.checkedAt);
    expect(JSON.parse(text(statusFile))).toEqual(last);
    expect(last.fingerprintsSha256).toEqual(prints(next));
  });

  test('knows after a restart what is live, and reports it although the list is out of reach', async () => {
    publish(old);
    await follow(follower());
    rmSync(list());
    const reports = openReports({ kind: 'folder', directory: folder });
    const { seen } = await run([], { reports });
    expect(seen.map(({ state, fingerprintsSha256 }) => [state, fingerprintsSha256])).toEqual([
      ['starting', prints(old)],
      ['failing', prints(old)],
      ['stopped', prints(old)],
    ]);
    expect(await reports.list()).toMatchObject([
      { host: 'web-1', fingerprintsSha256: prints(old), listVersion: 1 },
    ]);
  });

  test('reports what is live once the server has had time to load it, and nothing before there is anything', async () => {
    const reports = openReports({ kind: 'folder', directory: folder });
    const at: [number, number][] = [];
    let pauses = 0;
    const put = reports.put.bind(reports);
    reports.put = (report: HostReport) => {
      at.push([pauses, report.fingerprintsSha256?.length ?? 0]);
      return put(report);
    };
    await run(
      [
        () => {
          pauses += 1;
          publish(old, next);
        },
        () => (pauses += 1),
        () => (pauses += 1),
      ],
      { reports },
    );
    // The pauses: without a list, to let the server load it, the next look.
    expect(at).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  test('goes on where it cannot report or write its status', async () => {
    publish(old);
    const reports = openReports({ kind: 'folder', directory: join(folder, 'none') });
    const { seen } = await run([() => undefined], { reports, statusFile: join(folder, 'none', 'status') });
    expect(seen.map(({ error }) => error?.code)).toEqual([
      'FileNotWritable',
      'FileNotWritable',
      'FileNotWritable',
    ]);
    expect(seen[1]?.fingerprintsSha256).toEqual(prints(old));
  });

  test('deletes reports of hosts that are gone for long', async () => {
    publish(old);
    const reports = openReports({ kind: 'folder', directory: folder });
    const gone = (hours: number): HostReport => ({
      host: `gone-${hours}`,
      trustStore: 'x',
      reportedAt: new Date(START - hours * 3_600_000),
      expiresAt: new Date(START - hours * 3_600_000),
    });
    await reports.put(gone(25));
    await reports.put(gone(23));
    await run([() => undefined], { reports });
    expect((await reports.list()).map((report) => 'host' in report && report.host)).toEqual([
      'gone-23',
      'web-1',
    ]);
  });
});

test('pauses lie between the interval less a fifth and the longest, and never shrink with failures', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 1_000, max: 86_400_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, interval, random) => {
        const pause = pauseAfter(failures, interval, random);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(interval * 0.8));
        expect(pause).toBeLessThanOrEqual(Math.max(interval, 60_000));
        expect(pauseAfter(failures + 1, interval, random)).toBeGreaterThanOrEqual(pause);
        expect(lifetime(interval)).toBeGreaterThan(3 * pause);
      },
    ),
  );
});

test('the endpoint answers 503 until the list is live, and again when nothing updates it', async () => {
  publish(old);
  let now = new Date(START);
  const health = await openHealth(parseAddress('127.0.0.1:0'), () => now);
  try {
    const status = async (method = 'GET'): Promise<number> => (await fetch(health.url, { method })).status;
    expect(await status()).toBe(503);
    const { status: live } = await follow(follower());
    health.update({ ...live, state: 'failing' });
    expect([await status(), await status('POST')]).toEqual([200, 405]);
    expect(await (await fetch(health.url)).json()).toMatchObject({ fingerprintsSha256: prints(old) });
    expect(isHealthy(live, new Date(START + lifetime(30_000) - 1))).toBe(true);
    now = new Date(START + lifetime(30_000));
    expect(await status()).toBe(503);
    expect((await appError(openHealth(parseAddress(new URL(health.url).host), () => now))).code).toBe(
      'AddressUnavailable',
    );
  } finally {
    health.close();
  }
});

describe('sources', () => {
  test('a URL gives its octets, no more than a list may have, and nothing where it answers otherwise', async () => {
    publish(old);
    const server = createServer(({ url }, response) => {
      if (url === '/huge') for (let i = 0; i < 64; i++) response.write('x'.repeat(65_536));
      response.statusCode = url === '/gone' ? 302 : 200;
      response.end(url?.startsWith('/list') === true ? published : '');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const open = (path: string) => openSource(`${base}${path}`, {});
    try {
      expect(open('/list?signature=x').name).toBe(`${base}/list`);
      expect(Buffer.from(await open('/list?signature=x').read()).toString('latin1')).toBe(published);
      const { length } = await open('/huge').read();
      expect(length).toBeGreaterThan(MAX_LIST_OCTETS);
      expect(length).toBeLessThan(MAX_LIST_OCTETS * 1.5);
      expect((await appError(open('/gone').read())).message).toBe(`${base}/gone: HTTP 302`);
    } finally {
      server.close();
    }
    expect((await appError(open('/list').read())).code).toBe('TrustStoreUnreadable');
  });

  test.each([
    ['s3://bucket/trust/apigw.pem', '/bucket/trust/apigw.pem'],
    ['secretsmanager:apigw', 'apigw'],
    ['ssm:/apigw/trusted', '/apigw/trusted'],
  ])('%s', async (from, name) => {
    const aws = await startAwsDouble();
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL: aws.url,
    });
    try {
      publish(old);
      const source = openSource(from, { region: 'eu-west-1' });
      const missing = await appError(source.read());
      expect([missing.code, missing.message.startsWith(`${from}: `)]).toEqual(['TrustStoreUnreadable', true]);
      aws.versions.set(name, [published]);
      expect(Buffer.from(await source.read()).toString('latin1')).toBe(published);
    } finally {
      process.env = before;
      aws.close();
    }
  });

  test.each([
    '',
    's3://bucket',
    'http://example.com/list',
    'ftp://example.com/x',
    '/etc/list',
    'ssm:',
    'ssm:a\nb',
  ])('%j is refused', (from) => {
    expect(() => openSource(from, {})).toThrow(AppError);
  });
});

test.each([
  ['s3', {}, 'more options than fit'],
  ['manual', {}, '--to manual is not a file'],
  ['pem-bundle:x', { check: 'true' }, '--check has no meaning for a trust store of the kind pem-bundle'],
  ['nginx:x', { reload: ' ' }, '--reload is empty'],
  ['ngnix:x', {}, '--to "ngnix:x": unknown kind'],
])('--to %s %j is refused', (to, commands, message) => {
  expect(() => openDestination(to, commands)).toThrow(message);
});

describe('the command', () => {
  const words = (): string[] => [
    'backend',
    'follow',
    '--from',
    `file:${list()}`,
    '--to',
    `haproxy:${pins()}`,
    '--check',
    'true',
    '--reload',
    'true',
    '--host',
    'web-1',
  ];

  test('--once has an exit code and one document for each case', async () => {
    publish(old);
    const applied = await cli([...words(), '--once', '--output', 'json']);
    expect([applied.code, applied.json()]).toMatchObject([
      0,
      { changed: true, state: 'current', listVersion: 1 },
    ]);
    const again = await cli([...words(), '--once']);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toMatch(
      /^haproxy:\S+: 1 certificate, version 1 of the list, since 20\S+Z\n {2}\S+\n$/,
    );
    writeFileSync(list(), '');
    const failed = await cli([...words(), '--once', '--output', 'json']);
    expect([failed.code, failed.json()]).toMatchObject([
      1,
      { error: { code: 'ListRefused', details: { reason: 'empty' } } },
    ]);
  });

  test('runs until SIGTERM, answers on its endpoint, and reports', async () => {
    publish(old);
    const reports = join(folder, 'reports');
    mkdirSync(reports);
    const child = spawn(
      process.execPath,
      [
        BINARY,
        ...words(),
        '--health',
        '127.0.0.1:0',
        '--interval',
        '1s',
        '--report',
        reports,
        '--output',
        'json',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const ended = once(child, 'exit');
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    while (readdirSync(reports).length === 0)
      await once(child.stderr, 'data').then(() => new Promise((resolve) => setTimeout(resolve, 50)));
    const [, url = ''] = /status at (\S+)/.exec(stderr) ?? [];
    expect((await fetch(url)).status).toBe(200);
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'stopped', fingerprintsSha256: prints(old) });
    expect(stderr).toContain('applied 1 certificate, version 1 of the list');
  });
});
