import {
  ACMClient,
  AddTagsToCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
  type CertificateDetail,
  type CertificateType,
} from '@aws-sdk/client-acm';
import { readBundle } from '../certificates/bundle.js';
import { KEY_TYPES } from '../certificates/key-type.js';
import { clientChain } from '../certificates/client-chain.js';
import { trustedCertificate } from '../certificates/parse.js';
import { AppError } from '../platform/errors.js';
import type { AcmCertificate, AcmImport } from './acm-certificate.js';
import type { AcmDetails, AcmOrigin } from './acm-details.js';
import type { AwsClient } from './aws-client.js';
import { required } from './aws-shapes.js';
import { acmOperation } from './operations.js';
import { onceOnly, repeatable } from './retry.js';

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

/** What is asked of ACM. */
export interface AcmCalls {
  /** Two calls. */
  read(arn: string): Promise<AcmCertificate>;
  tags(arn: string): Promise<Readonly<Record<string, string>>>;
  tag(arn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  untag(arn: string, tagKeys: readonly string[]): Promise<void>;
  import(input: AcmImport): Promise<string>;
  /** A call for every thousand certificates. */
  importedUntil(notAfter: Date): Promise<string[]>;
}

/** The client of ACM, for one account and Region. */
export async function createAcmCalls({
  acmConfig,
  plugin,
  call,
}: Pick<AwsClient, 'acmConfig' | 'plugin' | 'call'>): Promise<AcmCalls> {
  const client = new ACMClient({ ...(await acmConfig()), retryStrategy: repeatable() });
  client.middlewareStack.use(plugin());
  // A repeated import of a new certificate makes another one.
  const once = new ACMClient({ ...(await acmConfig()), retryStrategy: onceOnly() });
  once.middlewareStack.use(plugin());
  return {
    async read(arn) {
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
    },
    async tags(CertificateArn) {
      const { Tags = [] } = await call(acmOperation('ListTagsForCertificate', CertificateArn), () =>
        client.send(new ListTagsForCertificateCommand({ CertificateArn })),
      );
      return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
    async tag(CertificateArn, tags) {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await call(acmOperation('AddTagsToCertificate', CertificateArn), () =>
        client.send(new AddTagsToCertificateCommand({ CertificateArn, Tags })),
      );
    },
    async untag(CertificateArn, tagKeys) {
      const Tags = tagKeys.map((Key) => ({ Key }));
      await call(acmOperation('RemoveTagsFromCertificate', CertificateArn), () =>
        client.send(new RemoveTagsFromCertificateCommand({ CertificateArn, Tags })),
      );
    },
    async import({ certificate, chain, privateKey, as }) {
      const { CertificateArn } = await call(
        acmOperation('ImportCertificate', 'arn' in as ? as.arn : '*'),
        () =>
          once.send(
            new ImportCertificateCommand({
              Certificate: Buffer.from(certificate),
              PrivateKey: Buffer.from(privateKey),
              ...(chain === '' ? {} : { CertificateChain: Buffer.from(chain) }),
              // ACM takes no tags with a further import.
              ...('arn' in as
                ? { CertificateArn: as.arn }
                : { Tags: Object.entries(as.tags).map(([Key, Value]) => ({ Key, Value })) }),
            }),
          ),
      );
      return required(CertificateArn, 'CertificateArn');
    },
    async importedUntil(notAfter) {
      const arns: string[] = [];
      for (let NextToken: string | undefined; ;) {
        const page = await call(acmOperation('ListCertificates', '*'), () =>
          client.send(
            // By default, it hides all but the RSA keys of up to 2048 bits.
            new ListCertificatesCommand({
              Includes: { keyTypes: [...KEY_TYPES] },
              NextToken,
              MaxItems: 1000,
            }),
          ),
        );
        for (const { CertificateArn, Type, NotAfter } of page.CertificateSummaryList ?? []) {
          const isIt = Type === 'IMPORTED' && NotAfter?.getTime() === notAfter.getTime();
          if (isIt && CertificateArn !== undefined) arns.push(CertificateArn);
        }
        NextToken = page.NextToken;
        if (NextToken === undefined) return arns;
      }
    },
  };
}
