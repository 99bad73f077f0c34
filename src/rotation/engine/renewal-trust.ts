/** What trust stores show of a renewal by ACM before it: the root with the name outlasts it, the certificate itself does not. */
import { acmTrust, renewalKeys, type NamedBy } from '../../control-plane/acm-authority.js';
import type { AcmCertificate } from '../../control-plane/acm-certificate.js';
import type { Certificate } from '../../control-plane/certificate.js';
import type { TrustedAuthority } from '../../certificates/trust-entry.js';
import { AppError } from '../../platform/errors.js';
import { step, storesOf, warnOnce, type Run } from './run.js';

/** A certificate that ACM renews. */
export type Renewable = Certificate & { acm: AcmCertificate };

/**
 * Whether every trust store that can tell holds what the renewed certificate will be accepted by.
 * @throws AppError `RenewalNotTrusted`; `CertificateUnsuitable` where the root is not known
 */
export async function verifyTrust(run: Run, certificate: Renewable): Promise<void> {
  const stores = await storesOf(run);
  const { clientCertificateId: arn, acm, trusted } = certificate;
  const unseen = (name: string): void => {
    warnOnce(
      run,
      'TrustNotSeen',
      `${name} does not show whether the backend trusts the root of ${arn} with its name`,
    );
  };
  if (stores.length === 0) {
    warnOnce(
      run,
      'TrustNotSeen',
      `no trust store is specified that shows whether it holds the root of ${arn}`,
    );
    return;
  }
  const { keys, rootSha256 = '', problem } = renewalKeys(acm, run.request.roots ?? '');
  if (problem !== undefined) throw rootUnknown(problem, arn);
  for (const store of stores) {
    const { name } = store;
    const seen = await store.observe();
    const isHeld = seen?.some((key) => keys.includes(key)) === true;
    const isPinned = seen?.includes(trusted.fingerprintSha256) === true;
    const isBare = seen?.includes(rootSha256) === true;
    const authorities = authoritiesOf(run, certificate);
    const authority = authorities.find((one) => store.objection(one) === undefined);
    const isUnable = authority === undefined && authorities.length > 0;
    // A server that compares whole certificates is known to refuse the next one; of a root without a name it is not known.
    if (seen === undefined || (isUnable && !isHeld && (isBare || !isPinned))) {
      unseen(name);
      continue;
    }
    await step(run, 'verifyTrust', name, () => {
      if (isHeld) return Promise.resolve({ value: undefined });
      const what = isBare
        ? `holds the root of ${arn} without its name, so it is not known whether the backend would accept the renewed certificate, and every other one of that CA as well`
        : isPinned
          ? `holds the certificate of ${arn} itself, which the renewal replaces, but not its root with its name, so the backend would refuse the renewed certificate`
          : `does not hold the root of ${arn} with its name, so the backend would refuse the renewed certificate`;
      throw new AppError('RenewalNotTrusted', `${name}: the trust store ${what}`, {
        hint: isUnable
          ? `it cannot hold a root with a name: have the backend compare the name before the renewal (docs/acm.md), or replace the certificate: --to generated`
          : `add the root and the name before the renewal: \`apigw-cert backend add --ca root.pem ${nameOption(authority)} --trust ${name}\`, where root.pem is the last certificate of the chain (\`apigw-cert download ${arn}\`)`,
        details: { clientCertificateId: arn, trustStore: name },
      });
    });
  }
}

const NAMES: readonly NamedBy[] = ['subject', 'san'];

/** The root with each of the names by which backends can tell the certificate. */
const authoritiesOf = ({ request }: Run, { acm }: Renewable): TrustedAuthority[] =>
  NAMES.flatMap((namedBy) => acmTrust(acm, namedBy, request.roots ?? '').authority ?? []);

/** The error for a root that neither the chain in ACM nor `--root` has. */
export const rootUnknown = ({ reason, remedy }: { reason: string; remedy: string }, arn: string): AppError =>
  new AppError('CertificateUnsuitable', `what backends must trust for ${arn} is not known: ${reason}`, {
    hint: remedy,
    details: { clientCertificateId: arn },
  });

/** The option that names what backends are to compare; a subject may have an apostrophe. */
function nameOption({ subject, san = 'DNS:NAME' }: Partial<TrustedAuthority> = {}): string {
  const [option, name] = subject === undefined ? ['--san', san] : ['--subject', subject];
  return `${option} '${name.replaceAll("'", String.raw`'\''`)}'`;
}
