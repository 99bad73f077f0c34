/**
 * The JSON document of each command, as zod schemas. docs/schemas/ is made from them by `npm run docs`; the program
 * itself does not load them. That a report cannot drift from its schema is checked by the compiler.
 */
import * as z from 'zod/mini';
import type { ShownSetting } from '../../configuration/show.js';
import type { Problem } from '../../settings/problems.js';
import * as backends from './backends.js';
import * as certificates from './certificates.js';
import { count, time, wholeError } from './common.js';
import * as iac from './iac.js';
import type { Holds, Same } from './json.js';
import * as rotations from './rotations.js';

const setting = z.strictObject({
  setting: z.string(),
  value: z.optional(z.string()),
  source: z.enum(['flag', 'file', 'environment', 'profile', 'default']),
  from: z.string(),
});

const problem = z.strictObject({ line: count, column: count, path: z.string(), message: z.string() });

export type ConfigDocuments = [
  Holds<Same<z.infer<typeof setting>, ShownSetting>>,
  Holds<Same<z.infer<typeof problem>, Problem>>,
];

/** By the name of the schema's file; `backend add` and `backend remove` write the same document as `backend show`. */
export const DOCUMENTS = {
  attach: certificates.attach,
  'backend-add': backends.backendTrust,
  'backend-config': backends.backendConfig,
  'backend-follow': backends.backendFollow,
  'backend-lint': backends.backendLint,
  'backend-remove': backends.backendTrust,
  'backend-show': backends.backendTrust,
  'backend-verify': backends.backendVerify,
  'check-expiry': certificates.checkExpiry,
  completion: z.union([
    z.strictObject({ shell: z.enum(['bash', 'zsh', 'fish', 'powershell']), script: z.string() }),
    z.strictObject({ directory: z.string().check(z.describe('With refresh: where the names are kept')) }),
  ]),
  'config-show': z.strictObject({ items: z.array(setting) }),
  'config-validate': z.strictObject({ file: z.string(), valid: z.boolean(), problems: z.array(problem) }),
  delete: certificates.deleteDocument,
  demo: rotations.demo,
  detach: certificates.detach,
  doctor: backends.doctor,
  download: certificates.download,
  emulator: z.strictObject({ endpoint: z.string(), clock: time }),
  error: z.strictObject({ error: wholeError }),
  generate: certificates.generate,
  'iac-cdk': iac.iacSteps,
  'iac-check': iac.iacCheck,
  'iac-cloudformation': iac.iacSteps,
  'iac-serverless': iac.iacSteps,
  'iac-terraform': iac.iacSteps,
  init: backends.init,
  inspect: certificates.inspect,
  inventory: certificates.inventory,
  list: certificates.list,
  notification: certificates.notification,
  prune: certificates.prune,
  'publish-check': iac.publishCheck,
  report: certificates.report,
  rotate: rotations.rotate,
  'state-create': z.union([
    z.strictObject({ table: z.string(), created: z.boolean() }),
    z.strictObject({ template: z.record(z.string(), z.unknown()) }),
  ]),
  status: rotations.status,
  'test-invoke': backends.testInvoke,
  update: certificates.update,
  version: z.strictObject({ version: z.string() }),
} as const;

export type DocumentName = keyof typeof DOCUMENTS;

/** The JSON Schema (draft 2020-12) of each document, by the name of its file without `.json`. */
export function documentSchemas(): [name: string, schema: Record<string, unknown>][] {
  return Object.entries(DOCUMENTS).map(([name, document]) => {
    const { $schema, ...rest } = z.toJSONSchema(document, { io: 'output' });
    return [name, { $schema, title: titleOf(name), ...rest }];
  });
}

function titleOf(name: string): string {
  if (name === 'error') return 'The JSON document of a command that failed';
  if (name === 'version') return 'apigw-cert --version --output json';
  return `apigw-cert ${name.replace(/^(backend|config|iac|publish|state)-/, '$1 ')} --output json`;
}
