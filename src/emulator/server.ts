import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { acmOperationOf, isAcmTarget, runAcmOperation } from './acm/run.js';
import { ADMIN_PATH, administer } from './admin.js';
import { routeOf, runOperation } from './control-plane.js';
import type { Controls } from './controls.js';
import { invoke } from './data-plane/invoke.js';
import { parseInvokeUrl } from './data-plane/invoke-url.js';
import { sendMessage } from './data-plane/message.js';
import { conflict, ServiceError, tooManyRequests } from './errors.js';
import type { Fault, Faults } from './faults.js';
import type { History } from './history.js';
import { sleep } from '../platform/timer.js';
import { errorAnswer, readBody, send, splitTarget, type Answer } from './http.js';
import type { World } from './model.js';
import type { Surroundings } from './operation.js';
import type { Persistence } from './persistence.js';
import type { RateLimiter } from './rate-limit.js';
import type { LoggedRequest, RequestLog } from './request-log.js';
import type { Route } from './router.js';
import { signatureScope, type Scope, type Service } from './scope.js';
import { isSsmTarget, runSsmOperation, ssmOperationOf } from './ssm/run.js';
import type { Store } from './store.js';
import type { Timers } from './timers.js';

export interface ServerParts {
  surroundings: Surroundings;
  controls: Controls;
  faults: Faults;
  limiter: RateLimiter;
  requestLog: RequestLog;
  persistence: Persistence;
  history: History;
  timers: Timers;
}

/** Something that faults can hit. */
interface Job {
  /** The operation's, and with its service where two share it. */
  names: readonly [string, ...string[]];
  /** Waits for the whole request. */
  receive(): Promise<unknown>;
  /** Does the work; a read may be shown other worlds than those there are. */
  run(store?: Store): Promise<Answer>;
  /** Success without anything in it; absent for requests to stages. */
  emptyAnswer?: Answer;
}

/** An error as an answer; one that nobody meant is the emulator's own fault, which AWS calls an internal failure. */
const failed = (error: unknown): Answer => errorAnswer(asServiceError(error));

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = `The emulator failed: ${error instanceof Error ? error.message : String(error)}`;
  return new ServiceError(500, 'InternalFailure', message);
}

/** Where JSON 1.1 has the code of an error. */
const withCodeInBody = (answer: Answer): Answer => ({
  ...answer,
  body: { __type: answer.headers?.['x-amzn-ErrorType'], ...(answer.body as object) },
});

/** Reads a request's body when it is first wanted, and again for whoever comes later. */
function bodyReader(request: IncomingMessage): () => Promise<Buffer> {
  let body: Promise<Buffer> | undefined;
  return () => (body ??= readBody(request));
}

/** Every id that a request's path names, those in an ARN too. */
const namesIn = ({ params }: Route): string[] => [...params.values()].flatMap((value) => value.split('/'));

/** A request for a service, with what is known of it. */
interface Incoming {
  request: IncomingMessage;
  receive: () => Promise<Buffer>;
  /** Of the log. */
  entry: LoggedRequest;
  parts: ServerParts;
}

/** Who signed a request, which the log keeps. @throws ServiceError 403 */
function scopeOf({ headers }: IncomingMessage, entry: LoggedRequest, service: Service): Scope {
  const scope = signatureScope(headers.authorization, service);
  Object.assign(entry, scope);
  return scope;
}

/** Keeps what was changed in a world. */
const kept =
  ({ history, persistence }: ServerParts) =>
  async (world: World, named: string[]): Promise<void> => {
    history.record();
    await persistence.save(world, named);
  };

/** Finds out what a request wants, and notes in the log what is known of it. */
function jobOf(request: IncomingMessage, entry: LoggedRequest, parts: ServerParts): Job | Promise<Job> {
  const { surroundings, limiter } = parts;
  const { path, query } = splitTarget(request.url ?? '/');
  const receive = bodyReader(request);
  const invocation = parseInvokeUrl(path, query);
  if (invocation !== undefined) {
    return {
      names: ['Invoke'],
      receive,
      run: () =>
        invocation.kind === 'message'
          ? sendMessage(invocation, receive, surroundings)
          : invoke(invocation, request, receive, surroundings),
    };
  }
  const target = request.headers['x-amz-target'];
  const incoming = { request, receive, entry, parts };
  if (isAcmTarget(target)) return acmJob(target, incoming);
  if (isSsmTarget(target)) return ssmJob(target, incoming);
  if (isQuery(request)) return stackJob(incoming);
  const scope = scopeOf(request, entry, 'apigateway');
  const route = routeOf(entry.method, path);
  const { name, service, method } = route.operation;
  const isRead = method === 'GET';
  return {
    names: service === undefined ? [name] : [name, `${service}:${name}`],
    receive,
    async run(store = surroundings.store) {
      limiter.take(scope.account, scope.region, name, surroundings.settings.rateLimit);
      const seen = isRead ? { ...surroundings, store } : surroundings;
      const answer = await runOperation(route, query, receive, scope, seen);
      if (!isRead) {
        await kept(parts)(surroundings.store.world(scope.account, scope.region), namesIn(route));
      }
      return answer;
    },
    emptyAnswer: { status: route.operation.success, body: {} },
  };
}

/** An operation of a service other than API Gateway, whose rate limit does not apply to it. */
interface OtherOperation {
  name: string;
  isRead: boolean;
  /** Does the work. `changed` has the ids and names of what it may have changed. */
  run: (world: World) => Promise<{ answer: Answer; changed: string[] }>;
  emptyAnswer: Answer;
}

/** @param operationOf is called once it is known who sent the request */
async function otherJob(
  service: Service,
  { request, receive, entry, parts }: Incoming,
  operationOf: () => OtherOperation | Promise<OtherOperation>,
): Promise<Job> {
  const { store } = parts.surroundings;
  const { account, region } = scopeOf(request, entry, service);
  const { name, isRead, run, emptyAnswer } = await operationOf();
  return {
    names: [name, `${service}:${name}`],
    receive,
    async run(shown = store) {
      const world = (isRead ? shown : store).world(account, region);
      const { answer, changed } = await run(world);
      if (!isRead) await kept(parts)(world, changed);
      return answer;
    },
    emptyAnswer,
  };
}

function acmJob(target: string, incoming: Incoming): Promise<Job> {
  const { receive, parts } = incoming;
  return otherJob('acm', incoming, () => {
    const operation = acmOperationOf(target);
    const run = async (world: World) =>
      inJson(await runAcmOperation(operation, world, await receive(), parts.surroundings));
    return { ...operation, run, emptyAnswer: EMPTY_JSON };
  });
}

function ssmJob(target: string, incoming: Incoming): Promise<Job> {
  const { receive, parts } = incoming;
  return otherJob('ssm', incoming, () => {
    const operation = ssmOperationOf(target);
    const run = async (world: World) =>
      inJson(runSsmOperation(operation, world, await receive(), parts.surroundings.clock.now().getTime()));
    return { ...operation, run, emptyAnswer: EMPTY_JSON };
  });
}

const EMPTY_JSON: Answer = { status: 200, body: {} };

const inJson = ({ body, changed }: { body: unknown; changed: string[] }) => ({
  answer: { status: 200, body },
  changed,
});

/** Whether a request is for CloudFormation: the only service here that takes forms. */
const isQuery = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  splitTarget(url ?? '/').path === '/' &&
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;

/** CloudFormation, which is loaded when it is first used. The body names the operation. */
function stackJob(incoming: Incoming): Promise<Job> {
  const { receive, parts } = incoming;
  const { surroundings, faults, timers } = parts;
  return otherJob('cloudformation', incoming, async () => {
    const { runStackOperation, stackRequestOf } = await import('./cloudformation/run.js');
    const stackRequest = stackRequestOf(await receive());
    const { name, isRead } = stackRequest.operation;
    return {
      name,
      isRead,
      run(world) {
        const shop = { world, surroundings, faults, timers, save: kept(parts) };
        const answer = runStackOperation(stackRequest, shop);
        return Promise.resolve({ answer, changed: [...world.stacks.keys()] });
      },
      emptyAnswer: { status: 200, xml: `<${name}Response><${name}Result/></${name}Response>` },
    };
  });
}

/** An error as CloudFormation answers it. */
async function inXml(error: unknown): Promise<Answer> {
  const { queryError } = await import('./cloudformation/query.js');
  return queryError(asServiceError(error));
}

const CONCURRENT_MODIFICATION =
  'Unable to complete operation due to concurrent modification. Please try again later.';

/** The answer to work that is done later; the work is, once the request has been received. */
async function answerFirst(
  job: Job,
  { ms, answer = 'cut' }: Extract<Fault, { kind: 'lateEffect' }>,
  { timers }: ServerParts,
): Promise<Answer | 'cut'> {
  await job.receive();
  timers.start(ms, async () => {
    (await job.run().catch(failed)).stream?.destroy();
  });
  if (answer === 'cut') return 'cut';
  throw answer === 409
    ? conflict(CONCURRENT_MODIFICATION)
    : new ServiceError(500, 'InternalFailure', 'Injected fault');
}

/** The answer to a job, or `cut` when the connection is to end without one. */
async function runUnderFault(
  job: Job,
  fault: Fault | undefined,
  parts: ServerParts,
): Promise<Answer | 'cut'> {
  switch (fault?.kind) {
    case 'error':
      throw new ServiceError(fault.status, fault.code, fault.message ?? 'Injected fault');
    case 'throttle':
      throw tooManyRequests(1);
    case 'cutBefore':
      return 'cut';
    case 'cutAfter':
      (await job.run().catch(failed)).stream?.destroy();
      return 'cut';
    case 'lateEffect':
      return answerFirst(job, fault, parts);
    case 'error409WithEffect':
      (await job.run()).stream?.destroy();
      throw conflict(CONCURRENT_MODIFICATION);
    case 'staleRead':
      return await job.run(parts.history.ago(fault.ms));
    case 'emptyBody':
      return job.emptyAnswer ?? { status: 200 };
    case 'delay':
      await sleep(fault.ms);
      return await job.run();
    case undefined:
      return await job.run();
  }
}

async function serveService(request: IncomingMessage, parts: ServerParts): Promise<Answer | 'cut'> {
  const { controls, faults, requestLog } = parts;
  const entry: LoggedRequest = {
    time: controls.now().toISOString(),
    operation: 'Unknown',
    method: request.method ?? '',
    path: request.url ?? '',
  };
  requestLog.add(entry);
  let answer: Answer | 'cut';
  try {
    const job = await jobOf(request, entry, parts);
    [entry.operation] = job.names;
    const fault = faults.hit(...job.names);
    if (fault !== undefined) entry.fault = fault.kind;
    answer = await runUnderFault(job, fault, parts);
  } catch (error) {
    answer = failed(error);
    if (request.headers['x-amz-target'] !== undefined) answer = withCodeInBody(answer);
    else if (isQuery(request)) answer = await inXml(error);
  }
  if (answer !== 'cut') entry.status = answer.status;
  return answer;
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: ServerParts): Promise<void> {
  const { path } = splitTarget(request.url ?? '/');
  const answer = path.startsWith(ADMIN_PATH)
    ? await administer(request, path, parts.controls).catch(failed)
    : await serveService(request, parts);
  if (answer === 'cut') request.socket.destroy();
  else await send(request, response, answer);
}

/** The HTTP server, not listening yet. */
export function createServer(parts: ServerParts): http.Server {
  const server = http.createServer(
    {
      // A client that says nothing, or never ends what it says, is not waited for.
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      // Longer than clients keep idle connections, so that they never send into one that is being closed.
      keepAliveTimeout: 75_000,
    },
    (request, response) => {
      // Whatever goes wrong with one request, the others are served.
      serve(request, response, parts).catch(() => request.socket.destroy());
    },
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    const body = '{"message":"Bad Request"}';
    socket.end(
      `HTTP/1.1 ${status}\r\nx-amzn-ErrorType: BadRequestException\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  return server;
}
