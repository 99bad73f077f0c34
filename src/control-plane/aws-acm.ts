import {
  ACMClient,
  DescribeCertificateCommand,
  GetCertificateCommand,
  type CertificateDetail,
  type CertificateType,
} from '@aws-sdk/client-acm';
import { readBundle } from '../certificates/bundle.js';
import { clientChain } from '../certificates/client-chain.js';
import { trustedCertificate } from '../certificates/parse.js';
import { AppError } from '../platform/errors.js';
import type { AcmCertificate } from './acm-certificate.js';
import type { AcmDetails, AcmOrigin } from './acm-details.js';
import type { AwsClient } from './aws-client.js';
import { required } from './aws-shapes.js';
import { acmOperation } from './operations.js';
import { repeatable } from './retry.js';

const ORIGINS: Readonly<Record<CertificateType, AcmOrigin>> = {
  IMPORTED: 'imported',
  PRIVATE: 'privateCa',
  AMAZON_ISSUED: 'public',
};

function toDetails(detail: CertificateDetail): Omit<AcmDetails, 'chain' | 'keyType'> {
  const { Type, Status, CertificateAuthorityArn, RenewalEligibility, RenewalSummary, InUseBy } = detail;
  const { RenewalStatus, RenewalStatusReason, UpdatedAt } = RenewalSummary ?? {};
  return {
    origin: ORIGINS[required(Type, 'Type of a certificate')],
    acmStatus: required(Status, 'Status of a certificate'),
    ...(CertificateAuthorityArn === undefined ? {} : { certificateAuthorityArn: CertificateAuthorityArn }),
    ...(RenewalEligibility === undefined ? {} : { renewalEligibility: RenewalEligibility }),
    ...(RenewalStatus === undefined
      ? {}
      : {
          renewal: {
            status: RenewalStatus,
            ...(RenewalStatusReason === undefined ? {} : { reason: RenewalStatusReason }),
            ...(UpdatedAt === undefined ? {} : { updatedAt: UpdatedAt }),
          },
        }),
    inUseBy: InUseBy ?? [],
  };
}

/** What a certificate and its chain say. @throws AppError `CertificateUnreadable` */
function toContent(
  arn: string,
  certificate: string,
  chainText: string,
): Pick<AcmCertificate, 'trusted' | 'chainPem' | 'chain'> {
  try {
    const trusted = trustedCertificate(certificate, arn);
    const above = readBundle(Buffer.from(chainText)).certificates.map(({ certificate: { pem } }) => pem);
    return { trusted, chainPem: above.join(''), chain: clientChain(trusted.pem, above) };
  } catch (cause) {
    throw new AppError('CertificateUnreadable', `ACM returned a PEM for ${arn} that cannot be read`, {
      hint: `check it: aws acm get-certificate --certificate-arn ${arn}`,
      cause,
      details: { clientCertificateId: arn },
    });
  }
}

/** Reads certificates of ACM: two calls each. */
export async function createAcmReader({
  acmConfig,
  plugin,
  call,
}: Pick<AwsClient, 'acmConfig' | 'plugin' | 'call'>): Promise<(arn: string) => Promise<AcmCertificate>> {
  const client = new ACMClient({ ...(await acmConfig()), retryStrategy: repeatable() });
  client.middlewareStack.use(plugin());
  return async (arn) => {
    const input = { CertificateArn: arn };
    const [{ Certificate: detail = {} }, { Certificate: pem, CertificateChain: chainText = '' }] =
      await Promise.all([
        call(acmOperation('DescribeCertificate', arn), () =>
          client.send(new DescribeCertificateCommand(input)),
        ),
        call(acmOperation('GetCertificate', arn), () => client.send(new GetCertificateCommand(input))),
      ]);
    const content = toContent(arn, required(pem, 'Certificate'), chainText);
    const { DomainName } = detail;
    const { certificates, keyType } = content.chain;
    return {
      arn,
      ...(DomainName === undefined ? {} : { domainName: DomainName }),
      createdDate: required(
        detail.ImportedAt ?? detail.IssuedAt ?? detail.CreatedAt,
        'CreatedAt of a certificate',
      ),
      details: { ...toDetails(detail), ...(keyType === undefined ? {} : { keyType }), chain: certificates },
      ...content,
    };
  };
}
