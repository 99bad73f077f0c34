/** An answer that is an error, in AWS's shape: the header `x-amzn-ErrorType`, and a body with a message. */
export class ServiceError extends Error {
  readonly status: number;
  /** AWS's code, as in `NotFoundException`. */
  readonly type: string;
  /** Seconds, for the header `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(status: number, type: string, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }
}

export const badRequest = (message: string): ServiceError =>
  new ServiceError(400, 'BadRequestException', message);

export const conflict = (message: string): ServiceError =>
  new ServiceError(409, 'ConflictException', message);

/** A quota is used up: not worth a retry, although it shares the status 429 with throttling. */
export const limitExceeded = (message: string): ServiceError =>
  new ServiceError(429, 'LimitExceededException', message);

export const notFound = (message: string): ServiceError =>
  new ServiceError(404, 'NotFoundException', message);

/** Requests come too fast: to be retried after so many seconds. */
export const tooManyRequests = (retryAfter: number): ServiceError =>
  new ServiceError(429, 'TooManyRequestsException', 'Too Many Requests', retryAfter);
