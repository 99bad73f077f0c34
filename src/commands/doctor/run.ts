import type {
  ClientCertificate,
  Integration,
  Resource,
  Stage,
  StageRef,
} from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import type { AcmReading } from '../../control-plane/acm-view.js';
import { readAcm } from '../../control-plane/read-acm.js';
import { certificateOf } from '../../control-plane/read-certificate.js';
import { namedStage, type NamedStage } from '../../control-plane/named-stage.js';
import { backendCalls, distinctProbes, type BackendCall } from '../../rotation/rules/calls.js';
import {
  chooseProbes,
  webSocketChoice,
  type Probe,
  type ProbeChoice,
  type ProbeRequest,
} from '../../rotation/rules/probe.js';
import { strangerOf } from '../../rotation/rules/stranger.js';
import { reported, type ReportedFinding } from '../../findings/finding.js';
import {
  diagnose,
  whereOf,
  type DoctorFinding,
  type DoctorObservation,
  type DoctorProbe,
} from '../../findings/rules/doctor.js';
import type { Presented, SeenStore, StoreVerdict } from '../../findings/rules/doctor-trust.js';
import { worstFirst } from '../../findings/severity.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { probe } from '../../rotation/engine/test-invoke.js';
import { certificateFacts } from '../../certificates/parse.js';
import { resolveStage, type StageAddress } from '../../control-plane/resolve-stage.js';
import { allStages, type StagesProgress } from '../../control-plane/stages.js';
import type { NamedStore } from './trust.js';

export interface DoctorReport {
  stage: NamedStage;
  /** `EDGE`, `REGIONAL` or `PRIVATE`, as AWS gives them. */
  endpointTypes: readonly string[];
  /** Absent where the stage presents none. */
  clientCertificateId?: string;
  /** The certificate that the backend should refuse and was tried, where the account has one. */
  otherCertificateId?: string;
  /** The calls to backends that are made, with how many certificates each, or without one. */
  calls: BackendCall[];
  /** How each backend answered, by the certificate presented. */
  probes: DoctorObservation['probes'];
  /** Where trust stores are named, and the certificate of the stage could be read. */
  trustStores?: StoreVerdict[];
  /** Worst first. */
  findings: ReportedFinding[];
}

/** Runs a reading that permissions may forbid, and remembers what they forbade. */
function forgiving(denied: string[]): <T>(work: () => Promise<T>) => Promise<T | undefined> {
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'AccessDenied') throw error;
      denied.push([error.message, error.hint].filter((part) => part !== undefined).join(': '));
      return undefined;
    }
  };
}

async function ask(
  controlPlane: ControlPlane,
  probes: readonly Probe[],
  certificateId: string | undefined,
): Promise<DoctorProbe[]> {
  const results: DoctorProbe[] = [];
  for (const each of probes) {
    const { backend, outcome, accepted, status, cause, code } = await probe(
      controlPlane,
      each,
      certificateId,
      1,
    );
    results.push({
      backend,
      outcome,
      accepted,
      status,
      ...(cause === undefined ? {} : { cause }),
      ...(code === undefined ? {} : { code }),
    });
  }
  return results;
}

/**
 * Calls the backends with the stage's certificate. AWS does not document whether a test call takes a certificate of ACM.
 * @returns nothing where it refuses one
 */
async function askCurrent(
  controlPlane: ControlPlane,
  probes: readonly Probe[],
  current: string,
): Promise<DoctorProbe[] | undefined> {
  try {
    return await ask(controlPlane, probes, current);
  } catch (error) {
    const isRefusal =
      error instanceof AppError && (error.code === 'RequestRefused' || error.code === 'StageNotFound');
    if (isAcmArn(current) && isRefusal) return undefined;
    throw error;
  }
}

const NO_PROBES: ProbeChoice = { probes: [], unreached: [] };

/** Calls the backends with the stage's certificate, without any, and with one that they should refuse. */
async function askAll(
  controlPlane: ControlPlane,
  {
    probes,
    current,
    other,
  }: {
    probes: readonly Probe[];
    current: string | undefined;
    other: string | undefined;
  },
  allowed: ReturnType<typeof forgiving>,
): Promise<DoctorObservation['probes'] & Pick<DoctorObservation, 'isAcmUntested'>> {
  const none = { current: [], without: [] };
  if (probes.length === 0) return none;
  const without = await allowed(() => ask(controlPlane, probes, undefined));
  if (without === undefined) return none;
  const withCurrent = current === undefined ? [] : await askCurrent(controlPlane, probes, current);
  return {
    current: withCurrent ?? [],
    without,
    ...(other === undefined ? {} : { other: await ask(controlPlane, probes, other) }),
    ...(withCurrent === undefined ? { isAcmUntested: true } : {}),
  };
}

/** How the backends of a stage can be called, and what was read for that; a part that may not be read is absent. */
interface Ways {
  choice: ProbeChoice;
  resources?: readonly Resource[];
  integrations?: readonly Integration[];
}

async function waysTo(
  controlPlane: ControlPlane,
  stage: Stage,
  request: ProbeRequest | undefined,
  allowed: ReturnType<typeof forgiving>,
): Promise<Ways> {
  if (stage.protocolType === 'WEBSOCKET') {
    const integrations = await allowed(() => controlPlane.getWebSocketIntegrations(stage.restApiId));
    return integrations
      ? { choice: webSocketChoice(stage, integrations), integrations }
      : { choice: NO_PROBES };
  }
  const resources = await allowed(() => controlPlane.getResources(stage.restApiId));
  return resources ? { choice: chooseProbes(stage, resources, request), resources } : { choice: NO_PROBES };
}

/** Compares trust stores with the certificate of the stage. What is needed for that is loaded where there are any. */
async function judgeStores(
  seen: readonly SeenStore[],
  presented: Presented,
): Promise<{ trustStores: StoreVerdict[]; findings: DoctorFinding[] }> {
  const { judgeStore } = await import('../../findings/rules/doctor-trust.js');
  const judged = seen.map((store) => judgeStore(store, presented));
  return {
    trustStores: judged.map(({ verdict }) => verdict),
    findings: judged.flatMap(({ findings }) => findings),
  };
}

/** What to look at. */
export interface DoctorQuestion {
  address: StageAddress;
  probeRequest?: ProbeRequest | undefined;
  /** What the backends of the stage trust. */
  stores?: readonly NamedStore[];
}

/**
 * Looks at everything that one stage's certificate depends on. Makes test calls that really reach its backends and those
 * of its canary, by safe GETs or the one that is named; changes nothing.
 *
 * @param announce told which calls are about to be made
 * @param progress told of the look at all stages
 * @throws AppError `StageNotFound`, `StageAmbiguous`, `ProbeNotFound`, and what the control plane throws
 */
export async function doctor(
  controlPlane: ControlPlane,
  { address, probeRequest, stores = [] }: DoctorQuestion,
  now: () => Date,
  announce: (calls: readonly BackendCall[]) => void = () => undefined,
  progress?: StagesProgress,
): Promise<DoctorReport> {
  const stage = await resolveStage(controlPlane, address);
  const { restApiId, apiName, clientCertificateId } = stage;
  const name = (one: StageRef): NamedStage => namedStage(one, new Map([[restApiId, apiName]]));
  const denied: string[] = [];
  const allowed = forgiving(denied);
  const isTrustRead = stores.length > 0 && clientCertificateId !== undefined;
  const [certificates, stages, { choice, ...seen }, acm, seenStores] = await Promise.all([
    allowed(() => controlPlane.getClientCertificates()),
    allowed(async () => (await allStages(controlPlane, progress)).stages),
    waysTo(controlPlane, stage, probeRequest, allowed),
    clientCertificateId !== undefined && isAcmArn(clientCertificateId)
      ? readAcm({ controlPlane }, clientCertificateId, now())
      : undefined,
    isTrustRead ? import('./trust.js').then(({ lookAtTrust }) => lookAtTrust(stores)) : [],
  ]);
  const at = now();
  const excluded = new Set(clientCertificateId === undefined ? [] : [clientCertificateId]);
  const other = certificates && stages ? strangerOf(certificates, stages, { excluded, now: at }) : undefined;
  const certificate = certificates?.find((each) => each.clientCertificateId === clientCertificateId);
  const gone =
    clientCertificateId !== undefined && certificates && !certificate && !isAcmArn(clientCertificateId);
  const current = gone === true ? undefined : clientCertificateId;
  const times = 1 + [current, other].filter((one) => one !== undefined).length;
  const distinct = distinctProbes(choice.probes);
  const calls = backendCalls(distinct, times, name);
  announce(calls);
  const { isAcmUntested = false, ...probes } = await askAll(
    controlPlane,
    {
      probes: distinct.map(({ probe }) => probe),
      current,
      other: other?.clientCertificateId,
    },
    allowed,
  );
  const findings = diagnose({
    ...observation({ stage, stages, certificate, certificates, ...seen, choice, probes, denied, now: at }),
    region: controlPlane.region,
    ...(acm === undefined ? {} : { acm }),
    isAcmUntested,
  });
  const presented = presentedOf(acm, certificate);
  const { region } = controlPlane;
  const trust =
    presented && seenStores.length > 0
      ? await judgeStores(seenStores, {
          ...presented,
          isAccepted: probes.current.length > 0 && probes.current.every(({ accepted }) => accepted),
          where: {
            ...whereOf({ region, stage }),
            ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
          },
          now: at,
        })
      : undefined;
  return {
    stage: name(stage),
    endpointTypes: stage.endpointTypes ?? [],
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    ...(other ? { otherCertificateId: other.clientCertificateId } : {}),
    calls,
    probes,
    ...(trust === undefined ? {} : { trustStores: trust.trustStores }),
    findings: [...findings, ...(trust?.findings ?? [])].sort(worstFirst).map(reported),
  };
}

/** The certificate of the stage, where it could be read. */
function presentedOf(
  acm: AcmReading | undefined,
  certificate: ClientCertificate | undefined,
): Pick<Presented, 'trusted' | 'acm'> | undefined {
  if (acm?.state === 'read') return { trusted: acm.certificate.trusted, acm: acm.certificate };
  return certificate && { trusted: certificateOf(certificate).trusted };
}

function observation({
  certificate,
  certificates,
  stages,
  choice,
  ...rest
}: {
  stage: Stage & { apiName: string };
  stages: readonly Stage[] | undefined;
  certificate: ClientCertificate | undefined;
  certificates: readonly ClientCertificate[] | undefined;
  resources?: readonly Resource[];
  integrations?: readonly Integration[];
  choice: ProbeChoice;
  probes: DoctorObservation['probes'];
  denied: readonly string[];
  now: Date;
}): DoctorObservation {
  return {
    ...rest,
    unreached: choice.unreached,
    ...(certificate
      ? { certificate: { ...certificate, facts: certificateFacts(certificate.pemEncodedCertificate) } }
      : {}),
    ...(certificates ? { certificateCount: certificates.length } : {}),
    ...(stages ? { stages } : {}),
  };
}
