import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { AppError } from '../../src/core/errors.js';
import type { FaultInput } from '../../src/emulator/faults.js';
import { openFileJournal } from '../../src/journal/file-journal.js';
import { certificateFacts } from '../../src/x509/certificate.js';
import { REGION, startRotationLab, startTraffic, type RotationLab } from '../support/rotation.js';
import { cellName, type Cell, type FaultKind } from './cells.js';
import type { Order } from './victim.js';
import { fillable, runRotation, trapped, type World } from './world.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The emulator's spread of a switch, and the soak that has to cover it. Milliseconds. */
const PROPAGATION = 250;
const SOAK = 600;
/** Longer than any machine is slow: whoever does not wait for it has to come again. Milliseconds. */
const LONG = 3_600_000;
/** A call that is done this late has long been given up by its caller. Milliseconds. */
const LATE = 1_200;
const IMPATIENT = 700;
/** Longer than that. Milliseconds. */
const IN_FLIGHT = 2_000;
/** Reached from any state by a run or two; more is not to converge. */
const MOST_RERUNS = 6;

const OPERATIONS = [
  'CreateDeployment',
  'DeleteClientCertificate',
  'GenerateClientCertificate',
  'GetClientCertificates',
  'GetDeployment',
  'GetResources',
  'GetRestApis',
  'GetStage',
  'GetStages',
  'TagResource',
  'TestInvokeMethod',
  'UntagResource',
  'UpdateClientCertificate',
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
  const waiting = [...cells];
  const results: CellResult[] = [];
  const totals = await Promise.all(
    Array.from({ length: labs }, async () => {
      const lab = await startRotationLab({ propagationDelayMs: PROPAGATION });
      const traffic = startTraffic(`${lab.api.invokeUrl}/health`, { lanes: 2, pauseMs: 10 });
      try {
        for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
          const before = traffic.failed().length;
          const name = cellName(cell);
          const result = await runCell(lab, cell, victim).catch(
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

async function runCell(lab: RotationLab, cell: Cell, victim: string): Promise<CellResult> {
  const { emulator, gateway, api, trustFile, directory } = lab;
  const { mode, step, point, fault } = cell;
  const stage = { restApiId: api.restApiId, stageName: api.stageName };
  const hookFile = join(directory, `hook-${step}-${point}-${fault}`);
  const redeploys = step === 'redeploy';
  const world: World = {
    region: REGION,
    endpoint: emulator.url,
    ...stage,
    trustFile,
    journalDirectory: join(directory, 'journal'),
    ...(step === 'hook' ? { hookFile } : {}),
    settings: {
      soak: SOAK,
      settle: 5_000,
      inFlight: IN_FLIGHT,
      probes: 1,
      redeploy: redeploys ? 'always' : 'never',
    },
  };
  const presented = async (): Promise<string> =>
    (await gateway.getStage(stage)).clientCertificateId ?? 'none';
  const startId = await presented();
  /** The new certificate of one cell is the old one of the next: as long as nothing has begun, it is not due. */
  const due = async (): Promise<World> => {
    const untouched = (await presented()) === startId && (await gateway.getClientCertificates()).length === 1;
    return { ...world, settings: { ...world.settings, force: untouched } };
  };

  emulator.configure({ needRedeploy: redeploys });
  if (mode === 'abort') {
    const { settings } = await due();
    await expectCode(
      'RotationWaiting',
      runRotation({ ...world, settings: { ...settings, soak: LONG, wait: false } }, 'rotate'),
    );
  }

  const first =
    fault === 'kill' || fault === 'journalDeleted'
      ? await runToDeath(lab, victim, { world: await due(), mode, step, point })
      : await runWithFault(
          lab,
          { ...(await due()), ...(fault === 'timeout' ? { requestTimeout: IMPATIENT } : {}) },
          cell,
        );
  emulator.clearFaults();
  if (fault === 'journalDeleted') await rm(world.journalDirectory, { recursive: true, force: true });

  const wrong: string[] = [];
  let reruns = 0;
  const rerun = async (): Promise<boolean> => {
    reruns += 1;
    const { outcome, warnings } = await runRotation(await due(), mode);
    const lie = warnings.find(({ code }) => code === 'OldCertificateRefused');
    if (lie) wrong.push(lie.message);
    return mode === 'abort' ? ABORTED.has(outcome) : ROTATED.has(outcome);
  };
  for (let finished = false; !finished && reruns < MOST_RERUNS;) {
    finished = await rerun().catch((error: unknown) => {
      if (!(error instanceof AppError) || reruns === MOST_RERUNS)
        wrong.push(`rerun ${reruns}: ${String(error)}`);
      return false;
    });
  }
  if (fault === 'timeout') {
    // What AWS does long after everybody has gone, the next run of the timer finds.
    await sleep(2 * LATE);
    await rerun();
  }

  const certificates = await gateway.getClientCertificates();
  const [only] = certificates;
  const ids = certificates.map(({ clientCertificateId }) => clientCertificateId);
  if (ids.length !== 1) wrong.push(`certificates: ${ids.join(', ')}`);
  if ((ids[0] === startId) !== (mode === 'abort'))
    wrong.push(`the certificate left is ${ids[0] ?? 'none'}, the first was ${startId}`);
  if ((await presented()) !== ids[0]) wrong.push(`the stage presents ${await presented()}`);
  const trusted = await fingerprints(trustFile);
  const expected = only ? [certificateFacts(only.pemEncodedCertificate).fingerprintSha256] : [];
  if (trusted.join() !== expected.join()) wrong.push(`trusted: ${trusted.join(', ')}`);
  const unended = (await openFileJournal(world.journalDirectory).list()).filter(
    ({ records }) => records.at(-1)?.type !== 'ended',
  );
  if (unended.length > 0)
    wrong.push(`without an end: ${unended.map(({ rotationId }) => rotationId).join(', ')}`);
  if (step === 'hook' && (await readFile(hookFile, 'utf8').catch(() => '')) === '')
    wrong.push('the hook never ran');
  emulator.configure({ needRedeploy: false });
  return { name: cellName(cell), first, reruns, wrong };
}

/** What is there, for whoever has to find out why. */
async function description({ gateway, directory }: RotationLab): Promise<string> {
  const certificates = await gateway.getClientCertificates();
  const journals = await openFileJournal(join(directory, 'journal')).list();
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

async function expectCode(code: string, run: Promise<unknown>): Promise<void> {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError) || error.code !== code) throw new Error(`not ${code}: ${String(error)}`);
}

/** In a process of its own. */
async function runToDeath({ env }: RotationLab, victim: string, order: Order): Promise<string> {
  const child = spawn(process.execPath, [victim, JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL')
    throw new Error(`the victim was not killed but ended with ${code ?? ''}: ${stderr}`);
  return 'killed';
}

async function runWithFault(
  { emulator }: RotationLab,
  world: World,
  { mode, step, point, fault }: Cell,
): Promise<string> {
  const state = { isFull: false, sprung: false };
  const spring = (): Promise<void> => {
    state.sprung = true;
    const body = BODIES[fault];
    if (body === undefined) state.isFull = true;
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
