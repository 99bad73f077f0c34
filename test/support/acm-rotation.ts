import { once } from 'node:events';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket, type DetailedPeerCertificate } from 'node:tls';
import { ExportCertificateCommand } from '@aws-sdk/client-acm';
import { CreateDeploymentCommand, type APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { hasName } from '../../src/certificates/caller-name.js';
import { clientIdentity } from '../../src/certificates/client-identity.js';
import { clientChain } from '../../src/certificates/client-chain.js';
import type { Identity } from '../../src/certificates/issue.js';
import { mintServerCertificate } from '../../src/certificates/mint.js';
import { certificateFacts, trustedCertificate } from '../../src/certificates/parse.js';
import type { AcmCertificate } from '../../src/control-plane/acm-certificate.js';
import type { ClientCertificate } from '../../src/control-plane/api-gateway.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import { remembering } from '../../src/control-plane/remembering.js';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/index.js';
import { importedIdentity, presentedIdentity } from '../../src/rotation/engine/identity.js';
import { withVersions } from '../../src/rotation/engine/in-place.js';
import { observedAccount } from '../../src/rotation/engine/observed-account.js';
import type { HeldIdentity, RotationDeps, RotationRequest } from '../../src/rotation/engine/ports.js';
import { abort, rotate } from '../../src/rotation/engine/rotate.js';
import { watchRenewal } from '../../src/rotation/engine/watch-renewal.js';
import { openFileJournal } from '../../src/rotation/journal/file-journal.js';
import type { Journal } from '../../src/rotation/journal/journal.js';
import type { RotationEvent } from '../../src/rotation/rules/event.js';
import type { RotationReport } from '../../src/rotation/rules/report.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../src/settings/rotation.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { pemFormat } from '../../src/trust/pem-format.js';
import { expect } from '@jest/globals';
import { trapped, type Point } from '../crash/world.js';
import type { RotationStep } from '../../src/rotation/rules/record.js';
import { acmClientOf, importCertificate, makePki, requestCertificate, type TestPki } from './acm.js';
import { attachCertificate, clientOf, generateCertificate, makeApi, type ApiFixture } from './emulator.js';
import { REGION } from './rotation.js';

/** A stage, an account of ACM, and a backend that goes by a trust file: exact certificates, and roots with a name. */
export interface AcmLab {
  emulator: Emulator;
  api: ApiFixture;
  client: APIGatewayClient;
  pki: TestPki;
  generatedId: string;
  trustFile: string;
  directory: string;
  /** Of the backend. */
  backendUrl: string;
  /** The time of its runs: they skip what is longer than the spread of a switch. */
  time: Pick<RotationDeps, 'now' | 'sleep'>;
  /** Imports a certificate, with the chain up to the root. @returns its ARN */
  imported(identity: Identity, chain?: string): Promise<string>;
  /** Requests one from a private CA. @returns its ARN */
  requested(): Promise<string>;
  /** A certificate of a private CA with its key and chain, as ExportCertificate returns it. */
  exported(arn: string): Promise<{ pem: string; privateKeyPem: string; chainPem: string }>;
  /** Has ACM renew one that a private CA issued, by the clock of the runs. */
  renew(arn: string, renewal?: Parameters<Emulator['renewAcmCertificate']>[1]): Promise<void>;
  attach(id: string): Promise<void>;
  /** Another stage of the API, which presents that certificate. */
  addStage(id: string): Promise<void>;
  certificates(): Promise<ClientCertificate[]>;
  /** Of a certificate of ACM. */
  tags(arn: string): Promise<Readonly<Record<string, string>>>;
  /** A certificate of ACM. */
  acm(arn: string): Promise<AcmCertificate>;
  /** What the stage is set to. */
  presented(): Promise<string | undefined>;
  /** Keys of what the trust file holds. */
  trusted(): Promise<readonly string[] | undefined>;
  run(options?: RunOptions): Promise<RotationReport>;
  /** A run that dies at a point of a step. */
  killed(step: RotationStep, point: Point, options: RunOptions): Promise<void>;
  events: RotationEvent[];
  close(): Promise<void>;
}

export interface RunOptions {
  to?: string;
  toGenerated?: boolean;
  settings?: Partial<RotationSettings>;
  identity?: Pick<Identity, 'pem' | 'privateKeyPem'>;
  importing?: Identity;
  chain?: string;
  probeUrl?: string;
  namedProbes?: NonNullable<RotationRequest['namedProbes']>;
  roots?: string;
  /** Import under the ARN that the stage presents. */
  inPlace?: { previous?: Identity; previousChain?: string };
  /** What is said to what cannot be taken back; nothing is asked unless specified. */
  confirm?: RotationDeps['confirm'];
  abort?: boolean;
  dryRun?: boolean;
  journal?: Journal;
  stores?: RotationDeps['stores'];
  acknowledgers?: RotationDeps['acknowledgers'];
  request?: RotationDeps['request'];
  remote?: RotationDeps['remote'];
}

/** Whether a file of trust lets a caller in, by what the caller sent of itself. */
function isLetIn(file: string, peer: DetailedPeerCertificate): boolean {
  const segments = pemFormat.parse(readFileSync(file, 'latin1'));
  const sent: Buffer[] = [];
  for (let one = peer; !sent.some((raw) => raw.equals(one.raw)); one = one.issuerCertificate) {
    sent.push(one.raw);
    // Declared as always there, and absent where the caller sent no issuer.
    if ((one.issuerCertificate as DetailedPeerCertificate | undefined) === undefined) break;
  }
  const [leaf = Buffer.alloc(0), ...above] = sent;
  const { fingerprintSha256 } = certificateFacts(leaf);
  return segments.some(({ fingerprint, authority }) => {
    if (authority === undefined) return fingerprint === fingerprintSha256;
    const { rootPem } = clientChain(leaf, [...above, authority.ca.pem]);
    return rootPem === authority.ca.pem && hasName(leaf, authority);
  });
}

export async function startAcmLab(options: EmulatorOptions = {}): Promise<AcmLab> {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-acm-'));
  const trustFile = join(directory, 'trusted.pem');
  const server = await mintServerCertificate({
    notBefore: new Date(Date.now() - 3_600_000),
    dnsNames: ['localhost'],
  });
  const backend = https.createServer(
    { cert: server.certPem, key: server.privateKeyPem, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      const peer = socket instanceof TLSSocket ? socket.getPeerCertificate(true) : undefined;
      const isKnown = peer !== undefined && 'raw' in peer && isLetIn(trustFile, peer);
      response.writeHead(isKnown ? 200 : 403).end();
    },
  );
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const emulator = await startEmulator({
    rateLimit: false,
    backendCa: server.caPem,
    clock: new Date(Date.now() - 340 * 86_400_000),
    ...options,
  });
  const client = clientOf(emulator, { region: REGION });
  const acm = acmClientOf(emulator, { region: REGION });
  const generated = await generateCertificate(client);
  await writeFile(trustFile, trustedCertificate(generated.pem).pem);
  const url = `https://localhost:${(backend.address() as AddressInfo).port}`;
  const api = await makeApi(emulator, client, url);
  await attachCertificate(client, api, generated.id);
  emulator.setClock(new Date());
  const pki = await makePki();
  const controlPlane = await createAwsControlPlane({ region: REGION, endpoint: emulator.url });
  const store = createTrustStore({ kind: 'pem-bundle', file: trustFile }, { announce: () => undefined });
  const target = { restApiId: api.restApiId, stageName: api.stageName };
  const events: RotationEvent[] = [];
  let skipped = 0;
  const now = (): Date => new Date(Date.now() + skipped);
  const time: AcmLab['time'] = {
    now,
    sleep: async (ms, signal) => {
      const real = Math.min(ms, 200);
      await sleep(real, undefined, { signal });
      skipped += ms - real;
    },
  };

  const lab: AcmLab = {
    emulator,
    api,
    client,
    pki,
    generatedId: generated.id,
    trustFile,
    directory,
    backendUrl: url,
    time,
    events,
    imported: (identity, chain = `${pki.issuing.pem}${pki.root.pem}`) =>
      importCertificate(acm, identity, { chain }),
    requested: () => requestCertificate(acm),
    async exported(arn) {
      const passphrase = 'only for this test';
      const out = await acm.send(
        new ExportCertificateCommand({ CertificateArn: arn, Passphrase: Buffer.from(passphrase) }),
      );
      const { Certificate: pem = '', CertificateChain: chainPem = '', PrivateKey: key = '' } = out;
      const privateKey = createPrivateKey({ key, passphrase });
      return { pem, chainPem, privateKeyPem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
    },
    renew(arn, renewal = { status: 'SUCCESS' }) {
      emulator.setClock(now());
      return emulator.renewAcmCertificate(arn, renewal);
    },
    attach: (id) => attachCertificate(client, api, id),
    async addStage(id) {
      const { restApiId } = api;
      await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'other' }));
      await attachCertificate(client, { restApiId, stageName: 'other' }, id);
    },
    certificates: () => controlPlane.getClientCertificates(),
    tags: (arn) => controlPlane.getAcmTags(arn),
    acm: (arn) => controlPlane.getAcmCertificate(arn),
    presented: async () => (await controlPlane.getStage(target)).clientCertificateId,
    trusted: () => store.observe(),
    async run({
      settings,
      identity: given,
      importing,
      chain,
      abort: isAbort,
      dryRun,
      journal,
      stores,
      acknowledgers,
      remote,
      inPlace,
      request: asked = async (address: string) => (await fetch(address)).status,
      confirm = (question: string): Promise<void> => Promise.reject(new Error(question)),
      ...rest
    } = {}) {
      const known = remembering(controlPlane, now);
      const deps: RotationDeps = {
        controlPlane: known,
        apis: [],
        probeCalls: new Map(),
        account: observedAccount(known, now),
        stores: stores ?? (() => [store]),
        acknowledgers,
        remote,
        journal: journal ?? openFileJournal(join(directory, 'journal')),
        ...time,
        newRotationId: () => `acm-${Math.random().toString(36).slice(2)}`,
        emit: (event) => events.push(event),
        signal: new AbortController().signal,
        assertHeld: () => Promise.resolve(),
        confirm,
        request: asked,
      };
      const held = (
        { pem, privateKeyPem }: Pick<Identity, 'pem' | 'privateKeyPem'>,
        above = pki.issuing.pem,
      ): HeldIdentity => {
        const files = { certificate: Buffer.from(pem + above), privateKey: Buffer.from(privateKeyPem) };
        const identity = clientIdentity(files);
        return { identity: presentedIdentity(identity), importing: importedIdentity(identity, now()) };
      };
      const own = importing ?? given;
      const files = own && held(own, chain);
      const previous =
        inPlace?.previous &&
        held(inPlace.previous, inPlace.previousChain ?? `${pki.issuing.pem}${pki.root.pem}`);
      const request: RotationRequest = {
        settings: { ...DEFAULT_SETTINGS, probes: 2, settle: 5_000, soak: 300_000, ...settings },
        hooks: {},
        ...(files ? { identity: files.identity } : {}),
        ...(files && importing ? { importing: files.importing } : {}),
        ...(inPlace ? { inPlace: { previous } } : {}),
        ...rest,
      };
      const stage = await controlPlane.getStage(target);
      if (request.settings.watchRenewal)
        return watchRenewal(deps, request, stage, { dryRun: dryRun === true });
      const seen = await withVersions({ deps, request, target: stage });
      const go = isAbort === true ? abort : rotate;
      return go(seen.deps, seen.request, seen.target, { dryRun: dryRun === true });
    },
    async killed(step, point, options) {
      const dead = new Error('killed');
      const journal = trapped(openFileJournal(join(directory, 'journal')), { step, point }, () =>
        Promise.reject(dead),
      );
      let isDead = false;
      const dying: Journal = {
        ...journal,
        append: async (rotationId, record) => {
          if (isDead) throw dead;
          try {
            await journal.append(rotationId, record);
          } catch (error) {
            isDead = true;
            throw error;
          }
        },
      };
      await expect(lab.run({ ...options, journal: dying })).rejects.toThrow('killed');
    },
    async close() {
      client.destroy();
      acm.destroy();
      await emulator.close();
      backend.close();
      backend.closeAllConnections();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return lab;
}
