import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import * as z from 'zod/mini';
import { partitionOf } from '../../aws/partition.js';
import { KEY_TYPES, type KeyType } from '../../certificates/key-type.js';
import type { AcmCertificate, World } from '../model.js';
import { pageOf } from '../pagination.js';
import { detailOf, summaryOf } from './details.js';
import { checkedImport, checkReplacement } from './import.js';
import { issue, replaceIssued } from './issuing.js';
import {
  acmError,
  acmOperation,
  findAcmCertificate,
  invalid,
  stagesWith,
  type AcmOperation,
} from './operation.js';
import { addAcmTags, removeAcmTags, tagList, tagOutput } from './tags.js';

/** Members of type blob are base64 in JSON. */
const blob = z.pipe(
  z.string(),
  z.transform((text) => Buffer.from(text, 'base64').toString()),
);

const arnBody = z.object({ CertificateArn: z.string() });

/** What ListCertificates shows unless the key types are named. */
const SHOWN_BY_DEFAULT: readonly KeyType[] = ['RSA_1024', 'RSA_2048'];
const MOST_PER_PAGE = 1000;

const newArn = ({ account, region }: World): string =>
  `arn:${partitionOf(region)}:acm:${region}:${account}:certificate/${randomUUID()}`;

/** The names that a certificate is for: its subject alternative names, or else its common name. */
function namesOf(pem: string): string[] {
  const { subjectAltName = '', subject } = new X509Certificate(pem);
  const names = [...subjectAltName.matchAll(/DNS:([^,]+)/g)].map(([, name = '']) => name);
  const common = /^CN=(.*)$/m.exec(subject)?.[1];
  return names.length === 0 && common !== undefined ? [common] : names;
}

const AUTHORITY_ARN = /^arn:[\w-]+:acm-pca:([\w-]+):(\d{12}):certificate-authority\/[\w-]+$/;

export const acmOperations: readonly AcmOperation[] = [
  acmOperation({
    name: 'ImportCertificate',
    isRead: false,
    body: z.object({
      CertificateArn: z.nullish(z.string()),
      Certificate: blob,
      PrivateKey: blob,
      CertificateChain: z.nullish(blob),
      Tags: z.nullish(tagList),
    }),
    handle({ world, body, clock }) {
      const now = clock.now();
      const { Certificate: certificate, PrivateKey: privateKey, CertificateChain: chain } = body;
      const before = body.CertificateArn ? findAcmCertificate(world, body.CertificateArn) : undefined;
      const { issued, keyType } = checkedImport({ certificate, privateKey, chain: chain ?? undefined }, now);
      const [domainName, ...alternativeNames] = namesOf(issued.pem);
      if (before !== undefined) {
        if (body.Tags) throw invalid('Tagging is not permitted on re-import.');
        checkReplacement(before, { issued, keyType });
        Object.assign(before, { domainName, alternativeNames });
        replaceIssued(world, before, issued, now.getTime());
        return { CertificateArn: before.arn };
      }
      const tags = new Map<string, string>();
      addAcmTags(tags, body.Tags ?? new Map());
      const made: AcmCertificate = {
        arn: newArn(world),
        type: 'IMPORTED',
        domainName,
        alternativeNames,
        keyType,
        createdAt: now.getTime(),
        issuedAt: now.getTime(),
        issued,
        authorityArn: undefined,
        renewal: undefined,
        tags,
      };
      world.acmCertificates.set(made.arn, made);
      return { CertificateArn: made.arn };
    },
  }),
  acmOperation({
    name: 'RequestCertificate',
    isRead: false,
    body: z.object({
      DomainName: z.string().check(z.regex(/^(?:\*\.)?[\w.-]{1,253}$/)),
      SubjectAlternativeNames: z.nullish(z.array(z.string().check(z.regex(/^(?:\*\.)?[\w.-]{1,253}$/)))),
      CertificateAuthorityArn: z.nullish(z.string()),
      KeyAlgorithm: z.nullish(z.enum(KEY_TYPES)),
      Tags: z.nullish(tagList),
    }),
    async handle({ world, body, clock }) {
      const now = clock.now();
      const authorityArn = body.CertificateAuthorityArn ?? undefined;
      const [, region, account] = AUTHORITY_ARN.exec(authorityArn ?? '') ?? [];
      if (authorityArn !== undefined && (region !== world.region || account !== world.account)) {
        throw acmError(
          'InvalidArnException',
          `The certificate authority ${authorityArn} is not of this account and Region`,
        );
      }
      const tags = new Map<string, string>();
      addAcmTags(tags, body.Tags ?? new Map());
      const made: AcmCertificate = {
        arn: newArn(world),
        type: authorityArn === undefined ? 'AMAZON_ISSUED' : 'PRIVATE',
        domainName: body.DomainName,
        alternativeNames: [...new Set([body.DomainName, ...(body.SubjectAlternativeNames ?? [])])],
        keyType: body.KeyAlgorithm ?? 'RSA_2048',
        createdAt: now.getTime(),
        issuedAt: authorityArn === undefined ? undefined : now.getTime(),
        issued: undefined,
        authorityArn,
        renewal: undefined,
        tags,
      };
      if (authorityArn !== undefined) made.issued = await issue(world, made, authorityArn, now);
      world.acmCertificates.set(made.arn, made);
      return { CertificateArn: made.arn };
    },
  }),
  acmOperation({
    name: 'DescribeCertificate',
    isRead: true,
    body: arnBody,
    handle: ({ world, body, clock }) => ({
      Certificate: detailOf(world, findAcmCertificate(world, body.CertificateArn), clock.now()),
    }),
  }),
  acmOperation({
    name: 'ExportCertificate',
    isRead: true,
    body: z.object({ CertificateArn: z.string(), Passphrase: blob.check(z.minLength(4)) }),
    handle({ world, body }) {
      const { type, issued, arn } = findAcmCertificate(world, body.CertificateArn);
      if (type !== 'PRIVATE' || issued === undefined) {
        throw invalid(`Certificate ${arn} is not one that a private CA issued`);
      }
      const privateKey = createPrivateKey(issued.privateKeyPem).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: body.Passphrase,
      });
      return { Certificate: issued.pem, CertificateChain: issued.chainPem, PrivateKey: privateKey };
    },
  }),
  acmOperation({
    name: 'GetCertificate',
    isRead: true,
    body: arnBody,
    handle({ world, body }) {
      const { arn, issued } = findAcmCertificate(world, body.CertificateArn);
      if (issued === undefined) {
        throw acmError('RequestInProgressException', `The certificate ${arn} has not been issued yet`);
      }
      // A chain that was not given is absent.
      return {
        Certificate: issued.pem,
        ...(issued.chainPem === '' ? {} : { CertificateChain: issued.chainPem }),
      };
    },
  }),
  acmOperation({
    name: 'ListCertificates',
    isRead: true,
    body: z.object({
      CertificateStatuses: z.nullish(z.array(z.string())),
      Includes: z.nullish(z.object({ keyTypes: z.nullish(z.array(z.enum(KEY_TYPES))) })),
      MaxItems: z.nullish(z.int()),
      NextToken: z.nullish(z.string()),
    }),
    handle({ world, body, clock }) {
      const keyTypes = body.Includes?.keyTypes ?? SHOWN_BY_DEFAULT;
      const now = clock.now();
      const shown = new Map(
        [...world.acmCertificates].flatMap(([arn, certificate]) => {
          const summary = summaryOf(world, certificate, now);
          const isWanted =
            keyTypes.includes(certificate.keyType) &&
            (body.CertificateStatuses?.includes(summary.Status) ?? true);
          return isWanted ? [[arn, summary] as const] : [];
        }),
      );
      const { found, next } = pageOf(
        'acm',
        shown,
        { limit: String(body.MaxItems ?? MOST_PER_PAGE), position: body.NextToken ?? null },
        MOST_PER_PAGE,
      );
      return { CertificateSummaryList: found, ...(next === undefined ? {} : { NextToken: next }) };
    },
  }),
  acmOperation({
    name: 'DeleteCertificate',
    isRead: false,
    body: arnBody,
    handle({ world, body }) {
      const { arn } = findAcmCertificate(world, body.CertificateArn);
      if (stagesWith(world, arn).length > 0) {
        throw acmError('ResourceInUseException', `Certificate ${arn} in account ${world.account} is in use`);
      }
      world.acmCertificates.delete(arn);
    },
  }),
  acmOperation({
    name: 'AddTagsToCertificate',
    isRead: false,
    body: z.object({ CertificateArn: z.string(), Tags: tagList }),
    handle({ world, body }) {
      addAcmTags(findAcmCertificate(world, body.CertificateArn).tags, body.Tags);
    },
  }),
  acmOperation({
    name: 'RemoveTagsFromCertificate',
    isRead: false,
    body: z.object({ CertificateArn: z.string(), Tags: tagList }),
    handle({ world, body }) {
      removeAcmTags(findAcmCertificate(world, body.CertificateArn).tags, body.Tags);
    },
  }),
  acmOperation({
    name: 'ListTagsForCertificate',
    isRead: true,
    body: arnBody,
    handle: ({ world, body }) => ({
      Tags: tagOutput(findAcmCertificate(world, body.CertificateArn).tags),
    }),
  }),
];
