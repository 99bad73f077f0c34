import * as z from 'zod/mini';
import { badRequest } from '../errors.js';

const OPS = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

const patchOperation = z.object({
  op: z.enum(OPS),
  path: z.string(),
  value: z.nullish(z.string()),
  from: z.nullish(z.string()),
});

export type PatchOperation = z.output<typeof patchOperation>;

export const patchBody = z.object({ patchOperations: z._default(z.array(patchOperation), []) });

/** The paths that each operation takes; one that ends with `/*` takes any last segment. */
export type AllowedPaths = Partial<Record<PatchOperation['op'], readonly string[]>>;

/** How a resource refuses an operation. */
export type Refusal = (operation: PatchOperation, paths: readonly string[] | undefined) => string;

/** The words of most resources (two spaces after "path"). */
const refusal: Refusal = ({ op, path }, paths) =>
  paths === undefined
    ? `Invalid patch path  '${path}' specified for op '${op}'. Please choose supported operations`
    : `Invalid patch path  '${path}' specified for op '${op}'. Must be one of: [${paths.join(', ')}]`;

/**
 * Checks operations against the paths that a resource lets be changed, before any of them is applied.
 * @throws ServiceError 400 in the service's own words
 */
export function checkPatch(
  operations: readonly PatchOperation[],
  allowed: AllowedPaths,
  words: Refusal = refusal,
): void {
  for (const operation of operations) {
    const { op, path } = operation;
    const paths = allowed[op];
    const matches = paths?.some((candidate) =>
      candidate.endsWith('/*')
        ? path.startsWith(candidate.slice(0, -1)) && path.length >= candidate.length
        : path === candidate,
    );
    if (matches !== true) throw badRequest(words(operation, paths));
  }
}
