import { createRequire } from 'node:module';
import Ajv from 'ajv';

const require = createRequire(import.meta.url);

/** What the schema of SARIF 2.1.0 (OASIS) objects to in a log; empty for a valid one. */
export function sarifErrors(log: unknown): unknown[] {
  const ajv = new Ajv({ schemaId: 'id', meta: false, logger: false, unknownFormats: 'ignore' });
  ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json') as object);
  const validate = ajv.compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object);
  void validate(log);
  return validate.errors ?? [];
}
