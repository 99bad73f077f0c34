/** What a first configuration has to know of an account: its stages, and what is behind one of them. */
import type { Resource, Stage } from '../../control-plane/api-gateway.js';
import { daysLeft } from '../../certificates/certificate.js';
import { AppError } from '../../platform/errors.js';
import { isAcmArn } from '../../control-plane/inventory.js';
import { byText } from '../../platform/order.js';
import { httpsMethods, trafficOf } from '../../rotation/rules/backend.js';
import { whyNotSafe, type ProbeRequest } from '../../rotation/rules/probe.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { resolveStage, type ResolvedStage, type StageAddress } from '../../control-plane/resolve-stage.js';
import { allStages } from '../../control-plane/stages.js';

/** A stage that presents a client certificate of API Gateway. */
export interface StageChoice {
  restApiId: string;
  apiName: string;
  stageName: string;
  clientCertificateId: string;
  /** Absent where the account does not have the certificate. */
  expires?: Date;
  daysLeft?: number;
}

/** Every stage that presents one, soonest expiry first. */
export async function stageChoices(controlPlane: ControlPlane, now: Date): Promise<StageChoice[]> {
  const [{ apis, stages }, certificates] = await Promise.all([
    allStages(controlPlane),
    controlPlane.getClientCertificates(),
  ]);
  const names = new Map(apis.map(({ id, name }) => [id, name]));
  const expiry = new Map(certificates.map((each) => [each.clientCertificateId, each.expirationDate]));
  const time = ({ expires }: StageChoice): number => expires?.getTime() ?? Infinity;
  return stages
    .flatMap(({ restApiId, stageName, clientCertificateId: id }): StageChoice[] => {
      if (id === undefined || isAcmArn(id)) return [];
      const expires = expiry.get(id);
      return [
        {
          restApiId,
          apiName: names.get(restApiId) ?? restApiId,
          stageName,
          clientCertificateId: id,
          ...(expires === undefined ? {} : { expires, daysLeft: daysLeft(expires, now) }),
        },
      ];
    })
    .sort((a, b) => (time(a) < time(b) ? -1 : Number(time(a) > time(b))));
}

/** A call that cannot write, and the backends that it reaches. */
export interface SafeCall extends ProbeRequest {
  backends: string[];
}

/** One stage, and what is behind it. */
export interface Survey {
  stage: ResolvedStage & { clientCertificateId: string };
  /** How the API is named in a configuration: by its name, or its id where the name is another's too. */
  api: string;
  /** Names of the stages of the same API that present the same certificate. */
  stageNames: string[];
  /** Stages of other APIs that do. */
  elsewhere: { apiName: string; restApiId: string; stageName: string }[];
  /** `host[:port]` of each https backend, the canary's too. */
  backends: string[];
  /** Calls that cannot write and need nothing, the likeliest first. None for a WebSocket API. */
  safeCalls: SafeCall[];
}

/** Paths that servers have for being asked whether they are well. */
const HEALTH = /\b(health|healthz|healthcheck|status|ping|ready|live)\b/i;

/** GETs and HEADs whose integrations are GET or HEAD too: nothing else may be called unasked. */
function safeCallsOf(stage: Stage, resources: readonly Resource[]): SafeCall[] {
  const calls = new Map<string, SafeCall>();
  for (const traffic of trafficOf(stage)) {
    for (const method of httpsMethods(resources, traffic)) {
      if (whyNotSafe(method) !== undefined) continue;
      const { httpMethod, path, backend } = method;
      const key = `${httpMethod} ${path}`;
      const call = calls.get(key) ?? { method: httpMethod, path, backends: [] };
      if (!call.backends.includes(backend)) call.backends.push(backend);
      calls.set(key, call);
    }
  }
  const rank = ({ method, path, backends }: SafeCall): string =>
    [
      String(1000 - backends.length),
      HEALTH.test(path) ? '0' : '1',
      method === 'GET' ? '0' : '1',
      String(path.length).padStart(5, '0'),
      path,
    ].join(' ');
  return [...calls.values()].sort((a, b) => byText(rank(a), rank(b)));
}

/**
 * Looks at a stage, at what else presents its certificate, and at the integrations of its API. Calls no backend.
 * @throws AppError `StageNotFound`, `StageAmbiguous`, `StageWithoutCertificate`, `CertificateOfAcm`
 */
export async function surveyStage(controlPlane: ControlPlane, address: StageAddress): Promise<Survey> {
  const stage = await resolveStage(controlPlane, address);
  const { restApiId, stageName, apiName, protocolType, clientCertificateId } = stage;
  if (clientCertificateId === undefined) {
    throw new AppError('StageWithoutCertificate', `${apiName}/${stageName} presents no client certificate`, {
      hint: `generate one and attach it: apigw-cert generate, then apigw-cert attach ID --stage ${restApiId}/${stageName}`,
    });
  }
  if (isAcmArn(clientCertificateId)) {
    throw new AppError('CertificateOfAcm', `${apiName}/${stageName} presents an ACM certificate`, {
      hint: 'apigw-cert does not rotate ACM certificates: ACM renews those of a private CA, and imported ones are replaced by hand; docs/acm.md shows how',
    });
  }
  const [{ apis, stages }, backends] = await Promise.all([
    allStages(controlPlane),
    protocolType === undefined
      ? controlPlane.getResources(restApiId).then((resources) => ({
          backends: trafficOf(stage).flatMap((traffic) =>
            httpsMethods(resources, traffic).map(({ backend }) => backend),
          ),
          safeCalls: safeCallsOf(stage, resources),
        }))
      : { backends: [], safeCalls: [] },
  ]);
  const sharing = stages.filter((each) => each.clientCertificateId === clientCertificateId);
  const isOwnName = apis.filter(({ id, name }) => name === apiName || id === apiName).length === 1;
  const others = new Set(
    sharing.filter((each) => each.restApiId === restApiId).map((each) => each.stageName),
  );
  return {
    stage: { ...stage, clientCertificateId },
    api: isOwnName && apiName !== '' ? apiName : restApiId,
    stageNames: [stageName, ...[...others].filter((name) => name !== stageName).sort()],
    elsewhere: sharing
      .filter((each) => each.restApiId !== restApiId)
      .map((each) => ({
        apiName: apis.find(({ id }) => id === each.restApiId)?.name ?? each.restApiId,
        restApiId: each.restApiId,
        stageName: each.stageName,
      })),
    backends: [...new Set(backends.backends)],
    safeCalls: backends.safeCalls,
  };
}
