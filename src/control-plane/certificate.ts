import type { ClientCertificate } from './api-gateway.js';
import type { TrustedCertificate } from '../certificates/certificate.js';
import type { Mark } from './marks.js';

/**
 * A client certificate of the account, made once from AWS's answer: what API Gateway says of it, what it says itself, and
 * what a rotation wrote on it.
 */
export interface Certificate extends ClientCertificate {
  trusted: TrustedCertificate;
  mark?: Mark;
}
