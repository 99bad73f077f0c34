import * as z from 'zod';
import { badRequest } from '../errors.js';

const OPS = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

const patchOperation = z.object({
  op: z.enum(OPS),
  path: z.string(),
  value: z.string().nullish(),
});

export type PatchOperation = z.output<typeof patchOperation>;

export const patchBody = z.object({ patchOperations: z.array(patchOperation).default([]) });

/**
 * Checks operations against the paths that a resource lets be changed, before any of them is applied.
 * `allowed` gives the paths of each op; one that ends with `/*` takes any last segment.
 * @throws ServiceError 400 in the service's own words (two spaces after "path")
 */
export function checkPatch(
  operations: readonly PatchOperation[],
  allowed: Partial<Record<PatchOperation['op'], readonly string[]>>,
): void {
  for (const { op, path } of operations) {
    const paths = allowed[op];
    if (paths === undefined) {
      throw badRequest(
        `Invalid patch path  '${path}' specified for op '${op}'. Please choose supported operations`,
      );
    }
    const matches = paths.some((candidate) =>
      candidate.endsWith('/*')
        ? path.startsWith(candidate.slice(0, -1)) && path.length >= candidate.length
        : path === candidate,
    );
    if (!matches) {
      throw badRequest(
        `Invalid patch path  '${path}' specified for op '${op}'. Must be one of: [${paths.join(', ')}]`,
      );
    }
  }
}
