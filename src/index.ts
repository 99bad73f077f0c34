export {
  AppError,
  ERROR_CODES,
  EXIT,
  type ErrorCode,
  type ErrorDetail,
  type ExitCode,
} from './core/errors.js';
export type * from './core/api-gateway.js';
export type * from './core/certificate.js';
export type { Gateway } from './gateway/gateway.js';
export type { TrustStore } from './trust/trust-store.js';
