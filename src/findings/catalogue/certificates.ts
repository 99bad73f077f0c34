import { formatDuration } from '../../platform/duration.js';
import type { AcmOrigin } from '../../control-plane/acm-details.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import { stagesText } from '../../control-plane/stages-text.js';
import { stageOption, timeText, entry, type NoArgs, type Where } from '../entry.js';

export interface Described {
  description?: string | undefined;
}

export interface Presented extends Described {
  /** Absent where the stages were not read, or the finding is about one of them. */
  usedBy?: readonly NamedStage[] | undefined;
  /** Of a certificate of ACM. */
  origin?: AcmOrigin | undefined;
}

export interface Expiring extends Presented {
  notAfter: Date;
  daysLeft: number;
  /** Whether it is reported for its renewal window, and not for a threshold. */
  inWindow?: boolean;
}

/** What to do about the expiry of a certificate of ACM. */
function acmRenewal({ origin }: Presented, { clientCertificateId = 'ARN' }: Where): string | undefined {
  if (origin === undefined) return undefined;
  return origin === 'imported'
    ? 'import its successor into ACM, and attach that (docs/acm.md)'
    : `see why ACM has not renewed it: aws acm describe-certificate --certificate-arn ${clientCertificateId}`;
}

function named({ description }: Described, { clientCertificateId }: Where): string {
  if (clientCertificateId === undefined) return 'this certificate';
  return description ? `${clientCertificateId} (${description})` : clientCertificateId;
}

function users({ usedBy }: Presented): string {
  if (usedBy === undefined) return '';
  return usedBy.length === 0 ? ', presented by no stage' : `, presented by ${stagesText(usedBy)}`;
}

function expires(args: Expiring, where: Where): string {
  const { daysLeft, notAfter, inWindow = false } = args;
  const window = inWindow ? '; it is in its renewal window, the last third of its lifetime' : '';
  return `${named(args, where)} expires in ${daysLeft} day${daysLeft === 1 ? '' : 's'}, at ${timeText(notAfter)}${users(args)}${window}`;
}

/** Only where the stage is known that presents it: the trust store of its backend has to be specified. */
const rotation =
  (force = '') =>
  (args: Presented, where: Where): string | undefined =>
    acmRenewal(args, where) ??
    (where.stage && `apigw-cert rotate --stage ${stageOption(where)} --trust KIND:FILE${force}`);

/** About one certificate. */
export const CERTIFICATE_FINDINGS = {
  CertificateCritical: entry<Expiring>({
    severity: 'critical',
    meaning: 'A certificate expires within the critical threshold.',
    message: expires,
    remedy: rotation(),
  }),
  CertificateExpired: entry<Presented & { notAfter: Date }>({
    severity: 'critical',
    meaning: 'A certificate has expired: backends refuse it.',
    message: (args, where) =>
      where.file === undefined
        ? `${named(args, where)} expired at ${timeText(args.notAfter)}${users(args)}`
        : `this certificate expired at ${timeText(args.notAfter)}; some servers still accept it, such as Java’s default trust manager`,
    remedy: (args, where) =>
      where.file === undefined ? rotation(' --force')(args, where) : 'remove it: apigw-cert backend remove',
  }),
  CertificateMissing: entry<NoArgs>({
    severity: 'unknown',
    meaning: 'A certificate specified by its id is in none of the accounts and Regions.',
    message: (_, { clientCertificateId = '' }) => `client certificate ${clientCertificateId} was not found`,
  }),
  CertificateNotYetValid: entry<Presented & { notBefore: Date }>({
    severity: 'warning',
    meaning: 'A certificate is not valid yet, so a clock is wrong.',
    message: (args, where) =>
      `${named(args, where)} is not valid before ${timeText(args.notBefore)}${users(args)}`,
    remedy: 'synchronize the clock of this machine with NTP',
  }),
  CertificateUnreadable: entry<{ reason: string }>({
    severity: 'unknown',
    meaning: 'A certificate’s PEM could not be read.',
    message: ({ reason }, { clientCertificateId = '' }) => `${clientCertificateId}: ${reason}`,
  }),
  CertificateWarning: entry<Expiring>({
    severity: 'warning',
    meaning: 'A certificate expires within the warning threshold, or is in its renewal window.',
    message: expires,
    remedy: rotation(),
  }),
  EndDatesDiffer: entry<Described & { notAfter: Date; expirationDate: Date }>({
    severity: 'warning',
    meaning: 'API Gateway reports a different expiry date than the certificate.',
    message: (args, where) =>
      `${named(args, where)} expires at ${timeText(args.notAfter)}, but API Gateway reports ${timeText(args.expirationDate)}`,
    remedy: 'rely on the certificate, as backends do',
  }),
  RotationStuck: entry<Described & { ageMs: number; replaces: Described & { clientCertificateId: string } }>({
    severity: 'warning',
    meaning: 'A rotation started over a week ago, and the certificate that it replaces still exists.',
    message: (args, where) =>
      `${named(args, where)} was created ${formatDuration(args.ageMs)} ago to replace ${named(args.replaces, args.replaces)}, which still exists`,
    remedy: 'run the same rotate command again, or add --abort',
  }),
  UnusedCertificate: entry<Described>({
    severity: 'info',
    meaning: 'No stage presents the certificate.',
    message: (args, where) => `${named(args, where)} is presented by no stage`,
  }),
};
