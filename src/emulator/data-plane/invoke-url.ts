/** The invoke URL of a stage of a REST API, as other emulators of API Gateway write it. */
const REQUEST = /^\/restapis\/([^/]+)\/([^/]+)\/_user_request_(\/.*)?$/;
/** Of a WebSocket API, after the same pattern; the last segment is a route key. */
const MESSAGE = /^\/v2\/apis\/([^/]+)\/([^/]+)\/_user_request_\/([^/]+)$/;

interface StageUrl {
  apiId: string;
  stageName: string;
}

/** A request to a stage of a REST API. */
export interface Invocation extends StageUrl {
  kind: 'request';
  /** Below the stage, percent-encoded as it came. */
  path: string;
  query: string;
}

/** A message to a stage of a WebSocket API. */
export interface Message extends StageUrl {
  kind: 'message';
  routeKey: string;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Takes an invoke URL apart; `undefined` when it is none. */
export function parseInvokeUrl(path: string, query: string): Invocation | Message | undefined {
  const [, apiId, stageName, rest = '/'] = REQUEST.exec(path) ?? [];
  if (apiId !== undefined && stageName !== undefined) {
    return { kind: 'request', apiId, stageName, path: rest, query };
  }
  const [, v2ApiId, v2StageName, key] = MESSAGE.exec(path) ?? [];
  if (v2ApiId === undefined || v2StageName === undefined || key === undefined) return undefined;
  return { kind: 'message', apiId: v2ApiId, stageName: decoded(v2StageName), routeKey: decoded(key) };
}
