import type { ClientCertificate, Stage } from '../../control-plane/api-gateway.js';
import { byText } from '../../platform/order.js';
import { readMark } from '../../control-plane/marks.js';
import { presentedIds } from './unit.js';

/**
 * A certificate of the account that the backends of a stage have no reason to accept, to try whether they refuse it: in
 * date, presented by no stage, and neither made to replace another certificate nor replaced by one, since a trust store
 * of theirs may hold it still or already. Nothing where the account has none; the same one at each call.
 *
 * @param excluded ids that it must not be, beside those
 */
export function strangerOf<T extends ClientCertificate>(
  certificates: readonly T[],
  stages: readonly Stage[],
  { excluded, now }: { excluded: ReadonlySet<string>; now: Date },
): T | undefined {
  const presented = presentedIds(stages);
  const existing = new Set(certificates.map(({ clientCertificateId }) => clientCertificateId));
  const replaces = (certificate: T): string | undefined => readMark(certificate)?.replaces;
  const replaced = new Set(certificates.map(replaces));
  return certificates
    .filter((each) => {
      const id = each.clientCertificateId;
      return (
        each.expirationDate > now &&
        !presented.has(id) &&
        !excluded.has(id) &&
        !replaced.has(id) &&
        !existing.has(replaces(each) ?? '')
      );
    })
    .sort((a, b) => byText(a.clientCertificateId, b.clientCertificateId))
    .at(0);
}
