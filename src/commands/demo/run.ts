import type { CertificateView } from '../../control-plane/certificate-view.js';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../../platform/duration.js';
import { EXIT } from '../../platform/errors.js';
import { startEmulator, type Emulator } from '../../emulator/index.js';
import { judgeCall } from '../../control-plane/execution-log.js';
import { mintServerCertificate } from '../../certificates/mint.js';
import type { Context } from '../../terminal/context.js';
import type { Output } from '../../terminal/output.js';
import { createSpin, type Spin } from '../../terminal/spinner.js';
import { facts } from '../../terminal/facts.js';
import { startNaiveBackend, startTrustingBackend, statusWithoutCertificate } from './backend.js';
import { DEMO_ACCESS_KEY, DEMO_REGION, demoControlPlane } from './control-plane.js';
import { createShell, type Shell } from './shell.js';
import { startTraffic, type Traffic, type TrafficCounts } from './traffic.js';

const DAY_MS = 86_400_000;
const AGE_DAYS = 340;
const REQUEST_EVERY_MS = 10;
/** How long a stage shows its old and its new certificate in turns, as API Gateway itself does. */
const PROPAGATION_MS = 1_500;
/** Requests before the rotation and after it. */
const LEAD_MS = 1_000;

const TRUST_FILE = 'orders.pem';

export interface DemoReport {
  requests: { sent: number; failed: number; perSecond: number; firstFailure?: string };
  /** The certificates that the backend was shown, and in how many requests. */
  before: Shown;
  after: Shown;
  caBundle: CaBundleOutcome;
  ms: number;
}

/** A certificate that the backend was shown. */
interface Shown {
  clientCertificateId: string;
  requests: number;
}

/** What a backend does that has old and new certificate in one bundle of CAs. */
interface CaBundleOutcome {
  acceptsOld: boolean;
  acceptsNew: boolean;
  cause?: string;
}

/** What the acts of the demo play with. */
interface Scene {
  emulator: Emulator;
  /** Of the backends. */
  identity: Awaited<ReturnType<typeof mintServerCertificate>>;
  directory: string;
  shell: Shell;
  spin: Spin;
  out: Output;
}

/** Shows a certificate's life and rotation from beginning to end, on this machine alone. */
export async function runDemo({ options, out, now }: Context<object>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'apigw-cert-demo-'));
  let shell: Shell | undefined;
  const interrupted = (): void => {
    void (shell?.stop() ?? Promise.resolve()).finally(() => {
      rmSync(directory, { recursive: true, force: true });
      process.exit(EXIT.interrupted);
    });
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  let emulator: Emulator | undefined;
  out.note(out.noteStyle.bold('A rotation under live traffic, on this machine only\n'));
  try {
    const start = now().getTime();
    const spin = createSpin(options, out);
    const identity = await mintServerCertificate({
      notBefore: new Date(start - DAY_MS),
      dnsNames: ['localhost'],
    });
    emulator = await spin(
      'starting an API Gateway',
      () =>
        startEmulator({
          clock: new Date(start - AGE_DAYS * DAY_MS),
          backendCa: identity.caPem,
          propagationDelayMs: PROPAGATION_MS,
        }),
      ({ url }) => `an API Gateway (emulated) at ${url}, with its clock set to ${AGE_DAYS} days ago`,
    );
    shell = createShell(
      { env: { ...environment(emulator, directory), XDG_CONFIG_HOME: directory }, cwd: directory },
      options,
      out,
    );
    const report = await play({ emulator, identity, directory, shell, spin, out }, now);
    out.result(report, () => reportText(report));
    out.exitWith(isProof(report) ? EXIT.ok : EXIT.failed);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await emulator?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whether clients were served all along, first with the one certificate and then with the other. */
function isProof({ requests, before, after }: DemoReport): boolean {
  const rotated = before.clientCertificateId !== after.clientCertificateId;
  return requests.failed === 0 && rotated && before.requests > 0 && after.requests > 0;
}

/** Leads this command line to the emulator, and keeps it away from the user's own configuration and journal. */
function environment(emulator: Emulator, directory: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: emulator.url,
    AWS_REGION: DEMO_REGION,
    AWS_ACCESS_KEY_ID: DEMO_ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: 'demo',
    AWS_CONFIG_FILE: join(directory, 'aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'aws-credentials'),
    XDG_STATE_HOME: join(directory, 'state'),
  };
}

async function play(scene: Scene, now: () => Date): Promise<DemoReport> {
  const started = performance.now();
  const { emulator, shell, out } = scene;
  await shell.run(['generate', '--description', 'orders backend']);
  const old = await onlyCertificate(shell);
  await shell.run(['download', old.clientCertificateId, '--out-file', TRUST_FILE]);
  const { stageUrl, close } = await openForBusiness(scene);
  try {
    await shell.run(['attach', old.clientCertificateId, '--stage', 'orders/prod']);
    emulator.setClock(now());
    out.note(`\n${out.noteStyle.green('✓')} now it is today: the certificate is ${AGE_DAYS} days old`);

    await shell.run(['check-expiry'], { expected: 1 });

    const traffic = startTraffic(stageUrl, REQUEST_EVERY_MS);
    const counts = await rotateUnder(traffic, scene);
    const current = await onlyCertificate(shell);
    const presented = ({ clientCertificateId, fingerprintSha256 }: CertificateView): Shown => ({
      clientCertificateId,
      requests: counts.presented.get(fingerprintSha256) ?? 0,
    });
    return {
      requests: requestsOf(counts),
      before: presented(old),
      after: presented(current),
      caBundle: await caBundle(scene),
      ms: Math.round(performance.now() - started),
    };
  } finally {
    close();
  }
}

async function onlyCertificate(shell: Shell): Promise<CertificateView> {
  const { items } = await shell.json<{ items: CertificateView[] }>(['list']);
  const [only] = items;
  if (!only || items.length > 1) throw new Error(`${items.length} certificates where there must be one`);
  return only;
}

/** A backend that lets in the certificate of the trust file alone, and an API before it. */
async function openForBusiness(scene: Scene): Promise<{ stageUrl: string; close: () => void }> {
  const { emulator, identity, directory, spin } = scene;
  const backend = await startTrustingBackend(identity, join(directory, TRUST_FILE));
  await spin(
    'calling the backend without a certificate',
    () => statusWithoutCertificate(`${backend.url}/health`, identity.caPem),
    (status) =>
      `a Node backend at ${backend.url} that trusts ${TRUST_FILE}; a caller without a certificate gets ${status}`,
  );
  const { restApiId } = await spin(
    'making an API',
    () => demoControlPlane(emulator.url).createApi('orders', 'prod', backend.url),
    (api) => `a REST API "orders" (${api.restApiId}) whose stage "prod" forwards GET /health to it`,
  );
  return {
    stageUrl: `${emulator.url}/restapis/${restApiId}/prod/_user_request_/health`,
    close: () => {
      backend.close();
    },
  };
}

async function rotateUnder(traffic: Traffic, { shell, spin }: Scene): Promise<TrafficCounts> {
  try {
    await sleep(LEAD_MS);
    const words = [
      '--trust',
      `pem-bundle:${TRUST_FILE}`,
      '--probe',
      'GET /health',
      '--settle',
      '1s',
      '--soak',
      '3s',
    ];
    await shell.run(['rotate', '--stage', 'orders/prod', ...words]);
    await sleep(LEAD_MS);
  } catch (error) {
    await traffic.stop();
    throw error;
  }
  return spin(
    'waiting for the last answers',
    () => traffic.stop(),
    (counts) => `meanwhile ${counts.sent} requests through the stage, ${counts.failed} failed`,
  );
}

function requestsOf({ sent, failed, elapsed, firstFailure }: TrafficCounts): DemoReport['requests'] {
  return {
    sent,
    failed,
    perSecond: Math.round((sent * 1_000) / elapsed),
    ...(firstFailure === undefined ? {} : { firstFailure }),
  };
}

/** The documented procedure, on a backend and with certificates of its own. */
async function caBundle({ emulator, identity, spin }: Scene): Promise<CaBundleOutcome> {
  const aws = demoControlPlane(emulator.url);
  return spin(
    'trying both certificates in one CA bundle',
    async () => {
      const old = await aws.generateCertificate('CA bundle, old');
      const next = await aws.generateCertificate('CA bundle, new');
      const backend = await startNaiveBackend(identity, [old.pem, next.pem]);
      try {
        const method = await aws.createApi('naive', 'prod', backend.url);
        const [withOld, withNew] = [
          await aws.testInvoke(method, old.id),
          await aws.testInvoke(method, next.id),
        ];
        const cause = judgeCall(withNew).failure?.quote;
        return {
          acceptsOld: withOld.status === 200,
          acceptsNew: withNew.status === 200,
          ...(cause === undefined ? {} : { cause }),
        };
      } finally {
        backend.close();
      }
    },
    (outcome) => `the documented way, old and new in one CA bundle: ${caBundleText(outcome)}`,
  );
}

function caBundleText({ acceptsOld, acceptsNew }: CaBundleOutcome): string {
  const verdict = (accepted: boolean): string => (accepted ? 'accepted' : 'refused');
  const consequence = acceptsNew ? '' : ': every request after the switch fails';
  return `old ${verdict(acceptsOld)}, new ${verdict(acceptsNew)}${consequence}`;
}

function reportText({ requests, before, after, caBundle: bundle, ms }: DemoReport): string {
  const shown = ({ clientCertificateId, requests: count }: Shown): string =>
    `${clientCertificateId}, in ${count} requests`;
  return `\n${facts([
    ['requests', `${requests.sent} sent (${requests.perSecond} a second), ${requests.failed} failed`],
    ...(requests.firstFailure === undefined ? [] : [['first failure', requests.firstFailure] as const]),
    ['presented before', shown(before)],
    ['presented after', shown(after)],
    ['with a CA bundle', caBundleText(bundle)],
    ['took', formatDuration(ms)],
  ])}`;
}
