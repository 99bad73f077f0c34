import type { CatalogueEntry } from '../entry.js';
import { ACCOUNT_FINDINGS } from './accounts.js';
import { ACM_FINDINGS } from './acm.js';
import { BACKEND_FINDINGS } from './backends.js';
import { CERTIFICATE_FINDINGS } from './certificates.js';
import { FILE_FINDINGS } from './files.js';
import { JAVA_CLIENT_FINDINGS } from './java-client.js';
import { PLAN_FINDINGS } from './plans.js';
import { SERVER_FINDINGS } from './servers.js';
import { STAGE_FINDINGS } from './stages.js';
import { TRUST_STORE_FINDINGS } from './trust-stores.js';

const ENTRIES = {
  ...ACCOUNT_FINDINGS,
  ...ACM_FINDINGS,
  ...BACKEND_FINDINGS,
  ...CERTIFICATE_FINDINGS,
  ...FILE_FINDINGS,
  ...JAVA_CLIENT_FINDINGS,
  ...PLAN_FINDINGS,
  ...SERVER_FINDINGS,
  ...STAGE_FINDINGS,
  ...TRUST_STORE_FINDINGS,
};

export type FindingCode = keyof typeof ENTRIES;

type ArgsByCode = { [Code in FindingCode]: Parameters<(typeof ENTRIES)[Code]['message']>[0] };

/** What the sentences about a code are made of. */
export type ArgsOf<Code extends FindingCode> = ArgsByCode[Code];

/** Everything that a command can find: how bad it is, what it means, and what to do about it. */
export const CATALOGUE: { readonly [Code in FindingCode]: CatalogueEntry<ArgsOf<Code>> } = ENTRIES;
