import type { ClientCertificate, Resource, Stage } from './api-gateway.js';
import type { CertificateFacts } from './certificate.js';
import { datesDiffer } from './check-level.js';
import { DEFAULT_RENEW_BEFORE, isDue } from './expiry.js';
import { SURROUNDING_CODES, surroundingFindings } from './doctor-surroundings.js';
import { LOG_CAUSES, type LogCauseCode } from './execution-log.js';
import { DEFAULT_CERTIFICATE_QUOTA, isAcmArn } from './inventory.js';
import { readMark } from './rotation/marks.js';
import { httpsMethods } from './rotation/probe.js';
import type { FindingSeverity } from './severity.js';

/** Everything that `doctor` can find about a stage. The command words them. */
export const DOCTOR_CODES = {
  BackendAdmitsOther: 'error',
  BackendAdmitsWithout: 'error',
  BackendAnswersNobody: 'error',
  BackendCertificateNotAccepted: 'error',
  BackendRefusesCurrent: 'error',
  BackendUnproved: 'warning',
  CertificateDue: 'warning',
  CertificateExpired: 'error',
  CertificateGone: 'error',
  CertificateNotYetValid: 'warning',
  CertificateOfAcm: 'note',
  EndDatesDiffer: 'warning',
  ManagedByCloudFormation: 'warning',
  NeverPresented: 'warning',
  NoCertificate: 'error',
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
  accepted: boolean;
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
  resources?: readonly Resource[];
  /** Of the whole account and Region. */
  stages?: readonly Stage[];
  /** Https backends that no harmless call reaches. */
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

/**
 * A certificate that the stage's backend has no reason to accept: in date, presented by no stage, and neither the
 * successor nor the predecessor of the current one.
 */
export function otherCertificate(
  certificates: readonly ClientCertificate[],
  stages: readonly Stage[],
  { currentId, now }: { currentId: string | undefined; now: Date },
): ClientCertificate | undefined {
  const presented = new Set(stages.map(({ clientCertificateId }) => clientCertificateId));
  const current = certificates.find(({ clientCertificateId }) => clientCertificateId === currentId);
  const predecessor = current && readMark(current)?.replaces;
  return certificates.find(
    (each) =>
      !presented.has(each.clientCertificateId) &&
      each.clientCertificateId !== predecessor &&
      (currentId === undefined || readMark(each)?.replaces !== currentId) &&
      each.expirationDate > now,
  );
}

type Rule = (seen: DoctorObservation) => DoctorFinding[];

const certificateRule: Rule = ({ stage, certificate, certificateCount, now }) => {
  const id = stage.clientCertificateId;
  if (id === undefined) return [];
  if (isAcmArn(id)) return [{ code: 'CertificateOfAcm', subject: id }];
  if (!certificate) return certificateCount === undefined ? [] : [{ code: 'CertificateGone', subject: id }];
  const { notAfter, notBefore } = certificate.facts;
  const end = `${id}, ${notAfter.toISOString()}`;
  const found: DoctorFinding[] = [];
  if (notAfter <= now) found.push({ code: 'CertificateExpired', subject: end });
  else if (notBefore > now)
    found.push({ code: 'CertificateNotYetValid', subject: `${id}, ${notBefore.toISOString()}` });
  else if (isDue(certificate.facts, DEFAULT_RENEW_BEFORE, now))
    found.push({ code: 'CertificateDue', subject: end });
  if (datesDiffer({ expirationDate: certificate.expirationDate, notAfter })) {
    found.push({ code: 'EndDatesDiffer', subject: `${end}, ${certificate.expirationDate.toISOString()}` });
  }
  return found;
};

const integrationRule: Rule = ({ stage, resources }) => {
  if (!resources) return [];
  const https = httpsMethods(resources, stage);
  const found: DoctorFinding[] = [];
  if (https.length === 0 && stage.clientCertificateId !== undefined) {
    found.push({ code: 'NeverPresented', subject: stage.clientCertificateId });
  }
  if (https.length > 0 && stage.clientCertificateId === undefined) {
    found.push({
      code: 'NoCertificate',
      subject: [...new Set(https.map(({ backend }) => backend))].join(', '),
    });
  }
  const named = new Set(https.map(({ resourceId, httpMethod }) => `${resourceId} ${httpMethod}`));
  for (const { id, path, methods } of resources) {
    for (const { httpMethod, integration } of methods) {
      const isHttp = integration?.type === 'HTTP' || integration?.type === 'HTTP_PROXY';
      if (!isHttp || named.has(`${id} ${httpMethod}`)) continue;
      const subject = `${httpMethod} ${path} → ${integration.uri ?? 'nothing'}`;
      found.push({ code: 'PlainHttpIntegration', subject });
    }
  }
  for (const { httpMethod, path, backend, insecureSkipVerification } of https) {
    if (insecureSkipVerification)
      found.push({ code: 'VerificationSkipped', subject: `${httpMethod} ${path} → ${backend}` });
  }
  return found;
};

const answerText = ({ backend, status, cause }: DoctorProbe): string =>
  `${backend} answered ${status}${cause === undefined ? '' : ` (${cause})`}`;

/** Whether API Gateway could not reach the backend in the same way without the certificate: it may not be the cause. */
function failsAlike({ backend, status, cause }: DoctorProbe, without: readonly DoctorProbe[]): boolean {
  return (
    status >= 500 &&
    without.some((each) => each.backend === backend && each.status === status && each.cause === cause)
  );
}

/** Whether API Gateway ended the handshake, since the backend's own certificate or its name is not accepted. */
const isOwnCertificate = ({ code }: DoctorProbe): boolean =>
  code !== undefined && ['backendCertificate', 'backendName'].includes(LOG_CAUSES[code].fault);

/** Its own certificate fails every caller alike, so it is told once a backend. */
function ownCertificateFindings(probes: DoctorObservation['probes']): DoctorFinding[] {
  const failed = [...probes.current, ...probes.without, ...(probes.other ?? [])].filter(isOwnCertificate);
  const byBackend = new Map(failed.map((each) => [each.backend, each]));
  return [...byBackend.values()].flatMap(({ backend, cause, code }) => {
    if (code === undefined) return [];
    const { meaning, remedy } = LOG_CAUSES[code];
    const subject = `${backend}${cause === undefined ? '' : ` (${cause})`}: ${meaning}; ${remedy}`;
    return [{ code: 'BackendCertificateNotAccepted', subject }];
  });
}

const surroundingsRule: Rule = ({ stage, stages = [], resources }) =>
  resources ? surroundingFindings({ stage, stages, resources }) : [];

const backendRule: Rule = ({ probes, unreached }) => [
  ...ownCertificateFindings(probes),
  ...probes.current
    .filter((each) => !each.accepted && !isOwnCertificate(each))
    .map((each): DoctorFinding => ({
      code: failsAlike(each, probes.without) ? 'BackendAnswersNobody' : 'BackendRefusesCurrent',
      subject: answerText(each),
    })),
  ...probes.without
    .filter(({ accepted }) => accepted)
    .map((each): DoctorFinding => ({ code: 'BackendAdmitsWithout', subject: answerText(each) })),
  ...(probes.other ?? [])
    .filter(({ accepted }) => accepted)
    .map((each): DoctorFinding => ({ code: 'BackendAdmitsOther', subject: answerText(each) })),
  ...(probes.other === undefined && probes.without.length > 0
    ? [{ code: 'OtherNotTried', subject: '' } as const]
    : []),
  ...unreached.map((backend): DoctorFinding => ({ code: 'BackendUnproved', subject: backend })),
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
  return RULES.flatMap((rule) => rule(seen));
}
