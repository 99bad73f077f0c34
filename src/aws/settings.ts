import leven from 'leven';
import { AppError } from '../platform/errors.js';
import { resolve, type Candidates } from '../settings/resolve.js';
import { ACCOUNT_SETTINGS } from '../settings/table.js';
import { loadSharedFiles, textOf, type SharedFiles } from './shared-files.js';

/** A value, and what says so: `--region`, `AWS_REGION`, `region of [prod]`. */
export interface Setting<T> {
  value: T;
  from: string;
}

/** A service by the id of its service model, from which the names of its settings are made. */
export type AwsService =
  | 'Account'
  | 'API Gateway'
  | 'ApiGatewayV2'
  | 'ACM'
  | 'CloudFormation'
  | 'DynamoDB'
  | 'EKS'
  | 'S3'
  | 'Secrets Manager'
  | 'SNS'
  | 'SSM'
  | 'SSO'
  | 'SSO OIDC'
  | 'STS';

/** What a flag or `apigw-cert.yaml` says of how to reach AWS; what is left out comes from the environment and files. */
export interface AwsInput {
  /** A profile that is chosen on purpose: keys in the environment do not count beside it. */
  profile?: string | undefined;
  region?: string | undefined;
  /** For API Gateway alone. */
  endpointUrl?: string | undefined;
  /** What in the file says the profile or the Region, where it is not a flag: `apigw-cert.yaml:2`. */
  fromFile?: { readonly profile?: string | undefined; readonly region?: string | undefined } | undefined;
}

/** How to reach AWS, as the AWS CLI would with the same flags, variables and files. */
export interface AwsSettings {
  files: SharedFiles;
  profile: Setting<string>;
  /** Whether keys and tokens of the environment count: not beside a profile chosen by a flag. */
  environmentCounts: boolean;
  region: Setting<string> | undefined;
  caBundle: Setting<string> | undefined;
  useFipsEndpoint: boolean;
  useDualstackEndpoint: boolean;
  /**
   * The URL that is configured for a service, if any.
   * @throws AppError `ConfigurationInvalid` for a `services` section that is not there, or what is no URL
   */
  endpoint(service: AwsService): Setting<string> | undefined;
}

const CONTROL = /[\p{Cc}\p{Cf}]/u;

/** Nothing in a name or a URL is invisible on purpose; a script with Windows line ends leaves such things behind. */
function assertVisible({ value, from }: Setting<string>): void {
  if (!CONTROL.test(value)) return;
  throw new AppError('Usage', `the value of ${from} contains an invisible character: "${value}"`, {
    hint: 'remove it; a shell script with Windows line endings leaves \\x0d at the end of values (tr -d "\\r" removes it)',
  });
}

/** The first that is set; a variable may be set to nothing. */
function firstOf(names: readonly string[], env: NodeJS.ProcessEnv): Setting<string> | undefined {
  const name = names.find((candidate) => env[candidate]);
  return name === undefined ? undefined : { value: env[name] ?? '', from: name };
}

const given = (value: string | undefined, from: string): Setting<string> | undefined =>
  value === undefined || value === '' ? undefined : { value, from };

/** What a flag or the file says of the profile or the Region. */
function inputOf({ fromFile, ...input }: AwsInput, key: 'profile' | 'region'): Candidates<Setting<string>> {
  const from = fromFile?.[key];
  return from === undefined ? { flag: given(input[key], `--${key}`) } : { file: given(input[key], from) };
}

function chooseProfile(input: AwsInput, env: NodeJS.ProcessEnv): Setting<string> & { isNamed: boolean } {
  const { value: chosen, layer } = resolve<Setting<string>>({
    ...inputOf(input, 'profile'),
    environment: firstOf(ACCOUNT_SETTINGS.profile.variables, env),
    default: { value: 'default', from: 'default' },
  });
  assertVisible(chosen);
  return { ...chosen, isNamed: layer !== 'default' };
}

function noSuchProfile({ value, from }: Setting<string>, files: SharedFiles): AppError {
  const names = [...files.profiles.keys()];
  const [nearest] = names
    .map((name) => ({ name, distance: leven(name, value) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance);
  return new AppError(
    'CredentialsMissing',
    `the profile "${value}" (${from}) is neither in ${files.configFile} nor in ${files.credentialsFile}`,
    {
      hint: nearest
        ? `did you mean "${nearest.name}"?`
        : `\`aws configure list-profiles\` lists the profiles; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE set the files they are read from`,
      details: { profile: value },
    },
  );
}

/**
 * Finds the profile, the Region and what else decides how AWS is reached, in the AWS CLI's order: flag, environment,
 * profile (the credentials file before the other one).
 * @throws AppError `CredentialsMissing` for a profile that is not there, `ConfigurationInvalid`, `FileNotReadable`, `Usage`
 */
export async function awsSettings(
  input: AwsInput = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<AwsSettings> {
  const files = await loadSharedFiles(env);
  const { isNamed, ...profile } = chooseProfile(input, env);
  const keys = files.profiles.get(profile.value);
  if (isNamed && keys === undefined) throw noSuchProfile(profile, files);

  const fromProfile = (key: string): Setting<string> | undefined =>
    given(textOf(keys, key), `${key} of the profile "${profile.value}"`);
  const isTrue = (variable: string, key: string): boolean =>
    resolve({ environment: firstOf([variable], env), profile: fromProfile(key) })
      ?.value.value.trim()
      .toLowerCase() === 'true';

  const region = resolve({
    ...inputOf(input, 'region'),
    environment: firstOf(ACCOUNT_SETTINGS.region.variables, env),
    profile: fromProfile('region'),
  })?.value;
  if (region) assertVisible(region);

  const servicesSection = () => {
    const section = fromProfile('services');
    if (section === undefined) return undefined;
    const found = files.services.get(section.value);
    if (found) return { name: section.value, found };
    throw new AppError(
      'ConfigurationInvalid',
      `the profile "${profile.value}" refers to the services section "${section.value}", which is not in ${files.configFile}`,
      { hint: `add [services ${section.value}] there, or remove "services" from the profile` },
    );
  };

  function configuredEndpoint(service: AwsService): Candidates<Setting<string>> {
    const id = service.replaceAll(' ', '_');
    return {
      environment: firstOf([`AWS_ENDPOINT_URL_${id.toUpperCase()}`, 'AWS_ENDPOINT_URL'], env),
      get profile() {
        const section = servicesSection();
        const block = section?.found[id.toLowerCase()];
        const own =
          typeof block === 'object'
            ? given(block['endpoint_url'], `services ${section?.name ?? ''}`)
            : undefined;
        return own ?? fromProfile('endpoint_url');
      },
    };
  }

  return {
    files,
    profile,
    environmentCounts: input.profile === undefined || input.profile === '',
    region,
    caBundle: resolve({ environment: firstOf(['AWS_CA_BUNDLE'], env), profile: fromProfile('ca_bundle') })
      ?.value,
    useFipsEndpoint: isTrue('AWS_USE_FIPS_ENDPOINT', 'use_fips_endpoint'),
    useDualstackEndpoint: isTrue('AWS_USE_DUALSTACK_ENDPOINT', 'use_dualstack_endpoint'),
    endpoint(service) {
      const isApiGateway = service === 'API Gateway' || service === 'ApiGatewayV2';
      const flag = isApiGateway ? given(input.endpointUrl, '--endpoint-url') : undefined;
      const isIgnored = isTrue('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'ignore_configured_endpoint_urls');
      // The profile's is a getter: a section that is missing is no error where another layer goes before.
      const found = resolve<Setting<string>>(
        isIgnored || flag !== undefined ? { flag } : configuredEndpoint(service),
      );
      if (found !== undefined && found.layer !== 'flag') assertUrl(found.value);
      return found?.value;
    },
  };
}

function assertUrl(setting: Setting<string>): void {
  assertVisible(setting);
  if (URL.canParse(setting.value) && /^https?:/i.test(setting.value)) return;
  throw new AppError('ConfigurationInvalid', `"${setting.value}" (${setting.from}) is not a valid URL`, {
    hint: 'specify the full URL, such as http://127.0.0.1:4599',
  });
}
