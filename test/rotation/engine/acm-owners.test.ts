/** Stages that a stack owns and whose id is published, on their way between certificates of either sort. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { clientIdentity } from '../../../src/certificates/client-identity.js';
import type { Identity } from '../../../src/certificates/issue.js';
import { importedIdentity, presentedIdentity } from '../../../src/rotation/engine/identity.js';
import { targetJob, type Decided } from '../../../src/rotation/engine/jobs.js';
import { publishingOf, stackOf } from '../../../src/rotation/engine/request.js';
import { rotateJobs } from '../../../src/rotation/engine/rotate-jobs.js';
import type { RotationReport } from '../../../src/rotation/rules/report.js';
import { startAcmLab, type AcmLab } from '../../support/acm-rotation.js';
import { REGION, startTraffic, type Traffic } from '../../support/rotation.js';
import { jobsDeps, sessionIn } from '../../support/rotation-jobs.js';
import {
  createStack,
  parametersOf,
  releaseStage,
  stackClientOf,
  stackOf as stackNow,
} from '../../support/stacks.js';

let lab: AcmLab;
let stacks: CloudFormationClient;
let leaf: Identity;
let arn: string;
let traffic: Traffic;

const health = (): string => `${lab.api.invokeUrl}/health`;
const published = (): string => join(lab.directory, 'id');

beforeEach(async () => {
  lab = await startAcmLab({ propagationDelayMs: 80, stackStepMs: 1 });
  process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'] = lab.emulator.url;
  stacks = stackClientOf(lab.emulator);
  leaf = await lab.pki.leaf();
  arn = await lab.imported(leaf);
  const { restApiId, stageName } = lab.api;
  const deploymentId = await releaseStage(lab);
  const { StackStatus, StackStatusReason } = await createStack(stacks, {
    StackName: 'orders',
    TemplateBody: `
Parameters:
  CertificateId: { Type: String }
Resources:
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: { RestApiId: "${restApiId}", DeploymentId: "${deploymentId}", StageName: ${stageName},
      ClientCertificateId: !Ref CertificateId }`,
    Parameters: [{ ParameterKey: 'CertificateId', ParameterValue: lab.generatedId }],
  });
  expect([StackStatus, StackStatusReason]).toEqual(['CREATE_COMPLETE', undefined]);
  // What the stack made has spread.
  lab.emulator.setClock(new Date(Date.now() + 1_000));
  lab.emulator.clearRequests();
  traffic = startTraffic(health(), { lanes: 1, pauseMs: 25 });
});
afterEach(async () => {
  const { failed, requests } = await traffic.stop();
  delete process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'];
  stacks.destroy();
  await lab.close();
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(10);
});

async function run(values: Partial<Decided>, isAbort = false): Promise<RotationReport> {
  const job = targetJob(
    'orders',
    {
      api: 'orders',
      stages: [lab.api.stageName],
      trust: [{ kind: 'pem-bundle', file: lab.trustFile }],
      publish: [{ kind: 'file', file: published() }],
      switch: { cloudformation: 'orders', parameter: 'CertificateId' },
    },
    { region: REGION },
    { account: {}, values: { probes: 2, settle: 5_000, soak: 10_000, probeUrl: health(), ...values } },
  );
  const [outcome] = await rotateJobs(
    [job],
    {
      ...jobsDeps({ directory: lab.directory, sleep: lab.time.sleep }),
      connect: () => sessionIn({ endpoint: lab.emulator.url, now: lab.time.now }, REGION),
      publishing: publishingOf,
      stack: stackOf,
    },
    { abort: isAbort, dryRun: false },
  );
  if (outcome?.report === undefined) throw outcome?.error;
  return outcome.report;
}

const held = ({ pem, privateKeyPem }: Identity) =>
  clientIdentity({
    certificate: Buffer.from(pem + lab.pki.issuing.pem + lab.pki.root.pem),
    privateKey: Buffer.from(privateKeyPem),
  });

/** What the stage presents, its stack says, and is published. */
async function everywhere(): Promise<(string | undefined)[]> {
  const { CertificateId: inStack } = parametersOf(await stackNow(stacks, 'orders'));
  return [await lab.presented(), inStack, (await readFile(published(), 'utf8')).trim()];
}

const switchesByStage = (): number =>
  lab.emulator.requests().filter(({ operation }) => operation === 'UpdateStage').length;

test('each move is one update of the stack and one of what is published', async () => {
  const toArn = await run({ to: arn, identity: presentedIdentity(held(leaf)) });
  expect(toArn).toMatchObject({ outcome: 'completed', newCertificateId: arn });
  expect(await everywhere()).toEqual([arn, arn, arn]);

  const next = await lab.pki.leaf();
  const importing = importedIdentity(held(next), lab.time.now());
  const imported = await run({ importing, identity: presentedIdentity(held(next)) });
  const { newCertificateId: nextArn = '' } = imported;
  expect(imported).toMatchObject({ outcome: 'completed', oldCertificateId: arn });
  expect(nextArn).toMatch(/^arn:.*:acm:/);
  expect(await everywhere()).toEqual([nextArn, nextArn, nextArn]);

  const back = await run({ to: 'generated' });
  const { newCertificateId: id } = back;
  expect(back).toMatchObject({ outcome: 'completed', oldCertificateId: nextArn });
  expect(await everywhere()).toEqual([id, id, id]);
  expect(switchesByStage()).toBe(0);
});

test('an abort after the switch sets both back', async () => {
  await expect(run({ to: arn, identity: presentedIdentity(held(leaf)), wait: false })).rejects.toMatchObject({
    code: 'RotationWaiting',
  });
  expect(await everywhere()).toEqual([arn, arn, arn]);
  expect(await run({}, true)).toMatchObject({ outcome: 'aborted' });
  const { generatedId: id } = lab;
  expect(await everywhere()).toEqual([id, id, id]);
  expect(switchesByStage()).toBe(0);
});
