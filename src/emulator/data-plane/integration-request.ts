import type { OutgoingHttpHeaders } from 'node:http';
import type { Integration } from '../model.js';
import type { BackendRequest } from './backend.js';
import type { Target } from './definition.js';
import { BackendFailure } from './failure.js';

/** A request to an API, from a client or from TestInvokeMethod. */
export interface MethodRequest {
  httpMethod: string;
  /** As it came, still percent-encoded, without its `?`. */
  query: string;
  /** Names in lower case. */
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** RFC 9110 section 7.6.1, and what each end of a connection decides for itself. */
const ONE_CONNECTION = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The headers that are meant for more than one connection. */
export function endToEndHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const named = String(headers['connection'] ?? '')
    .toLowerCase()
    .split(/\s*,\s*/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ONE_CONNECTION.has(name) && !named.includes(name)),
  );
}

/** The value of a mapping's right side: `'literal'`, or `method.request.{path|querystring|header}.{name}`. */
function mappedValue(source: string, target: Target, request: MethodRequest): string | undefined {
  const literal = /^'(.*)'$/s.exec(source)?.[1];
  if (literal !== undefined) return literal;
  const [, place, name = ''] = /^method\.request\.(path|querystring|header)\.(.+)$/.exec(source) ?? [];
  if (place === 'path') return target.pathParameters.get(name);
  if (place === 'querystring') return new URLSearchParams(request.query).get(name) ?? undefined;
  const header = place === 'header' ? request.headers[name.toLowerCase()] : undefined;
  return header === undefined ? undefined : String(header);
}

/** The integration's `requestParameters`, evaluated for one request. */
function mappings(
  integration: Integration,
  target: Target,
  request: MethodRequest,
): { place: string; name: string; value: string }[] {
  return [...integration.requestParameters].flatMap(([to, from]) => {
    const [, place, name] = /^integration\.request\.(path|querystring|header)\.(.+)$/.exec(to) ?? [];
    const value = mappedValue(from, target, request);
    return place === undefined || name === undefined || value === undefined ? [] : [{ place, name, value }];
  });
}

/** The integration's URI with stage variables and path parameters put in. @throws BackendFailure when it is no URL */
export function endpoint(
  uri: string,
  stageVariables: ReadonlyMap<string, string>,
  pathParameters: ReadonlyMap<string, string>,
): URL {
  const text = uri
    .replace(/\$\{stageVariables\.(\w+)\}/g, (_, name: string) => stageVariables.get(name) ?? '')
    .replace(/\{([^{}/]+?)\+?\}/g, (_, name: string) => pathParameters.get(name) ?? '');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new BackendFailure('configuration', 'Invalid endpoint address');
  }
  return url;
}

/**
 * Builds the request to an integration's backend: path parameters put into its URI, query, headers and body
 * passed on, `requestParameters` on top.
 * @throws BackendFailure when the URI makes no sense
 */
export function integrationRequest(
  target: Target,
  integration: Integration,
  request: MethodRequest,
  stageVariables: ReadonlyMap<string, string>,
): Omit<BackendRequest, 'certificate' | 'fresh'> {
  const mapped = mappings(integration, target, request);
  const of = (wanted: string): [string, string][] =>
    mapped.filter(({ place }) => place === wanted).map(({ name, value }) => [name, value]);
  const url = endpoint(
    integration.uri ?? '',
    stageVariables,
    new Map([...target.pathParameters, ...of('path')]),
  );
  const query = new URLSearchParams(of('querystring')).toString();
  url.search = [url.search.slice(1), request.query, query].filter(Boolean).join('&');
  const headers = { ...endToEndHeaders(request.headers), ...Object.fromEntries(of('header')) };
  delete headers['content-length'];
  if (request.body.length > 0) headers['content-length'] = request.body.length;
  const { httpMethod = 'ANY' } = integration;
  return {
    method: httpMethod === 'ANY' ? request.httpMethod : httpMethod,
    url,
    headers,
    body: request.body,
    insecureSkipVerification: integration.insecureSkipVerification,
    timeoutMs: integration.timeoutInMillis,
  };
}

/** The status that a caller of the API sees for the backend's: HTTP without a mapping makes 200 of any success. */
export function methodStatus(integration: Integration, status: number): number {
  return integration.type === 'HTTP' && status >= 200 && status < 300 ? 200 : status;
}
