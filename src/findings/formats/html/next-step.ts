import { shellWord } from '../../../platform/shell-word.js';
import { withoutCredentials } from '../../../platform/uri.js';
import type { CheckedCertificate, ExpiryReport } from '../../check-expiry.js';
import type { FleetAccount } from '../../../settings/accounts.js';
import type { Configuration } from '../../../settings/schema.js';

type Found = ExpiryReport['findings'][number];

/** What something can be done about: a finding, or a certificate that is due for renewal. */
export type Reportable = Pick<
  Found,
  'account' | 'region' | 'code' | 'message' | 'remedy' | 'stage' | 'clientCertificateId'
>;
type Use = NonNullable<CheckedCertificate['usedBy']>[number];

/** How the report itself was asked for: its commands have to reach the same. */
export interface ReportedFrom {
  endpointUrl?: string;
  /** What says how to rotate. */
  configuration?: Pick<Configuration, 'targets' | 'region' | 'profile'> & { file: string };
}

/** What to do about a finding: a command that works as it is when it is pasted, words, or both. */
export interface NextStep {
  command?: string;
  advice?: string;
}

/** The one target of the configuration that rotates a stage. */
function targetOf(
  { restApiId, apiName, stageName }: Use,
  { region: of = '' }: Reportable,
  { profile: by }: Pick<FleetAccount, 'profile'>,
  { targets = {}, region, profile }: NonNullable<ReportedFrom['configuration']>,
): string | undefined {
  const about = Object.entries(targets).filter(
    ([, target]) =>
      (target.api === restApiId || target.api === apiName) &&
      target.stages.includes(stageName) &&
      (target.region ?? region ?? of) === of &&
      (target.profile ?? profile) === by,
  );
  const [found] = about;
  return about.length === 1 ? found?.[0] : undefined;
}

/**
 * What to do about a finding; nothing where the message says it all.
 *
 * @param account how the finding's account is reached; one that is reached by assuming a role is named by no profile,
 * and whoever acts there has to bring the credentials
 */
export function nextStep(
  reported: Reportable,
  certificate: CheckedCertificate | undefined,
  account: Pick<FleetAccount, 'profile' | 'roleArn'> = {},
  { endpointUrl, configuration }: ReportedFrom = {},
): NextStep | undefined {
  const { code, region = '', stage, remedy, clientCertificateId: id } = reported;
  const { profile, roleArn } = account;
  const named = profile !== undefined && roleArn === undefined;
  const endpoint =
    endpointUrl === undefined ? '' : ` --endpoint-url ${shellWord(withoutCredentials(endpointUrl))}`;
  const at = `${named ? ` --profile ${shellWord(profile)}` : ''} --region ${shellWord(region)}${endpoint}`;
  const [use] = certificate?.usedBy ?? [];
  const target =
    use && configuration && roleArn === undefined
      ? targetOf(use, reported, account, configuration)
      : undefined;
  const rotate =
    target === undefined
      ? undefined
      : `apigw-cert rotate --config ${shellWord(configuration?.file ?? '')} --target ${shellWord(target)}${endpoint}`;
  const name = use && shellWord(`${use.restApiId}/${use.stageName}`);
  switch (code) {
    case 'CertificateCritical':
    case 'CertificateExpired':
    case 'CertificateWarning':
      if (certificate?.acm !== undefined) return remedy === undefined ? undefined : { advice: remedy };
      if (rotate !== undefined) return { command: `${rotate} --dry-run` };
      if (name !== undefined) {
        // A rotation needs the trust store of the backend, and nothing here says which that is.
        return {
          command: `apigw-cert doctor --stage ${name}${at}`,
          advice:
            'shows its backends; then rotate it with their trust store (--trust), or with a target in apigw-cert.yaml (apigw-cert init)',
        };
      }
      return certificate?.usedBy && id ? { command: `apigw-cert delete ${shellWord(id)}${at}` } : undefined;
    case 'RotationStuck':
      // The rotation's certificate may not be in use yet, and then only the journal knows its stage.
      return rotate === undefined
        ? {
            command: 'apigw-cert status',
            advice:
              'shows the stage, on the machine that started the rotation; run the same rotate command again there, or add --abort',
          }
        : { command: rotate };
    case 'UnusedCertificate':
      return id === undefined ? undefined : { command: `apigw-cert delete ${shellWord(id)}${at}` };
    case 'QuotaNearlyUsed':
      return { command: `apigw-cert list --usage${at}` };
    case 'StageWithoutCertificate':
      return {
        command: `apigw-cert generate --description ${shellWord(stage === undefined ? '' : `${stage.restApiId}/${stage.stageName}`)}${at}`,
        advice:
          'prints the id; add it to the trust store of the backend, then attach it to the stage (apigw-cert attach)',
      };
    default:
      return remedy === undefined ? undefined : { advice: remedy };
  }
}
