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
import { signatureScope } from './scope.js';
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

/** Finds out what a request wants, and notes in the log what is known of it. */
function jobOf(request: IncomingMessage, entry: LoggedRequest, parts: ServerParts): Job | Promise<Job> {
  const { surroundings, limiter, persistence, history } = parts;
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
  if (isAcmTarget(target)) return acmJob(target, request, receive, entry, parts);
  if (isSsmTarget(target)) return ssmJob(target, request, receive, entry, parts);
  if (isQuery(request)) return stackJob(request, receive, entry, parts);
  const scope = signatureScope(request.headers.authorization, 'apigateway');
  Object.assign(entry, scope);
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
        history.record();
        await persistence.save(surroundings.store.world(scope.account, scope.region), namesIn(route));
      }
      return answer;
    },
    emptyAnswer: { status: route.operation.success, body: {} },
  };
}

/** An operation of ACM: at API Gateway's pace there is no limit on it. */
function acmJob(
  target: string,
  request: IncomingMessage,
  receive: () => Promise<Buffer>,
  entry: LoggedRequest,
  { surroundings, persistence, history }: ServerParts,
): Job {
  const scope = signatureScope(request.headers.authorization, 'acm');
  Object.assign(entry, scope);
  const operation = acmOperationOf(target);
  const { name, isRead } = operation;
  return {
    names: [name, `acm:${name}`],
    receive,
    async run(store = surroundings.store) {
      const world = (isRead ? store : surroundings.store).world(scope.account, scope.region);
      const { body, changed } = await runAcmOperation(operation, world, await receive(), surroundings);
      if (!isRead) {
        history.record();
        await persistence.save(world, changed);
      }
      return { status: 200, body };
    },
    emptyAnswer: { status: 200, body: {} },
  };
}

/** An operation of Systems Manager. */
function ssmJob(
  target: string,
  request: IncomingMessage,
  receive: () => Promise<Buffer>,
  entry: LoggedRequest,
  { surroundings, persistence, history }: ServerParts,
): Job {
  const scope = signatureScope(request.headers.authorization, 'ssm');
  Object.assign(entry, scope);
  const operation = ssmOperationOf(target);
  const { name, isRead } = operation;
  return {
    names: [name, `ssm:${name}`],
    receive,
    async run(store = surroundings.store) {
      const world = (isRead ? store : surroundings.store).world(scope.account, scope.region);
      const now = surroundings.clock.now().getTime();
      const { body, changed } = runSsmOperation(operation, world, await receive(), now);
      if (!isRead) {
        history.record();
        await persistence.save(world, changed);
      }
      return { status: 200, body };
    },
    emptyAnswer: { status: 200, body: {} },
  };
}

/** Whether a request is for CloudFormation: the only service here that takes forms. */
const isQuery = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  splitTarget(url ?? '/').path === '/' &&
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;

/** An operation of CloudFormation, which its body names. Loaded when it is first used. */
async function stackJob(
  request: IncomingMessage,
  receive: () => Promise<Buffer>,
  entry: LoggedRequest,
  { surroundings, persistence, history, faults, timers }: ServerParts,
): Promise<Job> {
  const scope = signatureScope(request.headers.authorization, 'cloudformation');
  Object.assign(entry, scope);
  const { runStackOperation, stackRequestOf } = await import('./cloudformation/run.js');
  const stackRequest = stackRequestOf(await receive());
  const { name, isRead } = stackRequest.operation;
  const save = async (world: World, named: string[]): Promise<void> => {
    history.record();
    await persistence.save(world, named);
  };
  return {
    names: [name, `cloudformation:${name}`],
    receive,
    async run(store = surroundings.store) {
      const world = (isRead ? store : surroundings.store).world(scope.account, scope.region);
      const answer = runStackOperation(stackRequest, { world, surroundings, faults, timers, save });
      if (!isRead) await save(world, [...world.stacks.keys()]);
      return answer;
    },
    emptyAnswer: { status: 200, xml: `<${name}Response><${name}Result/></${name}Response>` },
  };
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
