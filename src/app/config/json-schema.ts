import * as z from 'zod/mini';
import { configurationSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of what may be written in `apigw-cert.yaml`, published as docs/apigw-cert.schema.json. */
export function configurationJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configurationSchema, { io: 'input' });
  return { $schema, title: 'apigw-cert.yaml', ...rest };
}
