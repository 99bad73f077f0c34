/** A rotation that waits for the reports of the hosts that follow its list, beside real test calls. */
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openReports, type HostReports } from '../../../src/acknowledgements/reports.js';
import { certificateFacts } from '../../../src/certificates/parse.js';
import { remembering } from '../../../src/control-plane/remembering.js';
import { observedAccount } from '../../../src/rotation/engine/observed-account.js';
import type { RotationDeps } from '../../../src/rotation/engine/ports.js';
import { rotate } from '../../../src/rotation/engine/rotate.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import type { RotationEvent } from '../../../src/rotation/rules/event.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../../src/settings/rotation.js';
import { createTrustStore } from '../../../src/trust/kinds/index.js';
import type { TrustStore } from '../../../src/trust/trust-store.js';
import { appError } from '../../contract/trust-store.contract.js';
import { startRotationLab, type RotationLab } from '../../support/rotation.js';

let lab: RotationLab;
let reports: HostReports;
let events: RotationEvent[];
let store: TrustStore;
let ahead: number;

beforeEach(async () => {
  lab = await startRotationLab();
  const directory = join(lab.directory, 'hosts');
  mkdirSync(directory);
  reports = openReports({ kind: 'folder', directory });
  store = createTrustStore({ kind: 'pem-bundle', file: lab.trustFile }, { announce: () => undefined });
  events = [];
  ahead = 0;
});
afterEach(() => lab.close());

const now = (): Date => new Date(Date.now() + ahead);

/** A host has what the list has now. */
async function reportOf(host: string): Promise<void> {
  const fingerprintsSha256 = (await store.observe()) ?? [];
  const expiresAt = new Date(now().getTime() + 3_600_000);
  await reports.put({ host, trustStore: 'x', fingerprintsSha256, reportedAt: now(), expiresAt });
}

/** Runs a rotation whose waits take no time; `waits` happen in their order, one in each, and the last again and again. */
function run(
  waits: (() => Promise<unknown>)[],
  settings: Partial<RotationSettings> = {},
  hosts = 2,
  onEvent: (event: RotationEvent) => Promise<unknown> = () => Promise.resolve(),
) {
  const controlPlane = remembering(lab.controlPlane, now);
  let happening: Promise<unknown> = Promise.resolve();
  const deps: RotationDeps = {
    controlPlane,
    apis: [],
    probeCalls: new Map(),
    account: observedAccount(controlPlane, now),
    stores: () => [store],
    acknowledgers: () => [{ reports, hosts, timeout: 600_000 }],
    journal: openFileJournal(join(lab.directory, 'journal')),
    now,
    async sleep(ms) {
      ahead += ms;
      await happening;
      await (waits.length > 1 ? waits.shift() : waits[0])?.();
    },
    newRotationId: () => 'r1',
    emit(event) {
      events.push(event);
      happening = happening.then(() => onEvent(event));
    },
    signal: new AbortController().signal,
    assertHeld: () => Promise.resolve(),
    request: () => Promise.resolve(200),
    confirm: () => Promise.resolve(),
  };
  const request = {
    settings: { ...DEFAULT_SETTINGS, probes: 1, settle: 5_000, soak: 0, inFlight: 0, ...settings },
    hooks: {},
  };
  return lab.controlPlane
    .getStage({ restApiId: lab.api.restApiId, stageName: 'prod' })
    .then((stage) => rotate(deps, request, stage));
}

const steps = (): string[] => events.flatMap((event) => (event.type === 'stepDone' ? [event.step] : []));
const presented = async (): Promise<string | undefined> =>
  (await lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'prod' })).clientCertificateId;
const exists = async (id: string): Promise<boolean> =>
  (await lab.controlPlane.getClientCertificates()).some(
    ({ clientCertificateId }) => clientCertificateId === id,
  );
const holdsOld = async (): Promise<boolean> => {
  const all = await lab.controlPlane.getClientCertificates();
  const old = all.find(({ clientCertificateId }) => clientCertificateId === lab.oldId);
  return (
    old !== undefined &&
    ((await store.observe()) ?? []).includes(certificateFacts(old.pemEncodedCertificate).fingerprintSha256)
  );
};

test('switches when every host has the new certificate, and ends when none has the old one', async () => {
  await reportOf('web-1');
  await reportOf('web-2');
  const seen: [presented: boolean, exists: boolean, holds: boolean][] = [];
  const look = async (): Promise<void> => {
    seen.push([(await presented()) === lab.oldId, await exists(lab.oldId), await holdsOld()]);
  };
  let turn = 0;
  const report = await run([
    async () => {
      // One host after the other, and each only once the list has changed.
      if (events.at(-1)?.type !== 'waiting' && !events.some(({ type }) => type === 'waiting')) return;
      await look();
      await reportOf(turn++ % 2 === 0 ? 'web-1' : 'web-2');
    },
  ]);
  expect(report.outcome).toBe('completed');
  const order = steps();
  expect(order.filter((step) => step === 'acknowledge')).toHaveLength(2);
  expect(order.indexOf('acknowledge')).toBeLessThan(order.indexOf('preflight'));
  expect(order.lastIndexOf('acknowledge')).toBe(order.indexOf('verifyRemoval') - 1);
  expect(order.lastIndexOf('acknowledge')).toBeGreaterThan(order.indexOf('untrust'));
  // While the first was waited for, the old one was in use everywhere; while the last was, it was gone from AWS.
  expect(seen[0]).toEqual([true, true, true]);
  expect(seen.at(-1)).toEqual([false, false, false]);
  const evidence = events.flatMap((event) =>
    event.type === 'stepDone' && event.step === 'acknowledge' ? [event.evidence] : [],
  );
  expect(evidence).toEqual([
    { wanted: 'live', hosts: 2 },
    { wanted: 'gone', hosts: 2 },
  ]);
});

test('without reports nothing is known: it does not switch, keeps both trusted, and goes on later', async () => {
  const error = await appError(run([() => Promise.resolve()], { wait: false }));
  expect([error.code, error.message]).toEqual([
    'RotationWaiting',
    expect.stringMatching(/^whether all hosts trust \w+ is not known: no host reports in /),
  ]);
  expect([await presented(), (await store.observe())?.length]).toEqual([lab.oldId, 2]);
  await reportOf('web-1');
  // A run that waits gives up after its time, and leaves everything as it is.
  const late = await appError(run([() => Promise.resolve()]));
  expect(late.code).toBe('RotationWaiting');
  expect(late.message).toContain('1 of 1 hosts in ');
  expect(late.message).toContain('report it, and 2 are required');
  expect([await presented(), (await store.observe())?.length]).toEqual([lab.oldId, 2]);
  const all = () => Promise.all([reportOf('web-1'), reportOf('web-2')]);
  await all();
  expect((await run([all])).outcome).toBe('completed');
});

test('a host that comes between the reports and the switch is waited for', async () => {
  await reportOf('web-1');
  const [before = ''] = (await store.observe()) ?? [];
  let isLate = false;
  const late = (): Promise<void> =>
    reports.put({
      host: 'web-9',
      trustStore: 'x',
      fingerprintsSha256: [before],
      reportedAt: now(),
      expiresAt: new Date(now().getTime() + 3_600_000),
    });
  const all = async (): Promise<void> => {
    await reportOf('web-1');
    if (isLate) await reportOf('web-9');
  };
  const report = await run([all], {}, 1, async (event) => {
    if (event.type !== 'stepStarted' || event.step !== 'preflight' || isLate) return;
    isLate = true;
    await late();
  });
  expect(report.outcome).toBe('completed');
  const order = steps();
  expect(order.slice(0, order.indexOf('switch')).filter((step) => step === 'acknowledge')).toHaveLength(2);
});

test('a place that cannot be read stops it before anything is made', async () => {
  reports = openReports({ kind: 'folder', directory: join(lab.directory, 'none') });
  expect((await appError(run([]))).code).toBe('StateUnavailable');
  expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
  expect(await readdir(lab.directory)).not.toContain('journal');
});
