import * as z from 'zod/mini';
import { configurationSchemaWith } from '../settings/schema.js';
import { trustStoreSchema } from '../trust/kinds/index.js';

/** The JSON Schema (draft 2020-12) of what may be written in `apigw-cert.yaml`, published as docs/apigw-cert.schema.json. */
export function configurationJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configurationSchemaWith(trustStoreSchema), { io: 'input' });
  return { $schema, title: 'apigw-cert.yaml', ...rest };
}
