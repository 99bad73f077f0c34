import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { AppError } from '../../src/platform/errors.js';
import type { FaultInput } from '../../src/emulator/faults.js';
import { openFileJournal } from '../../src/rotation/journal/file-journal.js';
import { certificateFacts } from '../../src/certificates/parse.js';
import { allRotations } from '../support/journals.js';
import { REGION, startRotationLab, startTraffic, type RotationLab } from '../support/rotation.js';
import { createStack, parametersOf, releaseStage, settledStack, stackClientOf } from '../support/stacks.js';
import { cellName, type Cell, type FaultKind } from './cells.js';
import type { Order } from './victim.js';
import { beginAcm, openAcm, wrongWithAcm, type AcmAccount } from './acm.js';
import { startCallProxy, type CallProxy, type ProxyManner } from './proxy.js';
import {
  fillable,
  isAcmMode,
  runRotation,
  STACK,
  trapped,
  type AcmMode,
  type AcmWorld,
  type Mode,
  type World,
} from './world.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The emulator's spread of a switch, and the soak that has to cover it. Milliseconds. */
const PROPAGATION = 250;
const SOAK = 600;
/** Of the cells that are about the soak: on the busiest machine it is not over before it begins. Milliseconds. */
const LONG_SOAK = 10_000;
/** Longer than any machine is slow: whoever does not wait for it has to come again. Milliseconds. */
const LONG = 3_600_000;
/** A call that is done this late has long been given up by its caller. Milliseconds. */
const LATE = 1_200;
const IMPATIENT = 700;
/** How late each answer is that a proxy delays. Milliseconds. */
const DELAY = 100;
/** Longer than a late call. Milliseconds. */
const IN_FLIGHT = 2_000;
/** Reached from any state by a run or two; more is not to converge. */
const MOST_RERUNS = 6;

const OPERATIONS = [
  'AddTagsToCertificate',
  'CreateDeployment',
  'DeleteClientCertificate',
  'DescribeCertificate',
  'DescribeStackEvents',
  'DescribeStacks',
  'GenerateClientCertificate',
  'GetCertificate',
  'GetClientCertificates',
  'GetDeployment',
  'GetResources',
  'GetRestApis',
  'GetStage',
  'GetStages',
  'GetTemplate',
  'ImportCertificate',
  'ListCertificates',
  'ListTagsForCertificate',
  'RemoveTagsFromCertificate',
  'TagResource',
  'TestInvokeMethod',
  'UntagResource',
  'UpdateClientCertificate',
  'UpdateStack',
  'UpdateStage',
] as const;

type FaultBody = FaultInput extends infer F
  ? F extends FaultInput
    ? Omit<F, 'operation' | 'occurrence'>
    : never
  : never;

const BODIES: Partial<Record<FaultKind, FaultBody>> = {
  cutBefore: { kind: 'cutBefore' },
  cutAfter: { kind: 'cutAfter' },
  throttle: { kind: 'throttle' },
  error500: { kind: 'error', code: 'InternalFailure', status: 500, message: 'internal' },
  timeout: { kind: 'delay', ms: LATE },
};

const MANNERS: Partial<Record<FaultKind, ProxyManner>> = {
  proxyRepeats: 'repeats',
  proxyDelays: 'delays',
  proxyWithholds: 'withholds',
};

/** What another machine does, with a journal of its own, while the first one is stopped. */
const OTHERS: Partial<Record<FaultKind, 'rotate' | 'abort'>> = {
  otherRotates: 'rotate',
  otherAborts: 'abort',
};

/** Faults in which a call outlives the run that has made it. */
const OUTLIVED: ReadonlySet<FaultKind> = new Set(['timeout', 'proxyWithholds']);

async function bundleVictim(): Promise<string> {
  const outfile = join(root, 'build', 'crash-victim.mjs');
  await build({
    entryPoints: [join(root, 'test/crash/victim.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
  });
  return outfile;
}

/** What one cell came to. */
export interface CellResult {
  name: string;
  /** How the run with the fault ended: an error's code, or `killed`, or `finished` when its retries were enough. */
  first: string;
  reruns: number;
  /** Everything that is not as it must be. */
  wrong: string[];
}

export interface MatrixResult {
  results: CellResult[];
  requests: number;
  failed: string[];
}

/** Runs the cells in `labs` labs side by side, each under traffic from beginning to end. */
export async function runMatrix(cells: readonly Cell[], labs: number): Promise<MatrixResult> {
  const victim = await bundleVictim();
  const ofAcm = cells.filter(({ mode }) => isAcmMode(mode));
  const plain = cells.filter(({ by, mode }) => by === undefined && !isAcmMode(mode));
  const ofStack = cells.filter(({ by }) => by === 'stack');
  const queues = [
    ...(plain.length > 0 ? Array.from({ length: labs }, () => plain) : []),
    ...(ofStack.length > 0 ? [ofStack] : []),
    ...(ofAcm.length > 0 ? Array.from({ length: plain.length > 0 ? 1 : labs }, () => ofAcm) : []),
  ];
  const results: CellResult[] = [];
  const totals = await Promise.all(
    queues.map(async (queue) => {
      const lab = await startRotationLab({ propagationDelayMs: PROPAGATION, stackStepMs: 5 });
      if (queue === ofStack) await handOver(lab);
      const acm = queue === ofAcm ? await openAcm(lab) : undefined;
      const proxy = await startCallProxy(lab.emulator.url, DELAY);
      const traffic = startTraffic(`${lab.api.invokeUrl}/health`, { lanes: 2, pauseMs: 10 });
      try {
        for (let cell = queue.shift(); cell; cell = queue.shift()) {
          const before = traffic.failed().length;
          const name = cellName(cell);
          const result = await runCell({ lab, proxy, acm }, cell, victim).catch(
            async (error: unknown): Promise<CellResult> => ({
              name,
              first: 'broken',
              reruns: 0,
              wrong: [String(error), await description(lab)],
            }),
          );
          result.wrong.push(
            ...traffic
              .failed()
              .slice(before)
              .map((text) => `request failed: ${text}`),
          );
          results.push(result);
        }
        return await traffic.stop();
      } finally {
        await traffic.stop();
        await proxy.close();
        await lab.close();
      }
    }),
  );
  return {
    results,
    requests: totals.reduce((sum, { requests }) => sum + requests, 0),
    failed: totals.flatMap(({ failed }) => failed),
  };
}

/** Where cells are run, one after the other. */
interface Place {
  lab: RotationLab;
  proxy: CallProxy;
  /** Of the cells of certificates of ACM. */
  acm: AcmAccount | undefined;
}

async function runCell({ lab, proxy, acm }: Place, cell: Cell, victim: string): Promise<CellResult> {
  const { emulator, controlPlane, api, trustFile, directory } = lab;
  const { mode, step, point, fault } = cell;
  const stage = { restApiId: api.restApiId, stageName: api.stageName };
  const hookFile = join(directory, `hook-${step}-${point}-${fault}`);
  const redeploys = step === 'redeploy';
  const publishFile = join(directory, 'published');
  const plain: World = {
    region: REGION,
    endpoint: proxy.url,
    ...stage,
    trustFile,
    journalDirectory: join(directory, 'journal'),
    ...(step === 'hook' ? { hookFile } : {}),
    ...(step === 'publish' ? { publishFile } : {}),
    ...(cell.by === 'stack' ? { isOfStack: true } : {}),
    settings: {
      soak: step === 'soak' ? LONG_SOAK : SOAK,
      settle: 5_000,
      inFlight: IN_FLIGHT,
      probes: 1,
      redeploy: redeploys ? 'always' : 'never',
    },
  };
  const move = async (direction: AcmMode, own: AcmWorld): Promise<void> => {
    const { outcome } = await runRotation(
      { ...plain, settings: { ...plain.settings, soak: SOAK }, acm: own },
      direction,
    );
    if (outcome !== 'completed') throw new Error(`the stage is not where it begins: ${outcome}`);
  };
  const ofAcm = acm && isAcmMode(mode) ? { acm: await beginAcm(lab, acm, mode, move) } : undefined;
  const world: World = { ...plain, ...ofAcm };
  const presented = async (): Promise<string> =>
    (await controlPlane.getStage(stage)).clientCertificateId ?? 'none';
  const startId = await presented();
  /** The new certificate of one cell is the old one of the next: as long as nothing has begun, it is not due. */
  const due = async (of: World = world): Promise<World> => {
    if (ofAcm) return of;
    const untouched =
      (await presented()) === startId && (await controlPlane.getClientCertificates()).length === 1;
    return { ...of, settings: { ...of.settings, force: untouched } };
  };

  emulator.configure({ needRedeploy: redeploys });
  if (step === 'publish') await writeFile(publishFile, `${startId}\n`);
  if (mode === 'abort') {
    const { settings } = await due();
    await expectCode(
      'RotationWaiting',
      runRotation({ ...world, settings: { ...settings, soak: LONG, wait: false } }, 'rotate'),
    );
  }

  const asked = OTHERS[fault];
  const other = asked === 'rotate' && isAcmMode(mode) ? mode : asked;
  const otherWorld: World = { ...world, journalDirectory: join(directory, 'other-journal') };
  const runOther = async (): Promise<boolean> =>
    hasEnded((await runRotation(await due(otherWorld), other ?? mode)).outcome, other ?? mode);

  const order = { world: await due(), mode, step, point };
  const first =
    fault === 'kill' || fault === 'journalDeleted'
      ? await runToDeath(lab, victim, order)
      : other
        ? await runStopped(lab, victim, order, runOther)
        : await runWithFault(
            { emulator, proxy },
            { ...order.world, ...(OUTLIVED.has(fault) ? { requestTimeout: IMPATIENT } : {}) },
            cell,
          );
  emulator.clearFaults();
  proxy.manner = 'passes';
  if (fault === 'journalDeleted') await rm(world.journalDirectory, { recursive: true, force: true });

  const wrong: string[] = [];
  let reruns = 0;
  const rerun = async (): Promise<boolean> => {
    reruns += 1;
    const { outcome, warnings } = await runRotation(await due(), mode);
    const lie = warnings.find(({ code }) => code === 'OldCertificateRefused');
    if (lie) wrong.push(lie.message);
    return hasEnded(outcome, mode);
  };
  for (let finished = false; !finished && reruns < MOST_RERUNS;) {
    const both = async (): Promise<boolean> => (await rerun()) && (other === undefined || (await runOther()));
    finished = await both().catch((error: unknown) => {
      if (!(error instanceof AppError) || reruns === MOST_RERUNS)
        wrong.push(`rerun ${reruns}: ${String(error)}`);
      return false;
    });
  }
  if (OUTLIVED.has(fault)) {
    // What AWS does long after everybody has gone, the next run of the timer finds.
    await sleep(2 * LATE);
    await rerun();
  }

  // Of two machines that want the opposite, either may have been the last.
  const isSure = other === undefined;
  wrong.push(
    ...(acm && ofAcm && isAcmMode(mode)
      ? await wrongWithAcm(lab, acm, { world: { ...world, ...ofAcm }, mode, startId, isSure, fault })
      : await wrongWithGenerated(lab, { mode, startId, isSure })),
  );
  const journals = await Promise.all(
    [world, otherWorld].map(({ journalDirectory }) => allRotations(openFileJournal(journalDirectory))),
  );
  const unended = journals.flat().filter(({ records }) => records.at(-1)?.type !== 'ended');
  if (unended.length > 0)
    wrong.push(`without an end: ${unended.map(({ rotationId }) => rotationId).join(', ')}`);
  if (step === 'hook' && (await readFile(hookFile, 'utf8').catch(() => '')) === '')
    wrong.push('the hook never ran');
  if (step === 'publish' && (await readFile(publishFile, 'utf8')) !== `${await presented()}\n`)
    wrong.push(`published: ${await readFile(publishFile, 'utf8')}`);
  if (cell.by === 'stack') wrong.push(...(await wrongInStack(lab, await presented())));
  emulator.configure({ needRedeploy: false });
  return { name: cellName(cell), first, reruns, wrong };
}

/** What is not as it must be of the one certificate that a rotation leaves. @param isSure whether it must be the one that the run wanted */
async function wrongWithGenerated(
  { controlPlane, api, trustFile }: RotationLab,
  { mode, startId, isSure }: { mode: Mode; startId: string; isSure: boolean },
): Promise<string[]> {
  const wrong: string[] = [];
  const certificates = await controlPlane.getClientCertificates();
  const [only] = certificates;
  const ids = certificates.map(({ clientCertificateId }) => clientCertificateId);
  if (ids.length !== 1) wrong.push(`certificates: ${ids.join(', ')}`);
  if (isSure && (ids[0] === startId) !== (mode === 'abort'))
    wrong.push(`the certificate left is ${ids[0] ?? 'none'}, the first was ${startId}`);
  const { clientCertificateId: presented = 'none' } = await controlPlane.getStage(api);
  if (presented !== ids[0]) wrong.push(`the stage presents ${presented}`);
  const trusted = await fingerprints(trustFile);
  const expected = only ? [certificateFacts(only.pemEncodedCertificate).fingerprintSha256] : [];
  if (trusted.join() !== expected.join()) wrong.push(`trusted: ${trusted.join(', ')}`);
  return wrong;
}

/** Has a stack own the stage. */
async function handOver(lab: RotationLab): Promise<void> {
  const { restApiId, stageName } = lab.api;
  const deploymentId = await releaseStage(lab);
  const client = stackClientOf(lab.emulator, { region: REGION });
  await createStack(client, {
    StackName: STACK.cloudformation,
    TemplateBody: JSON.stringify({
      Parameters: { [STACK.parameter]: { Type: 'String' } },
      Resources: {
        Stage: {
          Type: 'AWS::ApiGateway::Stage',
          Properties: {
            ...{ RestApiId: restApiId, StageName: stageName, DeploymentId: deploymentId },
            ClientCertificateId: { Ref: STACK.parameter },
          },
        },
      },
    }),
    Parameters: [{ ParameterKey: STACK.parameter, ParameterValue: lab.oldId }],
  });
  client.destroy();
  // A stage that was made a moment ago presented nothing before.
  lab.emulator.advanceClock(PROPAGATION);
}

/** What is not as it must be of the stack. */
async function wrongInStack(lab: RotationLab, presented: string): Promise<string[]> {
  const client = stackClientOf(lab.emulator, { region: REGION });
  const stack = await settledStack(client, STACK.cloudformation);
  client.destroy();
  const value = parametersOf(stack)[STACK.parameter];
  return value === presented ? [] : [`the stack has ${value ?? 'nothing'}, the stage presents ${presented}`];
}

/** What is there, for whoever has to find out why. */
async function description({ controlPlane, directory }: RotationLab): Promise<string> {
  const certificates = await controlPlane.getClientCertificates();
  const journals = await allRotations(openFileJournal(join(directory, 'journal')));
  return JSON.stringify({
    certificates: certificates.map(({ clientCertificateId, createdDate, tags }) => ({
      clientCertificateId,
      createdDate,
      tags,
    })),
    journals: journals.slice(-3).map(({ records }) => records.filter(({ type }) => type !== 'certificate')),
  });
}

const ROTATED: ReadonlySet<string> = new Set(['completed', 'notDue']);
const ABORTED: ReadonlySet<string> = new Set(['aborted', 'nothingToAbort']);
const hasEnded = (outcome: string, mode: Mode): boolean =>
  (mode === 'abort' ? ABORTED : ROTATED).has(outcome);

async function expectCode(code: string, run: Promise<unknown>): Promise<void> {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError) || error.code !== code) throw new Error(`not ${code}: ${String(error)}`);
}

/** In a process of its own. */
function startVictim({ env }: RotationLab, victim: string, order: Order) {
  const child = spawn(process.execPath, [victim, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    stderr,
  }));
  return { child, ended };
}

async function runToDeath(lab: RotationLab, victim: string, order: Omit<Order, 'signal'>): Promise<string> {
  const { child, ended } = startVictim(lab, victim, { ...order, signal: 'SIGKILL' });
  child.stdout.resume();
  const { code, signal, stderr } = await ended;
  if (signal !== 'SIGKILL')
    throw new Error(`the victim was not killed but ended with ${code ?? ''}: ${stderr}`);
  return 'killed';
}

/** Stopped in the middle, and continued when the other machine has run. */
async function runStopped(
  lab: RotationLab,
  victim: string,
  order: Omit<Order, 'signal'>,
  meanwhile: () => Promise<unknown>,
): Promise<string> {
  const { child, ended } = startVictim(lab, victim, { ...order, signal: 'SIGSTOP' });
  const stopped = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!stopped) throw new Error(`the run never came to ${order.step}: ${(await ended).stderr}`);
  const other = await meanwhile().then(
    (hasEnded) => (hasEnded ? 'the other finished' : 'the other has not finished'),
    (error: unknown) => {
      if (error instanceof AppError) return `the other: ${error.code}`;
      throw error;
    },
  );
  child.kill('SIGCONT');
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`the victim ended with ${code ?? 'a signal'}: ${stderr}`);
  return `${other}; ${stderr || 'finished'}`;
}

async function runWithFault(
  { emulator, proxy }: { emulator: RotationLab['emulator']; proxy: CallProxy },
  world: World,
  { mode, step, point, fault }: Cell,
): Promise<string> {
  const state = { isFull: false, sprung: false };
  const spring = (): Promise<void> => {
    state.sprung = true;
    const body = BODIES[fault];
    const manner = MANNERS[fault];
    if (manner !== undefined) proxy.manner = manner;
    else if (body === undefined) state.isFull = true;
    else for (const operation of OPERATIONS) emulator.addFault({ ...body, operation, occurrence: 'every' });
    return Promise.resolve();
  };
  const disk = fillable(openFileJournal(world.journalDirectory), () => state.isFull);
  const outcome = await runRotation(world, mode, trapped(disk, { step, point }, spring)).then(
    () => 'finished',
    (error: unknown): string => {
      if (error instanceof AppError) return error.code;
      throw error;
    },
  );
  if (!state.sprung) throw new Error(`the run never came to ${step}: ${outcome}`);
  return outcome;
}

async function fingerprints(file: string): Promise<string[]> {
  const parts = (await readFile(file, 'utf8')).split(/(?=-----BEGIN CERTIFICATE-----)/);
  return parts
    .filter((part) => part.includes('BEGIN'))
    .map((part) => certificateFacts(part).fingerprintSha256);
}
