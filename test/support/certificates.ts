import { X509Certificate } from 'node:crypto';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { trustedCertificate } from '../../src/certificates/parse.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';

/** A client certificate as API Gateway makes it, with its key. */
export interface TestIdentity {
  certificate: TrustedCertificate;
  privateKeyPem: string;
}

const DAY_MS = 86_400_000;

/** Mints a replica that is valid now, or `ageDays` old. */
export async function mintIdentity(id: string, ageDays = 1): Promise<TestIdentity> {
  const notBefore = new Date(Math.floor((Date.now() - ageDays * DAY_MS) / 1000) * 1000);
  const { pem, privateKeyPem } = await mintClientCertificate({ notBefore });
  return { certificate: trustedCertificate(pem, id), privateKeyPem };
}

/** The DER of certificates that differ from `pattern` in their serial number alone; their signatures are void, so never in TLS. */
export function manyDerLike(pattern: TrustedCertificate, count: number): Buffer[] {
  const der = new X509Certificate(pattern.pem).raw;
  const serial = Buffer.from(pattern.serialNumber.replaceAll(':', ''), 'hex');
  const at = der.indexOf(serial) + 4;
  return Array.from({ length: count }, (_, index) => {
    const copy = Buffer.from(der);
    copy.writeUInt32BE(index, at);
    return copy;
  });
}

/** The same, read. */
export function manyLike(pattern: TrustedCertificate, count: number): TrustedCertificate[] {
  return manyDerLike(pattern, count).map((der) => trustedCertificate(der));
}
