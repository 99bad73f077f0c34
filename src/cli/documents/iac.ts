/** Documents about tools that manage stages and certificates from code: `iac …`. */
import * as z from 'zod/mini';
import type { PlanReport } from '../../commands/iac/check/run.js';
import { count, finding } from './common.js';
import type { Holds, Same } from './json.js';

const planVerdict = z.enum(['unchanged', 'unknown', 'outage']);

export const iacCheck = z.strictObject({
  verdict: planVerdict.check(z.describe('Of the worst file')),
  items: z.array(
    z.strictObject({
      file: z.string(),
      format: z.enum(['terraform', 'changeSet', 'other']),
      kind: z.string(),
      changes: count.check(z.describe('Of resources of any type')),
      verdict: planVerdict,
    }),
  ),
  findings: z.array(finding),
});

export type IacDocuments = [Holds<Same<z.infer<typeof iacCheck>, PlanReport>>];
