import { AppError } from '../platform/errors.js';
import { isAcmArn } from './inventory.js';

/**
 * For what only certificates that API Gateway generated can do: of an ARN it would answer that there is no such client
 * certificate, although stages present it.
 * @throws AppError `CertificateOfAcm`
 */
export function assertGenerated(id: string): void {
  if (!isAcmArn(id)) return;
  throw new AppError('CertificateOfAcm', `${id} is an ACM certificate, which this command does not support`, {
    hint: 'ACM manages it (aws acm); docs/acm.md says which commands support it, and how to do the rest by hand',
  });
}
