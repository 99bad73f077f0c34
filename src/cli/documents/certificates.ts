/** Documents about certificates: `list`, `inventory`, `check-expiry`, `inspect`, `generate`, `update`, `download`, … */
import * as z from 'zod/mini';
import type { Attached, StageChange } from '../../commands/attach/run.js';
import type { CheckedCertificate, ExpiryReport } from '../../findings/check-expiry.js';
import type { Download } from '../../commands/download/run.js';
import type { InspectedClientCertificate, InspectedFile } from '../../commands/inspect/run.js';
import type { Listing } from '../../control-plane/list.js';
import type { Notice } from '../../findings/notice.js';
import type { Prunable, Pruned } from '../../commands/prune/run.js';
import {
  anatomyMembers,
  certificate,
  certificateId,
  certificateMembers,
  certificateRow,
  certificateRowMembers,
  checkLevel,
  count,
  elsewhere,
  expiryStatus,
  finding,
  findingMembers,
  namedStage,
  namedStageMembers,
  source,
  sourceRow,
  time,
} from './common.js';
import type { Holds, Same } from './json.js';

export const list = z.strictObject({
  sources: z.array(sourceRow),
  items: z.array(certificateRow),
  elsewhere: z.optional(z.array(elsewhere).check(z.describe('With --usage'))),
});

export const inventory = z.strictObject({
  sources: z.array(sourceRow),
  items: z.array(certificateRow),
  stages: z.array(
    z.strictObject({
      ...source,
      ...namedStageMembers,
      clientCertificateId: z.optional(certificateId),
      status: z.optional(expiryStatus),
      daysLeft: z.optional(count),
      notAfter: z.optional(time),
    }),
  ),
  elsewhere: z.array(elsewhere),
});

const checked = z.strictObject({ ...certificateRowMembers, level: checkLevel });

export const checkExpiry = z.strictObject({
  level: checkLevel,
  checkedAt: time,
  thresholds: z.strictObject({ warning: z.string(), critical: z.string() }),
  countsUnused: z.boolean(),
  acmUnchecked: z
    .boolean()
    .check(z.describe('The stages were not read, so ACM certificates that they present were not checked')),
  accounts: z.array(
    z.strictObject({
      name: z.string(),
      profile: z.optional(z.string()),
      roleArn: z.optional(z.string()),
    }),
  ),
  sources: z.array(sourceRow),
  items: z.array(checked),
  findings: z.array(
    z.strictObject({
      ...findingMembers,
      level: checkLevel.check(z.describe('What it counts as')),
    }),
  ),
});

const inspectedClientCertificate = z.strictObject({
  ...anatomyMembers,
  ...certificateMembers,
  usedBy: z.array(namedStage),
  findings: z.optional(z.array(finding).check(z.describe('Of an ACM certificate'))),
});

const inspectedFile = z.strictObject({
  items: z.array(
    z.strictObject({
      ...anatomyMembers,
      line: count.check(z.describe('Of its BEGIN, from 1')),
      status: expiryStatus,
      daysLeft: count,
    }),
  ),
  findings: z.array(finding),
});

export const inspect = z.union([inspectedClientCertificate, inspectedFile]);

export const generate = z.strictObject({
  ...certificateMembers,
  file: z.optional(z.string().check(z.describe('The file written'))),
});

export const update = certificate;

const downloaded = z.strictObject({ ...certificateMembers, pem: z.string() });

export const download = z.strictObject({
  items: z.array(downloaded),
  findings: z.array(finding),
  file: z.optional(z.string().check(z.describe('The file written; absent with --out-file -'))),
  encoding: z.optional(z.enum(['pem', 'der'])),
});

const changeMembers = {
  ...namedStageMembers,
  before: z.optional(certificateId),
  after: z.optional(certificateId),
  changed: z.boolean(),
};
export const detach = z.strictObject(changeMembers);
export const attach = z.strictObject({ ...changeMembers, certificate: z.optional(certificate) });

const deleted = { clientCertificateId: certificateId };
export const deleteDocument = z.strictObject({ ...deleted, deleted: z.literal(true) });

const pruned = z.strictObject({
  ...source,
  ...deleted,
  error: z.optional(z.strictObject({ code: z.string(), message: z.string() })),
});
const prunable = z.strictObject({ ...certificateRowMembers, reason: z.enum(['expired', 'abortedRotation']) });
export const prune = z.strictObject({
  items: z.array(prunable).check(z.describe('What may be deleted')),
  deleted: z.array(pruned),
  failed: z.array(pruned),
});

export const report = z.strictObject({
  written: z.array(z.string()).check(z.describe('The files written')),
  level: checkLevel,
  sources: z.array(sourceRow),
});

/** What `check-expiry --notify` posts to a webhook, and publishes to SNS. */
export const notification = z.strictObject({
  version: z.literal(1),
  level: checkLevel.check(z.describe('Of the whole check')),
  checkedAt: time,
  summary: z.string().check(z.describe('One line')),
  text: z.string().check(z.describe('All of it as plain text: chat services display this member')),
  changes: z
    .array(
      z.strictObject({
        was: checkLevel,
        is: checkLevel,
        ...source,
        clientCertificateId: z.optional(certificateId),
        message: z.string(),
      }),
    )
    .check(z.describe('What has another level than in the last notification; ok: new, or resolved')),
});

export type CertificateDocuments = [
  Holds<Same<z.infer<typeof notification>, Notice>>,
  Holds<Same<z.infer<typeof list>, Pick<Listing, 'sources' | 'items'> & Partial<Pick<Listing, 'elsewhere'>>>>,
  Holds<Same<z.infer<typeof inventory>, Listing>>,
  Holds<Same<z.infer<typeof checked>, CheckedCertificate>>,
  Holds<Same<z.infer<typeof checkExpiry>, ExpiryReport>>,
  Holds<Same<z.infer<typeof inspectedClientCertificate>, InspectedClientCertificate>>,
  Holds<Same<z.infer<typeof inspectedFile>['items'], InspectedFile['items']>>,
  Holds<Same<z.infer<typeof downloaded>, Download['certificates'][number]>>,
  Holds<Same<z.infer<typeof detach>, StageChange>>,
  Holds<Same<z.infer<typeof attach>, Attached>>,
  Holds<Same<z.infer<typeof prunable>, Prunable>>,
  Holds<Same<z.infer<typeof pruned>, Pruned>>,
];
