import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RotationDeps, RotationRequest } from '../../../src/rotation/engine/ports.js';
import { observedAccount } from '../../../src/rotation/engine/observed-account.js';
import { remembering } from '../../../src/control-plane/remembering.js';
import { abort, rotate } from '../../../src/rotation/engine/rotate.js';
import type { RotationEvent } from '../../../src/rotation/rules/event.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../../src/settings/rotation.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import { createTrustStore } from '../../../src/trust/kinds/index.js';
import { certificateFacts } from '../../../src/certificates/parse.js';
import { startRotationLab, startTraffic, type RotationLab } from '../../support/rotation.js';

let lab: RotationLab;
let events: RotationEvent[];

beforeEach(async () => {
  lab = await startRotationLab({ propagationDelayMs: 300 });
  events = [];
});

afterEach(() => lab.close());

function deps(overrides: Partial<RotationDeps> = {}): RotationDeps {
  const store = createTrustStore({ kind: 'pem-bundle', file: lab.trustFile }, { announce: () => undefined });
  const { now = () => new Date() } = overrides;
  const controlPlane = remembering(lab.controlPlane, now);
  return {
    controlPlane,
    apis: [],
    probeCalls: new Map(),
    account: observedAccount(controlPlane, now),
    stores: () => [store],
    journal: openFileJournal(join(lab.directory, 'journal')),
    now,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    newRotationId: () => `test-${Math.random().toString(36).slice(2)}`,
    emit: (event) => {
      events.push(event);
    },
    signal: new AbortController().signal,
    assertHeld: () => Promise.resolve(),
    request: () => Promise.resolve(200),
    confirm: () => Promise.resolve(),
    ...overrides,
  };
}

function request(settings: Partial<RotationSettings> = {}): RotationRequest {
  return {
    settings: { ...DEFAULT_SETTINGS, settle: 5_000, soak: 800, ...settings },
    hooks: {},
  };
}

const target = () => lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'prod' });

async function trusted(): Promise<string[]> {
  const pem = await readFile(lab.trustFile, 'utf8');
  return pem
    .split(/(?=-----BEGIN CERTIFICATE-----)/)
    .filter((part) => part.includes('BEGIN'))
    .map((part) => certificateFacts(part).fingerprintSha256);
}

describe('rotate', () => {
  test('replaces the certificate under traffic without one failed request', async () => {
    const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
    // A minute of soak, most of it skipped, so that it has not passed before it begins, however slow the machine is.
    let skipped = 0;
    const now = (): Date => new Date(Date.now() + skipped);
    const skipping = async (ms: number, signal?: AbortSignal): Promise<void> => {
      const real = Math.min(ms, 800);
      await sleep(real, undefined, { signal });
      skipped += ms - real;
    };
    const report = await rotate(
      deps({ now, sleep: skipping }),
      request({ settle: 60_000, soak: 60_000 }),
      await target(),
    );
    await sleep(300);
    const { requests, failed } = await traffic.stop();

    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(50);
    expect(report).toMatchObject({ outcome: 'completed', oldCertificateId: lab.oldId, warnings: [] });
    const certificates = await lab.controlPlane.getClientCertificates();
    expect(certificates.map(({ clientCertificateId }) => clientCertificateId)).toEqual([
      report.newCertificateId,
    ]);
    expect((await target()).clientCertificateId).toBe(report.newCertificateId);
    expect(await trusted()).toEqual([
      certificateFacts(certificates[0]?.pemEncodedCertificate ?? '').fingerprintSha256,
    ]);
    expect(report.steps.map(({ step }) => step)).toEqual([
      'generate',
      'trust',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'soak',
      'verifyUnused',
      'delete',
      'untrust',
      'verifyRemoval',
      'finish',
    ]);
  });

  test('does nothing when run again, at the cost of one call beside the look at the stage', async () => {
    await rotate(deps(), request(), await target());
    lab.emulator.clearRequests();
    const report = await rotate(deps(), request(), await target());
    expect(report.outcome).toBe('notDue');
    expect(
      lab.emulator
        .requests()
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(['GetClientCertificates', 'GetStage']);
  });

  test('plans without touching anything', async () => {
    const before = await readFile(lab.trustFile, 'utf8');
    lab.emulator.clearRequests();
    const report = await rotate(deps(), request(), await target(), { dryRun: true });
    expect(report.outcome).toBe('planned');
    expect(report.steps.map(({ step }) => step)).toContain('switch');
    expect(await readFile(lab.trustFile, 'utf8')).toBe(before);
    expect(lab.emulator.requests().every(({ method }) => method === 'GET')).toBe(true);
  });

  test('takes everything back when the backend refuses the new certificate', async () => {
    const before = await trusted();
    // The backend reads another file than the one that is written.
    const file = join(lab.directory, 'elsewhere.pem');
    await copyFile(lab.trustFile, file);
    const elsewhere = createTrustStore({ kind: 'pem-bundle', file }, { announce: () => undefined });
    await expect(
      rotate(deps({ stores: () => [elsewhere] }), request({ settle: 1_000 }), await target()),
    ).rejects.toMatchObject({
      code: 'NewCertificateRefused',
    });
    expect((await target()).clientCertificateId).toBe(lab.oldId);
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
    expect(await trusted()).toEqual(before);
  });

  test('abort undoes a rotation that soaks', async () => {
    await expect(
      rotate(deps(), request({ soak: 60_000, wait: false }), await target()),
    ).rejects.toMatchObject({
      code: 'RotationWaiting',
    });
    expect((await target()).clientCertificateId).not.toBe(lab.oldId);
    const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
    const report = await abort(deps(), request({ soak: 800 }), await target());
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(report.outcome).toBe('aborted');
    expect((await target()).clientCertificateId).toBe(lab.oldId);
    expect(await lab.controlPlane.getClientCertificates()).toHaveLength(1);
    expect(await trusted()).toHaveLength(1);
  });
});
