import type { Integration, Resource, Stage } from '../../control-plane/api-gateway.js';

/** The backend of an integration, as far as its URI and the variables of a stage tell. */
export interface BackendAddress {
  /**
   * `host[:port]` of the https URI, in lower case and without the port 443. What is not known stands in it as it does in
   * the URI: `${stageVariables.host}` for a variable that is not set, `{host}` for what depends on the request.
   */
  backend: string;
  /** Whether `backend` is an address, and not a pattern of one. */
  isKnown: boolean;
  /** Stage variables of the URI that are not set. */
  unset: string[];
  /** Whether a call has to say more than its method and path: a part of the URI is filled in from the request. */
  needsRequest: boolean;
}

/** With which stage variables a part of a stage's traffic runs. */
export interface StageTraffic {
  variables: Readonly<Record<string, string>>;
  /** The share that goes to the canary. */
  canary?: true;
}

/** All of a stage's traffic, and where it has a canary that one's: the same certificate, perhaps other backends. */
export function trafficOf({ variables, canary }: Pick<Stage, 'variables' | 'canary'>): StageTraffic[] {
  if (canary === undefined) return [{ variables }];
  return [{ variables }, { variables: { ...variables, ...canary.variables }, canary: true }];
}

const VARIABLE = /\$\{stageVariables\.([^}]+)\}/g;

/** A URI with the variables that are set, and the names of the others. */
function resolved(
  uri: string,
  variables: Readonly<Record<string, string>>,
): { text: string; unset: string[] } {
  const unset: string[] = [];
  const text = uri.replace(VARIABLE, (placeholder, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) unset.push(name);
    return value ?? placeholder;
  });
  return { text, unset };
}

/** Up to the path: `https://user@host:443`, or where a variable is to hold it all, its name. */
const ORIGIN = /^(?:[^/?#]*:\/\/)?[^/?#]*/;

/**
 * The backend of an integration whose requests present the stage's certificate; nothing when they do not, since the
 * type or the address is another.
 */
export function backendOf(
  { type, uri = '' }: Pick<Integration, 'type' | 'uri'>,
  variables: Readonly<Record<string, string>>,
): BackendAddress | undefined {
  if (type !== 'HTTP' && type !== 'HTTP_PROXY') return undefined;
  const { text, unset } = resolved(uri, variables);
  const origin = ORIGIN.exec(text)?.[0] ?? '';
  const isKnown = !origin.includes('{');
  const needsRequest = text.replace(VARIABLE, '').includes('{');
  const of = (backend: string): BackendAddress => ({
    backend: isKnown ? backend.toLowerCase() : backend,
    isKnown,
    unset: [...new Set(unset)],
    needsRequest,
  });
  const host = /^https:\/\/(?:.*@)?(.+?)(?::443)?$/i.exec(origin)?.[1];
  if (host !== undefined) return of(host);
  // Where a variable that is not set holds the scheme, nothing tells that it is not https.
  return isKnown || /^\w+:/.test(origin) ? undefined : of(origin);
}

/** The path and query of an integration's URI; `/` where a part of it is filled in from the request, or not known. */
function pathOf(uri: string, variables: Readonly<Record<string, string>>): string {
  const { text } = resolved(uri, variables);
  const path = text.slice(ORIGIN.exec(text)?.[0].length);
  return path.startsWith('/') && !path.includes('{') ? path : '/';
}

/** A method whose integration connects to a backend over https: the only kind that presents the certificate. */
export interface HttpsMethod extends BackendAddress {
  resourceId: string;
  path: string;
  /** The path and query by which the backend is called, `/` where that depends on the request. */
  backendPath: string;
  httpMethod: string;
  requiredParameters: readonly string[];
  /** With which the backend is called; `ANY` passes the caller's on. */
  integrationMethod?: string;
  insecureSkipVerification: boolean;
}

/** The methods of an API that present the stage's certificate to an https backend. */
export function httpsMethods(resources: readonly Resource[], { variables }: StageTraffic): HttpsMethod[] {
  return resources.flatMap(({ id, path, methods }) =>
    methods.flatMap(({ httpMethod, requiredParameters, integration }) => {
      const address = integration && backendOf(integration, variables);
      if (!address) return [];
      const { insecureSkipVerification, httpMethod: integrationMethod } = integration;
      return [
        {
          ...address,
          resourceId: id,
          path,
          backendPath: pathOf(integration.uri ?? '', variables),
          httpMethod,
          requiredParameters,
          ...(integrationMethod === undefined ? {} : { integrationMethod }),
          insecureSkipVerification,
        },
      ];
    }),
  );
}
