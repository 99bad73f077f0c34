/** Credentials of people who have signed in: IAM Identity Center, and `aws login`. */
import { ssoLogin, type CredentialOrigin } from './credential-origin.js';
import { credentialFailure, ssoFailure } from './credential-failure.js';
import { patient } from './patient.js';
import { textOf } from './shared-files.js';
import { SILENT } from './silent.js';
import {
  invalidProfile,
  serviceConfig,
  type CredentialOptions,
  type FoundCredentials,
} from './credential-source.js';

const SSO_KEYS = ['sso_start_url', 'sso_region', 'sso_account_id', 'sso_role_name'] as const;

/** Credentials of IAM Identity Center, where the profile names an account or a role of it. @throws AppError `Credentials…` */
export async function fromSso(
  options: CredentialOptions,
  name: string,
): Promise<FoundCredentials | undefined> {
  const { files } = options.settings;
  const keys = files.profiles.get(name);
  if (textOf(keys, 'sso_account_id') === undefined && textOf(keys, 'sso_role_name') === undefined)
    return undefined;
  const sessionName = textOf(keys, 'sso_session');
  const session = sessionName === undefined ? undefined : files.ssoSessions.get(sessionName);
  if (sessionName !== undefined && session === undefined) {
    throw invalidProfile(
      name,
      `refers to the sso_session "${sessionName}", which is not in ${files.configFile}`,
      `add [sso-session ${sessionName}] there (\`aws configure sso-session\` creates it), or correct sso_session`,
    );
  }
  const values = Object.fromEntries(
    SSO_KEYS.map((key) => [key, textOf(session, key) ?? textOf(keys, key) ?? '']),
  );
  const missing = SSO_KEYS.filter((key) => !values[key]);
  if (missing.length > 0) {
    throw invalidProfile(
      name,
      `uses IAM Identity Center, but lacks ${missing.join(', ')}`,
      'run `aws configure sso`',
    );
  }
  const differs = (['sso_start_url', 'sso_region'] as const).find((key) => {
    const [own, its] = [textOf(keys, key), textOf(session, key)];
    return own !== undefined && its !== undefined && own !== its;
  });
  if (differs !== undefined) {
    throw invalidProfile(
      name,
      `and its sso-session "${sessionName ?? ''}" differ in ${differs}`,
      `remove ${differs} from the profile`,
    );
  }
  const region = values['sso_region'] ?? '';
  const [{ fromSSO }, { SSOClient }] = await Promise.all([
    import('@aws-sdk/credential-providers'),
    import('@aws-sdk/nested-clients/sso'),
  ]);
  const ssoClient = new SSOClient(serviceConfig(options, 'SSO', region));
  const provider = fromSSO({
    profile: name,
    filepath: files.credentialsFile,
    configFilepath: files.configFile,
    logger: SILENT,
    ssoClient,
    clientConfig: serviceConfig(options, 'SSO OIDC', region),
    ...(sessionName === undefined
      ? {
          ssoStartUrl: values['sso_start_url'] ?? '',
          ssoAccountId: values['sso_account_id'] ?? '',
          ssoRegion: region,
          ssoRoleName: values['sso_role_name'] ?? '',
        }
      : {}),
  });
  try {
    return { identity: await patient(provider)(), origin: { kind: 'sso', profile: name } };
  } catch (error) {
    throw ssoFailure(error, name, {
      account: values['sso_account_id'] ?? '',
      role: values['sso_role_name'] ?? '',
      login: ssoLogin(name),
    });
  } finally {
    ssoClient.destroy();
  }
}

/** Credentials of `aws login`, where the profile has a session of it. @throws AppError `Credentials…` */
export async function fromLogin(
  options: CredentialOptions,
  name: string,
): Promise<FoundCredentials | undefined> {
  const { files } = options.settings;
  if (textOf(files.profiles.get(name), 'login_session') === undefined) return undefined;
  const { fromLoginCredentials } = await import('@aws-sdk/credential-providers');
  const origin: CredentialOrigin = { kind: 'login', profile: name };
  const provider = fromLoginCredentials({
    profile: name,
    filepath: files.credentialsFile,
    configFilepath: files.configFile,
    logger: SILENT,
  });
  try {
    return { identity: await patient(provider)(), origin };
  } catch (error) {
    throw credentialFailure(error, origin);
  }
}
