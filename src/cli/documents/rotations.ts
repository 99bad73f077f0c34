/** Documents about rotations: `rotate`, `status`, and the demo. */
import * as z from 'zod/mini';
import type { PrunableJournal, PrunedJournals } from '../../rotation/journal/prune-journals.js';
import type { RotationReport } from '../../rotation/rules/report.js';
import type { RotationStatus } from '../../commands/status/run.js';
import type { DemoReport } from '../../commands/demo/run.js';
import {
  acmOrigin,
  backendCall,
  certificateId,
  count,
  keyOf,
  milliseconds,
  namedStage,
  partError,
  stageRef,
  time,
  wholeError,
} from './common.js';
import { ERROR_CODES } from '../../platform/errors.js';
import type { Holds, Same } from './json.js';

const evidence = z
  .record(z.string(), z.unknown())
  .check(z.describe('What the step saw; its members depend on the step'));

const stages = z.array(namedStage);

const report = z.strictObject({
  outcome: z.enum([
    'notDue',
    'renewed',
    'completed',
    'keepingOld',
    'planned',
    'plannedAbort',
    'aborted',
    'nothingToAbort',
  ]),
  region: z.string(),
  stages,
  oldCertificateId: certificateId,
  newCertificateId: z.optional(certificateId),
  rotationId: z.optional(z.string()),
  until: z.optional(time),
  notAfter: z.optional(time),
  acmOrigin: z
    .optional(acmOrigin)
    .check(
      z.describe('notDue: the certificate is one of ACM, which is only replaced where that is specified'),
    ),
  renewedAt: z
    .optional(time)
    .check(z.describe('With --watch-renewal: when ACM last renewed the certificate')),
  oldCertificate: z.enum(['deleted', 'inUse', 'present']),
  calls: z.array(backendCall),
  steps: z.array(
    z.strictObject({
      step: z.string(),
      subject: z.optional(z.string()),
      stages: z.optional(stages),
      stack: z
        .optional(
          z.strictObject({ name: z.string(), parameter: z.string(), from: z.string(), to: z.string() }),
        )
        .check(
          z.describe(
            'A dry run: the stack whose update would switch the stages, and the value that it would change',
          ),
        ),
      ms: z.optional(milliseconds),
      evidence: z.optional(evidence),
    }),
  ),
  warnings: z.array(
    z.strictObject({
      code: z.enum([
        'BackendDoesNotCheck',
        'BackendUnproved',
        'HookFailed',
        'JournalLost',
        'MarkNotWritten',
        'NewCertificateInUse',
        'NoRollBack',
        'OldCertificateExpired',
        'OldCertificateNotTrusted',
        'OldCertificateRefused',
        'OldCertificateStillAccepted',
        'OtherStagesNotRead',
        'OtherUsesNotTested',
        'PublicationCorrected',
        'RefusalNotShown',
        'RequestsFailed',
        'TrustKept',
        'TrustNotSeen',
        'TrustStoreNotLive',
        'UnpublishedChanges',
      ]),
      message: z.string(),
    }),
  ),
});
const target = z.optional(z.string().check(z.describe("The target's name in apigw-cert.yaml")));

export const rotate = z.strictObject({
  items: z.array(
    z.union([
      z.strictObject({ target, ...report.shape }),
      z.strictObject({
        target,
        stages: z.optional(stages).check(z.describe('The stage that was asked for')),
        error: wholeError,
      }),
    ]),
  ),
});

const rotationStatus = z.strictObject({
  rotationId: z.string(),
  state: z.enum(['completed', 'aborted', 'cancelled', 'superseded', 'inProgress', 'unreadable']),
  account: z.optional(z.string()),
  region: z.optional(z.string()),
  endpoint: z.optional(z.string()),
  target,
  stages: z.array(stageRef).check(z.describe('Records do not have the names of APIs')),
  oldCertificateId: z.optional(certificateId),
  newCertificateId: z.optional(certificateId),
  startedAt: z.optional(time),
  keptUntil: z.optional(time),
  lastAt: z.optional(time),
  steps: z.array(
    z.strictObject({
      at: time,
      step: z.string(),
      subject: z.optional(z.string()),
      result: z.enum(['done', 'failed', 'begun']),
      ms: z.optional(milliseconds),
      evidence: z.optional(evidence),
      message: z.optional(z.string()),
    }),
  ),
  problem: z.optional(
    z.strictObject({
      code: z.string(),
      message: z.string(),
      hint: z.optional(z.string()),
      file: z.optional(z.string()),
    }),
  ),
});
const statusList = z.strictObject({ items: z.array(rotationStatus) });

const journalMembers = {
  rotationId: z.string(),
  endedAt: time,
  outcome: z.enum(['completed', 'aborted', 'cancelled', 'superseded']),
};
const journal = z.strictObject(journalMembers);
const prunedJournals = z.strictObject({
  deleted: z.array(journal),
  failed: z.array(
    z.strictObject({
      ...journalMembers,
      error: z.strictObject({ ...partError.shape, code: keyOf(ERROR_CODES) }),
    }),
  ),
});
const statusPrune = z.strictObject({ items: z.array(journal), ...prunedJournals.shape });
export const status = z.union([statusList, statusPrune]);

const presented = z.strictObject({ clientCertificateId: certificateId, requests: count });
export const demo = z.strictObject({
  requests: z.strictObject({
    sent: count,
    failed: count,
    perSecond: count,
    firstFailure: z.optional(z.string()),
  }),
  before: presented,
  after: presented,
  caBundle: z.strictObject({
    acceptsOld: z.boolean(),
    acceptsNew: z.boolean(),
    cause: z.optional(z.string()),
  }),
  ms: milliseconds,
});

export type RotationDocuments = [
  Holds<Same<z.infer<typeof report>, RotationReport>>,
  Holds<Same<z.infer<typeof rotationStatus>, RotationStatus>>,
  Holds<Same<z.infer<typeof journal>, PrunableJournal>>,
  Holds<Same<z.infer<typeof prunedJournals>, PrunedJournals>>,
  Holds<Same<z.infer<typeof demo>, DemoReport>>,
];
