import { readBundle } from '../../certificates/bundle.js';
import { clientChain } from '../../certificates/client-chain.js';
import type { ClientIdentity } from '../../certificates/client-identity.js';
import { trustedCertificate } from '../../certificates/parse.js';
import { REFUSING_STATUSES } from '../../control-plane/execution-log.js';
import { AppError } from '../../platform/errors.js';
import type { ImportedIdentity, Presented, PresentedIdentity } from './ports.js';

const TIMEOUT_MS = 10_000;

/** The certificate itself and the PEM of those that follow it. */
function withChain({
  pem,
}: Pick<ClientIdentity, 'pem'>): PresentedIdentity['certificate'] & { above: string[] } {
  const above = readBundle(Buffer.from(pem))
    .certificates.slice(1)
    .map(({ certificate }) => certificate.pem);
  return { trusted: trustedCertificate(pem), chainPem: above.join(''), above };
}

/** A certificate that can be presented to backends from this machine, its key out of everybody's reach. */
export const presentedIdentity = (identity: ClientIdentity): PresentedIdentity => ({
  fingerprintSha256: identity.fingerprintSha256,
  certificate: withChain(identity),
  async present(url): Promise<Presented> {
    const { tlsProbe } = await import('../../net/tls-probe.js');
    try {
      const { admission } = await tlsProbe(new URL(url), { identity, timeoutMs: TIMEOUT_MS });
      if (admission.kind === 'refused') return { outcome: 'refused', status: 0, detail: admission.reason };
      if (admission.kind === 'unclear') return { outcome: 'unknown', status: 0, detail: admission.reason };
      const { status } = admission;
      if (status < 400) return { outcome: 'accepted', status };
      return { outcome: REFUSING_STATUSES.has(status) ? 'refused' : 'unknown', status };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BackendUnreachable') throw error;
      return { outcome: 'unknown', status: 0, detail: error.message };
    }
  },
});

/** Stands for the ARN that a certificate gets when it is imported. */
export const TO_IMPORT = '(new)';

/** A certificate that can be imported into ACM. @param identity with its chain */
export function importedIdentity(identity: ClientIdentity, now: Date): ImportedIdentity {
  const { trusted, chainPem, above } = withChain(identity);
  const chain = clientChain(trusted.pem, above);
  const { certificates, keyType } = chain;
  return {
    acm: {
      arn: TO_IMPORT,
      createdDate: now,
      details: {
        origin: 'imported',
        acmStatus: 'ISSUED',
        inUseBy: [],
        chain: certificates,
        ...(keyType === undefined ? {} : { keyType }),
      },
      trusted,
      chainPem,
      chain,
    },
    import: (controlPlane, as) =>
      controlPlane.importAcmCertificate({
        certificate: trusted.pem,
        chain: chainPem,
        privateKey: identity.privateKeyPem,
        as,
      }),
  };
}
