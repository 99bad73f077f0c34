/** Where credentials come from: what renews them depends on it. */
export type CredentialOrigin =
  | { kind: 'environment' }
  | { kind: 'file'; profile: string; file: string }
  | { kind: 'process'; profile: string }
  | { kind: 'sso'; profile: string }
  | { kind: 'login'; profile: string }
  | { kind: 'webIdentity'; what: string }
  | { kind: 'role'; roleArn: string; source: CredentialOrigin }
  | { kind: 'container' }
  | { kind: 'instance' };

/** A word as a POSIX shell needs it. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** How to sign in for a profile. */
export const ssoLogin = (profile: string): string => `\`aws sso login --profile ${shellWord(profile)}\``;

/** Where credentials came from, as a part of a sentence. */
export function originText(origin: CredentialOrigin): string {
  switch (origin.kind) {
    case 'environment':
      return 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment';
    case 'file':
      return `the profile "${origin.profile}" in ${origin.file}`;
    case 'process':
      return `the credential_process of the profile "${origin.profile}"`;
    case 'sso':
      return `IAM Identity Center for the profile "${origin.profile}"`;
    case 'login':
      return `\`aws login\` for the profile "${origin.profile}"`;
    case 'webIdentity':
      return origin.what;
    case 'role':
      return `the role ${origin.roleArn}`;
    case 'container':
      return "the container's credential endpoint";
    case 'instance':
      return "the instance's role";
  }
}

/** What renews credentials that have expired. */
export function renewal(origin: CredentialOrigin): string {
  switch (origin.kind) {
    case 'environment':
      return 'set new values for AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN';
    case 'file':
      return `put new ones under [${origin.profile}] in ${origin.file}`;
    case 'process':
      return `check why the credential_process of the profile "${origin.profile}" returns expired credentials`;
    case 'sso':
      return `sign in again: ${ssoLogin(origin.profile)}`;
    case 'login':
      return `sign in again: \`aws login --profile ${shellWord(origin.profile)}\``;
    case 'role':
      return renewal(origin.source);
    case 'webIdentity':
      return `check that the token of ${origin.what} is still being renewed`;
    case 'container':
    case 'instance':
      return 'run the command again; if that does not help, check the clock of this machine';
  }
}
