import { writeFile } from 'node:fs/promises';
import type { ACMClient } from '@aws-sdk/client-acm';
import type { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { entryKey, trustedAuthority } from '../../../src/certificates/trust-entry.js';
import { AppError } from '../../../src/platform/errors.js';
import { configuredJobs, type Configuration, type Decided } from '../../../src/rotation/engine/jobs.js';
import { rotateJobs, type Session } from '../../../src/rotation/engine/rotate-jobs.js';
import type { RotationReport } from '../../../src/rotation/rules/report.js';
import { pemFormat } from '../../../src/trust/pem-format.js';
import { acmClientOf, importCertificate } from '../../support/acm.js';
import { startAcmLab, type AcmLab } from '../../support/acm-rotation.js';
import { attachCertificate, clientOf, makeApi, type ApiFixture } from '../../support/emulator.js';
import { startTraffic, type Traffic } from '../../support/rotation.js';
import { jobsDeps, sessionIn } from '../../support/rotation-jobs.js';

/* One root and name in one trust store, and stages that need it: of this account and Region, and of another one. */

const [HERE, THERE] = ['eu-central-1', 'us-east-1'];

let lab: AcmLab;
let arn: string;
/** Another Region, whose stage is in front of the same backend. */
let there: { client: APIGatewayClient; acm: ACMClient; api: ApiFixture; arn: string };

beforeEach(async () => {
  lab = await startAcmLab({ propagationDelayMs: 80 });
  arn = await lab.imported(await lab.pki.leaf());
  const place = { region: THERE };
  const [client, acm] = [clientOf(lab.emulator, place), acmClientOf(lab.emulator, place)];
  const api = await makeApi(lab.emulator, client, lab.backendUrl, { stageName: 'live' });
  const chain = lab.pki.issuing.pem + lab.pki.root.pem;
  there = { client, acm, api, arn: await importCertificate(acm, await lab.pki.leaf(), { chain }) };
  await lab.attach(arn);
  await attachCertificate(client, api, there.arn);
  // What was attached has spread.
  lab.emulator.setClock(new Date(Date.now() + 1_000));
  const root = trustedAuthority(lab.pki.root.pem, { subject: 'CN=orders-gateway' });
  await writeFile(lab.trustFile, pemFormat.authorities?.insert('', root) ?? '');
});
const traffic: Traffic[] = [];
const watch = (api: ApiFixture): void => {
  traffic.push(startTraffic(url(api), { lanes: 1, pauseMs: 25 }));
};
afterEach(async () => {
  const seen = await Promise.all(traffic.splice(0).map((one) => one.stop()));
  expect(seen.flatMap(({ failed }) => failed)).toEqual([]);
  there.client.destroy();
  there.acm.destroy();
  await lab.close();
});

const root = (): string => entryKey(trustedAuthority(lab.pki.root.pem, { subject: 'CN=orders-gateway' }));
const url = ({ invokeUrl }: ApiFixture): string => `${invokeUrl}/health`;

/** Rotates targets of a configuration, as the command does. */
async function rotate(
  targets: Record<string, { region: string; stages: string[]; profile?: string }>,
  name: string | undefined,
  values: Partial<Decided>,
  { dryRun = false, refuse = () => undefined }: { dryRun?: boolean; refuse?: (region: string) => void } = {},
): Promise<RotationReport[]> {
  const trust = [{ kind: 'pem-bundle' as const, file: lab.trustFile }];
  const entries = Object.entries(targets).map(
    ([key, one]) => [key, { api: 'orders', trust, ...one }] as const,
  );
  const configuration: Configuration = { targets: Object.fromEntries(entries) };
  const settings = { probes: 2, settle: 5_000, soak: 10_000 };
  const jobs = configuredJobs(configuration, name, { account: {}, values: { ...settings, ...values } });
  const sessions = new Map<string, Promise<Session>>();
  const open = async (region: string): Promise<Session> => {
    refuse(region);
    return sessionIn({ endpoint: lab.emulator.url, now: lab.time.now }, region);
  };
  const outcomes = await rotateJobs(
    jobs,
    {
      ...jobsDeps({ directory: lab.directory, sleep: lab.time.sleep }),
      connect: ({ account: { region = HERE } }) => {
        const session = sessions.get(region) ?? open(region);
        sessions.set(region, session);
        return session;
      },
    },
    { abort: false, dryRun },
  );
  return outcomes.map(({ report, error }) => {
    if (report === undefined) throw error;
    return report;
  });
}

const TARGETS = {
  here: { region: HERE, stages: ['prod'] },
  there: { region: THERE, stages: ['live'] },
};
const codes = ([report]: readonly RotationReport[]): string[] =>
  report?.warnings.map(({ code }) => code) ?? [];

test('a target of another Region keeps its root trusted, and no request of either fails', async () => {
  watch(lab.api);
  watch(there.api);
  const toGenerated = { to: 'generated', probeUrl: url(lab.api) };
  const planned = await rotate(TARGETS, 'here', toGenerated, { dryRun: true });
  const done = await rotate(TARGETS, 'here', toGenerated);
  expect(await lab.trusted()).toEqual([expect.any(String), root()]);
  for (const reports of [planned, done]) {
    expect(codes(reports)).toEqual(['TrustKept']);
    expect(reports[0]?.steps.map(({ step }) => step)).not.toContain('untrust');
    expect(reports[0]?.warnings[0]?.message).toBe(
      `the root CN=Orders Root CA with the subject CN=orders-gateway stays trusted, since it is needed for ${there.arn} (target there)`,
    );
  }
  const last = await rotate(TARGETS, 'there', { to: 'generated', probeUrl: url(there.api) });
  // Of others than those of the configuration nothing is known.
  expect(codes(last)).toEqual(['OtherStagesNotRead']);
  expect(await lab.trusted()).toHaveLength(2);
  expect(await lab.trusted()).not.toContain(root());
});

test('what cannot be read keeps it too', async () => {
  const refuse = (region: string): void => {
    if (region === THERE) throw new AppError('AccessDenied', 'no credentials for us-east-1');
  };
  const done = await rotate(TARGETS, 'here', { to: 'generated', probeUrl: url(lab.api) }, { refuse });
  expect(codes(done)).toEqual(['TrustKept']);
  expect(done[0]?.warnings[0]?.message).toBe(
    'the root CN=Orders Root CA with the subject CN=orders-gateway stays trusted, since it may be needed for the target there, whose stages could not be read (no credentials for us-east-1)',
  );
  expect(await lab.trusted()).toContain(root());
});

test('the way back waits for no other account, and what cannot be read keeps the trust once it is over', async () => {
  const next = await lab.imported(await lab.pki.leaf({ subject: 'CN=next' }));
  const isSwitched = async (): Promise<boolean> => (await lab.presented()) === next;
  const looked: boolean[] = [];
  const look = async (): Promise<never> => {
    looked.push(await isSwitched());
    throw new AppError('ServiceUnreachable', 'no answer');
  };
  const remote = [{ name: 'there', sharesAny: () => Promise.resolve(true), look }];
  const request = async (): Promise<number> => ((await isSwitched()) ? 502 : 200);
  const options = { remote, request, probeUrl: url(lab.api), settings: { allowUnproved: true } };
  await expect(lab.run({ ...options, to: next })).rejects.toMatchObject({ code: 'RolledBack' });
  expect(await lab.presented()).toBe(arn);
  expect(new Set(looked)).toEqual(new Set([false]));
  await lab.run({ ...options, to: next, abort: true });
  expect(await lab.trusted()).toEqual([root(), expect.stringContaining('subject CN=next')]);
});

test.each<[string, string]>([
  ['there', 'of another Region'],
  ['beside', 'of this Region'],
])('a rotation in progress may go back to it: target %s, %s', async (name) => {
  let other = there.arn;
  if (name === 'beside') await lab.addStage((other = await lab.imported(await lab.pki.leaf())));
  lab.emulator.setClock(new Date(Date.now() + 2_000));
  const targets = { ...TARGETS, beside: { region: HERE, stages: ['other'] } };
  const values = { to: 'generated', allowUnproved: true };
  await expect(rotate(targets, name, { ...values, wait: false })).rejects.toMatchObject({
    code: 'RotationWaiting',
  });
  watch(lab.api);
  const done = await rotate(targets, 'here', values);
  expect(done[0]?.warnings.find(({ code }) => code === 'TrustKept')?.message).toMatch(`needed for ${other}`);
  expect(await lab.trusted()).toContain(root());
  // Once that one is over, its stage is no reason any more.
  const after = await rotate(targets, name, values);
  expect(after[0]?.warnings.map(({ message }) => message).join()).not.toContain(`needed for ${other}`);
});

test('two targets that present one ARN are moved once, to another ARN and to a generated certificate', async () => {
  await lab.addStage(arn);
  lab.emulator.setClock(new Date(Date.now() + 2_000));
  watch(lab.api);
  const targets = { here: TARGETS.here, beside: { region: HERE, stages: ['other'] } };
  const next = await lab.imported(await lab.pki.leaf());
  for (const to of [next, 'generated']) {
    const reports = await rotate(targets, undefined, { to, allowUnproved: true });
    expect(reports.map(({ outcome, stages }) => [outcome, stages.length])).toEqual([
      ['completed', 2],
      ['notDue', 1],
    ]);
    expect(reports[1]?.oldCertificateId).toBe(reports[0]?.newCertificateId);
  }
  expect(await lab.trusted()).toEqual([expect.not.stringContaining('subject')]);
});

test('of two targets that share an ARN, one half of whose stages was switched before, either completes it once', async () => {
  await lab.addStage(arn);
  const next = await lab.imported(await lab.pki.leaf({ subject: 'CN=next' }));
  await lab.killed('preflight', 'afterEffect', { to: next, settings: { allowUnproved: true } });
  await lab.attach(next);
  lab.emulator.setClock(new Date(Date.now() + 2_000));
  watch(lab.api);
  const targets = { here: TARGETS.here, beside: { region: HERE, stages: ['other'] } };
  const reports = await rotate(targets, undefined, { allowUnproved: true });
  expect(reports.map(({ outcome, stages }) => [outcome, stages.length])).toEqual([
    ['completed', 2],
    ['notDue', 1],
  ]);
  expect(reports.map(({ oldCertificateId }) => oldCertificateId)).toEqual([arn, next]);
  expect(await lab.trusted()).toEqual([expect.stringContaining('subject CN=next')]);
});
