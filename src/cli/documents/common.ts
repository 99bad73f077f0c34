/** The parts that documents share. Each is compared with the type of what is really written. */
import * as z from 'zod/mini';
import type { StageRef } from '../../control-plane/api-gateway.js';
import type { CertificateView } from '../../control-plane/certificate-view.js';
import type { CheckLevel } from '../../findings/severity.js';
import { ERROR_CODES, type ErrorCode } from '../../platform/errors.js';
import type { ExpiryStatus } from '../../certificates/expiry.js';
import type { CertificateRow, SourceRow } from '../../control-plane/fleet-view.js';
import type { Inventory } from '../../control-plane/inventory.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import type { BackendCall } from '../../rotation/rules/calls.js';
import type { Source } from '../../settings/accounts.js';
import { LOG_CAUSES, type LogCauseCode } from '../../control-plane/execution-log.js';
import { CATALOGUE } from '../../findings/catalogue/index.js';
import type { ReportedFinding } from '../../findings/finding.js';
import { SEVERITIES } from '../../findings/severity.js';
import type { CertificateAnatomy } from '../../certificates/anatomy.js';
import type { Holds, Same } from './json.js';

const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>): [Key, ...Key[]] =>
  Object.keys(table) as [Key, ...Key[]];

/** One of the keys of a catalogue. */
export const keyOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) => z.enum(keysOf(table));

export const time = z
  .string()
  .check(z.regex(/^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/), z.describe('ISO 8601, UTC'));
export const milliseconds = z.number().check(z.describe('Milliseconds'));
export const count = z.int();
export const fingerprint = z
  .string()
  .check(z.regex(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/), z.describe('SHA-256 of the DER, colon-separated hex'));
export const certificateId = z
  .string()
  .check(z.describe('Id of a client certificate, or the ARN of an ACM certificate'));

export const protocolType = z.literal('WEBSOCKET').check(z.describe('Absent for REST APIs'));
const stageMembers = {
  restApiId: z.string().check(z.describe('Id of the REST or WebSocket API')),
  stageName: z.string(),
  protocolType: z.optional(protocolType),
};
/** A stage of a record, which does not have the names of APIs. */
export const stageRef = z.strictObject(stageMembers);
export const namedStageMembers = {
  ...stageMembers,
  apiName: z.string().check(z.describe("The API's id where its name is not known")),
};
/** A stage. */
export const namedStage = z.strictObject(namedStageMembers);

export const source = { account: z.string(), region: z.string() };

export const expiryStatus = z.enum(['ok', 'warning', 'critical', 'expired', 'notYetValid']);
export const checkLevel = z.enum(['ok', 'warning', 'critical', 'unknown']);

/** One thing that a command found, in whichever document. */
export const findingMembers = {
  code: keyOf(CATALOGUE),
  severity: z.enum(SEVERITIES),
  message: z.string(),
  remedy: z.optional(z.string().check(z.describe('What to do about it'))),
  account: z.optional(z.string()),
  region: z.optional(z.string()),
  clientCertificateId: z.optional(certificateId),
  stage: z.optional(namedStage),
  file: z.optional(z.string()),
  line: z.optional(count.check(z.describe('From 1'))),
};
export const finding = z.strictObject(findingMembers);

/** An error inside a document: what one of several things came to. */
export const partError = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.optional(z.string()),
});

/** The whole of an error. */
export const wholeError = z.strictObject({
  code: keyOf(ERROR_CODES),
  message: z.string(),
  hint: z.optional(z.string()),
  details: z.record(z.string(), z.unknown()),
});

export const acmOrigin = z.enum(['imported', 'privateCa', 'public']);

export const certificateMembers = {
  clientCertificateId: certificateId,
  description: z.optional(z.string()),
  createdDate: time,
  expirationDate: time,
  status: expiryStatus,
  daysLeft: count,
  subject: z.string(),
  issuer: z.string(),
  serialNumber: z.string(),
  notBefore: time,
  notAfter: time,
  fingerprintSha256: fingerprint,
  tags: z.record(z.string(), z.string()),
  acm: z.optional(
    z
      .strictObject({
        origin: acmOrigin,
        acmStatus: z.string().check(z.describe('As ACM reports it: ISSUED, EXPIRED, REVOKED and others')),
        keyType: z.optional(z.string()),
        certificateAuthorityArn: z.optional(z.string()),
        renewalEligibility: z.optional(z.enum(['ELIGIBLE', 'INELIGIBLE'])),
        renewal: z.optional(
          z.strictObject({
            status: z.string(),
            reason: z.optional(z.string()),
            updatedAt: z.optional(time),
          }),
        ),
        inUseBy: z.array(z.string()).check(z.describe('What ACM reports as using it')),
        chain: z
          .array(
            z.strictObject({
              subject: z.string(),
              issuer: z.string(),
              notAfter: time,
              fingerprintSha256: fingerprint,
            }),
          )
          .check(z.describe('Presented with it, in this order')),
      })
      .check(z.describe('Of an ACM certificate; its tags are not read')),
  ),
};
export const certificate = z.strictObject(certificateMembers);

export const certificateRowMembers = {
  ...source,
  ...certificateMembers,
  usedBy: z.optional(z.array(namedStage).check(z.describe('Absent when the stages were not read'))),
};
export const certificateRow = z.strictObject(certificateRowMembers);

const anatomyMembers = {
  subject: z.string(),
  issuer: z.string(),
  serialNumber: z.string(),
  notBefore: time,
  notAfter: time,
  fingerprintSha256: fingerprint,
  fingerprintSha1: z.string(),
  spkiPin: z.string(),
  version: count,
  publicKey: z.string(),
  signatureAlgorithm: z.string(),
  extensions: z.array(
    z.strictObject({ oid: z.string(), name: z.string(), critical: z.boolean(), value: z.string() }),
  ),
};
export const anatomy = z.strictObject(anatomyMembers);
export { anatomyMembers };

export const sourceRow = z.strictObject({
  ...source,
  accountId: z.optional(z.string()),
  state: z.enum(['read', 'unknown']),
  certificates: z.optional(count),
  quotaLeft: z.optional(count),
  apis: z.optional(count),
  stages: z.optional(count),
  unused: z.optional(count),
  unreadable: z.optional(z.array(z.string())),
  error: z.optional(partError),
});

export const elsewhere = z.strictObject({
  ...source,
  ...namedStageMembers,
  clientCertificateId: certificateId,
  kind: z.enum(['acm', 'unknown']),
});

export const backendCall = z.strictObject({
  method: z.string(),
  path: z.string(),
  backend: z.string().check(z.describe('host[:port]')),
  stages: z.array(z.strictObject({ ...namedStageMembers, canary: z.optional(z.literal(true)) })),
  times: count,
});

export const logCause = keyOf(LOG_CAUSES);

export type CommonParts = [
  Holds<Same<z.infer<typeof stageRef>, StageRef>>,
  Holds<Same<z.infer<typeof namedStage>, NamedStage>>,
  Holds<Same<z.infer<typeof expiryStatus>, ExpiryStatus>>,
  Holds<Same<z.infer<typeof checkLevel>, CheckLevel>>,
  Holds<Same<z.infer<typeof finding>, ReportedFinding>>,
  Holds<Same<z.infer<typeof wholeError>['code'], ErrorCode>>,
  Holds<Same<z.infer<typeof certificate>, CertificateView>>,
  Holds<Same<z.infer<typeof certificateRow>, CertificateRow>>,
  Holds<Same<z.infer<typeof anatomy>, CertificateAnatomy>>,
  Holds<Same<z.infer<typeof sourceRow>, SourceRow>>,
  Holds<Same<z.infer<typeof elsewhere>, Source & Inventory['elsewhere'][number]>>,
  Holds<Same<z.infer<typeof backendCall>, BackendCall>>,
  Holds<Same<z.infer<typeof logCause>, LogCauseCode>>,
];
