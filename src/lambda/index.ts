/** `apigw-cert/lambda`: a Lambda function that rotates client certificates in rounds (docs/lambda.md). */
export { createHandler, type Handler, type HandlerOptions, type LambdaContext } from './handler.js';
export type * from './messages.js';
export { AppError, type ErrorCode } from '../platform/errors.js';
