import { issueCertificate, makeAuthority } from '../../certificates/issue.js';
import { publishCertificate } from '../presentation.js';
import type { AcmCertificate, Authority, IssuedCertificate, World } from '../model.js';

/** Of certificates that ACM requests from a private CA (ACM user guide, "Private certificates"). */
const CERTIFICATE_DAYS = 395;
const AUTHORITY_DAYS = 3650;

/** The private CA of an ARN, made when it is first asked for. */
async function authorityOf(world: World, arn: string, notBefore: Date): Promise<Authority> {
  const known = world.authorities.get(arn);
  if (known !== undefined) return known;
  const dates = { notBefore, days: AUTHORITY_DAYS };
  const root = await makeAuthority({ ...dates, subject: 'CN=Emulator Root CA' });
  const issuing = await makeAuthority({ ...dates, subject: 'CN=Emulator Issuing CA', issuer: root });
  const made = world.authorities.get(arn) ?? { rootPem: root.pem, ...issuing };
  world.authorities.set(arn, made);
  return made;
}

/** A new key with a certificate of the private CA, for the names of an entry of ACM. */
export async function issue(
  world: World,
  { domainName, alternativeNames, keyType }: AcmCertificate,
  authorityArn: string,
  notBefore: Date,
): Promise<IssuedCertificate> {
  const authority = await authorityOf(world, authorityArn, notBefore);
  const { pem, privateKeyPem } = await issueCertificate({
    notBefore,
    days: CERTIFICATE_DAYS,
    subject: `CN=${domainName}`,
    issuer: authority,
    keyType,
    dnsNames: [...new Set([domainName ?? '', ...alternativeNames])],
    purposes: ['serverAuth', 'clientAuth'],
  });
  return { pem, chainPem: `${authority.pem}${authority.rootPem}`, privateKeyPem };
}

/** Replaces the certificate of an ARN: the new one reaches the stages without a deployment. */
export function replaceIssued(
  world: World,
  certificate: AcmCertificate,
  issued: IssuedCertificate,
  now: number,
): void {
  certificate.issued = issued;
  certificate.issuedAt = now;
  for (const api of world.apis.values()) {
    for (const stage of api.stages.values()) {
      if (stage.clientCertificateId === certificate.arn) publishCertificate(stage, world, now);
    }
  }
}
