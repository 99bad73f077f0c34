import type { Resource, Stage, StageRef } from '../api-gateway.js';
import { AppError } from '../errors.js';
import { methodFor } from '../method-for.js';
import { stageText } from './unit.js';

/** The call that a user names to prove a backend with: `GET /health`. */
export interface ProbeRequest {
  method: string;
  /** With its query string, as in `/health?deep=1`. */
  path: string;
}

/** A probe on one stage: the method to test-invoke, and the backend that it reaches. */
export interface Probe {
  stage: StageRef;
  resourceId: string;
  httpMethod: string;
  pathWithQueryString: string;
  stageVariables: Readonly<Record<string, string>>;
  /** `host[:port]` of the integration's https URI. */
  backend: string;
}

/** A method whose integration connects to a backend over https: the only kind that presents the certificate. */
export interface HttpsMethod {
  resourceId: string;
  path: string;
  httpMethod: string;
  requiredParameters: readonly string[];
  backend: string;
  insecureSkipVerification: boolean;
}

/** Reads `GET /health`. @throws AppError `Usage` */
export function parseProbe(text: string): ProbeRequest {
  const match = /^([A-Za-z]+)\s+(\/\S*)$/.exec(text.trim());
  if (!match?.[1] || !match[2]) {
    throw new AppError('Usage', `"${text}" is not a probe`, {
      hint: "write a method and a path: 'GET /health'",
    });
  }
  return { method: match[1].toUpperCase(), path: match[2] };
}

/** The URI with the stage's variables put in, as API Gateway does at each call. */
function resolveUri(uri: string, variables: Readonly<Record<string, string>>): string {
  return uri.replace(/\$\{stageVariables\.([^}]+)\}/g, (_, name: string) => variables[name] ?? '');
}

function backendOf(uri: string, variables: Readonly<Record<string, string>>): string | undefined {
  const match = /^https:\/\/([^/?#]+)/i.exec(resolveUri(uri, variables));
  return match?.[1]?.toLowerCase();
}

/** The methods of an API that present the stage's certificate to an https backend. */
export function httpsMethods(resources: readonly Resource[], stage: Pick<Stage, 'variables'>): HttpsMethod[] {
  return resources.flatMap(({ id, path, methods }) =>
    methods.flatMap(({ httpMethod, requiredParameters, integration }) => {
      if (integration?.type !== 'HTTP' && integration?.type !== 'HTTP_PROXY') return [];
      const backend = integration.uri === undefined ? undefined : backendOf(integration.uri, stage.variables);
      if (backend === undefined) return [];
      const { insecureSkipVerification } = integration;
      return [{ resourceId: id, path, httpMethod, requiredParameters, backend, insecureSkipVerification }];
    }),
  );
}

/** A GET that needs nothing: no path parameter, no required query string or header. It cannot write. */
function isHarmless({ httpMethod, path, requiredParameters }: HttpsMethod): boolean {
  return httpMethod === 'GET' && !path.includes('{') && requiredParameters.length === 0;
}

/** What there is to prove a stage's backends with. */
export interface ProbeChoice {
  probes: Probe[];
  /** Https backends of the stage that no probe reaches. */
  unreached: string[];
}

/**
 * Chooses the calls that prove a stage's backends: the one the user named, or else one harmless GET a backend,
 * shortest path first. A method that could write is never chosen unasked.
 * @throws AppError `ProbeNotFound` when the named one does not exist or reaches no https backend
 */
export function chooseProbes(
  stage: StageRef & Pick<Stage, 'variables'>,
  resources: readonly Resource[],
  request: ProbeRequest | undefined,
): ProbeChoice {
  const methods = httpsMethods(resources, stage);
  const backends = [...new Set(methods.map(({ backend }) => backend))];
  const toProbe = ({ resourceId, backend }: HttpsMethod, { method, path }: ProbeRequest): Probe => ({
    stage: { restApiId: stage.restApiId, stageName: stage.stageName },
    resourceId,
    httpMethod: method,
    pathWithQueryString: path,
    stageVariables: stage.variables,
    backend,
  });
  if (request) {
    const method = methodFor(methods, request);
    if (!method) {
      throw new AppError(
        'ProbeNotFound',
        `${stageText(stage)} has no method ${request.method} ${request.path} with an https integration`,
        {
          hint:
            methods.length === 0
              ? 'the API has no https integration, so its certificate is never presented'
              : `it has ${methods
                  .slice(0, 5)
                  .map(({ httpMethod, path }) => `${httpMethod} ${path}`)
                  .join(', ')}`,
        },
      );
    }
    return {
      probes: [toProbe(method, request)],
      unreached: backends.filter((backend) => backend !== method.backend),
    };
  }
  const harmless = methods.filter(isHarmless).sort((a, b) => a.path.length - b.path.length);
  const probes = backends.flatMap((backend) => {
    const method = harmless.find((candidate) => candidate.backend === backend);
    return method ? [toProbe(method, { method: 'GET', path: method.path })] : [];
  });
  const reached = new Set(probes.map(({ backend }) => backend));
  return { probes, unreached: backends.filter((backend) => !reached.has(backend)) };
}
