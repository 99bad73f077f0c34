/**
 * `user:password@`, as far as the last `@` before the path: a password may hold any character. What a hint writes in the
 * place of the two stays.
 */
const USER_INFO = /(:\/\/)(?!USER:PASSWORD@)[^\s/?#]*@/g;

/** A parameter of a query whose name says that its value is a secret; a value from a stage variable is not one. */
const SECRET_PARAMETER =
  /([?&][^\s=&#]*(?:key|token|secret|passw|pwd|signature|credential|auth|\bsig)[^\s=&#]*=)(?!\$\{)[^\s&#"')]+/gi;

/**
 * A URI, or a text with URIs in it, as it may be shown. What people write into the integrations of an API is shown by
 * reports that others read: user, password and the values of secret parameters become `***`.
 */
export function withoutCredentials(text: string): string {
  return text.replace(USER_INFO, '$1***@').replace(SECRET_PARAMETER, '$1***');
}
