import { PutIntegrationCommand } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { entryKey, trustedAuthority } from '../../../src/certificates/trust-entry.js';
import type { Identity } from '../../../src/certificates/issue.js';
import { createAwsControlPlane } from '../../../src/control-plane/aws.js';
import { acmSuccessor, nextTag, readMark } from '../../../src/control-plane/marks.js';
import { AppError } from '../../../src/platform/errors.js';
import type { Proof } from '../../../src/rotation/rules/proof.js';
import type { RotationStep } from '../../../src/rotation/rules/record.js';
import type { RotationReport } from '../../../src/rotation/rules/report.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import { POINTS, type Point } from '../../crash/world.js';
import { startAcmLab, type AcmLab, type RunOptions } from '../../support/acm-rotation.js';
import { REGION, startTraffic } from '../../support/rotation.js';

let lab: AcmLab;
let leaf: Identity;
let arn: string;

const IS_FULL = process.env['APIGW_CERT_FULL'] !== undefined;

/** The steps from a certificate of ACM to a generated one. */
const BACK: readonly RotationStep[] = [
  'generate',
  'trust',
  'preflight',
  'recheck',
  'switch',
  'verifySwitch',
  'soak',
  'verifyUnused',
  'retire',
  'settle',
  'untrust',
  'verifyRemoval',
  'finish',
];

/** Each describe goes on where the test before it ended: a lab costs a second. */
const inLab = (): void => {
  beforeAll(async () => {
    lab = await startAcmLab({ propagationDelayMs: 80 });
    leaf = await lab.pki.leaf();
    arn = await lab.imported(leaf);
  });
  afterAll(() => lab.close());
};

const steps = (report: RotationReport): string[] => report.steps.map(({ step }) => step);
const root = (subject = 'CN=orders-gateway'): string =>
  entryKey(trustedAuthority(lab.pki.root.pem, { subject }));
const proofOf = (report: RotationReport, name: string): Proof | undefined =>
  report.steps.find(({ step }) => step === name)?.evidence?.['proof'] as Proof | undefined;
const health = (): string => `${lab.api.invokeUrl}/health`;
const light = { lanes: 1, pauseMs: 40 };

/** One host, whose report is the trust file as it was some looks ago. */
function followers(behind = 0): NonNullable<RunOptions['acknowledgers']> {
  const seen: (readonly string[])[] = [];
  const list = async () => {
    seen.push((await lab.trusted()) ?? []);
    const held = seen.at(-1 - behind) ?? seen[0] ?? [];
    const now = new Date();
    return [
      {
        ...{ host: 'web-1', trustStore: 'node', reportedAt: now, expiresAt: new Date(now.getTime() + 3.6e6) },
        fingerprintsSha256: held.filter((key) => !key.includes(' ')),
        authorities: held.flatMap((key) => {
          const [fingerprintSha256 = '', ...name] = key.split(' ');
          return name.length === 0 ? [] : [{ fingerprintSha256, subject: name.slice(1).join(' ') }];
        }),
      },
    ];
  };
  return () => [{ reports: { name: 'hosts', list }, hosts: 1, timeout: 600_000 }];
}

describe('from a generated certificate to one of ACM and back', () => {
  inLab();

  test('a dry run without its key says that AWS may make no test calls with it', async () => {
    const isWarned = async (options: RunOptions): Promise<boolean> => {
      const { warnings } = await lab.run({ to: arn, dryRun: true, ...options });
      return warnings.some(({ code }) => code === 'BackendUnproved');
    };
    expect(await isWarned({})).toBe(true);
    expect(await isWarned({ identity: leaf })).toBe(false);
    expect(await isWarned({ probeUrl: health() })).toBe(false);
  });

  test('trusts its root with its subject, and no request fails', async () => {
    const traffic = startTraffic(health(), light);
    const planned = await lab.run({ to: arn, identity: leaf, dryRun: true });
    const report = await lab.run({ to: arn, identity: leaf });
    const { requests, failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(10);
    expect(report).toMatchObject({
      outcome: 'completed',
      oldCertificateId: lab.generatedId,
      newCertificateId: arn,
      oldCertificate: 'deleted',
    });
    expect(steps(report)).toEqual([
      'adopt',
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
    expect(steps(planned)).toEqual(steps(report));
    expect(await lab.presented()).toBe(arn);
    expect(await lab.trusted()).toEqual([root()]);
    expect(proofOf(report, 'preflight')?.results).toMatchObject([
      { caller: 'new', certificateId: arn, wanted: 'accepted', by: 'handshake' },
      { caller: 'old', certificateId: lab.generatedId, wanted: 'accepted' },
      { caller: 'none', wanted: 'refused' },
    ]);
    // Nothing of the key is written or told.
    const [line = ''] = leaf.privateKeyPem.split('\n').slice(1);
    const journals = await openFileJournal(`${lab.directory}/journal`).ends();
    const records = await Promise.all(
      journals.map(({ rotationId }) => openFileJournal(`${lab.directory}/journal`).read(rotationId)),
    );
    expect(JSON.stringify([records, lab.events, report])).not.toContain(line);
  });

  test('is not due by any clock but that of ACM', async () => {
    expect(await lab.run()).toMatchObject({ outcome: 'notDue', acmOrigin: 'imported' });
    await expect(lab.run({ settings: { force: true } })).rejects.toMatchObject({ code: 'CertificateOfAcm' });
  });

  test('ends the trust in the root, deletes nothing of ACM, and no request fails', async () => {
    const traffic = startTraffic(health(), light);
    const options = { toGenerated: true, probeUrl: health() };
    const planned = await lab.run({ ...options, dryRun: true });
    const report = await lab.run(options);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(report).toMatchObject({ outcome: 'completed', oldCertificateId: arn, oldCertificate: 'present' });
    expect(steps(report)).toEqual([
      'generate',
      'trust',
      'preflight',
      'recheck',
      'switch',
      'verifySwitch',
      'soak',
      'verifyUnused',
      'retire',
      'settle',
      'verifyUnused',
      'untrust',
      'verifyRemoval',
      'finish',
    ]);
    expect(steps(planned)).toEqual(steps(report));
    expect(proofOf(report, 'preflight')).toMatchObject({
      results: [{ caller: 'new' }, { caller: 'old', certificateId: arn, by: 'stageUrl' }, { caller: 'none' }],
    });
    expect(await lab.presented()).toBe(report.newCertificateId);
    expect(await lab.trusted()).toHaveLength(1);
  });
});

describe('what cannot be presented is refused before anything is changed', () => {
  inLab();

  test.each<[string, string, () => Promise<RunOptions>, RegExp]>([
    [
      'an intermediate certificate is missing',
      'CertificateUnsuitable',
      async () => ({ to: await lab.imported(leaf, lab.pki.root.pem) }),
      /its chain lacks its issuer/,
    ],
    [
      'the chain is not in order',
      'CertificateUnsuitable',
      async () => ({ to: await lab.imported(leaf, lab.pki.root.pem + lab.pki.issuing.pem) }),
      /followed by its issuer/,
    ],
    [
      'there is no clientAuth',
      'CertificateUnsuitable',
      async () => ({ to: await lab.imported(await lab.pki.leaf({ purposes: ['serverAuth'] })) }),
      /do not allow client authentication/,
    ],
    [
      'the root is not known',
      'CertificateUnsuitable',
      async () => ({ to: await lab.imported(leaf, lab.pki.issuing.pem) }),
      /ends below the root/,
    ],
    [
      'it is of another Region',
      'CertificateUnsuitable',
      () => Promise.resolve({ to: arn.replace('eu-central-1', 'eu-west-1') }),
      /own account and Region/,
    ],
    [
      'nothing can show whether it is accepted',
      'BackendNotProvable',
      () => Promise.resolve({ to: arn }),
      /AWS makes no test calls/,
    ],
    [
      'the key at hand is of another one',
      'Usage',
      async () => ({ to: arn, identity: await lab.pki.leaf() }),
      /--cert is not/,
    ],
  ])('%s', async (_, code, options, message) => {
    const before = await lab.trusted();
    const error: unknown = await lab.run(await options()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(await lab.presented()).toBe(lab.generatedId);
    expect(await lab.trusted()).toEqual(before);
    expect(lab.events).toEqual([]);
  });

  test('the URL of the stage reaches one of its backends', async () => {
    const { restApiId, proxyResourceId: resourceId } = lab.api;
    await lab.client.send(
      new PutIntegrationCommand({
        ...{ restApiId, resourceId, httpMethod: 'ANY', type: 'HTTP_PROXY', integrationHttpMethod: 'ANY' },
        uri: 'https://other.example/{proxy}',
      }),
    );
    const namedProbes = [{ of: 'other.example', method: 'GET', path: '/other' }];
    const run = lab.run({ to: arn, probeUrl: health(), namedProbes });
    await expect(run).rejects.toMatchObject({
      code: 'BackendNotProvable',
      message: expect.stringMatching(
        /reaches one of the backends localhost:\d+, other\.example, so/,
      ) as unknown,
    });
    expect(await lab.presented()).toBe(lab.generatedId);
    expect(lab.events).toEqual([]);
  });
});

describe('a run that ends in the middle', () => {
  inLab();

  test('is gone on with by one that is not told of the certificate', async () => {
    const traffic = startTraffic(health(), light);
    await lab.killed('trust', 'afterEffect', { to: arn, identity: leaf });
    // A scheduled run, perhaps on another machine without the journal.
    const report = await lab.run({ settings: { allowUnproved: true } });
    expect(report).toMatchObject({ outcome: 'completed', newCertificateId: arn });
    expect(await lab.trusted()).toEqual([root()]);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
  });

  test.each<[RotationStep, Point]>(
    IS_FULL
      ? BACK.flatMap((step) => POINTS.map((point): [RotationStep, Point] => [step, point]))
      : [['retire', 'afterEffect']],
  )('back to a generated one, killed at %s', async (step, point) => {
    const [before] = (await lab.trusted()) ?? [];
    const traffic = startTraffic(health(), light);
    await lab.killed(step, point, { toGenerated: true, probeUrl: health() });
    const report = await lab.run();
    expect(report.outcome).toBe('completed');
    const trusted = await lab.trusted();
    expect(trusted).toHaveLength(1);
    expect(trusted).not.toEqual([before]);
    const again = await lab.run({ to: arn, identity: leaf });
    expect(again.outcome).toBe('completed');
    expect(await lab.trusted()).toEqual([root()]);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
  });

  test('is aborted: the certificate of ACM stays as it was', async () => {
    lab.events.length = 0;
    const ended = await lab.run({ toGenerated: true, identity: leaf, acknowledgers: followers(2) });
    // The host reported the root for a while after it had gone from the file, and that was waited for.
    expect(lab.events.filter(({ type }) => type === 'waiting')).toMatchObject([
      { reason: 'reports of the hosts' },
      { reason: 'soak' },
      { reason: 'calls without a response' },
      { reason: 'reports of the hosts' },
    ]);
    // With the key of the old one at hand, the refusal is seen.
    expect(proofOf(ended, 'verifyRemoval')).toMatchObject({
      results: [
        { caller: 'new' },
        { caller: 'none', wanted: 'refused' },
        {
          ...{ caller: 'old', certificateId: arn, wanted: 'refused', by: 'handshake' },
          backends: [{ outcome: 'refused', status: 403 }],
        },
      ],
    });
    expect(proofOf(ended, 'verifyRemoval')?.untested).toBeUndefined();
    const id = await lab.presented();
    const before = await lab.trusted();
    await lab.killed('verifySwitch', 'afterEffect', { to: arn, identity: leaf });
    expect(await lab.presented()).toBe(arn);
    expect(await lab.run({ abort: true })).toMatchObject({ outcome: 'aborted' });
    expect(await lab.presented()).toBe(id);
    expect(await lab.trusted()).toEqual(before);
    const certificates = await lab.certificates();
    expect(certificates.map(({ tags }) => acmSuccessor(tags))).toEqual([undefined]);
    expect(readMark({ tags: await lab.tags(arn) })).toBeUndefined();
  });

  test('leaves what another rotation of the same certificate, of another stage, has noted on it', async () => {
    const id = (await lab.presented()) ?? '';
    await lab.killed('adopt', 'afterEffect', { to: arn, identity: leaf });
    const tag = nextTag({ arn: `${arn}1`, rotationId: 'of-another-stage' });
    await createAwsControlPlane({ region: REGION, endpoint: lab.emulator.url }).then((controlPlane) =>
      controlPlane.tagClientCertificate(id, tag),
    );
    expect(await lab.run({ to: arn, abort: true })).toMatchObject({ outcome: 'aborted' });
    const [old] = await lab.certificates();
    expect(old?.tags).toMatchObject(tag);
  });
});

describe('a root that another certificate of ACM needs', () => {
  inLab();

  test('stays trusted, also where the chain of that one omits it', async () => {
    await lab.run({ to: arn, identity: leaf, acknowledgers: followers() });
    const other = await lab.imported(await lab.pki.leaf(), lab.pki.issuing.pem);
    await lab.addStage(other);
    const { warnings, ...report } = await lab.run({
      toGenerated: true,
      identity: leaf,
      acknowledgers: followers(),
    });
    // It is accepted as before, and rightly.
    expect(warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      `TrustKept: the root CN=Orders Root CA with the subject CN=orders-gateway stays trusted, since it is needed for ${other}`,
    ]);
    expect(proofOf({ warnings, ...report }, 'verifyRemoval')?.results.map(({ caller }) => caller)).toEqual([
      'new',
      'none',
    ]);
    expect(await lab.trusted()).toHaveLength(2);
    expect(await lab.trusted()).toContain(root());
  });
});

describe('from a certificate of ACM to a new import', () => {
  inLab();
  const chained = (): string => lab.pki.issuing.pem + lab.pki.root.pem;

  test('imports it once, and keeps the root that both need', async () => {
    await lab.run({ to: arn, identity: leaf });
    const next = await lab.pki.leaf();
    const options = { importing: next, chain: chained() };
    const traffic = startTraffic(health(), light);
    const planned = await lab.run({ ...options, dryRun: true });
    lab.emulator.clearRequests();
    await lab.killed('import', 'afterEffect', options);
    const report = await lab.run(options);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(report.outcome).toBe('completed');
    expect(steps(report)).toEqual([
      'import',
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
    expect(await lab.presented()).toBe(report.newCertificateId);
    expect(await lab.trusted()).toEqual([root()]);
    const imports = lab.emulator
      .requests()
      .filter(({ operation }) => operation.endsWith('ImportCertificate'));
    expect(imports).toHaveLength(1);
    // Where the run before was killed at its very end, or the command is repeated, there is nothing left to do.
    expect(await lab.run(options)).toMatchObject({
      outcome: 'notDue',
      oldCertificateId: report.newCertificateId,
    });
  });

  test.each<[string, () => Promise<RunOptions>, RegExp]>([
    ['whose chain is missing', async () => ({ importing: await lab.pki.leaf(), chain: '' }), /has no chain/],
    [
      'for servers alone',
      async () => ({ importing: await lab.pki.leaf({ purposes: ['serverAuth'] }), chain: chained() }),
      /do not allow client authentication/,
    ],
  ])('one %s is not imported', async (_, options, message) => {
    lab.emulator.clearRequests();
    await expect(lab.run(await options())).rejects.toThrow(message);
    expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain('ImportCertificate');
  });
});

describe('a certificate that only a subject alternative name tells from others', () => {
  inLab();

  test.each<Point>(['afterIntent', 'afterEffect'])('loses its trust, killed at retire %s', async (point) => {
    // Two attributes of one part: no server compares such a subject.
    const named = await lab.pki.leaf({ subject: 'CN=a+O=b', dnsNames: ['gateway.example.com'] });
    const own = await lab.imported(named);
    await lab.run({ to: own, identity: named });
    const bySan = entryKey(trustedAuthority(lab.pki.root.pem, { san: 'DNS:gateway.example.com' }));
    expect(await lab.trusted()).toEqual([bySan]);
    await lab.killed('retire', point, { toGenerated: true, identity: named });
    const report = await lab.run();
    expect(report.outcome).toBe('completed');
    const trusted = await lab.trusted();
    expect(trusted).toHaveLength(1);
    expect(trusted).not.toContain(bySan);
  });
});

describe('where AWS makes test calls with an ARN', () => {
  inLab();

  test('they show both certificates, before the switch and after the removal, without a key', async () => {
    lab.emulator.configure({ testInvokeAcm: true });
    const there = await lab.run({ to: arn });
    expect(there).toMatchObject({ outcome: 'completed', newCertificateId: arn, warnings: [] });
    const shown = (report: RotationReport, step: string): unknown[] =>
      (proofOf(report, step)?.results ?? []).map(({ caller, certificateId, by, backends }) => [
        ...[caller, certificateId, by],
        ...backends.map(({ outcome }) => outcome),
      ]);
    expect(shown(there, 'preflight')).toEqual([
      ['new', arn, undefined, 'accepted'],
      ['old', lab.generatedId, undefined, 'accepted'],
      ['none', undefined, undefined, 'refused'],
    ]);
    const back = await lab.run({ toGenerated: true });
    expect(back.outcome).toBe('completed');
    expect(back.warnings.map(({ code }) => code)).toEqual(['OtherStagesNotRead']);
    expect(shown(back, 'preflight')[1]).toEqual(['old', arn, undefined, 'accepted']);
    expect(shown(back, 'verifyRemoval')).toEqual([
      ['new', back.newCertificateId, undefined, 'accepted'],
      ['none', undefined, undefined, 'refused'],
      ['old', arn, undefined, 'refused'],
    ]);
    expect(proofOf(back, 'verifyRemoval')?.untested).toBeUndefined();
  });
});
