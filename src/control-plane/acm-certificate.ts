import type { AcmDetails } from './acm-details.js';
import type { ClientChain } from '../certificates/client-chain.js';
import type { TrustedCertificate } from '../certificates/certificate.js';

/** A certificate of ACM: what ACM says of it, and what it says itself. */
export interface AcmCertificate {
  arn: string;
  domainName?: string;
  /** When it came into ACM. */
  createdDate: Date;
  details: AcmDetails;
  trusted: TrustedCertificate;
  /** PEM of its chain: LF line ends and one newline at the end; empty for none. */
  chainPem: string;
  chain: ClientChain;
}

/** What ImportCertificate takes, PEM. The key is sent to ACM and nowhere else. */
export interface AcmImport {
  certificate: string;
  chain: string;
  privateKey: string;
  /** The ARN whose certificate is replaced, which keeps its tags, or the tags of a new one. */
  as: { arn: string } | { tags: Readonly<Record<string, string>> };
}

/** The Region and the account (twelve digits) of a certificate of ACM; nothing for what is no such ARN. */
export function placeOfArn(arn: string): { region: string; accountId: string } | undefined {
  const [, region, accountId] = /^arn:[\w-]+:acm:([\w-]+):(\d{12}):certificate\/[\w-]{1,64}$/.exec(arn) ?? [];
  return region === undefined || accountId === undefined ? undefined : { region, accountId };
}
