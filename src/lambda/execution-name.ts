import { createHash } from 'node:crypto';

/** What AWS takes as the name of an execution: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html */
const LONGEST = 64;

/**
 * What the execution is called that replaces a certificate: the same for everyone who starts one, so that a second one is
 * refused or is the first. A certificate is replaced once, so that no later rotation meets the name again.
 * @param leaseKey of the account and Region, as the lease of a rotation is called
 */
export function executionName(leaseKey: string, certificateId: string): string {
  const plain = `${leaseKey} ${certificateId}`.replace(/[^A-Za-z0-9]+/g, '-');
  if (plain.length <= LONGEST) return plain;
  const hash = createHash('sha256').update(`${leaseKey} ${certificateId}`).digest('hex').slice(0, 16);
  return `${plain.slice(0, LONGEST - 17)}-${hash}`;
}
