import { ServiceError } from '../errors.js';

/** What CloudFormation answers to what it does not accept. */
export const validationError = (message: string): ServiceError =>
  new ServiceError(400, 'ValidationError', message);
