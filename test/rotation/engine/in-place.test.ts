import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RemoveTagsFromCertificateCommand } from '@aws-sdk/client-acm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity } from '../../../src/certificates/issue.js';
import { certificateFacts } from '../../../src/certificates/parse.js';
import { entryKey, trustedAuthority } from '../../../src/certificates/trust-entry.js';
import { acmVersion } from '../../../src/control-plane/acm-version.js';
import { readMark } from '../../../src/control-plane/marks.js';
import type { AppError } from '../../../src/platform/errors.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import { otherUses } from '../../../src/rotation/engine/in-place-gates.js';
import type { RotationReport } from '../../../src/rotation/rules/report.js';
import { startAcmLab, type AcmLab, type RunOptions } from '../../support/acm-rotation.js';
import {
  acmClientOf,
  importCertificate,
  makePki,
  requestCertificate,
  type TestPki,
} from '../../support/acm.js';
import { REGION, startTraffic } from '../../support/rotation.js';

let lab: AcmLab;
/** Another CA, whose certificates have another root and subject. */
let other: TestPki;
let leaf: Identity;
let arn: string;

beforeAll(async () => {
  other = await makePki();
});

const steps = (report: RotationReport): string[] => report.steps.map(({ step }) => step);
const health = (): string => `${lab.api.invokeUrl}/health`;
const light = { lanes: 1, pauseMs: 40 };
const chainOf = ({ issuing, root }: TestPki): string => issuing.pem + root.pem;
const agree = (): Promise<void> => Promise.resolve();
const version = ({ pem }: Identity): string => acmVersion(arn, certificateFacts(pem).fingerprintSha256);
/** What the ARN contains. */
const contained = async (): Promise<string> =>
  acmVersion(arn, (await lab.acm(arn)).trusted.fingerprintSha256);
const trustOf = ({ root }: TestPki, subject = 'CN=orders-gateway'): string =>
  entryKey(trustedAuthority(root.pem, { subject }));

/** A later certificate, of the same CA and name unless specified. */
const later = (options: Parameters<TestPki['leaf']>[0] = {}, pki = lab.pki): Promise<Identity> =>
  pki.leaf({ days: 120, ...options });

/** What imports a certificate in place. */
const importing = (next: Identity, previous?: Identity, pki = lab.pki): RunOptions => ({
  importing: next,
  chain: chainOf(pki),
  inPlace: previous ? { previous } : {},
  // Longer than a step may take; the wait itself is skipped.
  settings: { soak: 300_000 },
});

/** Each describe goes on where the test before it ended. */
const inLab = (): void => {
  beforeAll(async () => {
    lab = await startAcmLab({ propagationDelayMs: 150 });
    leaf = await lab.pki.leaf();
    arn = await lab.imported(leaf);
    await lab.run({ to: arn, identity: leaf });
  });
  afterAll(() => lab.close());
};

describe('an import under the ARN that stages present', () => {
  inLab();

  test('is planned, tested, made once for all of them, and no request fails', async () => {
    await lab.addStage(arn);
    const next = await later();
    const options = importing(next, leaf);
    const traffic = startTraffic(health(), light);
    const planned = await lab.run({ ...options, dryRun: true });
    expect(await contained()).toBe(version(leaf));
    lab.emulator.clearRequests();
    lab.events.length = 0;
    const report = await lab.run(options);
    const { failed, requests } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(10);
    expect(report).toMatchObject({
      outcome: 'completed',
      oldCertificateId: version(leaf),
      newCertificateId: version(next),
      oldCertificate: 'deleted',
      warnings: [],
    });
    expect(report.stages).toHaveLength(2);
    expect(steps(report)).toEqual([
      'adopt',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'soak',
      'verifyUnused',
      'retire',
      'finish',
    ]);
    expect(steps(planned)).toEqual(steps(report));
    expect(await contained()).toBe(version(next));
    expect(await lab.presented()).toBe(arn);
    expect(await lab.trusted()).toEqual([trustOf(lab.pki)]);
    const called = lab.emulator.requests().map(({ operation }) => operation);
    expect(called.filter((name) => name.endsWith('ImportCertificate'))).toHaveLength(1);
    expect(called.filter((name) => name.endsWith('UpdateStage'))).toEqual([]);
    expect(readMark({ tags: await lab.tags(arn) })?.replacesSha256).toBeUndefined();
    // Nothing of the keys is written or told.
    const journal = openFileJournal(`${lab.directory}/journal`);
    const records = await Promise.all(
      (await journal.ends()).map(({ rotationId }) => journal.read(rotationId)),
    );
    const told = JSON.stringify([records, lab.events, report]);
    for (const { privateKeyPem } of [next, leaf]) {
      expect(told).not.toContain(privateKeyPem.split('\n')[1]);
    }
    // The command can be repeated, and a scheduled run has nothing to do with it any more.
    expect(await lab.run(importing(next))).toMatchObject({ outcome: 'notDue' });
    expect(await lab.run()).toMatchObject({ outcome: 'notDue', oldCertificateId: arn });
    leaf = next;
  });

  test('of another CA is trusted first, and the old root goes after the soak', async () => {
    const next = await later({ days: 140 }, other);
    const asked: string[] = [];
    const options: RunOptions = {
      ...importing(next, undefined, other),
      confirm: (question) => Promise.resolve(void asked.push(question)),
    };
    const traffic = startTraffic(health(), light);
    const planned = await lab.run({ ...options, dryRun: true });
    const report = await lab.run(options);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(steps(report)).toEqual([
      'adopt',
      'trust',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'soak',
      'verifyUnused',
      'untrust',
      'verifyRemoval',
      'finish',
    ]);
    expect(steps(planned)).toEqual(steps(report));
    expect(await lab.trusted()).toEqual([trustOf(other)]);
    expect(new Set(asked)).toEqual(
      new Set([expect.stringMatching(/ACM keeps no earlier .* cannot be rolled back/)]),
    );
    expect(report.warnings.map(({ code }) => code)).toContain('NoRollBack');
  });
});

describe('an import in place that ends in the middle', () => {
  inLab();

  test('right after ImportCertificate: a run without files completes it', async () => {
    const next = await later({ subject: 'CN=second-gateway' });
    const traffic = startTraffic(health(), light);
    await lab.killed('switch', 'afterEffect', importing(next, leaf));
    expect(await contained()).toBe(version(next));
    expect(await lab.trusted()).toHaveLength(2);
    lab.emulator.clearRequests();
    const report = await lab.run();
    expect(report).toMatchObject({ outcome: 'completed', newCertificateId: version(next) });
    expect(await lab.trusted()).toEqual([trustOf(lab.pki, 'CN=second-gateway')]);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    const called = lab.emulator.requests().map(({ operation }) => operation);
    expect(called.filter((name) => name.endsWith('ImportCertificate'))).toEqual([]);
    leaf = next;
  });

  test('after the import: an abort imports the old certificate again', async () => {
    const next = await later({ days: 150, subject: 'CN=third-gateway' });
    const traffic = startTraffic(health(), light);
    await lab.killed('verifySwitch', 'afterEffect', importing(next, leaf));
    await expect(lab.run({ abort: true })).rejects.toMatchObject({
      code: 'UndoImpossible',
      message: expect.stringMatching(/ACM keeps no earlier certificate/) as unknown,
    });
    const report = await lab.run({ abort: true, inPlace: { previous: leaf } });
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(report.outcome).toBe('aborted');
    expect(await contained()).toBe(version(leaf));
    expect(await lab.trusted()).toEqual([trustOf(lab.pki, 'CN=second-gateway')]);
    expect(readMark({ tags: await lab.tags(arn) })).toBeUndefined();
  });

  test('before the import: only its files continue it or abort it', async () => {
    const next = await later({ days: 160, subject: 'CN=fourth-gateway' });
    const options = importing(next, leaf);
    await lab.killed('trust', 'afterEffect', options);
    const refused = { code: 'CertificateOfAcm', message: expect.stringMatching(/in progress/) as unknown };
    await expect(lab.run()).rejects.toMatchObject(refused);
    await expect(lab.run({ abort: true })).rejects.toMatchObject(refused);
    const another = await later({ days: 170 });
    await expect(lab.run({ ...importing(another, leaf) })).rejects.toMatchObject(refused);
    expect(await lab.trusted()).toHaveLength(2);
    expect(await lab.run({ ...options, abort: true })).toMatchObject({ outcome: 'aborted' });
    expect(await contained()).toBe(version(leaf));
    expect(await lab.trusted()).toEqual([trustOf(lab.pki, 'CN=second-gateway')]);
    expect(readMark({ tags: await lab.tags(arn) })).toBeUndefined();
  });
});

test('a certificate that somebody else imports meanwhile ends the rotation by hand alone', async () => {
  lab = await startAcmLab({ propagationDelayMs: 50 });
  const acm = acmClientOf(lab.emulator, { region: REGION });
  try {
    leaf = await lab.pki.leaf();
    arn = await lab.imported(leaf);
    await lab.run({ to: arn, identity: leaf });
    const options = importing(await later({}, other), leaf, other);
    await lab.killed('switch', 'afterEffect', options);
    const third = await later({ days: 200 });
    await importCertificate(acm, third, { chain: chainOf(lab.pki), arn });
    const trusted = await lab.trusted();
    expect(trusted).toHaveLength(2);
    for (const run of [{}, options, { abort: true, inPlace: { previous: leaf } }]) {
      const failure = await lab.run(run).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'StageChanged',
        message: expect.stringContaining(`it contains ${version(third)}`) as unknown,
      });
      expect(await lab.trusted()).toEqual(trusted);
    }
    expect(await contained()).toBe(version(third));
    // As the error says.
    const { hint = '' } = (await lab.run().catch((error: unknown) => error)) as AppError;
    const Tags = [...hint.matchAll(/Key=(\S+)/g)].map(([, Key = '']) => ({ Key }));
    await acm.send(new RemoveTagsFromCertificateCommand({ CertificateArn: arn, Tags }));
    expect(await lab.run()).toMatchObject({ outcome: 'notDue', oldCertificateId: arn });
  } finally {
    acm.destroy();
    await lab.close();
  }
});

test('a rotation to the ARN that is not over is completed first', async () => {
  lab = await startAcmLab({ propagationDelayMs: 50 });
  try {
    leaf = await lab.pki.leaf();
    arn = await lab.imported(leaf);
    await lab.killed('switch', 'afterEffect', { to: arn, identity: leaf });
    expect(await lab.presented()).toBe(arn);
    const left = await lab.tags(arn);
    const options = importing(await later(), leaf);
    const refused = {
      code: 'Usage',
      message: expect.stringContaining(
        `a rotation from ${lab.generatedId} to ${arn} is in progress`,
      ) as unknown,
    };
    await expect(lab.run({ ...options, dryRun: true })).rejects.toMatchObject(refused);
    await expect(lab.run(options)).rejects.toMatchObject(refused);
    await expect(lab.run({ abort: true, inPlace: { previous: leaf } })).rejects.toMatchObject(refused);
    expect(await lab.tags(arn)).toEqual(left);
    expect(await contained()).toBe(version(leaf));
    // As the error says.
    expect(await lab.run()).toMatchObject({ outcome: 'completed', oldCertificate: 'deleted' });
    expect(await lab.certificates()).toEqual([]);
    expect(await lab.trusted()).toEqual([trustOf(lab.pki)]);
    expect(await lab.run(options)).toMatchObject({ outcome: 'completed' });
  } finally {
    await lab.close();
  }
});

describe('a certificate that is refused in use', () => {
  inLab();
  let stage: Server;
  let url: string;
  /** A URL of the stage that fails as soon as the ARN contains another certificate than the first. */
  beforeAll(async () => {
    stage = createServer((_, response) => {
      void contained().then((id) => response.writeHead(id === version(leaf) ? 200 : 502).end());
    }).listen(0, '127.0.0.1');
    await once(stage, 'listening');
    url = `http://127.0.0.1:${(stage.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    stage.close();
  });

  test('is replaced by the previous one, where its files are specified', async () => {
    const next = await later({ subject: 'CN=refused-gateway' });
    const traffic = startTraffic(health(), light);
    const options: RunOptions = { ...importing(next, leaf), probeUrl: url };
    await expect(lab.run(options)).rejects.toMatchObject({ code: 'RolledBack' });
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(await contained()).toBe(version(leaf));
    // Both are trusted: while the change spreads, either is presented.
    expect(await lab.trusted()).toHaveLength(2);
    await lab.run({ ...options, abort: true });
    expect(await lab.trusted()).toEqual([trustOf(lab.pki)]);
  });

  test('stays without them, and the error says so', async () => {
    const next = await later({ subject: 'CN=refused-gateway' });
    const options: RunOptions = { ...importing(next), probeUrl: url, confirm: agree };
    await expect(lab.run(options)).rejects.toMatchObject({
      code: 'NewCertificateRefused',
      message: expect.stringMatching(
        /answered 502 .* cannot be rolled back: ACM keeps no earlier/,
      ) as unknown,
    });
    expect(await contained()).toBe(version(next));
    expect(await lab.trusted()).toHaveLength(2);
    expect(await lab.run({ ...importing(next), settings: { force: true, soak: 300_000 } })).toMatchObject({
      outcome: 'completed',
    });
    expect(await lab.trusted()).toEqual([trustOf(lab.pki, 'CN=refused-gateway')]);
  });
});

describe('files that do not fit', () => {
  inLab();

  test.each<[string, string, () => Promise<RunOptions>, RegExp]>([
    [
      'another key type',
      'CertificateUnsuitable',
      async () => importing(await later({ keyType: 'EC_secp384r1' }), leaf),
      /key type is EC_secp384r1, and a further import cannot change EC_prime256v1/,
    ],
    [
      'not later than the present one',
      'CertificateUnsuitable',
      async () => importing(await lab.pki.leaf({ days: 30 }), leaf),
      /expires at .*, not later than/,
    ],
    [
      'a chain that lacks the intermediate certificate',
      'CertificateUnsuitable',
      async () => ({ ...importing(await later(), leaf), chain: lab.pki.root.pem }),
      /of --import cannot be used: its chain lacks its issuer/,
    ],
    [
      'for servers alone',
      'CertificateUnsuitable',
      async () => importing(await later({ purposes: ['serverAuth'] }), leaf),
      /do not allow client authentication/,
    ],
    [
      'a previous certificate that is another one',
      'Usage',
      async () => importing(await later(), await lab.pki.leaf()),
      /--previous-cert is not the one/,
    ],
    [
      'a previous certificate without its chain',
      'CertificateUnsuitable',
      async () => ({ ...importing(await later()), inPlace: { previous: leaf, previousChain: '' } }),
      /--previous-cert cannot be imported under .* again: it has no chain/,
    ],
    [
      'a previous certificate that lacks a usage of the new one',
      'CertificateUnsuitable',
      async () => importing(await later({ purposes: ['clientAuth', 'serverAuth'] }), leaf),
      /--previous-cert cannot be imported under .* again: it lacks usages of the new one/,
    ],
    [
      'the present certificate with another chain',
      'CertificateUnsuitable',
      () => Promise.resolve({ ...importing(leaf), chain: lab.pki.issuing.pem }),
      /contains this certificate already, with another chain/,
    ],
    [
      'one stage alone',
      'Usage',
      async () => ({ ...importing(await later(), leaf), settings: { onlyStage: true } }),
      /--only-stage and --in-place/,
    ],
  ])('%s', async (_, code, options, message) => {
    const before = await lab.trusted();
    lab.events.length = 0;
    const error: unknown = await lab.run(await options()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(await contained()).toBe(version(leaf));
    expect(await lab.trusted()).toEqual(before);
    expect(lab.events.filter(({ type }) => type !== 'warning')).toEqual([]);
    expect(readMark({ tags: await lab.tags(arn) })?.replacesSha256).toBeUndefined();
  });

  test('without the previous certificate, someone has to agree that there is no way back', async () => {
    await expect(lab.run(importing(await later()))).rejects.toThrow(/cannot be rolled back/);
    expect(await contained()).toBe(version(leaf));
  });

  test('ACM replaces only what was imported', async () => {
    const client = acmClientOf(lab.emulator, { region: REGION });
    const issued = await requestCertificate(client);
    client.destroy();
    await lab.attach(issued);
    await expect(lab.run({ ...importing(await later({ days: 500 })), confirm: agree })).rejects.toMatchObject(
      {
        code: 'CertificateUnsuitable',
        message: expect.stringMatching(/ACM replaces only imported certificates/) as unknown,
      },
    );
    await lab.attach(lab.generatedId).catch(() => undefined);
  });
});

test('what ACM lists as a user counts as a stage only where it names one that moves', () => {
  const own = 'arn:aws:apigateway:eu-central-1::/restapis/a1b2c3/stages/prod';
  const others = [
    'arn:aws:apigateway:eu-central-1::/restapis/a1b2c3/stages/prod2',
    'arn:aws:apigateway:eu-central-1::/domainnames/api.example.com',
    'arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/orders/1',
  ];
  const moving = [{ restApiId: 'a1b2c3', stageName: 'prod' }];
  expect(otherUses([own, ...others], moving)).toEqual(others);
});
