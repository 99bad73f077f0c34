import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readBundle } from '../../../src/certificates/bundle.js';
import { trustedCertificate } from '../../../src/certificates/parse.js';
import { trustedAuthority, type TrustEntry } from '../../../src/certificates/trust-entry.js';
import type { Proof } from '../../../src/rotation/rules/proof.js';
import type { RotationReport } from '../../../src/rotation/rules/report.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import { createTrustStore } from '../../../src/trust/kinds/index.js';
import { startAcmLab, type AcmLab, type RunOptions } from '../../support/acm-rotation.js';
import { startTraffic } from '../../support/rotation.js';

let lab: AcmLab;
let arn: string;

const SUBJECT = 'CN=gateway.orders.example';
const SOAK = 60_000;

const health = (): string => `${lab.api.invokeUrl}/health`;
const watch = (options: RunOptions = {}): Promise<RotationReport> =>
  lab.run({
    probeUrl: health(),
    ...options,
    settings: { watchRenewal: true, soak: SOAK, ...options.settings },
  });
const steps = (report: RotationReport): string[] => report.steps.map(({ step }) => step);
const proofOf = (report: RotationReport, name: string): Proof | undefined =>
  report.steps.find(({ step }) => step === name)?.evidence?.['proof'] as Proof | undefined;

const store = () =>
  createTrustStore({ kind: 'pem-bundle', file: lab.trustFile }, { announce: () => undefined });

/** Has the backend trust nothing but that. */
async function trustOnly(entry: TrustEntry): Promise<void> {
  await store().replace?.([entry]);
}

async function rootPem(): Promise<string> {
  const { chainPem } = await lab.acm(arn);
  return readBundle(Buffer.from(chainPem)).certificates.at(-1)?.certificate.pem ?? '';
}

const trustRoot = async (name: { subject?: string; san?: string } = { subject: SUBJECT }): Promise<void> =>
  trustOnly(trustedAuthority(await rootPem(), name));

const trustLeaf = async (): Promise<void> => trustOnly((await lab.acm(arn)).trusted);

beforeAll(async () => {
  lab = await startAcmLab({ propagationDelayMs: 400 });
});
afterAll(() => lab.close());

beforeEach(async () => {
  arn = await lab.requested();
  await trustRoot();
  await lab.attach(arn);
});

describe('before a renewal', () => {
  test.each([
    ['its subject', { subject: SUBJECT }],
    ['an alternative name', { san: 'DNS:gateway.orders.example' }],
    ['both', { subject: SUBJECT, san: 'DNS:gateway.orders.example' }],
  ])('a root with %s is what the renewed one will be accepted by', async (_, name) => {
    await trustRoot(name);
    const before = lab.emulator.requests().length;
    const report = await watch();
    expect(report).toMatchObject({ outcome: 'notDue', acmOrigin: 'privateCa', oldCertificateId: arn });
    expect(report).not.toHaveProperty('renewedAt');
    expect(steps(report)).toEqual(['verifyTrust', 'verifyUse']);
    expect(proofOf(report, 'verifyUse')?.results).toMatchObject([
      { caller: 'current', certificateId: arn, by: 'stageUrl', wanted: 'accepted' },
    ]);
    const called = lab.emulator
      .requests()
      .slice(before)
      .map(({ operation }) => operation);
    expect(called.filter((name) => /Update|Tag(?!s)|Import|Delete|Create|Put/.test(name))).toEqual([]);
    expect(await openFileJournal(`${lab.directory}/journal`).ends()).toEqual([]);
  });

  test('a store that holds the certificate itself is reported while everything still works', async () => {
    await trustLeaf();
    await expect(watch()).rejects.toMatchObject({
      code: 'RenewalNotTrusted',
      message: expect.stringMatching(/holds the certificate of .* itself, which the renewal replaces/),
      hint: expect.stringContaining(`--subject '${SUBJECT}'`),
    });
  });

  test.each([
    ['the root of another CA', () => trustedAuthority(lab.pki.root.pem, { subject: SUBJECT })],
    ['another name', async () => trustedAuthority(await rootPem(), { subject: 'CN=other' })],
    ['another certificate', async () => trustedCertificate((await lab.pki.leaf()).pem)],
  ])('a store that holds %s is reported', async (_, entry) => {
    await trustOnly(await entry());
    await expect(watch()).rejects.toMatchObject({
      code: 'RenewalNotTrusted',
      message: expect.stringMatching(/does not hold the root/),
    });
  });

  test('of a store that does not tell nothing is said but that', async () => {
    const silent = { ...store(), observe: () => Promise.resolve(undefined) };
    const report = await watch({ stores: () => [silent] });
    expect(steps(report)).toEqual(['verifyUse']);
    expect(report.warnings).toMatchObject([{ code: 'TrustNotSeen' }]);
  });

  test('a certificate of the same name is presented, and its refusal reported while everything still works', async () => {
    const other = await lab.requested();
    const { chainPem, ...identity } = await lab.exported(other);
    const options: RunOptions = { identity, chain: chainPem, stores: () => [] };
    const report = await watch(options);
    expect(proofOf(report, 'verifyUse')?.results).toMatchObject([
      { caller: 'sameName', by: 'handshake', backends: [{ outcome: 'accepted', tried: 2 }] },
      { caller: 'current', by: 'stageUrl' },
    ]);
    await trustLeaf();
    await expect(watch(options)).rejects.toMatchObject({
      code: 'RenewalRefused',
      message: expect.stringMatching(/--cert, which has the root and the name/),
    });
  });

  test('the certificate in use itself is no proof of another one', async () => {
    const { chainPem, ...identity } = await lab.exported(arn);
    const report = await watch({ identity, chain: chainPem });
    expect(proofOf(report, 'verifyUse')?.results).toMatchObject([
      { caller: 'current', by: 'handshake' },
      { caller: 'current', by: 'stageUrl' },
    ]);
  });

  test('a certificate of another name or CA stands for nothing', async () => {
    const identity = await lab.pki.leaf({ subject: SUBJECT });
    await expect(watch({ identity })).rejects.toMatchObject({ code: 'Usage' });
  });

  test('where nothing shows whether it is accepted, nothing is said of it', async () => {
    const options: RunOptions = { stores: () => [store()] };
    const bare = (settings: RunOptions['settings'] = {}): Promise<RotationReport> =>
      lab.run({ ...options, settings: { watchRenewal: true, ...settings } });
    await expect(bare()).rejects.toMatchObject({ code: 'BackendNotProvable' });
    const report = await bare({ allowUnproved: true });
    expect(proofOf(report, 'verifyUse')).toMatchObject({ results: [], untested: [arn] });
  });
});

test('where AWS makes test calls with an ARN, they show what the stages present', async () => {
  lab.emulator.configure({ testInvokeAcm: true });
  try {
    const report = await lab.run({ settings: { watchRenewal: true, soak: SOAK } });
    expect(proofOf(report, 'verifyUse')?.results).toMatchObject([
      { caller: 'current', certificateId: arn, backends: [{ outcome: 'accepted', tried: 2 }] },
    ]);
    expect(proofOf(report, 'verifyUse')?.results[0]).not.toHaveProperty('by');
    await trustLeaf();
    await lab.renew(arn);
    await expect(
      lab.run({ settings: { watchRenewal: true, soak: SOAK }, stores: () => [] }),
    ).rejects.toMatchObject({
      code: 'RenewalRefused',
      message: expect.stringMatching(
        /a backend refuses .*, which its stages present: localhost:\d+ answered 403/,
      ),
    });
  } finally {
    lab.emulator.configure({ testInvokeAcm: false });
  }
});

test('a dry run looks at the trust stores and calls no backend', async () => {
  const asked: string[] = [];
  const request = (url: string): Promise<number> => {
    asked.push(url);
    return Promise.resolve(200);
  };
  const report = await watch({ dryRun: true, request });
  expect(report).toMatchObject({ outcome: 'notDue', acmOrigin: 'privateCa' });
  expect(steps(report)).toEqual(['verifyTrust']);
  expect(asked).toEqual([]);
  await trustLeaf();
  await expect(watch({ dryRun: true, request })).rejects.toMatchObject({ code: 'RenewalNotTrusted' });
});

describe('after a renewal', () => {
  test('what is presented in turns is tested until the soak is over, and no request fails', async () => {
    const before = (await lab.acm(arn)).trusted.fingerprintSha256;
    const traffic = startTraffic(health(), { lanes: 1, pauseMs: 40 });
    await lab.renew(arn);
    const report = await watch();
    const { failed, requests } = await traffic.stop();
    const after = (await lab.acm(arn)).trusted;
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(10);
    expect(after.fingerprintSha256).not.toBe(before);
    expect(report).toMatchObject({ outcome: 'renewed', notAfter: after.notAfter });
    expect(report.renewedAt).toBeInstanceOf(Date);
    expect(steps(report)).toEqual(['verifyTrust', 'verifyUse', 'watch', 'verifyTrust']);
    const { evidence } = report.steps.find(({ step }) => step === 'watch') ?? {};
    expect(evidence).toMatchObject({ rounds: 2 });
    expect(evidence?.['requests']).toBeGreaterThanOrEqual(10);
    // Once it is over, there is nothing to wait for.
    const later = await watch();
    expect(later).toMatchObject({ outcome: 'notDue', renewedAt: report.renewedAt });
    expect(steps(later)).toEqual(['verifyTrust', 'verifyUse']);
  });

  test('a backend that refuses the renewed one is reported', async () => {
    await trustLeaf();
    await lab.renew(arn);
    await expect(watch({ stores: () => [] })).rejects.toMatchObject({ code: 'RenewalRefused' });
  });

  test('one that begins to refuse it during the soak is reported', async () => {
    await lab.renew(arn);
    let looks = 0;
    const failing = async (): Promise<number> => {
      looks += 1;
      if (looks === 4) await trustLeafOfNobody();
      return (await fetch(health())).status;
    };
    await expect(watch({ stores: () => [], request: failing })).rejects.toMatchObject({
      code: 'RenewalRefused',
      message: expect.stringMatching(/3 times in a row/),
    });
  });

  test('a further renewal within the soak is waited for as well', async () => {
    await lab.renew(arn);
    const first = (await lab.acm(arn)).details.renewal?.updatedAt;
    let looks = 0;
    const report = await watch({
      request: async () => {
        looks += 1;
        if (looks === 6) await lab.renew(arn);
        return (await fetch(health())).status;
      },
    });
    expect(report.outcome).toBe('renewed');
    expect(report.renewedAt?.getTime()).toBeGreaterThan(first?.getTime() ?? Infinity);
    const { evidence } = report.steps.find(({ step }) => step === 'watch') ?? {};
    expect(evidence?.['requests']).toBeGreaterThanOrEqual(16);
  });

  test('a backend that refuses every second request, as both are presented alternately, is reported', async () => {
    await lab.renew(arn);
    let turn = 0;
    const request = (): Promise<number> => Promise.resolve((turn += 1) % 2 === 0 ? 403 : 200);
    await expect(watch({ request })).rejects.toMatchObject({
      code: 'RenewalRefused',
      message: expect.stringMatching(/failed 3 times within 30 seconds \(it last answered 403\)/),
    });
  });

  test('a single failed request is told', async () => {
    await lab.renew(arn);
    let turn = 0;
    const report = await watch({ request: () => Promise.resolve((turn += 1) === 4 ? 503 : 200) });
    expect(report.warnings).toMatchObject([{ code: 'RequestsFailed' }]);
    expect(report.steps.find(({ step }) => step === 'watch')?.evidence).toMatchObject({ failed: 1 });
  });

  test('a stage that is switched to another certificate meanwhile shows nothing of the renewal', async () => {
    await lab.renew(arn);
    let turn = 0;
    const request = async (): Promise<number> => {
      if ((turn += 1) === 4) await lab.attach(lab.generatedId);
      return 200;
    };
    await expect(watch({ request })).rejects.toMatchObject({ code: 'StageChanged' });
  });

  test('a root that is taken out of the trust store meanwhile is noticed', async () => {
    await lab.renew(arn);
    let turn = 0;
    const request = async (): Promise<number> => {
      if ((turn += 1) === 4) await trustOnly(trustedAuthority(await rootPem(), { subject: 'CN=other' }));
      return 200;
    };
    await expect(watch({ request })).rejects.toMatchObject({ code: 'RenewalNotTrusted' });
  });

  test('with --no-wait each run tests once and says that it is not over', async () => {
    await lab.renew(arn);
    await expect(watch({ settings: { wait: false } })).rejects.toMatchObject({
      code: 'RotationWaiting',
      exitCode: 75,
    });
    expect(lab.events.map((event) => ('step' in event ? event.step : ''))).toContain('verifyUse');
  });
});

describe('what ACM does not renew is not watched', () => {
  test('a renewal that failed', async () => {
    await lab.renew(arn, { status: 'FAILED', reason: 'PCA_ACCESS_DENIED' });
    await expect(watch()).rejects.toMatchObject({
      code: 'CertificateOfAcm',
      message: expect.stringMatching(/could not renew it \(PCA_ACCESS_DENIED\)/),
    });
  });

  test('an imported one', async () => {
    await lab.attach(await lab.imported(await lab.pki.leaf()));
    await expect(watch()).rejects.toMatchObject({
      code: 'CertificateOfAcm',
      message: expect.stringMatching(/was imported/),
    });
  });

  test('a generated one, which is not rotated either', async () => {
    await lab.attach(lab.generatedId);
    await expect(watch()).rejects.toMatchObject({ code: 'CertificateUnsuitable' });
    expect(await lab.presented()).toBe(lab.generatedId);
  });

  test('one that a rotation is about', async () => {
    await lab.killed('soak', 'afterIntent', { toGenerated: true, probeUrl: health() });
    await expect(watch()).rejects.toMatchObject({ code: 'CertificateUnsuitable' });
    await lab.attach(arn);
    await expect(watch()).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringMatching(/a rotation from .* is in progress/),
    });
  });
});

const trustLeafOfNobody = async (): Promise<void> =>
  trustOnly(trustedCertificate((await lab.pki.leaf()).pem));
