import type { Integration, Resource, Stage, StageRef } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { methodFor } from '../../control-plane/method-for.js';
import { byText } from '../../platform/order.js';
import { backendOf, httpsMethods, trafficOf, type HttpsMethod } from './backend.js';
import { stageText } from './unit.js';

/** The call that a user names to prove a backend with: `GET /health`. */
export interface ProbeRequest {
  method: string;
  /** With its query string, as in `/health?deep=1`. */
  path: string;
}

/** A call for the stages of one API, or for one backend. */
export interface NamedProbe extends ProbeRequest {
  /** The API's id or name, or the backend's `host[:port]`. */
  of: string;
}

/** A probe on one stage: the method to test-invoke, and the backend that it reaches. */
export interface Probe {
  stage: StageRef;
  /** The call is made with the variables of the stage's canary. */
  canary?: true;
  resourceId: string;
  httpMethod: string;
  pathWithQueryString: string;
  stageVariables: Readonly<Record<string, string>>;
  /** `host[:port]` of the integration's https URI. */
  backend: string;
  /** The path and query of that URI; `/` where they depend on the request. */
  backendPath: string;
}

/** Reads `GET /health`, or `GET:/health`, which needs no quotes. @throws AppError `Usage` */
export function parseProbe(text: string): ProbeRequest {
  const match = /^([A-Za-z]+)(?:\s+|:)(\/\S*)$/.exec(text.trim());
  if (!match?.[1] || !match[2]) {
    throw new AppError('Usage', `"${text}" is not a probe`, {
      hint: "specify a method and a path, such as 'GET /health'",
    });
  }
  return { method: match[1].toUpperCase(), path: match[2] };
}

/** The calls that a user names: at most one for everything, and those for single APIs and backends. */
export interface ProbeRequests {
  probe?: ProbeRequest;
  named: NamedProbe[];
}

/**
 * Reads calls, each as {@link parseProbe} does, or after the API or backend that it is for: `orders=GET:/health`.
 * @throws AppError `Usage`
 */
export function parseProbes(texts: readonly string[]): ProbeRequests {
  const named: NamedProbe[] = [];
  const unnamed: ProbeRequest[] = [];
  for (const text of texts) {
    const [, of, call] = /^([^=/]+)=(.*)$/.exec(text) ?? [];
    if (of === undefined || call === undefined) unnamed.push(parseProbe(text));
    else named.push({ of: of.trim(), ...parseProbe(call) });
  }
  const twice = named.find(({ of }, index) => named.findIndex((other) => other.of === of) !== index);
  if (twice ?? unnamed.length > 1) {
    throw new AppError(
      'Usage',
      twice
        ? `--probe is specified twice for ${twice.of}`
        : '--probe is specified twice without an API or backend',
      {
        hint: "specify the API or the backend of each: 'orders=GET /health'",
      },
    );
  }
  const [probe] = unnamed;
  return { named, ...(probe ? { probe } : {}) };
}

/** Why a method is not called unless the user names the call. */
export type NotSafe =
  /** Its own method is not GET or HEAD. */
  | 'mayWrite'
  /** It is, but the integration calls the backend with another one, or passes any on. */
  | 'integrationMayWrite'
  /** A part of the path or of the integration's URI, or a required parameter, is nobody's to make up. */
  | 'needsParameters'
  /** A stage variable of the integration's URI is not set. */
  | 'variableNotSet';

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Why a method must not be called unasked; nothing when a call of it cannot write and needs nothing. */
export function whyNotSafe({
  httpMethod,
  integrationMethod = '',
  path,
  requiredParameters,
  needsRequest,
  unset,
}: HttpsMethod): NotSafe | undefined {
  if (!READING.has(httpMethod)) return 'mayWrite';
  if (!READING.has(integrationMethod)) return 'integrationMayWrite';
  if (unset.length > 0) return 'variableNotSet';
  return path.includes('{') || requiredParameters.length > 0 || needsRequest ? 'needsParameters' : undefined;
}

/** What there is to prove a stage's backends with. */
export interface ProbeChoice {
  probes: Probe[];
  /** Https backends of the stage that no probe reaches. */
  unreached: string[];
}

/** Shortest path first, GET before HEAD, and whatever the order of GetResources. */
function byPath(a: HttpsMethod, b: HttpsMethod): number {
  const key = ({ path, httpMethod }: HttpsMethod): string => `${path} ${httpMethod}`;
  return a.path.length - b.path.length || byText(key(a), key(b));
}

/**
 * Chooses the calls that prove the backends of a stage and of its canary: the one the user named, or else one safe call a
 * backend. A method that could write is never chosen unasked.
 * @param forBackends calls for single backends, which go before; those for backends of other stages are ignored
 * @throws AppError `ProbeNotFound` when a named one does not exist, or reaches no https backend or another one
 */
export function chooseProbes(
  stage: StageRef & Pick<Stage, 'variables' | 'canary'>,
  resources: readonly Resource[],
  request: ProbeRequest | undefined,
  forBackends: readonly NamedProbe[] = [],
): ProbeChoice {
  const parts = trafficOf(stage).map((traffic) => ({ traffic, methods: httpsMethods(resources, traffic) }));
  if (request)
    assertReached(
      stage,
      resources,
      request,
      parts.flatMap(({ methods }) => methods),
    );
  const probes = parts.flatMap(({ traffic, methods }) =>
    instead(
      request ? named(resources, methods, request) : safeOnes(methods),
      forBackends.flatMap((one) => calledFor(stage, resources, methods, one)),
    ).map(({ resourceId, backend, backendPath, call }): Probe => ({
      stage: { restApiId: stage.restApiId, stageName: stage.stageName },
      ...(traffic.canary ? { canary: true } : {}),
      resourceId,
      httpMethod: call.method,
      pathWithQueryString: call.path,
      stageVariables: traffic.variables,
      backend,
      backendPath,
    })),
  );
  const backends = parts.flatMap(({ methods }) => methods.map(({ backend }) => backend));
  return { probes, unreached: without(backends, reachedBy(probes)) };
}

type Called = HttpsMethod & { call: ProbeRequest };

/** The calls, with those that the user named for a backend instead of the others that reach it. */
function instead(calls: readonly Called[], named: readonly Called[]): Called[] {
  const backends = new Set(named.map(({ backend }) => backend));
  return [...calls.filter(({ backend }) => !backends.has(backend)), ...named];
}

/** Whether a word names a backend; 443 is the port that need not be written. */
export function isBackend(backend: string, word: string): boolean {
  return backend === word.toLowerCase().replace(/:443$/, '');
}

/** The call that is named for a backend of the stage; nothing where it is none of its backends. */
function calledFor(
  stage: StageRef,
  resources: readonly Resource[],
  methods: readonly HttpsMethod[],
  { of, ...request }: NamedProbe,
): Called[] {
  if (!methods.some(({ backend }) => isBackend(backend, of))) return [];
  const found = named(resources, methods, request);
  if (found.some(({ backend }) => isBackend(backend, of))) return found;
  const [other] = found;
  const own = methods.filter(({ backend }) => isBackend(backend, of));
  throw new AppError(
    'ProbeNotFound',
    `${request.method} ${request.path} of ${stageText(stage)} reaches ${other?.backend ?? 'no https backend'}, not ${of}`,
    {
      hint: `${of} is reached by ${own
        .slice(0, 5)
        .map(({ httpMethod, path }) => `${httpMethod} ${path}`)
        .join(', ')}`,
    },
  );
}

/** One safe call a backend. */
function safeOnes(methods: readonly HttpsMethod[]): Called[] {
  const safe = methods.filter((method) => whyNotSafe(method) === undefined).sort(byPath);
  return [...new Set(safe.map(({ backend }) => backend))].flatMap((wanted) => {
    const found = safe.find(({ backend }) => backend === wanted);
    return found ? [{ ...found, call: { method: found.httpMethod, path: found.path } }] : [];
  });
}

/** The method that the stage itself would take for the named call, where its backend is known. */
function named(
  resources: readonly Resource[],
  methods: readonly HttpsMethod[],
  call: ProbeRequest,
): Called[] {
  const route = routed(resources, call);
  const found = methods.find(
    ({ resourceId, httpMethod, isKnown }) =>
      isKnown && resourceId === route?.resourceId && httpMethod === route.httpMethod,
  );
  return found ? [{ ...found, call }] : [];
}

/** All methods count here, whatever their integration: one that is not https hides an https one of a wider path. */
function routed(
  resources: readonly Resource[],
  request: ProbeRequest,
): { resourceId: string; httpMethod: string; path: string } | undefined {
  const all = resources.flatMap(({ id, path, methods }) =>
    methods.map(({ httpMethod }) => ({ resourceId: id, path, httpMethod })),
  );
  return methodFor(all, request);
}

function assertReached(
  stage: StageRef,
  resources: readonly Resource[],
  request: ProbeRequest,
  methods: readonly HttpsMethod[],
): void {
  if (named(resources, methods, request).length > 0) return;
  const route = routed(resources, request);
  const own = methods.find(
    ({ resourceId, httpMethod }) => resourceId === route?.resourceId && httpMethod === route.httpMethod,
  );
  const call = `${request.method} ${request.path}`;
  const others = [...new Set(methods.map(({ httpMethod, path }) => `${httpMethod} ${path}`))].slice(0, 5);
  throw new AppError(
    'ProbeNotFound',
    own
      ? `${call} of ${stageText(stage)} reaches ${own.backend}, which is not an address`
      : route
        ? `${call} of ${stageText(stage)} matches the method ${route.httpMethod} ${route.path}, which has no https integration`
        : `${stageText(stage)} has no method ${call} with an https integration`,
    {
      hint:
        own && own.unset.length > 0
          ? `set the stage variable ${own.unset.join(', ')} or specify another call`
          : others.length === 0
            ? 'the API has no https integration, so its certificate is never presented'
            : `available: ${others.join(', ')}`,
    },
  );
}

const reachedBy = (probes: readonly Probe[]): Set<string> => new Set(probes.map(({ backend }) => backend));

/** Names, each once, without those that are reached. */
function without(backends: readonly string[], reached: ReadonlySet<string>): string[] {
  return [...new Set(backends)].filter((backend) => !reached.has(backend));
}

/** TestInvokeMethod is for REST APIs only, so that no call can be made to the backends of a WebSocket stage. */
export function webSocketChoice(
  stage: Pick<Stage, 'variables'>,
  integrations: readonly Integration[],
): ProbeChoice {
  const backends = integrations.flatMap(
    (integration) => backendOf(integration, stage.variables)?.backend ?? [],
  );
  return { probes: [], unreached: without(backends, new Set()) };
}

/** Takes from each choice what the probes of another one reach: a backend is proved once, whatever leads to it. */
export function choiceOfAll(choices: readonly ProbeChoice[]): ProbeChoice[] {
  const reached = reachedBy(choices.flatMap(({ probes }) => probes));
  return choices.map(({ probes, unreached }) => ({ probes, unreached: without(unreached, reached) }));
}
