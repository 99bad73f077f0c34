/** Text from outside in the languages of tools. What is no plain ASCII is written as an escape in all of them. */

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** JSON with escapes for all that is no plain ASCII. @param beyond how a character outside the BMP is escaped */
const escaped = (text: string, beyond: (character: string) => string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? beyond(character) : `\\u${hex(code, 4)}`;
  });

const asOne = (character: string): string => `\\U${hex(character.codePointAt(0) ?? 0, 8)}`;
const asPair = (character: string): string =>
  `\\u${hex(character.charCodeAt(0), 4)}\\u${hex(character.charCodeAt(1), 4)}`;

/** A string of YAML in double quotes (YAML 1.2, "Double-Quoted Style"), whose escapes include those of JSON. */
export const yamlString = (text: string): string => escaped(text, asOne);

/** A string literal of TypeScript. */
export const typescriptString = (text: string): string => escaped(text, asPair);

/**
 * A string of HCL, in which `${` and `%{` begin templates ("HCL Native Syntax Specification", "Templates"): their first
 * character is written as an escape.
 */
export const hclString = (text: string): string =>
  escaped(text, asOne)
    // JSON has two short escapes that HCL does not have.
    .replace(/\\[bf\\]/g, (escape) => (escape === '\\b' ? '\\u0008' : escape === '\\f' ? '\\u000c' : escape))
    .replaceAll(/[$%](?=\{)/g, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);

/** A name of a resource of Terraform, made of any text. */
export function terraformName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[a-z]/.test(name) ? name : `stage_${name}`;
}

/** A logical id of CloudFormation, made of any text: letters and digits. */
export function logicalId(text: string): string {
  const name = text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('');
  return /^[A-Za-z]/.test(name) ? name : `Stage${name}`;
}

/** The name of an SSM parameter, made of any texts: letters, digits, `.`, `-` and `_`, with slashes between. */
export const parameterName = (...parts: readonly string[]): string =>
  `/${parts.map((part) => part.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'x').join('/')}`;
