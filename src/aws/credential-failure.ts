import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { originText, renewal, type CredentialOrigin } from './credential-origin.js';
import { networkError } from './network-error.js';

const LATE_HINT = 'check what it waits for: a network, a proxy or a sign-in';

/** A sentence of AWS or of the SDK: one line, fit for a terminal. */
function said(error: unknown): string {
  const { message, name } = error as Error;
  const [first = ''] = message.split('\n');
  return printable(first.trim() === '' ? name : first.trim());
}

/** What goes wrong with any source of credentials; nothing where it is the source's own matter. */
function common(error: unknown, service: string, origin: CredentialOrigin): AppError | undefined {
  if (error instanceof AppError) return error;
  if ((error as Error).name === 'CredentialsTimeout') {
    return new AppError('CredentialsMissing', `the credentials of ${originText(origin)}: ${said(error)}`, {
      hint: LATE_HINT,
      cause: error,
    });
  }
  return networkError(error, service);
}

/** An error of a source that says little: a container, an instance, a login. */
export function credentialFailure(error: unknown, origin: CredentialOrigin): AppError {
  const shared = common(error, originText(origin), origin);
  if (shared) return shared;
  const expired =
    /expired|reauthenticat|invalid|not found/i.test((error as Error).message) && origin.kind === 'login';
  return new AppError(
    expired ? 'CredentialsExpired' : 'CredentialsMissing',
    `${originText(origin)} provides no credentials: ${said(error)}`,
    { hint: renewal(origin), cause: error },
  );
}

/** An error of IAM Identity Center or of the token that `aws sso login` left. */
export function ssoFailure(
  error: unknown,
  profile: string,
  { account, role, login }: { account: string; role: string; login: string },
): AppError {
  const shared = common(error, 'IAM Identity Center', { kind: 'sso', profile });
  if (shared) return shared;
  const { message } = error as Error;
  const about = (
    code: 'CredentialsExpired' | 'CredentialsRefused',
    sentence: string,
    hint: string,
  ): AppError => new AppError(code, sentence, { hint, cause: error, details: { profile } });
  if (/Forbidden|No access/i.test(message)) {
    return about(
      'CredentialsRefused',
      `IAM Identity Center does not allow you to use the role ${role} in the account ${account} (profile "${profile}")`,
      'check sso_account_id and sso_role_name of the profile; the assignment may have been removed',
    );
  }
  if (/ResourceNotFound|InvalidRequest/i.test(message)) {
    return about(
      'CredentialsRefused',
      `IAM Identity Center has no role ${role} in the account ${account} (profile "${profile}"): ${said(error)}`,
      'check sso_account_id, sso_role_name and sso_region of the profile',
    );
  }
  const never = /not found|invalid/i.test(message);
  return about(
    'CredentialsExpired',
    never
      ? `the profile "${profile}" is not signed in to IAM Identity Center`
      : `the sign-in of the profile "${profile}" to IAM Identity Center has expired`,
    `sign in: ${login}`,
  );
}

/** An error of STS on the way to a role. */
export function roleFailure(error: unknown, roleArn: string, source: CredentialOrigin): AppError {
  const shared = common(error, 'AWS STS', source);
  if (shared) return shared;
  const { name, message } = error as Error;
  const details = { roleArn };
  const about = (
    code: 'CredentialsExpired' | 'CredentialsRefused',
    sentence: string,
    hint: string,
  ): AppError => new AppError(code, sentence, { hint, cause: error, details });
  if (name.startsWith('Expired')) {
    return about(
      'CredentialsExpired',
      `the role ${roleArn} cannot be assumed: the credentials of ${originText(source)} have expired`,
      renewal(source),
    );
  }
  if (/MultiFactorAuthentication/i.test(message)) {
    return about(
      'CredentialsRefused',
      `the role ${roleArn} cannot be assumed: AWS does not accept the MFA code`,
      'wait for the next code and try again; check mfa_serial and the clock of the device',
    );
  }
  if (/^(InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|IncompleteSignature)/.test(name)) {
    return about(
      'CredentialsRefused',
      `the role ${roleArn} cannot be assumed: AWS does not accept the credentials of ${originText(source)}`,
      renewal(source),
    );
  }
  const hint =
    source.kind === 'webIdentity'
      ? "check that the role trusts the token's issuer, audience and subject"
      : 'check that the role trusts these credentials, that its external ID matches, and that sts:AssumeRole is allowed';
  return about('CredentialsRefused', `the role ${roleArn} cannot be assumed: ${said(error)}`, hint);
}
