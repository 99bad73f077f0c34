/** What `doctor` says of trust stores: real files, an emulator with ACM, and a real server that reads the list. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ACMClient } from '@aws-sdk/client-acm';
import type { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeAuthority } from '../../src/certificates/bundle.js';
import type { CallerName } from '../../src/certificates/caller-name.js';
import type { Identity } from '../../src/certificates/issue.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { trustedAuthority } from '../../src/certificates/trust-entry.js';
import { doctor, type DoctorReport } from '../../src/commands/doctor/run.js';
import { lookAtTrust, type NamedStore } from '../../src/commands/doctor/trust.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import type { ControlPlane } from '../../src/control-plane/control-plane.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import type { ReportedFinding } from '../../src/findings/finding.js';
import { judgeStore } from '../../src/findings/rules/doctor-trust.js';
import { trustClientCertificates } from '../../src/node/index.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { acmClientOf, importCertificate, makePki, requestCertificate, type TestPki } from '../support/acm.js';
import { startCaBackend, type CaBackend } from '../support/ca-backend.js';
import { mintIdentity } from '../support/certificates.js';
import { cli, emulatorEnv } from '../support/cli.js';
import {
  attachCertificate,
  clientOf,
  generateCertificate,
  makeApi,
  type ApiFixture,
} from '../support/emulator.js';
import { call, listen, serverOptions } from '../node/fixture.js';

const DAY_MS = 86_400_000;
const SUBJECT = 'CN=orders-gateway';

let pki: TestPki;
let other: TestPki;
let leaf: Identity;
let backend: CaBackend;
let emulator: Emulator;
let client: APIGatewayClient;
let acm: ACMClient;
let api: ApiFixture;
let controlPlane: ControlPlane;
let arn: string;
let generated: { id: string; pem: string };
let folder: string;
let file: string;
beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
  [pki, other] = await Promise.all([makePki(), makePki()]);
  leaf = await pki.leaf();
  backend = await startCaBackend(pki.root.pem);
  emulator = await startEmulator({ rateLimit: false, backendCa: backend.caPem });
  client = clientOf(emulator);
  acm = acmClientOf(emulator);
  api = await makeApi(emulator, client, backend.url);
  controlPlane = await createAwsControlPlane({ region: 'eu-central-1', endpoint: emulator.url });
  // As it is usually imported: without the root.
  arn = await importCertificate(acm, leaf, { chain: pki.issuing.pem });
  const { id } = await generateCertificate(client);
  const { pemEncodedCertificate: pem } = await controlPlane.getClientCertificate(id);
  generated = { id, pem };
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-trust-'));
  file = join(folder, 'apigw.pem');
  await attachCertificate(client, api, arn);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  emulator.setClock(new Date());
  emulator.configure({ testInvokeAcm: false });
});
afterAll(async () => {
  client.destroy();
  acm.destroy();
  await emulator.close();
  await backend.close();
});

const now = (): Date => emulator.now();
const root = (name: CallerName, { root: { pem } } = pki): string =>
  writeAuthority(trustedAuthority(pem, name));
const bundle = (...parts: readonly string[]): NamedStore => {
  writeFileSync(file, parts.join(''));
  return { description: { kind: 'pem-bundle', file }, option: '--target orders' };
};
const diagnosed = (...stores: readonly NamedStore[]): Promise<DoctorReport> =>
  doctor(controlPlane, { address: { stage: 'orders/prod' }, stores }, now);

const CODES = [
  'AcmCertificatePinned',
  'CaHeldWithoutName',
  'TrustStoreLacksCertificate',
  'TrustStoreUnfinished',
  'TrustStoreUnknown',
];
const aboutTrust = ({ findings }: DoctorReport): ReportedFinding[] =>
  findings.filter(({ code }) => CODES.includes(code));
const severities = (report: DoctorReport): string[] =>
  aboutTrust(report).map(({ severity, code }) => `${severity} ${code}`);
const held = ({ trustStores = [] }: DoctorReport) => trustStores.map(({ holds }) => holds);

describe('an ACM certificate:', () => {
  test.each<[string, () => string[], held: string[], findings: string[]]>([
    ['the root with its subject', () => [root({ subject: SUBJECT })], ['rootWithName'], []],
    [
      'that and the certificate',
      () => [leaf.pem, root({ subject: SUBJECT })],
      ['certificate', 'rootWithName'],
      ['warning AcmCertificatePinned'],
    ],
    ['the root alone', () => [pki.root.pem], ['caWithoutName'], ['critical CaHeldWithoutName']],
    ['the issuing CA alone', () => [pki.issuing.pem], ['caWithoutName'], ['critical CaHeldWithoutName']],
    [
      'the root with its subject and without',
      () => [root({ subject: SUBJECT }), pki.root.pem],
      ['rootWithName', 'caWithoutName'],
      ['critical CaHeldWithoutName'],
    ],
    ['the certificate alone', () => [leaf.pem], ['certificate'], ['warning AcmCertificatePinned']],
    ['a certificate that was generated', () => [generated.pem], [], ['critical TrustStoreLacksCertificate']],
    [
      'the root for another subject',
      () => [root({ subject: 'CN=billing-gateway' })],
      [],
      ['critical TrustStoreLacksCertificate'],
    ],
    [
      'the root of another CA with the same names',
      () => [root({ subject: SUBJECT }, other), other.issuing.pem],
      [],
      ['critical TrustStoreLacksCertificate'],
    ],
  ])('a list holds %s', async (_, parts, holds, findings) => {
    const report = await diagnosed(bundle(...parts()));
    expect([report.trustStores, severities(report)]).toEqual([
      [{ trustStore: `pem-bundle:${file}`, state: 'known', holds }],
      findings,
    ]);
  });

  test('each finding says what happens, and what to do', async () => {
    const said = async (...parts: readonly string[]): Promise<(string | undefined)[]> => {
      const [only, ...more] = aboutTrust(await diagnosed(bundle(...parts)));
      expect([only?.clientCertificateId, only?.stage?.stageName, more]).toEqual([arn, 'prod', []]);
      return [only?.message.replace(`pem-bundle:${file} `, '').replaceAll(arn, 'ARN'), only?.remedy];
    };
    const add = `apigw-cert backend add --ca ROOT --subject ${SUBJECT} --target orders`;
    expect(await said(generated.pem)).toEqual([
      'holds neither the root of ARN with its name nor the certificate itself: its server refuses the stage',
      add,
    ]);
    expect(await said(root({ subject: 'CN=x' }), root({ san: 'DNS:x.example' }))).toEqual([
      'holds the root of ARN for the subject CN=x, san DNS:x.example alone, and not for its subject CN=orders-gateway: its server refuses the stage',
      add,
    ]);
    expect(await said(pki.root.pem)).toEqual([
      'holds CN=Orders Root CA, a CA of ARN, without a name: a server that trusts it as a CA accepts every certificate of that CA, and one that compares whole certificates refuses the stage',
      `${add}; then apigw-cert backend remove FILE --target orders, with the certificate of the CA in FILE`,
    ]);
    expect(await said(pki.root.pem, root({ subject: SUBJECT }))).toEqual([
      'holds CN=Orders Root CA, a CA of ARN, without a name: a server that trusts it as a CA accepts every certificate of that CA',
      'apigw-cert backend remove FILE --target orders, with the certificate of the CA in FILE',
    ]);
    expect(await said(leaf.pem)).toEqual([
      'holds ARN itself, and not the root of its CA with its name: its server refuses the next certificate, which someone has to import; apigw-cert/node loads no list that holds it',
      `${add}; then apigw-cert backend remove FILE --target orders, with the certificate in FILE`,
    ]);
    expect(await said(leaf.pem, root({ subject: SUBJECT }))).toEqual([
      'holds ARN itself, beside the root of its CA with its name: it is not needed; apigw-cert/node loads no list that holds it',
      'apigw-cert backend remove FILE --target orders, with the certificate in FILE',
    ]);
  });

  test('the nearer the next certificate, the worse is a list that holds this one', async () => {
    const own = await requestCertificate(acm);
    await attachCertificate(client, api, own);
    const certificate = await controlPlane.getAcmCertificate(own);
    const { notAfter } = certificate.trusted;
    const store = bundle(certificate.trusted.pem);
    const at = async (left: number) => {
      emulator.setClock(new Date(notAfter.getTime() - left * DAY_MS));
      return severities(await diagnosed(store));
    };
    expect(await at(91)).toEqual(['warning AcmCertificatePinned']);
    const renewal = new Date(notAfter.getTime() - 60 * DAY_MS).toISOString().replace('.000Z', 'Z');
    expect(aboutTrust(await diagnosed(store))[0]?.message).toContain(`which ACM issues from ${renewal} on`);
    expect(await at(90)).toEqual(['critical AcmCertificatePinned']);
    // Nobody renews an imported one before it expires.
    emulator.setClock(new Date());
    await attachCertificate(client, api, arn);
    const imported = bundle(leaf.pem);
    const days = async (left: number) => {
      emulator.setClock(new Date(trustedCertificate(leaf.pem).notAfter.getTime() - left * DAY_MS));
      return severities(await diagnosed(imported));
    };
    expect([await days(31), await days(30)]).toEqual([
      ['warning AcmCertificatePinned'],
      ['critical AcmCertificatePinned'],
    ]);
  });

  test('a list that its backends do not seem to read is a warning', async () => {
    emulator.configure({ testInvokeAcm: true });
    const report = await diagnosed(bundle(generated.pem));
    expect(aboutTrust(report)).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringMatching(
          /: the backends accept it, so this is not what they read, or they trust more than this$/,
        ),
      },
    ]);
  });

  test('a server whose list holds no roots may accept it by its configuration', async () => {
    const list = join(folder, 'apigw.map');
    const description = { kind: 'nginx' as const, file: list, check: ['true'], reload: ['true'] };
    const nginx = createTrustStore(description, { announce: () => undefined });
    const store = { description, option: '--target orders' };
    writeFileSync(list, '');
    await nginx.add(trustedCertificate(generated.pem));
    expect(aboutTrust(await diagnosed(store))).toMatchObject([
      {
        code: 'TrustStoreLacksCertificate',
        severity: 'warning',
        message: expect.stringMatching(
          /refuses the stage, unless its configuration accepts the root with the name$/,
        ),
        remedy: expect.stringMatching(/^have the configuration of the server accept the root with the name/),
      },
    ]);
    await nginx.add(trustedCertificate(leaf.pem));
    expect(aboutTrust(await diagnosed(store))).toMatchObject([
      {
        code: 'AcmCertificatePinned',
        message: expect.stringMatching(/, unless its configuration accepts the root with the name$/),
      },
    ]);
    await nginx.add(trustedCertificate(pki.issuing.pem));
    expect(severities(await diagnosed(store))).toEqual([
      'critical CaHeldWithoutName',
      'warning AcmCertificatePinned',
    ]);
  });

  test('each store is judged by itself, and one that cannot be read is unknown', async () => {
    const report = await diagnosed(
      bundle(root({ subject: SUBJECT })),
      { description: { kind: 'pem-bundle', file: join(folder, 'gone.pem') }, option: '--target orders' },
      { description: { kind: 'manual' }, option: '--target orders' },
      { description: { kind: 'hitch' }, option: '--target orders' },
    );
    expect(report.trustStores).toEqual([
      { trustStore: `pem-bundle:${file}`, state: 'known', holds: ['rootWithName'] },
      { trustStore: `pem-bundle:${join(folder, 'gone.pem')}`, state: 'unknown' },
      { trustStore: 'manual', state: 'unknown' },
      { trustStore: 'hitch', state: 'unknown' },
    ]);
    // Nobody can look into the one that a person changes: that is no failure.
    expect(severities(report)).toEqual([
      'unknown TrustStoreUnknown',
      'unknown TrustStoreUnknown',
      'info TrustStoreUnknown',
    ]);
  });

  test('a change that the server may not have loaded is a warning, and the list is judged all the same', async () => {
    const store = bundle(root({ subject: SUBJECT }));
    writeFileSync(
      join(folder, '.apigw.pem.apigw-cert-unfinished'),
      'apigw-cert\n2026-11-29T12:00:00Z the reload failed\n',
    );
    const report = await diagnosed(store);
    expect([held(report), severities(report)]).toEqual([
      [['rootWithName']],
      ['warning TrustStoreUnfinished'],
    ]);
    expect(aboutTrust(report)[0]?.message).toBe(
      `the server of pem-bundle:${file} may not have loaded its last change of 2026-11-29T12:00:00Z: the reload failed`,
    );
  });

  test('one that is its own issuer is trusted as it is', async () => {
    const { certificate, privateKeyPem } = await mintIdentity('self');
    const own = await importCertificate(acm, { pem: certificate.pem, privateKeyPem });
    await attachCertificate(client, api, own);
    const report = await diagnosed(bundle(certificate.pem));
    expect([held(report), severities(report)]).toEqual([[['certificate']], []]);
    expect(severities(await diagnosed(bundle(generated.pem)))).toEqual([
      'critical TrustStoreLacksCertificate',
    ]);
  });

  test('without its certificate, stores are not judged', async () => {
    emulator.addFault({
      operation: 'DescribeCertificate',
      kind: 'error',
      code: 'AccessDeniedException',
      status: 400,
      occurrence: 'every',
    });
    const report = await diagnosed(bundle(generated.pem));
    emulator.clearFaults();
    expect([report.trustStores, severities(report)]).toEqual([undefined, []]);
    expect(report.findings.map(({ code }) => code)).toContain('AcmCertificateUnknown');
  });

  test('what is said of each list is what a server does that reads it', async () => {
    const parts: [string, string][] = [
      ['leaf', leaf.pem],
      ['root', pki.root.pem],
      ['issuing', pki.issuing.pem],
      ['rootWithName', root({ subject: SUBJECT })],
      ['rootWithOther', root({ subject: 'CN=billing-gateway' })],
      ['generated', generated.pem],
    ];
    const presented = {
      trusted: trustedCertificate(leaf.pem),
      acm: await controlPlane.getAcmCertificate(arn),
      isAccepted: false,
      where: {},
      now: now(),
    };
    const [next, stranger] = [await pki.leaf(), await pki.leaf({ subject: 'CN=stranger' })];
    for (let set = 1; set < 2 ** parts.length; set++) {
      const chosen = parts.filter((_, bit) => (set & (2 ** bit)) !== 0);
      const names = chosen.map(([name]) => name);
      const [seen] = await lookAtTrust([bundle(...chosen.map(([, pem]) => pem))]);
      if (seen === undefined) throw new Error('one store was read');
      const { verdict, findings } = judgeStore(seen, presented);
      const { holds = [] } = verdict;
      const codes = findings.map(({ code }) => code);
      const isWell =
        names.includes('rootWithName') && !names.some((each) => /^(leaf|root|issuing)$/.test(each));
      expect([names, codes.length === 0]).toEqual([names, isWell]);
      // Other servers take these for CAs: this one compares whole certificates.
      expect([names, codes.includes('CaHeldWithoutName')]).toEqual([
        names,
        names.includes('root') || names.includes('issuing'),
      ]);
      if (names.includes('leaf') || names.includes('issuing')) {
        expect(() => trustClientCertificates(file)).toThrow('is not self-signed');
        continue;
      }
      const trust = trustClientCertificates(file);
      const server = trust.createServer(serverOptions, (_, response) => response.end());
      const port = await listen(server);
      const accepts = async ({ pem, privateKeyPem: key }: Identity): Promise<boolean> =>
        (await call({ port, ...{ cert: `${pem}${pki.issuing.pem}`, key } })).status === 200;
      const isAccepted = holds.includes('rootWithName');
      expect([names, await accepts(leaf), await accepts(next), await accepts(stranger)]).toEqual([
        names,
        isAccepted,
        isAccepted,
        false,
      ]);
      server.close();
      trust.close();
    }
  });
});

describe('a generated certificate:', () => {
  beforeEach(() => attachCertificate(client, api, generated.id));

  test('is held', async () => {
    const report = await diagnosed(bundle(pki.root.pem, generated.pem));
    expect([held(report), severities(report)]).toEqual([[['certificate']], []]);
  });

  test('is not held', async () => {
    const report = await diagnosed(bundle(root({ subject: SUBJECT })));
    expect(held(report)).toEqual([[]]);
    expect(aboutTrust(report)).toMatchObject([
      {
        code: 'TrustStoreLacksCertificate',
        severity: 'critical',
        message: `pem-bundle:${file} does not hold ${generated.id}: its server refuses the stage`,
        remedy: `apigw-cert backend add ${generated.id} --target orders`,
      },
    ]);
  });
});

test('the command reads the stores of the target, or those that are specified', async () => {
  bundle(generated.pem);
  const good = join(folder, 'good.pem');
  writeFileSync(good, root({ subject: SUBJECT }));
  const config = join(folder, 'apigw-cert.yaml');
  writeFileSync(
    config,
    `targets:
  orders:
    api: ${api.restApiId}
    stages: [prod]
    trust: [{ kind: pem-bundle, file: ${file} }]
`,
  );
  const run = (...words: string[]) =>
    cli(['doctor', '--stage', 'orders/prod', ...words], { env: emulatorEnv(emulator) });
  const [ofTarget, specified, none] = await Promise.all([
    run('--config', config),
    run('--config', config, '--trust', `pem-bundle:${good}`),
    run('--output', 'json'),
  ]);
  expect(ofTarget.code).toBe(1);
  expect(ofTarget.stdout).toContain(
    `\ntrust store            pem-bundle:${file}: does not hold the certificate\n`,
  );
  expect(ofTarget.stdout).toContain('--target orders\n');
  expect(specified.code).toBe(0);
  expect(specified.stdout).toContain(
    `\ntrust store            pem-bundle:${good}: holds the root of its CA with its name\n`,
  );
  expect(none.json()).not.toHaveProperty('trustStores');
  expect(readFileSync(good, 'utf8')).toBe(root({ subject: SUBJECT }));
});
