import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv8/dist/2020.js';

const schemas = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'schemas');

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, validateFormats: false });
const known = new Map<string, ValidateFunction>();

function schemaOf(name: string): ValidateFunction {
  const validate =
    known.get(name) ?? ajv.compile(JSON.parse(readFileSync(join(schemas, `${name}.json`), 'utf8')) as object);
  known.set(name, validate);
  return validate;
}

const GROUPS = new Set(['backend', 'config', 'iac', 'publish', 'state']);

/** The schema, by its name in docs/schemas, of what these words print as JSON on success. */
export function documentNameOf(words: readonly string[]): string {
  const [first = '', second = ''] = words;
  if (['--version', '-V', '-v', 'version'].includes(first)) return 'version';
  return GROUPS.has(first) ? `${first}-${second}` : first;
}

const isFailure = (document: unknown): boolean =>
  typeof document === 'object' && document !== null && Object.keys(document).join() === 'error';

/**
 * A document that a command printed, which must be as its published schema says.
 * @throws Error for a member that is not in the schema, and for whatever else does not fit
 */
export function validDocument(name: string, document: unknown): unknown {
  const schema = isFailure(document) ? 'error' : name;
  const validate = schemaOf(schema);
  if (validate(document)) return document;
  const problems = validate.errors?.map(
    ({ instancePath, message, params }) => `${instancePath} ${String(message)} ${JSON.stringify(params)}`,
  );
  throw new Error(`not what docs/schemas/${schema}.json says:\n${(problems ?? []).join('\n')}`);
}

/** Whether the words ask for a JSON document of apigw-cert's own, and not for another format that is JSON as well. */
export function asksJson(words: readonly string[]): boolean {
  return words.some(
    (word, i) =>
      /^--(output|format)=json$/.test(word) || (/^--(output|format)$/.test(word) && words[i + 1] === 'json'),
  );
}
