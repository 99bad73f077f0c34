import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sameStage } from '../../src/rotation/engine/observe.js';
import type { RotationDeps, RotationRequest } from '../../src/rotation/engine/ports.js';
import { importedIdentity, presentedIdentity } from '../../src/rotation/engine/identity.js';
import { clientIdentity } from '../../src/certificates/client-identity.js';
import { stackOf } from '../../src/rotation/engine/request.js';
import { openPublication } from '../../src/publications/open.js';
import { observedAccount } from '../../src/rotation/engine/observed-account.js';
import { remembering } from '../../src/control-plane/remembering.js';
import type { RotationReport } from '../../src/rotation/rules/report.js';
import { abort, rotate } from '../../src/rotation/engine/rotate.js';
import { AppError } from '../../src/platform/errors.js';
import type { RotationRecord, RotationStep } from '../../src/rotation/rules/record.js';
import { DEFAULT_SETTINGS, type RotationSettings } from '../../src/settings/rotation.js';
import { createAwsControlPlane } from '../../src/control-plane/aws.js';
import { openFileJournal } from '../../src/rotation/journal/file-journal.js';
import type { Journal } from '../../src/rotation/journal/journal.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';

/** Where one rotation happens, as JSON, so that a child process can be told. */
export interface World {
  region: string;
  endpoint: string;
  restApiId: string;
  stageName: string;
  trustFile: string;
  journalDirectory: string;
  /** A line is appended to it by the hook `switched`. */
  hookFile?: string;
  /** The id of the certificate in use is published in it. */
  publishFile?: string;
  /** Of rotations that are about certificates of ACM. */
  acm?: AcmWorld;
  /** Whether the stack {@link STACK} switches the stage. */
  isOfStack?: boolean;
  settings: Partial<RotationSettings>;
  /** Milliseconds; by default as long as a user's. */
  requestTimeout?: number;
}

/** What a user has for a rotation from, to or between certificates of ACM. */
export interface AcmWorld {
  /** To which the stage moves. */
  arn: string;
  /** File of that certificate, or of the one that is imported, with its chain. */
  certificate: string;
  /** File of its key. */
  privateKey: string;
  /** The stage's own URL. */
  probeUrl: string;
}

/** The stack that may own the stage. */
export const STACK = { cloudformation: 'orders', parameter: 'CertificateId' } as const;

/** From a generated certificate to one of ACM, back to a generated one, and from one of ACM to one that is imported. */
export const ACM_MODES = ['toAcm', 'toGenerated', 'import'] as const;

export type AcmMode = (typeof ACM_MODES)[number];

export type Mode = 'rotate' | 'abort' | AcmMode;

export const isAcmMode = (mode: Mode): mode is AcmMode => ACM_MODES.some((one) => one === mode);

/** Where in a step something happens: by the records that a step writes around its effect. */
export const POINTS = ['beforeIntent', 'afterIntent', 'afterEffect'] as const;

export type Point = (typeof POINTS)[number];

/** What is asked of a rotation that is about certificates of ACM. */
async function acmRequest(
  mode: Mode,
  acm: AcmWorld | undefined,
): Promise<Pick<RotationRequest, 'to' | 'toGenerated' | 'identity' | 'importing' | 'probeUrl'>> {
  if (!isAcmMode(mode) || acm === undefined) return {};
  if (mode === 'toGenerated') return { toGenerated: true, probeUrl: acm.probeUrl };
  const [certificate, privateKey] = await Promise.all([readFile(acm.certificate), readFile(acm.privateKey)]);
  const own = clientIdentity({ certificate, privateKey });
  const identity = presentedIdentity(own);
  return mode === 'toAcm'
    ? { identity, to: acm.arn }
    : { identity, importing: importedIdentity(own, new Date()) };
}

/** One run with the real parts: AWS's SDK over HTTP, the journal's files, the trust store's file. */
export async function runRotation(
  world: World,
  mode: Mode,
  journal: Journal = openFileJournal(world.journalDirectory),
  overrides: Partial<RotationDeps> = {},
): Promise<RotationReport> {
  const { region, endpoint, restApiId, stageName, trustFile, hookFile, requestTimeout } = world;
  const controlPlane = await createAwsControlPlane({
    region,
    endpoint,
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
  const store = createTrustStore({ kind: 'pem-bundle', file: trustFile }, { announce: () => undefined });
  const now = (): Date => new Date();
  const remembered = remembering(controlPlane, now);
  const { publishFile: file, isOfStack = false } = world;
  const own = { restApiId, stageName };
  const place = { region, caller: () => Promise.resolve({ region, endpoint }) };
  const deps: RotationDeps = {
    ...(file === undefined
      ? {}
      : {
          publishing: [
            {
              isOwn: true,
              has: (stage) => sameStage(stage, own),
              stages: async ({ getStage }) => [await getStage(own)],
              publications: () => Promise.resolve([openPublication({ kind: 'file', file }, { region })]),
            },
          ],
        }),
    ...(isOfStack ? { stack: stackOf({ switch: STACK, account: { origins: {} } }, place) } : {}),
    controlPlane: remembered,
    apis: [],
    probeCalls: new Map(),
    account: observedAccount(remembered, now),
    stores: () => [store],
    journal,
    now,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    newRotationId: () => `crash-${randomBytes(6).toString('hex')}`,
    emit: () => undefined,
    signal: new AbortController().signal,
    assertHeld: () => Promise.resolve(),
    confirm: () => Promise.resolve(),
    request: async (url) => (await fetch(url)).status,
    ...overrides,
  };
  const request: RotationRequest = {
    settings: { ...DEFAULT_SETTINGS, ...world.settings },
    hooks: hookFile === undefined ? {} : { switched: ['sh', '-c', `echo switched >> ${hookFile}`] },
    ...(await acmRequest(mode, world.acm)),
  };
  const target = await deps.controlPlane.getStage({ restApiId, stageName });
  return mode === 'abort' ? abort(deps, request, target) : rotate(deps, request, target);
}

/** A journal at whose first record of that kind something happens, once. */
export function trapped(
  journal: Journal,
  { step, point }: { step: RotationStep; point: Point },
  spring: () => Promise<void>,
): Journal {
  let sprung = false;
  const at = (record: RotationRecord, type: 'intent' | 'done'): boolean =>
    !sprung && record.type === type && record.step === step;
  return {
    ...journal,
    async append(rotationId, record) {
      if (
        (point === 'beforeIntent' && at(record, 'intent')) ||
        (point === 'afterEffect' && at(record, 'done'))
      ) {
        sprung = true;
        await spring();
      }
      await journal.append(rotationId, record);
      if (point === 'afterIntent' && at(record, 'intent')) {
        sprung = true;
        await spring();
      }
    },
  };
}

/** A journal whose disk is full as soon as `isFull` says so. */
export function fillable(journal: Journal, isFull: () => boolean): Journal {
  return {
    ...journal,
    append(rotationId, record) {
      if (isFull()) throw new AppError('JournalNotWritable', 'the disk is full (ENOSPC)');
      return journal.append(rotationId, record);
    },
  };
}
