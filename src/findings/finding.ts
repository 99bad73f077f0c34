import { printable } from '../platform/printable.js';
import { withoutCredentials } from '../platform/uri.js';
import { CATALOGUE, type ArgsOf, type FindingCode } from './catalogue/index.js';
import type { Where } from './entry.js';
import type { Severity } from './severity.js';

export type { ArgsOf, FindingCode } from './catalogue/index.js';
export type { Where } from './entry.js';

/** One thing that a rule found, whichever command asked. The catalogue has the words. */
export type Finding<Code extends FindingCode = FindingCode> = {
  [Each in Code]: {
    code: Each;
    severity: Severity;
    where: Where;
    /** What the sentences of the catalogue are made of, as it was found. */
    args: ArgsOf<Each>;
  };
}[Code];

/** @param severity where it is another than the catalogue's, as for a certificate that no stage presents */
export function finding<Code extends FindingCode>(
  code: Code,
  where: Where,
  args: ArgsOf<Code>,
  severity: Severity = CATALOGUE[code].severity,
): Finding<Code> {
  return { code, severity, where, args };
}

/** A finding as every report and every JSON document has it: in words, with what it is about. */
export interface ReportedFinding extends Where {
  code: FindingCode;
  severity: Severity;
  /** One line in plain words, printable, without credentials. */
  message: string;
  /** What to do about it, where there is something to say. */
  remedy?: string;
}

const safe = (text: string): string => printable(withoutCredentials(text));

/** Puts a finding into the words of the catalogue. */
export function reported<Code extends FindingCode>({
  code,
  severity,
  where,
  args,
}: Finding<Code>): ReportedFinding {
  const { message, remedy } = CATALOGUE[code];
  const advice = typeof remedy === 'function' ? remedy(args, where) : remedy;
  return {
    code,
    severity,
    message: safe(message(args, where)),
    ...(advice === undefined ? {} : { remedy: safe(advice) }),
    ...where,
  };
}
