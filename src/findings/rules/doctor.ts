import type { ClientCertificate, Integration, Resource, Stage } from '../../control-plane/api-gateway.js';
import type { AcmReading } from '../../control-plane/acm-view.js';
import { daysLeft, type CertificateFacts } from '../../certificates/certificate.js';
import { LOG_CAUSES, type CallOutcome, type LogCauseCode } from '../../control-plane/execution-log.js';
import { datesDiffer, DEFAULT_RENEW_BEFORE, isDue } from '../../certificates/expiry.js';
import { DEFAULT_CERTIFICATE_QUOTA } from '../../control-plane/inventory.js';
import { namedStage } from '../../control-plane/named-stage.js';
import {
  backendOf,
  trafficOf,
  type BackendAddress,
  type StageTraffic,
} from '../../rotation/rules/backend.js';
import { listText } from '../../platform/list-text.js';
import { finding, type Finding, type FindingCode, type Where } from '../finding.js';
import { isSamStage, ownerOfCertificate, ownerOfStage } from '../../rotation/rules/manager.js';
import { stageText } from '../../rotation/rules/unit.js';
import type { Severity } from '../severity.js';
import { ACM_CODES, acmFindings } from './acm.js';
import { surroundingFindings, unsetVariables } from './doctor-surroundings.js';

/** Everything that `doctor` can find about a stage. */
export const DOCTOR_CODES = [
  ...ACM_CODES,
  'AcmCertificatePinned',
  'AcmNotTested',
  'AnyWithIntegrationMethod',
  'BackendAdmitsOther',
  'BackendAdmitsWithout',
  'BackendAnswersNobody',
  'BackendCertificateNotAccepted',
  'BackendRefusesCurrent',
  'BackendUnproved',
  'BehindLoadBalancer',
  'BehindVpcLink',
  'CaHeldWithoutName',
  'CanaryBackends',
  'CertificateExpired',
  'CertificateNotYetValid',
  'CertificateWarning',
  'CertificatesDiffer',
  'EndDatesDiffer',
  'ManagedByCloudFormation',
  'ManagedBySam',
  'ManagedByTerraform',
  'NeverPresented',
  'OtherNotTried',
  'PermissionMissing',
  'PlainHttpIntegration',
  'QuotaExhausted',
  'QuotaNearlyUsed',
  'StageCertificateMissing',
  'StageVariableUnset',
  'StageWithoutCertificate',
  'TrustStoreLacksCertificate',
  'TrustStoreUnfinished',
  'TrustStoreUnknown',
  'VerificationSkipped',
] as const satisfies readonly FindingCode[];

/**
 * Worse than in an account as a whole, where stages without a working certificate are common: whoever asks about one
 * stage wants it to have one.
 */
const AT_ONE_STAGE = {
  NeverPresented: 'warning',
  StageCertificateMissing: 'critical',
  StageWithoutCertificate: 'critical',
} as const satisfies Partial<Record<FindingCode, Severity>>;

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
  stage: Stage & { apiName?: string };
  region?: string;
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
  /** Where the stage presents a certificate of ACM. */
  acm?: AcmReading;
  /** Whether API Gateway accepted no test call with it. */
  isAcmUntested?: boolean;
  /** What AWS denied, as the control plane words it. */
  denied: readonly string[];
  now: Date;
}

const QUOTA_SHARE = 0.8;

/** A rule can find nothing that the list does not have. */
export type DoctorFinding = Finding<(typeof DOCTOR_CODES)[number]>;

type Rule = (seen: DoctorObservation) => DoctorFinding[];

/** The stage, as findings name it. */
export function whereOf({ region, stage }: Pick<DoctorObservation, 'region' | 'stage'>): Where {
  const { restApiId, apiName = restApiId } = stage;
  return {
    ...(region === undefined ? {} : { region }),
    stage: namedStage(stage, new Map([[restApiId, apiName]])),
  };
}

/** The expiry of a certificate of ACM, by the thresholds of every command, and what else is wrong with it. */
function acmCertificateFindings(acm: AcmReading, where: Where, now: Date): DoctorFinding[] {
  const found: DoctorFinding[] = acmFindings(acm, where, now);
  if (acm.state !== 'read') return found;
  const { status, notAfter, notBefore, daysLeft: left } = acm.view;
  const args = { origin: acm.certificate.details.origin };
  switch (status) {
    case 'ok':
      return found;
    case 'expired':
      return [finding('CertificateExpired', where, { ...args, notAfter }), ...found];
    case 'notYetValid':
      return [finding('CertificateNotYetValid', where, { ...args, notBefore }), ...found];
    case 'warning':
    case 'critical':
      return [finding('CertificateWarning', where, { ...args, notAfter, daysLeft: left }), ...found];
  }
}

const certificateRule: Rule = (seen) => {
  const { stage, acm, certificate, certificateCount, now } = seen;
  const id = stage.clientCertificateId;
  if (id === undefined) return [];
  const where = { ...whereOf(seen), clientCertificateId: id };
  if (acm !== undefined) return acmCertificateFindings(acm, where, now);
  if (!certificate) {
    const { StageCertificateMissing } = AT_ONE_STAGE;
    return certificateCount === undefined
      ? []
      : [finding('StageCertificateMissing', where, { certificate: id }, StageCertificateMissing)];
  }
  const { description, expirationDate, facts } = certificate;
  const { notAfter, notBefore } = facts;
  const found: DoctorFinding[] = [];
  if (notAfter <= now) found.push(finding('CertificateExpired', where, { description, notAfter }));
  else if (notBefore > now) found.push(finding('CertificateNotYetValid', where, { description, notBefore }));
  else if (isDue(facts, DEFAULT_RENEW_BEFORE, now)) {
    const args = { description, notAfter, daysLeft: daysLeft(notAfter, now), inWindow: true };
    found.push(finding('CertificateWarning', where, args));
  }
  if (datesDiffer({ expirationDate, notAfter }))
    found.push(finding('EndDatesDiffer', where, { description, notAfter, expirationDate }));
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

type SubjectCode =
  | 'BackendAdmitsOther'
  | 'BackendAdmitsWithout'
  | 'BackendUnproved'
  | 'ManagedByCloudFormation'
  | 'ManagedBySam'
  | 'PermissionMissing'
  | 'PlainHttpIntegration'
  | 'VerificationSkipped';

const each = (code: SubjectCode, seen: DoctorObservation, subjects: readonly string[]): DoctorFinding[] =>
  [...new Set(subjects)].map((subject) => finding(code, whereOf(seen), { subject }));

/** Whether a stage that calls https backends has a certificate, and one with a certificate calls such backends. */
function presentationFindings(seen: DoctorObservation, https: readonly HttpsUse[]): DoctorFinding[] {
  const { clientCertificateId } = seen.stage;
  const where = whereOf(seen);
  const { NeverPresented, StageWithoutCertificate } = AT_ONE_STAGE;
  if (https.length === 0 && clientCertificateId !== undefined)
    return [finding('NeverPresented', { ...where, clientCertificateId }, {}, NeverPresented)];
  if (https.length === 0 || clientCertificateId !== undefined) return [];
  const backends = listText([...new Set(https.map(({ backend }) => backend))]);
  return [finding('StageWithoutCertificate', where, { backends }, StageWithoutCertificate)];
}

const integrationRule: Rule = (seen) => {
  const { resources, integrations } = seen;
  if (!resources && !integrations) return [];
  const uses = usesOf(seen);
  const https = allHttpsUses(seen);
  const named = new Set(https.map(({ integration }) => integration));
  return [
    ...presentationFindings(seen, https),
    ...each(
      'PlainHttpIntegration',
      seen,
      uses
        .filter((use) => isHttp(use) && !named.has(use.integration))
        .map(({ name, integration }) => `${name} → ${integration.uri ?? 'no URI'}`),
    ),
    ...each(
      'VerificationSkipped',
      seen,
      https
        .filter(({ integration }) => integration.insecureSkipVerification)
        .map(({ name, backend }) => `${name} → ${backend}`),
    ),
    // Those of methods are among the surroundings.
    ...unsetVariables(
      whereOf(seen),
      https
        .filter(({ integration }) => integrations?.includes(integration))
        .flatMap(({ name: use, unset, integration: { uri = '' } }) =>
          unset.map((name) => ({ name, use, uri })),
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
function ownCertificateFindings(seen: DoctorObservation): DoctorFinding[] {
  const { probes } = seen;
  const failed = [...probes.current, ...probes.without, ...(probes.other ?? [])].filter(isOwnCertificate);
  const byBackend = new Map(failed.map((one) => [one.backend, one]));
  return [...byBackend.values()].flatMap(({ backend, cause, code }) => {
    if (code === undefined) return [];
    const { meaning, remedy } = LOG_CAUSES[code];
    const subject = `${backend}${cause === undefined ? '' : ` (${cause})`}: ${meaning}; ${remedy}`;
    return [finding('BackendCertificateNotAccepted', whereOf(seen), { subject })];
  });
}

const surroundingsRule: Rule = (seen) => {
  const { stage, stages = [], resources } = seen;
  return resources ? surroundingFindings({ stage, stages, resources, where: whereOf(seen) }) : [];
};

const backendRule: Rule = (seen) => [
  ...(seen.isAcmUntested === true
    ? [finding('AcmNotTested', whereOf(seen), { certificate: seen.stage.clientCertificateId ?? '' })]
    : []),
  ...ownCertificateFindings(seen),
  ...seen.probes.current
    .filter((probe) => !probe.accepted && !isOwnCertificate(probe))
    .map((probe): DoctorFinding => {
      const code = isRefused(probe, seen.probes) ? 'BackendRefusesCurrent' : 'BackendAnswersNobody';
      return finding(code, whereOf(seen), { subject: answerText(probe) });
    }),
  ...each(
    'BackendAdmitsWithout',
    seen,
    seen.probes.without.filter(({ accepted }) => accepted).map(answerText),
  ),
  ...each(
    'BackendAdmitsOther',
    seen,
    (seen.probes.other ?? []).filter(({ accepted }) => accepted).map(answerText),
  ),
  ...(seen.probes.other === undefined && seen.probes.without.length > 0
    ? [finding('OtherNotTried', whereOf(seen), {})]
    : []),
  ...each(
    'BackendUnproved',
    seen,
    seen.unreached.map((backend) => unprovedText(backend, allHttpsUses(seen))),
  ),
];

/** Who else manages the stage or its certificate, by their tags. */
function managerFindings(seen: DoctorObservation): DoctorFinding[] {
  const { stage, certificate } = seen;
  const owners = [ownerOfStage(stage.tags), certificate && ownerOfCertificate(certificate.tags)];
  const stacks = owners.flatMap((owner) =>
    owner?.tool === 'CloudFormation' && owner.stack !== undefined ? [owner.stack] : [],
  );
  return [
    ...each('ManagedByCloudFormation', seen, stacks),
    ...each('ManagedBySam', seen, isSamStage(stage.tags) ? [stageText(stage)] : []),
    ...(owners.some((owner) => owner?.tool === 'Terraform')
      ? [finding('ManagedByTerraform', whereOf(seen), {})]
      : []),
  ];
}

const accountRule: Rule = (seen) => {
  const { certificateCount: count = 0, denied } = seen;
  const used = { count, quota: DEFAULT_CERTIFICATE_QUOTA };
  return [
    ...each('PermissionMissing', seen, denied),
    ...managerFindings(seen),
    ...(count >= DEFAULT_CERTIFICATE_QUOTA
      ? [finding('QuotaExhausted', whereOf(seen), used)]
      : count >= DEFAULT_CERTIFICATE_QUOTA * QUOTA_SHARE
        ? [finding('QuotaNearlyUsed', whereOf(seen), used)]
        : []),
  ];
};

const RULES: readonly Rule[] = [backendRule, certificateRule, integrationRule, surroundingsRule, accountRule];

/** Everything that is wrong with a stage's use of its certificate, or will be. */
export function diagnose(seen: DoctorObservation): DoctorFinding[] {
  return RULES.flatMap((rule) => rule(seen));
}
