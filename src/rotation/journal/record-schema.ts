/** The reading side of the journal: a line is believed only after it fitted. Keys that are not known are ignored. */
import * as z from 'zod/mini';
import {
  JOURNAL_VERSION,
  ROTATION_OUTCOMES,
  ROTATION_STEPS,
  rotationOutcomeIn,
  rotationStepIn,
  type RotationRecord,
} from '../rules/record.js';

const at = z.iso.datetime();
const step = z.pipe(z.transform(rotationStepIn), z.enum(ROTATION_STEPS));
const subject = z.exactOptional(z.string());
const optionalText = z.exactOptional(z.string());
const evidence = z.exactOptional(z.record(z.string(), z.unknown()));

/** One line of a journal. */
export const rotationRecordSchema: z.ZodMiniType<RotationRecord> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    version: z.literal([1, 2, JOURNAL_VERSION]),
    at,
    rotationId: z.string(),
    region: z.string(),
    account: optionalText,
    endpoint: optionalText,
    oldCertificateId: z.string(),
    stages: z.array(
      z.object({
        restApiId: z.string(),
        stageName: z.string(),
        protocolType: z.exactOptional(z.literal('WEBSOCKET')),
      }),
    ),
    foundUnderWay: z.exactOptional(z.literal(true)),
    target: optionalText,
  }),
  z.object({ type: z.literal('intent'), at, step, subject, evidence }),
  z.object({
    type: z.literal('done'),
    at,
    step,
    subject,
    evidence,
    ms: z.number(),
  }),
  z.object({ type: z.literal('failed'), at, step, subject, code: z.string(), message: z.string() }),
  z.object({
    type: z.literal('certificate'),
    at,
    clientCertificateId: z.string(),
    pem: z.string(),
    authority: z.exactOptional(z.object({ pem: z.string(), subject: optionalText, san: optionalText })),
    madeBy: optionalText,
  }),
  z.object({ type: z.literal('kept'), at, until: at }),
  z.object({ type: z.literal('note'), at, text: z.string() }),
  z.object({
    type: z.literal('ended'),
    at,
    outcome: z.pipe(z.transform(rotationOutcomeIn), z.enum(ROTATION_OUTCOMES)),
  }),
]);

/** The first line as any version writes it: enough to tell a newer journal from a broken one. */
export const versionedSchema = z.object({ version: z.number() });
