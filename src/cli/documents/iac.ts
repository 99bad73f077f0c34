/** Documents about tools that manage stages and certificates from code: `iac …` and `publish …`. */
import * as z from 'zod/mini';
import type { PublicationsReport } from '../../commands/publish/check/run.js';
import type { PlanReport } from '../../commands/iac/check/run.js';
import type { IacSteps } from '../../commands/iac/steps/run.js';
import { IAC_TOOLS } from '../../iac/steps.js';
import { certificateId, count, finding, namedStage, partError } from './common.js';
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

export const iacSteps = z.strictObject({
  tool: z.enum(IAC_TOOLS),
  stage: namedStage,
  region: z.string(),
  clientCertificateId: certificateId,
  parameter: z.optional(z.string().check(z.describe('The SSM parameter for the id in use'))),
  items: z.array(
    z.strictObject({
      title: z.string(),
      language: z.enum(['hcl', 'yaml', 'typescript', 'sh']),
      text: z.string(),
    }),
  ),
});

const publicationVerdict = z.enum(['current', 'different', 'unknown']);

export const publishCheck = z.strictObject({
  verdict: publicationVerdict.check(z.describe('The worst: different, then unknown, then current')),
  items: z.array(
    z.strictObject({
      target: z.string(),
      publication: z.optional(
        z.string().check(z.describe('Such as ssm:NAME or file:PATH; absent if the target was not reached')),
      ),
      verdict: publicationVerdict,
      stages: z.array(namedStage),
      presented: z.array(certificateId).check(z.describe('What the stages present, each once')),
      published: z.optional(certificateId),
      error: z.optional(partError),
    }),
  ),
});

export type IacDocuments = [
  Holds<Same<z.infer<typeof publishCheck>, PublicationsReport>>,
  Holds<Same<z.infer<typeof iacCheck>, PlanReport>>,
  Holds<Same<z.infer<typeof iacSteps>, IacSteps>>,
];
