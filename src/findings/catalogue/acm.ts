import { entry, stageOption, timeText, type NoArgs, type Where } from '../entry.js';

/** The ARN that the finding is about, and the stage where it is about one. */
const named = ({ clientCertificateId = 'this ACM certificate', stage }: Where): string =>
  stage === undefined
    ? clientCertificateId
    : `${clientCertificateId}, presented by ${stage.apiName}/${stage.stageName},`;

const describe = ({ clientCertificateId = 'ARN' }: Where): string =>
  `aws acm describe-certificate --certificate-arn ${clientCertificateId}`;

/** What a private CA has to grant to ACM (ACM user guide, "Assign private key renewal permissions to ACM"). */
function grant(authorityArn: string): string {
  return `let ACM use the CA: aws acm-pca create-permission --certificate-authority-arn ${authorityArn} --principal acm.amazonaws.com --actions IssueCertificate GetCertificate ListPermissions`;
}

/** About one certificate of ACM that a stage presents, or that was asked for. */
export const ACM_FINDINGS = {
  AcmAuthorityExpiresFirst: entry<{ subject: string; authorityNotAfter: Date; notAfter: Date }>({
    severity: 'warning',
    meaning: 'A CA in the chain of an ACM certificate expires before the certificate.',
    message: ({ subject, authorityNotAfter, notAfter }, where) =>
      `${named(where)} expires at ${timeText(notAfter)}, but ${subject} in its chain already at ${timeText(authorityNotAfter)}: backends refuse the certificate from then on`,
    remedy: 'replace the CA certificate, and the certificate, before that time',
  }),
  AcmCertificateElsewhere: entry<{ accountId: string; region: string }>({
    severity: 'unknown',
    meaning: 'A stage refers to an ACM certificate of another account or Region, which was not read.',
    message: ({ accountId, region }, where) =>
      `${named(where)} is of account ${accountId} and Region ${region}; API Gateway supports only certificates of its own account and Region, so its expiry was not read`,
    remedy: (_, where) =>
      `attach a certificate of this account and Region: apigw-cert attach ID --stage ${stageOption(where)}`,
  }),
  AcmCertificateImported: entry<NoArgs>({
    severity: 'info',
    meaning: 'An ACM certificate was imported, so ACM does not renew it.',
    message: (_, where) => `${named(where)} was imported: ACM does not renew it`,
    remedy: 'import its successor in time (docs/acm.md)',
  }),
  AcmCertificateUnknown: entry<{ reason: string; hint?: string }>({
    severity: 'unknown',
    meaning: 'An ACM certificate could not be read, so its expiry is unknown.',
    message: ({ reason }, where) => `${named(where)} could not be read, so its expiry is unknown: ${reason}`,
    remedy: ({ hint }) => hint,
  }),
  AcmChainEmpty: entry<{ issuer: string }>({
    severity: 'info',
    meaning: 'An ACM certificate has no chain: backends must trust its issuer directly.',
    message: ({ issuer }, where) =>
      `${named(where)} has no chain: only backends that trust its issuer (${issuer}) as a root accept it`,
    remedy: 'if the issuer is an intermediate CA, import the certificate again with its chain',
  }),
  AcmChainIncomplete: entry<{ issuer: string }>({
    severity: 'critical',
    meaning:
      'The chain of an ACM certificate does not contain its issuer; API Gateway does not check this, and backends refuse it.',
    message: ({ issuer }, where) =>
      `the chain of ${named(where)} does not contain its issuer (${issuer}), so backends that trust only the root refuse it; API Gateway does not check the chain`,
    remedy: 'import the certificate again with the certificates of its own intermediate CAs',
  }),
  AcmChainTooLong: entry<{ count: number }>({
    severity: 'warning',
    meaning:
      'An ACM certificate has more than 5 certificates in its chain, which API Gateway does not support.',
    message: ({ count }, where) =>
      `${named(where)} has ${count} certificates with its chain; API Gateway supports at most 5`,
    remedy: 'import it again with only the certificates that lead to the root',
  }),
  AcmChainUnordered: entry<NoArgs>({
    severity: 'warning',
    meaning: 'The chain of an ACM certificate is not in order, or contains other certificates.',
    message: (_, where) =>
      `the chain of ${named(where)} is not in order: each certificate must be followed by its issuer; some backends refuse another order`,
    remedy: 'import the certificate again with its chain in order, without other certificates',
  }),
  AcmClientAuthMissing: entry<NoArgs>({
    severity: 'critical',
    meaning: 'An ACM certificate is not for TLS clients, so backends refuse it.',
    message: (_, where) =>
      `${named(where)} is not for TLS clients: its extended key usage lacks clientAuth, or its key usage digitalSignature and keyAgreement; backends refuse it`,
    remedy: 'import a certificate for TLS clients as a new ARN, and attach that',
  }),
  AcmNotIssued: entry<{ status: string }>({
    severity: 'critical',
    meaning: 'ACM reports that a certificate on a stage is not issued, such as REVOKED.',
    message: ({ status }, where) => `${named(where)} has the status ${status} in ACM, not ISSUED`,
    remedy: (_, where) => describe(where),
  }),
  AcmPublicIssuer: entry<{ root: string }>({
    severity: 'warning',
    meaning: 'An ACM certificate is from a public CA; these no longer issue certificates for TLS clients.',
    message: ({ root }, where) =>
      `${named(where)} is from a public CA (${root}): public CAs stopped issuing certificates with clientAuth in 2026, so its successor will not be accepted`,
    remedy: 'use a private CA, or a certificate that API Gateway generates (docs/acm.md)',
  }),
  AcmRenewalDenied: entry<{ reason: string; authorityArn: string }>({
    severity: 'critical',
    meaning: 'ACM could not renew a certificate, since its private CA does not permit ACM to.',
    message: ({ reason, authorityArn }, where) =>
      `ACM could not renew ${named(where)} since ${authorityArn} does not permit it (${reason})`,
    remedy: ({ authorityArn }) => grant(authorityArn),
  }),
  AcmRenewalFailed: entry<{ reason?: string }>({
    severity: 'critical',
    meaning: 'ACM could not renew a certificate.',
    message: ({ reason = 'ACM reports no reason' }, where) =>
      `ACM could not renew ${named(where)}: ${reason}`,
    remedy: (_, where) => describe(where),
  }),
  AcmRenewalIneligible: entry<{ isInUse: boolean }>({
    severity: 'warning',
    meaning: 'ACM will not renew a certificate of a private CA.',
    message: ({ isInUse }, where) =>
      `ACM will not renew ${named(where)} ${
        isInUse
          ? 'although it is in use'
          : 'since ACM lists nothing that uses it: it renews only certificates that are in use or were exported'
      }`,
    remedy: (_, where) => describe(where),
  }),
  AcmRenewalOverdue: entry<{ daysLeft: number; status?: string }>({
    severity: 'warning',
    meaning: 'ACM should have renewed a certificate by now: it starts about 60 days before the expiry.',
    message: ({ daysLeft, status }, where) =>
      `ACM should have renewed ${named(where)} by now: it expires in ${daysLeft} day${daysLeft === 1 ? '' : 's'}${status === undefined ? '' : ` (renewal: ${status})`}`,
    remedy: (_, where) => describe(where),
  }),
};
