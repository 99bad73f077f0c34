import { listText } from './stages-text.js';
import type { ClientCertificate, Integration, Resource, Stage } from './api-gateway.js';
import type { CertificateFacts } from './certificate.js';
import { datesDiffer } from './check-level.js';
import { DEFAULT_RENEW_BEFORE, isDue } from './expiry.js';
import { SURROUNDING_CODES, surroundingFindings } from './doctor-surroundings.js';
import { LOG_CAUSES, type CallOutcome, type LogCauseCode } from './execution-log.js';
import { DEFAULT_CERTIFICATE_QUOTA, isAcmArn } from './inventory.js';
import { backendOf, trafficOf, type BackendAddress, type StageTraffic } from './rotation/backend.js';
import type { FindingSeverity } from './severity.js';
import { withoutCredentials } from './uri.js';

/** Everything that `doctor` can find about a stage. The command words them. */
export const DOCTOR_CODES = {
  BackendAdmitsOther: 'error',
  BackendAdmitsWithout: 'error',
  BackendAnswersNobody: 'error',
  BackendCertificateNotAccepted: 'error',
  BackendRefusesCurrent: 'error',
  BackendUnproved: 'warning',
  CertificateWarning: 'warning',
  CertificateExpired: 'error',
  StageCertificateMissing: 'error',
  CertificateNotYetValid: 'warning',
  AcmCertificateNotWatched: 'note',
  EndDatesDiffer: 'warning',
  ManagedByCloudFormation: 'warning',
  NeverPresented: 'warning',
  StageWithoutCertificate: 'error',
  OtherNotTried: 'note',
  PermissionMissing: 'error',
  PlainHttpIntegration: 'warning',
  QuotaExhausted: 'error',
  QuotaNearlyUsed: 'warning',
  VerificationSkipped: 'warning',
  ...SURROUNDING_CODES,
} as const satisfies Record<string, FindingSeverity>;

export type DoctorCode = keyof typeof DOCTOR_CODES;

export interface DoctorFinding {
  code: DoctorCode;
  /** What it is about: a method, a backend with its answer, a certificate, a date. */
  subject: string;
}

/** How the backends answered one way of calling them. */
export interface DoctorProbe {
  backend: string;
  outcome: CallOutcome['outcome'];
  /** Whether `outcome` is `accepted`. */
  accepted: boolean;
  /** Of API Gateway where the backend did not answer. */
  status: number;
  cause?: string;
  /** Unless accepted: what the execution log shows, of `LOG_CAUSES`. */
  code?: LogCauseCode;
}

/** What was looked at; a part that could not be read is absent. */
export interface DoctorObservation {
  stage: Stage;
  /** The certificate that the stage presents, where the account has it. */
  certificate?: ClientCertificate & { facts: CertificateFacts };
  /** How many client certificates the account holds. */
  certificateCount?: number;
  /** Of a REST API. */
  resources?: readonly Resource[];
  /** Of a WebSocket API. */
  integrations?: readonly Integration[];
  /** Of the whole account and Region. */
  stages?: readonly Stage[];
  /** Https backends that no safe call reaches, or none that may be made. */
  unreached: readonly string[];
  probes: {
    current: readonly DoctorProbe[];
    without: readonly DoctorProbe[];
    /** Absent when the account has no certificate that the backend should refuse. */
    other?: readonly DoctorProbe[];
  };
  /** What AWS denied, as the gateway words it. */
  denied: readonly string[];
  now: Date;
}

const CLOUDFORMATION_STACK = 'aws:cloudformation:stack-name';
const QUOTA_SHARE = 0.8;

type Rule = (seen: DoctorObservation) => DoctorFinding[];

const certificateRule: Rule = ({ stage, certificate, certificateCount, now }) => {
  const id = stage.clientCertificateId;
  if (id === undefined) return [];
  if (isAcmArn(id)) return [{ code: 'AcmCertificateNotWatched', subject: id }];
  if (!certificate)
    return certificateCount === undefined ? [] : [{ code: 'StageCertificateMissing', subject: id }];
  const { notAfter, notBefore } = certificate.facts;
  const end = `${id}, ${notAfter.toISOString()}`;
  const found: DoctorFinding[] = [];
  if (notAfter <= now) found.push({ code: 'CertificateExpired', subject: end });
  else if (notBefore > now)
    found.push({ code: 'CertificateNotYetValid', subject: `${id}, ${notBefore.toISOString()}` });
  else if (isDue(certificate.facts, DEFAULT_RENEW_BEFORE, now))
    found.push({ code: 'CertificateWarning', subject: end });
  if (datesDiffer({ expirationDate: certificate.expirationDate, notAfter })) {
    found.push({ code: 'EndDatesDiffer', subject: `${end}, ${certificate.expirationDate.toISOString()}` });
  }
  return found;
};

/** An integration of the API, by the method or the kind of API that leads to it. */
interface Use {
  /** `GET /health`, and where the integration calls the backend with another method that one. */
  name: string;
  integration: Integration;
}

function usesOf({ resources = [], integrations = [] }: DoctorObservation): Use[] {
  const methods = resources.flatMap(({ path, methods: all }) =>
    all.flatMap(({ httpMethod, integration }) => {
      if (!integration) return [];
      const { httpMethod: own = httpMethod } = integration;
      const name = `${httpMethod} ${path}${own === httpMethod ? '' : ` (integration: ${own})`}`;
      return [{ name, integration }];
    }),
  );
  return [...methods, ...integrations.map((integration) => ({ name: 'WebSocket', integration }))];
}

const isHttp = ({ integration: { type } }: Use): boolean => type === 'HTTP' || type === 'HTTP_PROXY';

interface HttpsUse extends Use, BackendAddress {
  canary?: true;
}

const httpsUses = (uses: readonly Use[], { variables, canary }: StageTraffic): HttpsUse[] =>
  uses.flatMap((use) => {
    const address = backendOf(use.integration, variables);
    return address ? [{ ...use, ...address, ...(canary ? { canary } : {}) }] : [];
  });

/** What the traffic of the stage, and that of its canary, reaches over https. */
function allHttpsUses(seen: DoctorObservation): HttpsUse[] {
  const uses = usesOf(seen);
  return trafficOf(seen.stage).flatMap((traffic) => httpsUses(uses, traffic));
}

const each = (code: DoctorCode, subjects: readonly string[]): DoctorFinding[] =>
  [...new Set(subjects)].map((subject) => ({ code, subject }));

const integrationRule: Rule = (seen) => {
  const { stage, resources, integrations } = seen;
  if (!resources && !integrations) return [];
  const uses = usesOf(seen);
  const https = allHttpsUses(seen);
  const { clientCertificateId } = stage;
  const named = new Set(https.map(({ integration }) => integration));
  return [
    ...(https.length === 0 && clientCertificateId !== undefined
      ? each('NeverPresented', [clientCertificateId])
      : []),
    ...(https.length > 0 && clientCertificateId === undefined
      ? each('StageWithoutCertificate', [listText([...new Set(https.map(({ backend }) => backend))])])
      : []),
    ...each(
      'PlainHttpIntegration',
      uses
        .filter((use) => isHttp(use) && !named.has(use.integration))
        .map(({ name, integration }) => `${name} → ${integration.uri ?? 'no URI'}`),
    ),
    ...each(
      'VerificationSkipped',
      https
        .filter(({ integration }) => integration.insecureSkipVerification)
        .map(({ name, backend }) => `${name} → ${backend}`),
    ),
    // Those of methods are among the surroundings.
    ...each(
      'StageVariableUnset',
      https
        .filter(({ integration }) => integrations?.includes(integration))
        .flatMap(({ name, unset, integration }) =>
          unset.map((variable) => `${variable} in ${name} → ${integration.uri ?? ''}`),
        ),
    ),
  ];
};

const MOST_NAMED = 3;

/** A backend that was not called, and the methods that would have reached it. */
function unprovedText(backend: string, uses: readonly HttpsUse[]): string {
  const ways = uses.filter((use) => use.backend === backend);
  if (ways.length === 0) return backend;
  const names = [...new Set(ways.map(({ name }) => name))].sort();
  const more = names.length > MOST_NAMED ? [`${names.length - MOST_NAMED} more`] : [];
  const isCanary = ways.every(({ canary }) => canary === true);
  return `${backend}${isCanary ? ' (canary)' : ''} behind ${[...names.slice(0, MOST_NAMED), ...more].join(', ')}`;
}

const answerText = ({ backend, status, cause }: DoctorProbe): string =>
  `${backend} answered ${status}${cause === undefined ? '' : ` (${cause})`}`;

/** A call that fails with one certificate and succeeds without it, or with another, fails for the certificate. */
function isRefused(
  { backend, outcome }: DoctorProbe,
  { without, other = [] }: DoctorObservation['probes'],
): boolean {
  return (
    outcome === 'refused' || [...without, ...other].some((one) => one.backend === backend && one.accepted)
  );
}

/** Whether API Gateway ended the handshake, since the backend's own certificate or its name is not accepted. */
const isOwnCertificate = ({ code }: DoctorProbe): boolean =>
  code !== undefined && ['backendCertificate', 'backendName'].includes(LOG_CAUSES[code].fault);

/** Its own certificate fails every caller alike, so it is told once a backend. */
function ownCertificateFindings(probes: DoctorObservation['probes']): DoctorFinding[] {
  const failed = [...probes.current, ...probes.without, ...(probes.other ?? [])].filter(isOwnCertificate);
  const byBackend = new Map(failed.map((one) => [one.backend, one]));
  return [...byBackend.values()].flatMap(({ backend, cause, code }) => {
    if (code === undefined) return [];
    const { meaning, remedy } = LOG_CAUSES[code];
    const subject = `${backend}${cause === undefined ? '' : ` (${cause})`}: ${meaning}; ${remedy}`;
    return [{ code: 'BackendCertificateNotAccepted', subject }];
  });
}

const surroundingsRule: Rule = ({ stage, stages = [], resources }) =>
  resources ? surroundingFindings({ stage, stages, resources }) : [];

const backendRule: Rule = (seen) => [
  ...ownCertificateFindings(seen.probes),
  ...seen.probes.current
    .filter((probe) => !probe.accepted && !isOwnCertificate(probe))
    .map((probe): DoctorFinding => ({
      code: isRefused(probe, seen.probes) ? 'BackendRefusesCurrent' : 'BackendAnswersNobody',
      subject: answerText(probe),
    })),
  ...each('BackendAdmitsWithout', seen.probes.without.filter(({ accepted }) => accepted).map(answerText)),
  ...each('BackendAdmitsOther', (seen.probes.other ?? []).filter(({ accepted }) => accepted).map(answerText)),
  ...(seen.probes.other === undefined && seen.probes.without.length > 0
    ? [{ code: 'OtherNotTried', subject: '' } as const]
    : []),
  ...each(
    'BackendUnproved',
    seen.unreached.map((backend) => unprovedText(backend, allHttpsUses(seen))),
  ),
];

const accountRule: Rule = ({ stage, certificateCount = 0, denied }) => {
  const stack = stage.tags[CLOUDFORMATION_STACK];
  const used = `${certificateCount} of ${DEFAULT_CERTIFICATE_QUOTA}`;
  return [
    ...denied.map((what): DoctorFinding => ({ code: 'PermissionMissing', subject: what })),
    ...(stack === undefined ? [] : [{ code: 'ManagedByCloudFormation', subject: stack } as const]),
    ...(certificateCount >= DEFAULT_CERTIFICATE_QUOTA
      ? [{ code: 'QuotaExhausted', subject: used } as const]
      : certificateCount >= DEFAULT_CERTIFICATE_QUOTA * QUOTA_SHARE
        ? [{ code: 'QuotaNearlyUsed', subject: used } as const]
        : []),
  ];
};

const RULES: readonly Rule[] = [backendRule, certificateRule, integrationRule, surroundingsRule, accountRule];

/** Everything that is wrong with a stage's use of its certificate, or will be. */
export function diagnose(seen: DoctorObservation): DoctorFinding[] {
  return RULES.flatMap((rule) => rule(seen)).map(({ code, subject }) => ({
    code,
    subject: withoutCredentials(subject),
  }));
}
