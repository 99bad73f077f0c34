/** Documents about backends: `backend …`, `doctor`, `test-invoke` and `init`. */
import * as z from 'zod/mini';
import type { BackendConfig } from '../../commands/backend/config/run.js';
import type { FollowStatus } from '../../commands/backend/follow/rules.js';
import type { LintReport } from '../../commands/backend/lint/run.js';
import type { ShownStore } from '../../commands/backend/trust/run.js';
import type { BackendReport } from '../../commands/backend/verify/run.js';
import type { DoctorReport } from '../../commands/doctor/run.js';
import type { StoreSight } from '../../commands/init/look-at-store.js';
import type { TestCallResult } from '../../commands/test-invoke/run.js';
import { LINT_FORMATS } from '../../lint/recognise.js';
import {
  backendCall,
  certificateId,
  count,
  finding,
  fingerprint,
  logCause,
  milliseconds,
  namedStage,
  time,
} from './common.js';
import type { Holds, Same } from './json.js';

const authority = z.strictObject({
  fingerprintSha256: fingerprint,
  subject: z.exactOptional(z.string()),
  san: z.exactOptional(z.string()),
});

const shownStore = z.strictObject({
  trustStore: z.string(),
  state: z.enum(['known', 'unfinished', 'unknown']),
  fingerprintsSha256: z.optional(z.array(fingerprint)),
  authorities: z.optional(z.array(authority)),
  reason: z.optional(z.string()),
  since: z.optional(time),
});
export const backendTrust = z.strictObject({ items: z.array(shownStore) });

const followReport = z.strictObject({
  host: z.string(),
  from: z.string(),
  trustStore: z.string(),
  state: z.enum(['starting', 'current', 'failing', 'stopped']),
  listVersion: z.optional(count),
  fingerprintsSha256: z.optional(z.array(fingerprint)),
  authorities: z.optional(z.array(authority)),
  since: z.optional(time),
  notInList: z.optional(z.array(z.string())),
  checkedAt: z.optional(time),
  error: z.optional(z.strictObject({ code: z.string(), message: z.string(), hint: z.optional(z.string()) })),
  updatedAt: time,
  validUntil: time,
});
export const backendFollow = z.strictObject({ ...followReport.shape, changed: z.boolean() });

export const backendConfig = z.strictObject({
  server: z.string(),
  configuration: z.string(),
  trust: z.strictObject({ trustStore: z.string(), file: z.string(), content: z.string() }),
  ca: z.optional(z.strictObject({ file: z.string(), content: z.string() })),
  reload: z.string(),
  expired: z.string(),
  proved: z.string(),
});

const place = { file: z.string(), line: count };
const lintVerdict = z.enum(['enforces', 'open', 'trap', 'cannotTell']);
const caller = z.enum(['none', 'listed', 'impostor', 'stranger', 'expired']);
const lintResult = z.enum(['admitted', 'refused', 'unknown']);
const javaClientProblem = z.enum([
  'CertificateWithheld',
  'CaNamesTooLarge',
  'LateRequest',
  'LateRequestTls12',
  'ServerNameNotSent',
]);
const listenerMembers = {
  ...place,
  listener: z.string(),
  isTls: z.boolean(),
  verdict: lintVerdict,
  reason: z.optional(z.string()),
  witness: z.optional(
    z.strictObject({
      caller,
      request: z.string(),
      steps: z.array(z.strictObject({ ...place, text: z.string() })),
      authority: z.optional(z.string()),
      resumes: z.optional(z.literal(true)),
    }),
  ),
  apiGateway: z.optional(
    z.array(
      z.strictObject({
        ...place,
        host: z.optional(z.string()),
        caNames: z.array(z.string()),
        result: lintResult,
        problem: z.optional(javaClientProblem),
        reason: z.optional(z.string()),
        request: z.string(),
      }),
    ),
  ),
  places: z.array(
    z.strictObject({ ...place, where: z.string(), outcomes: z.partialRecord(caller, lintResult) }),
  ),
  host: z.optional(z.string()),
  port: z.optional(count),
};
const listener = z.strictObject(listenerMembers);
const lintReport = z.strictObject({
  file: z.string(),
  format: z.enum([...LINT_FORMATS, 'other']),
  kind: z.string(),
  verdict: z.optional(lintVerdict),
  listeners: z.array(listener),
  findings: z.array(finding),
});
export const backendLint = z.strictObject({
  ...lintReport.shape,
  listeners: z.array(
    z.strictObject({
      ...listenerMembers,
      next: z.optional(z.string().check(z.describe('With cannotTell: the command that asks the server'))),
    }),
  ),
});

const admission = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answered'), status: count }),
  z.strictObject({ kind: z.literal('refused'), reason: z.string() }),
  z.strictObject({ kind: z.literal('unclear'), reason: z.string() }),
]);
export const backendVerify = z.strictObject({
  url: z.string(),
  verdict: z.enum(['enforced', 'notEnforced', 'unclear']),
  reason: z.enum([
    'refusesBoth',
    'neverAsks',
    'admitsWithout',
    'admitsImpostor',
    'asksLate',
    'refusesWithoutAsking',
    'answersOtherwise',
  ]),
  asksForCertificate: z.optional(z.boolean()),
  caNames: z.array(z.string()),
  withoutCertificate: admission,
  withImpostor: admission,
  withCertificate: z.optional(admission),
  javaClient: z.strictObject({
    answers: z.optional(z.boolean()),
  }),
  findings: z.array(finding),
  protocol: z.optional(z.string()),
  server: z.strictObject({
    certificates: z.array(
      z.strictObject({ subject: z.string(), issuer: z.string(), notBefore: time, notAfter: time }),
    ),
    root: z.optional(z.string()),
    olderRoot: z.optional(z.string()),
    isRootReissued: z.boolean(),
    problems: z.array(
      z.enum([
        'expired',
        'notYetValid',
        'wrongHost',
        'notForServers',
        'selfSigned',
        'unknownIssuer',
        'rootNotListed',
        'unreadable',
      ]),
    ),
    acceptedByApiGateway: z.boolean(),
    listDate: z.string(),
    daysLeft: z.optional(count),
  }),
  took: milliseconds,
});

const outcome = z.enum(['accepted', 'refused', 'unknown']);
const doctorProbe = z.strictObject({
  backend: z.string(),
  outcome,
  accepted: z.boolean(),
  status: count,
  cause: z.optional(z.string()),
  code: z.optional(logCause),
});
const doctorProbes = z.strictObject({
  current: z.array(doctorProbe),
  without: z.array(doctorProbe),
  other: z.optional(z.array(doctorProbe)),
});
export const doctor = z.strictObject({
  stage: namedStage,
  endpointTypes: z.array(z.string()),
  clientCertificateId: z.optional(certificateId),
  otherCertificateId: z.optional(certificateId),
  calls: z.array(backendCall),
  probes: doctorProbes,
  trustStores: z.optional(
    z
      .array(
        z.strictObject({
          trustStore: z.string(),
          state: z.enum(['known', 'unfinished', 'unknown']),
          holds: z.optional(
            z
              .array(z.enum(['certificate', 'rootWithName', 'caWithoutName']))
              .check(
                z.describe('What it holds of the certificate of the stage; absent if that is not known'),
              ),
          ),
        }),
      )
      .check(z.describe('Where trust stores are specified, and the certificate could be read')),
  ),
  findings: z.array(finding),
});

export const testInvoke = z.strictObject({
  restApiId: z.string(),
  resourceId: z.string(),
  httpMethod: z.string(),
  path: z.optional(z.string()),
  clientCertificateId: z.optional(certificateId),
  status: count,
  latency: milliseconds,
  body: z.string(),
  log: z.string(),
  outcome,
  failure: z.optional(
    z.strictObject({
      code: logCause,
      fault: z.enum([
        'backendCertificate',
        'backendName',
        'network',
        'clientCertificate',
        'integration',
        'application',
        'unknown',
      ]),
      meaning: z.string(),
      remedy: z.string(),
      progress: z.enum(['notSent', 'unanswered', 'answered', 'unknown']),
      backendStatus: z.optional(count),
      quote: z.optional(z.string()),
    }),
  ),
});

const sight = z.strictObject({
  name: z.string(),
  holds: z.enum(['current', 'not current', 'unknown']),
  reason: z.optional(z.string()),
});
export const init = z.strictObject({
  file: z.string(),
  target: z.string(),
  stages: z.array(namedStage),
  clientCertificateId: certificateId,
  backends: z.array(z.string()),
  probe: z.optional(z.strictObject({ method: z.string(), path: z.string() })),
  calls: z.array(backendCall),
  probes: doctorProbes,
  findings: z.array(finding),
  trust: z.array(sight),
  configuration: z.string(),
});

export type BackendDocuments = [
  Holds<Same<z.infer<typeof shownStore>, ShownStore>>,
  Holds<Same<z.infer<typeof followReport>, FollowStatus>>,
  Holds<Same<z.infer<typeof backendConfig>, BackendConfig>>,
  Holds<Same<z.infer<typeof listener>, LintReport['listeners'][number]>>,
  Holds<Same<z.infer<typeof lintReport>, LintReport>>,
  Holds<Same<z.infer<typeof backendVerify>, BackendReport>>,
  Holds<Same<z.infer<typeof doctor>, DoctorReport>>,
  Holds<Same<z.infer<typeof testInvoke>, TestCallResult>>,
  Holds<Same<z.infer<typeof sight>, StoreSight>>,
];
