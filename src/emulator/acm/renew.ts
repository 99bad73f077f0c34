import * as z from 'zod/mini';
import type { AcmCertificate, AcmRenewal, World } from '../model.js';
import type { Surroundings } from '../operation.js';
import { notFound } from '../errors.js';
import { issue, replaceIssued } from './issuing.js';

export const acmRenewalSchema = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal(['SUCCESS', 'PENDING_AUTO_RENEWAL']) }),
  z.strictObject({ status: z.literal('FAILED'), reason: z.string().check(z.regex(/^[A-Z_]+$/)) }),
]);

/** Finds a certificate in whatever world it is. @throws ServiceError 404 */
export function findInWorlds(
  worlds: readonly World[],
  arn: string,
): { world: World; certificate: AcmCertificate } {
  for (const world of worlds) {
    const certificate = world.acmCertificates.get(arn);
    if (certificate?.type === 'PRIVATE') return { world, certificate };
  }
  throw notFound(`There is no certificate ${arn} that a private CA issued`);
}

/** Has ACM renew a certificate of a private CA, or fail to, as it would about 60 days before the certificate expires. */
export async function renew(
  world: World,
  certificate: AcmCertificate,
  renewal: AcmRenewal,
  clock: Surroundings['clock'],
): Promise<void> {
  const { authorityArn = '' } = certificate;
  const now = clock.now();
  if (renewal.status === 'SUCCESS') {
    replaceIssued(world, certificate, await issue(world, certificate, authorityArn, now), now.getTime());
  }
  certificate.renewal = {
    status: renewal.status,
    reason: renewal.status === 'FAILED' ? renewal.reason : undefined,
    updatedAt: now.getTime(),
  };
}
