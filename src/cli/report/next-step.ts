import type { CheckedCertificate, ExpiryReport } from '../../app/check-expiry.js';
import type { FleetAccount } from '../../core/fleet.js';

type Reported = ExpiryReport['findings'][number];

/** A word for a POSIX shell; only what needs quotes gets them. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * What to do about a finding: a command where there is one, else advice; nothing where the message says it all.
 *
 * @param account how the finding's account is reached; one that is reached by assuming a role is named by no profile,
 * and whoever acts there has to bring the credentials
 */
export function nextStep(
  { code, region, stage, hint, clientCertificateId: id }: Reported,
  certificate: CheckedCertificate | undefined,
  account: Pick<FleetAccount, 'profile' | 'roleArn'> = {},
): { command: string } | { advice: string } | undefined {
  const { profile, roleArn } = account;
  const named = profile !== undefined && roleArn === undefined;
  const at = `${named ? ` --profile ${shellWord(profile)}` : ''} --region ${shellWord(region)}`;
  if (hint !== undefined) return { advice: hint };
  switch (code) {
    case 'CertificateCritical':
    case 'CertificateExpired':
    case 'CertificateWarning': {
      const [use] = certificate?.usedBy ?? [];
      if (use !== undefined) {
        const name = shellWord(`${use.restApiId}/${use.stageName}`);
        return { command: `apigw-cert rotate --stage ${name}${at} --dry-run` };
      }
      return certificate?.usedBy && id ? { command: `apigw-cert delete ${shellWord(id)}${at}` } : undefined;
    }
    case 'RotationStuck': {
      // The rotation's certificate may not be in use yet, and then only the journal knows its stage.
      const [use] = certificate?.usedBy ?? [];
      if (use === undefined) return { command: 'apigw-cert status' };
      return { command: `apigw-cert rotate --stage ${shellWord(`${use.restApiId}/${use.stageName}`)}${at}` };
    }
    case 'UnusedCertificate':
      return id === undefined ? undefined : { command: `apigw-cert delete ${shellWord(id)}${at}` };
    case 'QuotaNearlyUsed':
      return { command: `apigw-cert list --usage${at}` };
    case 'StageWithoutCertificate':
      return { command: `apigw-cert attach <id> --stage ${shellWord(stage ?? '')}${at}` };
    case 'ClockSkew':
    case 'CertificateNotYetValid':
      return { advice: 'set the clock of this machine by NTP' };
    case 'EndDatesDiffer':
      return { advice: 'believe the certificate: backends look at nothing else' };
    default:
      return undefined;
  }
}
