import type { Operation } from './operation.js';
import { clientCertificateOperations } from './operations/client-certificates.js';
import { methodOperations } from './operations/methods.js';
import { restApiOperations } from './operations/rest-apis.js';
import { stageOperations } from './operations/stages.js';
import { taggingOperations } from './operations/tagging.js';
import { testInvokeOperations } from './operations/test-invoke.js';
import { v2ApiOperations } from './operations/v2/apis.js';
import { v2IntegrationOperations } from './operations/v2/integrations.js';
import { v2StageOperations } from './operations/v2/stages.js';

/** All operations that the emulator knows. */
export const OPERATIONS: readonly Operation[] = [
  ...clientCertificateOperations,
  ...restApiOperations,
  ...methodOperations,
  ...stageOperations,
  ...taggingOperations,
  ...testInvokeOperations,
  ...v2ApiOperations,
  ...v2IntegrationOperations,
  ...v2StageOperations,
];

export interface Route {
  operation: Operation;
  params: ReadonlyMap<string, string>;
}

/** `undefined` when a segment does not fit, or its percent-encoding is broken. */
function match(template: readonly string[], segments: readonly string[]): Map<string, string> | undefined {
  const params = new Map<string, string>();
  for (const [index, part] of template.entries()) {
    const rest = part.endsWith('+}');
    const raw = rest ? segments.slice(index).join('/') : segments[index];
    if (!raw) return undefined;
    if (!part.startsWith('{')) {
      if (part !== raw) return undefined;
      continue;
    }
    try {
      params.set(part.replace(/^\{|\+?\}$/g, ''), decodeURIComponent(raw));
    } catch {
      return undefined;
    }
    if (rest) return params;
  }
  return template.length === segments.length ? params : undefined;
}

const TABLE = OPERATIONS.map((operation) => ({ operation, template: operation.path.split('/').slice(1) }));

/** Finds the operation for a method and a path (as it came, still percent-encoded, without the query). */
export function findRoute(method: string, path: string): Route | undefined {
  const segments = path.split('/').slice(1);
  for (const { operation, template } of TABLE) {
    if (operation.method !== method) continue;
    const params = match(template, segments);
    if (params !== undefined) return { operation, params };
  }
  return undefined;
}
