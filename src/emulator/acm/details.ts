import { X509Certificate } from 'node:crypto';
import { partitionOf } from '../../aws/partition.js';
import { keyUsagesOf } from '../../certificates/der.js';
import { certificateFacts } from '../../certificates/parse.js';
import type { AcmCertificate, World } from '../model.js';
import { seconds } from '../operation.js';
import { stagesWith } from './operation.js';

/** The purposes that ACM has a name for, by OID. */
const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'TLS_WEB_SERVER_AUTHENTICATION',
  '1.3.6.1.5.5.7.3.2': 'TLS_WEB_CLIENT_AUTHENTICATION',
  '1.3.6.1.5.5.7.3.3': 'CODE_SIGNING',
  '1.3.6.1.5.5.7.3.4': 'EMAIL_PROTECTION',
  '1.3.6.1.5.5.7.3.8': 'TIME_STAMPING',
  '1.3.6.1.5.5.7.3.9': 'OCSP_SIGNING',
  '2.5.29.37.0': 'ANY',
};

/** What both DescribeCertificate and ListCertificates tell. */
interface Common {
  status: string;
  usages: string[];
  purposes: { Name: string; OID: string }[];
  dates: { NotBefore?: number; NotAfter?: number };
  eligibility: 'ELIGIBLE' | 'INELIGIBLE' | undefined;
  /** The format of these ARNs is not recorded. */
  inUseBy: string[];
}

function commonOf(world: World, { arn, type, issued }: AcmCertificate, now: Date): Common {
  const inUseBy = stagesWith(world, arn).map(
    ({ apiId, stageName }) =>
      `arn:${partitionOf(world.region)}:apigateway:${world.region}::/restapis/${apiId}/stages/${stageName}`,
  );
  // Only what ACM issued itself is renewed, and only while something uses it.
  const eligibility = type === 'PRIVATE' && inUseBy.length > 0 ? 'ELIGIBLE' : 'INELIGIBLE';
  if (issued === undefined) {
    return { status: 'PENDING_VALIDATION', usages: [], purposes: [], dates: {}, eligibility, inUseBy };
  }
  const x509 = new X509Certificate(issued.pem);
  const { notBefore, notAfter } = certificateFacts(issued.pem);
  const purposes = (x509.keyUsage as string[] | undefined) ?? [];
  return {
    status: notAfter <= now ? 'EXPIRED' : 'ISSUED',
    usages: keyUsagesOf(x509.raw) ?? [],
    purposes: purposes.map((OID) => ({ Name: PURPOSES[OID] ?? 'CUSTOM', OID })),
    dates: { NotBefore: seconds(notBefore.getTime()), NotAfter: seconds(notAfter.getTime()) },
    eligibility,
    inUseBy,
  };
}

function times({ type, createdAt, issuedAt }: AcmCertificate): object {
  const at =
    issuedAt === undefined ? {} : { [type === 'IMPORTED' ? 'ImportedAt' : 'IssuedAt']: seconds(issuedAt) };
  return { CreatedAt: seconds(createdAt), ...at };
}

/** A certificate as DescribeCertificate answers it. */
export function detailOf(world: World, certificate: AcmCertificate, now: Date): object {
  const { arn, type, domainName, alternativeNames, keyType, issued, authorityArn, renewal } = certificate;
  const { status, usages, purposes, dates, eligibility, inUseBy } = commonOf(world, certificate, now);
  const facts = issued && certificateFacts(issued.pem);
  return {
    CertificateArn: arn,
    DomainName: domainName,
    SubjectAlternativeNames: alternativeNames,
    Subject: facts?.subject,
    Issuer: facts?.issuer,
    Serial: facts?.serialNumber.toLowerCase(),
    ...times(certificate),
    Status: status,
    ...dates,
    KeyAlgorithm: keyType,
    InUseBy: inUseBy,
    Type: type,
    KeyUsages: usages.map((Name) => ({ Name })),
    ExtendedKeyUsages: purposes,
    CertificateAuthorityArn: authorityArn,
    RenewalEligibility: eligibility,
    RenewalSummary: renewal && {
      RenewalStatus: renewal.status,
      DomainValidationOptions: [],
      RenewalStatusReason: renewal.reason,
      UpdatedAt: seconds(renewal.updatedAt),
    },
    Options: { CertificateTransparencyLoggingPreference: type === 'AMAZON_ISSUED' ? 'ENABLED' : 'DISABLED' },
  };
}

/** A certificate as ListCertificates answers it. */
export function summaryOf(
  world: World,
  certificate: AcmCertificate,
  now: Date,
): { Status: string } & Record<string, unknown> {
  const { arn, type, domainName, alternativeNames, keyType } = certificate;
  const { status, usages, purposes, dates, eligibility, inUseBy } = commonOf(world, certificate, now);
  return {
    CertificateArn: arn,
    DomainName: domainName,
    SubjectAlternativeNameSummaries: alternativeNames,
    HasAdditionalSubjectAlternativeNames: false,
    Status: status,
    Type: type,
    KeyAlgorithm: keyType,
    KeyUsages: usages,
    ExtendedKeyUsages: purposes.map(({ Name }) => Name),
    InUse: inUseBy.length > 0,
    RenewalEligibility: eligibility,
    ...dates,
    ...times(certificate),
  };
}
