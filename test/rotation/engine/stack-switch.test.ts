/** Stages that are switched by the stack that owns them: the emulator's stacks by the SDK, and a backend that verifies. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { type CloudFormationClient, UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import { parse } from 'yaml';
import { reportText } from '../../../src/commands/rotate/text.js';
import { AppError } from '../../../src/platform/errors.js';
import { openFileJournal } from '../../../src/rotation/journal/file-journal.js';
import { targetJob, type JobFlags } from '../../../src/rotation/engine/jobs.js';
import { publishingOf, stackOf } from '../../../src/rotation/engine/request.js';
import { rotateJobs, type JobsDeps } from '../../../src/rotation/engine/rotate-jobs.js';
import type { RotationEvent } from '../../../src/rotation/rules/event.js';
import { sleep } from '../../../src/platform/timer.js';
import { attachCertificate, clientOf } from '../../support/emulator.js';
import { jobsDeps, sessionIn } from '../../support/rotation-jobs.js';
import { REGION, startRotationLab, startTraffic, type RotationLab } from '../../support/rotation.js';
import {
  createStack,
  parametersOf,
  releaseStage,
  settledStack,
  stackClientOf,
  stackOf as stackNow,
} from '../../support/stacks.js';
import { stateOf } from '../../support/rotate-cli.js';

let lab: RotationLab;
let gateway: APIGatewayClient;
let stacks: CloudFormationClient;
let deploymentId: string;
let events: RotationEvent[];

const stage = (id: string, stageName: string, more = '') => `
  ${id}:
    Type: AWS::ApiGateway::Stage
    Properties: { RestApiId: "${lab.api.restApiId}", DeploymentId: "${deploymentId}", StageName: ${stageName},
      ClientCertificateId: !Ref CertificateId ${more} }`;

const template = (resources: string) => `
Transform: AWS::Serverless-2016-10-31
Parameters:
  CertificateId: { Type: String }
  Description: { Type: String, Default: by default }
  Secret: { Type: String, NoEcho: true, Default: a }
Resources:${resources}`;

const STACK = {
  StackName: 'orders',
  Capabilities: ['CAPABILITY_AUTO_EXPAND' as const],
  RoleARN: 'arn:aws:iam::123456789012:role/deploy',
  Tags: [{ Key: 'team', Value: 'orders' }],
};

beforeEach(async () => {
  lab = await startRotationLab({ stackStepMs: 1 });
  process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'] = lab.emulator.url;
  gateway = clientOf(lab.emulator);
  stacks = stackClientOf(lab.emulator);
  deploymentId = await releaseStage(lab);
  await createStack(stacks, {
    ...STACK,
    TemplateBody: template(stage('Prod', 'prod', ', Description: !Ref Description')),
    Parameters: [
      { ParameterKey: 'CertificateId', ParameterValue: lab.oldId },
      { ParameterKey: 'Description', ParameterValue: 'as deployed' },
      { ParameterKey: 'Secret', ParameterValue: 'hidden' },
    ],
  });
  events = [];
  lab.emulator.clearRequests();
});
afterEach(async () => {
  delete process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'];
  gateway.destroy();
  stacks.destroy();
  await lab.close();
});

const SETTINGS = { probes: 1, settle: 5_000, soak: 200, inFlight: 2_000 };

interface RunOptions {
  flags?: JobFlags['values'];
  target?: object;
  abort?: boolean;
  dryRun?: boolean;
  deps?: Partial<JobsDeps>;
}

/** One run of a target, as the command does it; what went wrong is thrown. */
async function run({ flags = {}, target = {}, abort = false, dryRun = false, deps = {} }: RunOptions = {}) {
  const own = {
    api: 'orders',
    stages: ['prod'],
    trust: [{ kind: 'pem-bundle', file: lab.trustFile }],
    switch: { cloudformation: 'orders', parameter: 'CertificateId' },
    ...target,
  };
  const job = targetJob(
    'orders',
    own,
    { region: REGION },
    {
      account: {},
      values: { ...SETTINGS, ...flags },
    },
  );
  const [outcome] = await rotateJobs(
    [job],
    {
      ...jobsDeps({ directory: lab.directory, sleep }),
      connect: () => sessionIn({ endpoint: lab.emulator.url, now: () => new Date() }, REGION),
      publishing: publishingOf,
      stack: stackOf,
      emit: (event) => {
        events.push(event);
      },
      confirm: () => Promise.resolve(),
      approve: () => Promise.resolve(),
      request: () => Promise.resolve(200),
      ...deps,
    },
    { abort, dryRun },
  );
  if (outcome?.report) return outcome.report;
  throw outcome?.error;
}

const failing = async (options?: RunOptions): Promise<AppError> => {
  const error: unknown = await run(options).then(
    (report) => report,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw error instanceof Error ? error : new Error(`it ended with ${JSON.stringify(error)}`);
};

const inStack = async () => parametersOf(await stackNow(stacks, 'orders'));
const updates = () => lab.emulator.requests().filter(({ operation }) => operation === 'UpdateStack').length;
const written = () =>
  lab.emulator
    .requests()
    .map(({ operation }) => operation)
    .filter((operation) => /^(?:Generate|Delete|Update|Tag|Untag|Create)/.test(operation));

test('the stack switches its stage, and nothing drifts: one parameter is changed, all else stays', async () => {
  const planned = await run({ dryRun: true });
  const stack = { name: 'orders', parameter: 'CertificateId' };
  expect(reportText(planned, new Chalk({ level: 0 }), (text) => text)).toContain(
    `switch the stage: ${lab.api.restApiId}/prod, by an update of the stack orders (CertificateId: ${lab.oldId} → (new))`,
  );
  expect(planned.steps.find(({ step }) => step === 'switch')).toMatchObject({
    stack: { ...stack, from: lab.oldId, to: '(new)' },
  });
  const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
  let question = '';
  const approve = (asked: string) => {
    question = asked;
    return Promise.resolve();
  };
  const { outcome, newCertificateId = '' } = await run({
    target: { approve: 'before-switch' },
    deps: { approve },
  });
  const { requests, failed } = await traffic.stop();
  expect(outcome).toBe('completed');
  expect(failed).toEqual([]);
  expect(requests).toBeGreaterThan(0);
  expect(await stateOf(lab)).toEqual({
    certificates: [newCertificateId],
    presented: newCertificateId,
    trusted: [newCertificateId],
  });
  expect(events).toContainEqual(expect.objectContaining({ type: 'started', stack }));
  // What the template for accounts that a Lambda function looks after grants.
  const member = parse(await readFile('docs/lambda/member.yaml', 'utf8')) as Record<string, unknown>;
  const called = lab.emulator.requests().flatMap(({ operation }) => {
    const isOfStack = /Stack|Template/.test(operation);
    return isOfStack ? [`cloudformation:${operation}`] : [];
  });
  expect(member).toMatchObject({
    Resources: {
      StacksPolicy: {
        Condition: 'HasSwitchStacks',
        Properties: {
          PolicyDocument: {
            Statement: [
              {
                Action: expect.arrayContaining([...new Set(called)]) as unknown,
                Resource: { 'Fn::Split': [',', { Ref: 'SwitchStackArns' }] },
              },
            ],
          },
        },
      },
    },
  });
  expect(new Set(called).size).toBe(4);
  expect(question).toContain(
    `to ${newCertificateId} by an update of the stack orders (parameter CertificateId)?`,
  );
  const updated = await stackNow(stacks, 'orders');
  expect(updated).toMatchObject({ ...STACK, StackStatus: 'UPDATE_COMPLETE' });
  expect(parametersOf(updated)).toEqual({
    CertificateId: newCertificateId,
    Description: 'as deployed',
    Secret: '****',
  });
  expect(written().filter((operation) => /Stack|Stage/.test(operation))).toEqual(['UpdateStack']);
  const shown = events.flatMap((event) =>
    event.type === 'stackEvent' ? [`${event.resource} ${event.status}`] : [],
  );
  expect(shown).toEqual([
    'orders UPDATE_IN_PROGRESS',
    'Prod UPDATE_IN_PROGRESS',
    'Prod UPDATE_COMPLETE',
    'orders UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
    'orders UPDATE_COMPLETE',
  ]);
});

test('an update that fails and goes back is a switch that failed: the rotation is cancelled, the stage as it was', async () => {
  lab.emulator.addFault({ operation: 'stack:Prod', kind: 'error409WithEffect' });
  const error = await failing();
  expect(error.code).toBe('StackUpdateFailed');
  expect(error.message).toBe(
    `the update of the stack orders failed: Prod (AWS::ApiGateway::Stage): Injected fault; the stack is in the status UPDATE_ROLLBACK_COMPLETE; ${lab.api.restApiId}/prod presents ${lab.oldId}`,
  );
  expect(await stateOf(lab)).toEqual({
    certificates: [lab.oldId],
    presented: lab.oldId,
    trusted: [lab.oldId],
  });
  expect((await inStack())['CertificateId']).toBe(lab.oldId);
  expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: 'cancelled' });
  expect((await run()).outcome).toBe('completed');
});

test('a stack that cannot go back stops further runs before they change anything, until a person has helped it', async () => {
  lab.emulator.addFault({ operation: 'stack:Prod', kind: 'error409WithEffect' });
  lab.emulator.addFault({ operation: 'stack:Prod', kind: 'error', code: 'No', status: 400, occurrence: 2 });
  const error = await failing();
  expect(error.code).toBe('StackUpdateFailed');
  expect(error.message).toContain('the stack is in the status UPDATE_ROLLBACK_FAILED');
  const { presented, certificates, trusted } = await stateOf(lab);
  expect(presented).not.toBe(lab.oldId);
  expect([certificates.length, trusted.length]).toEqual([2, 2]);
  lab.emulator.clearRequests();
  const blocked = await failing({ abort: true });
  expect([blocked.code, blocked.hint]).toEqual([
    'StackNotUsable',
    'run: aws cloudformation continue-update-rollback --stack-name orders; then run again',
  ]);
  expect(written()).toEqual([]);
});

test('an abort has the stack switch back, also where answers are lost: sent again, each begins one update', async () => {
  lab.emulator.addFault({ operation: 'UpdateStack', kind: 'cutAfter' });
  lab.emulator.addFault({ operation: 'UpdateStack', kind: 'cutAfter', occurrence: 3 });
  expect((await failing({ flags: { wait: false, soak: 3_600_000 } })).code).toBe('RotationWaiting');
  const { presented = '' } = await stateOf(lab);
  expect((await inStack())['CertificateId']).toBe(presented);
  expect((await run({ abort: true })).outcome).toBe('aborted');
  expect(await stateOf(lab)).toEqual({
    certificates: [lab.oldId],
    presented: lab.oldId,
    trusted: [lab.oldId],
  });
  expect((await inStack())['CertificateId']).toBe(lab.oldId);
  const begun = events.filter(
    (event) =>
      event.type === 'stackEvent' && event.status === 'UPDATE_IN_PROGRESS' && event.resource === 'orders',
  );
  expect(begun).toHaveLength(2);
});

test('what the stack would set again stays: someone has set its parameter back during the soak', async () => {
  const journal = openFileJournal(join(lab.directory, 'journal'));
  const meddling: JobsDeps['journal'] = {
    ...journal,
    async append(id, record) {
      await journal.append(id, record);
      if (record.type !== 'done' || record.step !== 'verifyUnused') return;
      const { presented = '' } = await stateOf(lab);
      await stacks.send(
        new UpdateStackCommand({
          StackName: 'orders',
          UsePreviousTemplate: true,
          Capabilities: STACK.Capabilities,
          Parameters: [{ ParameterKey: 'CertificateId', ParameterValue: lab.oldId }],
        }),
      );
      await settledStack(stacks, 'orders');
      await attachCertificate(gateway, { ...lab.api, stageName: 'prod' }, presented);
    },
  };
  const error = await failing({ deps: { journal: meddling } });
  expect([error.code, error.message]).toEqual([
    'StackNotUsable',
    `the parameter CertificateId of the stack orders is ${lab.oldId}, so ${lab.oldId} and the trust in it stay`,
  ]);
  const { certificates, trusted } = await stateOf(lab);
  expect(certificates).toContain(lab.oldId);
  expect(trusted).toContain(lab.oldId);
});

test('an update whose answer was lost is not known to have failed, whatever the next attempt is told', async () => {
  lab.emulator.addFault({ operation: 'UpdateStack', kind: 'cutAfter' });
  lab.emulator.addFault({
    operation: 'UpdateStack',
    kind: 'error',
    code: 'AccessDenied',
    status: 403,
    occurrence: 2,
  });
  const error = await failing();
  expect([error.code, error.message]).toEqual([
    'ServiceUnreachable',
    expect.stringMatching(
      /^it is not known what the update of the stack orders has changed: AWS denies UpdateStack/,
    ),
  ]);
  expect((await run()).outcome).toBe('completed');
});

test('nothing ends while the stack is changed by someone else', async () => {
  const journal = openFileJournal(join(lab.directory, 'journal'));
  const meddling: JobsDeps['journal'] = {
    ...journal,
    async append(id, record) {
      await journal.append(id, record);
      if (record.type !== 'done' || record.step !== 'verifyUnused') return;
      lab.emulator.configure({ stackStepMs: 3_600_000 });
      await stacks.send(
        new UpdateStackCommand({
          StackName: 'orders',
          UsePreviousTemplate: true,
          Capabilities: STACK.Capabilities,
          Parameters: [
            { ParameterKey: 'CertificateId', UsePreviousValue: true },
            { ParameterKey: 'Description', ParameterValue: 'changed' },
          ],
        }),
      );
    },
  };
  const error = await failing({ deps: { journal: meddling } });
  expect(error.code).toBe('RotationWaiting');
  const { certificates, trusted } = await stateOf(lab);
  expect([certificates.length, trusted.length]).toEqual([2, 2]);
});

test('a run that ended amid the update is gone on with: the next one waits for it, and begins no second', async () => {
  const killed = new Error('killed');
  // As after SIGKILL: nothing is written any more.
  const journal = openFileJournal(join(lab.directory, 'journal'));
  let isKilled = false;
  const dying: JobsDeps['journal'] = {
    ...journal,
    append: (id, record) => (isKilled ? Promise.reject(killed) : journal.append(id, record)),
  };
  const emit = (event: RotationEvent) => {
    if (event.type === 'stepStarted' && event.step === 'switch')
      lab.emulator.configure({ stackStepMs: 3_600_000 });
    if (event.type !== 'stackEvent') return;
    isKilled = true;
    throw killed;
  };
  await expect(run({ deps: { emit, journal: dying } })).rejects.toThrow('killed');
  expect((await stackNow(stacks, 'orders')).StackStatus).toBe('UPDATE_IN_PROGRESS');
  expect((await failing({ dryRun: true })).code).toBe('RotationWaiting');
  // The stack goes on as soon as it is waited for.
  const released: JobsDeps['sleep'] = (ms, signal) => {
    lab.emulator.configure({ stackStepMs: 1 });
    return sleep(ms, signal);
  };
  const { outcome, newCertificateId = '' } = await run({ deps: { sleep: released } });
  expect(outcome).toBe('completed');
  expect(updates()).toBe(1);
  expect(await stateOf(lab)).toEqual({
    certificates: [newCertificateId],
    presented: newCertificateId,
    trusted: [newCertificateId],
  });
  expect((await inStack())['CertificateId']).toBe(newCertificateId);
});

describe('is refused before anything is changed:', () => {
  const refused = async (options: RunOptions, message: RegExp, code = 'StackNotUsable') => {
    lab.emulator.clearRequests();
    const trusted = await readFile(lab.trustFile, 'utf8');
    for (const dryRun of [true, false]) {
      const error = await failing({ ...options, dryRun });
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    }
    expect(written()).toEqual([]);
    expect(await readFile(lab.trustFile, 'utf8')).toBe(trusted);
    await rm(join(lab.directory, 'journal'), { recursive: true, force: true });
  };

  test('what the stack, its parameter, its template or its stages do not allow', async () => {
    const by = (more: object) => ({
      target: { switch: { cloudformation: 'orders', parameter: 'CertificateId', ...more } },
    });
    await refused(by({ cloudformation: 'none' }), /Stack with id none does not exist/);
    await refused(by({ parameter: 'Other' }), /the stack orders has no parameter Other/);
    await refused(by({ parameter: 'Secret' }), /is hidden \(NoEcho\)/);
    await refused(
      by({ parameter: 'Description' }),
      /does not set the certificate of .*\/prod to Description/,
    );
    await refused({ flags: { redeploy: 'always' } }, /sets the deployment of its stages/);
    // Someone has set the stage: the next update of the stack would not set it back, as nothing changes.
    const spare = await lab.controlPlane.generateClientCertificate({});
    const stageOfApi = { restApiId: lab.api.restApiId, stageName: 'prod' };
    await attachCertificate(gateway, stageOfApi, spare.clientCertificateId);
    await refused(
      { flags: { force: true } },
      new RegExp(
        `CertificateId of the stack orders is ${lab.oldId}, but .*/prod presents ${spare.clientCertificateId}`,
      ),
    );
    await attachCertificate(gateway, stageOfApi, lab.oldId);
    // What an update would refuse, known before a certificate is made or marked.
    const change = (TemplateBody: string) =>
      stacks.send(
        new UpdateStackCommand({
          StackName: 'orders',
          TemplateBody,
          Capabilities: STACK.Capabilities,
          Parameters: ['CertificateId', 'Description', 'Secret'].map((ParameterKey) => ({
            ParameterKey,
            UsePreviousValue: true,
          })),
        }),
      );
    const listing = template(stage('Prod', 'prod')).replace(
      '{ Type: String }',
      `{ Type: String, AllowedValues: ["${lab.oldId}", x] }`,
    );
    await change(listing);
    await settledStack(stacks, 'orders');
    await refused({}, /does not accept the ID of a new certificate, such as a1b2c3 \(AllowedValues: /);
    const { clientCertificateId: to } = spare;
    await refused({ flags: { to } }, new RegExp(`does not accept ${to} \\(AllowedValues: `));
    await change(template(stage('Prod', 'prod', ', Description: !Ref Description')));
    await settledStack(stacks, 'orders');
    // A second stage with the same parameter, which --only-stage would leave.
    await change(template(stage('Prod', 'prod', ', Description: !Ref Description') + stage('Beta', 'beta')));
    await settledStack(stacks, 'orders');
    await refused(
      { flags: { onlyStage: true } },
      /also sets the certificate of .*\/beta, which this rotation does not switch/,
    );
    // A stage of nobody's that presents the same certificate.
    await attachCertificate(gateway, { ...stageOfApi, stageName: 'beta' }, spare.clientCertificateId);
    await refused({}, /also sets the certificate of .*\/beta/);
    // Without switch: as before.
    const error = await failing({ target: { switch: undefined } });
    expect(error.code).toBe('StageManagedByCloudFormation');
    expect(error.hint).toContain('switch: { cloudformation: orders, parameter: NAME }');
  });
});
