/**
 * What becomes of a caller at a place, and how doubts about conditions become doubts about that. Nothing here knows a
 * server: interpreters answer through these types, and ask about what a configuration alone does not decide.
 */
import type { Place } from './finding.js';
import type { Caller, Identity } from './identity.js';

/** `admitted`: the application, or any answer below 300, is reached. `refused`: neither is. */
export type Result = 'admitted' | 'refused' | 'unknown';

/** A line of the configuration that took part in the decision, with what it did. */
export interface Step extends Place {
  text: string;
}

export interface Outcome {
  result: Result;
  /** In the order in which the server comes to them; the last one decided. */
  steps: readonly Step[];
  /** For `unknown`: what would have to be known. */
  why?: string;
  /** For a caller that does not answer late: the line that asks after the handshake. */
  late?: Place;
}

/** One walk that was made. */
export interface Walked extends Place {
  caller: Caller;
  where: string;
  request: string;
  outcome: Outcome;
  /** Anybody may read this, as its protocol has it: it opens nothing. */
  isPublic?: boolean;
}

/**
 * Whether a bundle of one certificate works until the next rotation: OpenSSL accepts only the first of two.
 * @param isLax whether the server goes on with a caller that it could not verify
 * @param demandsSuccess whether anything in the configuration asks what was verified
 * @param walk a caller's walks, always of the same requests in the same order
 */
export function isCaBundleTrap(
  certificates: readonly Identity[],
  { isLax, demandsSuccess }: { isLax: boolean; demandsSuccess: boolean },
  walk: (caller: Caller) => readonly Walked[],
): boolean {
  const [single, ...others] = certificates.filter(({ isAuthority }) => !isAuthority);
  if (single === undefined || others.length > 0) return false;
  return !isLax || (demandsSuccess && !outlastsSecond(single, walk));
}

/** Whether a certificate of a bundle is accepted everywhere it is now once another of its subject stands before it. */
function outlastsSecond(identity: Identity, walk: (caller: Caller) => readonly Walked[]): boolean {
  const caller: Caller = { name: 'listed', identity, expired: false };
  const later = walk({ ...caller, isSecond: true });
  const admitted = walk(caller).flatMap(({ outcome }, at) =>
    outcome.result === 'admitted' ? [later[at]] : [],
  );
  return admitted.length > 0 && admitted.every((each) => each?.outcome.result === 'admitted');
}

/**
 * Who decides a condition that the configuration leaves open: `chosen`, the caller by its path or method; `given`,
 * something that a caller may or may not have (a header, a password, an address) and does not have by default;
 * `made`, a caller who makes a certificate with the name that is compared; `unknown`, something that cannot be seen here.
 */
export type Doubt = 'made' | 'chosen' | 'given' | 'unknown';

export interface Question {
  /** The same key is the same condition, and gets the same answer within one walk. */
  key: string;
  doubt: Doubt;
  /** The answer for a caller that does nothing special. */
  fallback: boolean;
  /** What an `unknown` outcome says where the answers differ. */
  why: string;
}

export type Ask = (question: Question) => boolean;

/** More than this many paths through one place are not followed, and the outcome is unknown. */
const MOST_WALKS = 3000;

function join({ doubt, why }: Question, fallback: Outcome, other: Outcome): Outcome {
  if (fallback.result === other.result) return fallback;
  if (doubt === 'made') {
    const both = [fallback, other];
    return (
      both.find(({ result }) => result === 'admitted') ??
      both.find(({ result }) => result === 'unknown') ??
      fallback
    );
  }
  if (fallback.result === 'unknown') return fallback;
  if (doubt === 'given' && fallback.result === 'admitted') return fallback;
  if (other.result === 'unknown') return { ...other, why: other.why ?? why };
  return { result: 'unknown', steps: (fallback.result === 'admitted' ? fallback : other).steps, why };
}

/**
 * Runs a walk with every combination of answers to what it asks, and joins the outcomes: they are certain where all
 * agree, or where the one without special means is admitted.
 */
export function explore(run: (ask: Ask) => Outcome): Outcome {
  let walks = 0;
  const visit = (answers: readonly boolean[]): Outcome => {
    if (++walks > MOST_WALKS) {
      return { result: 'unknown', steps: [], why: 'there are too many conditions to evaluate' };
    }
    const asked: { question: Question; answer: boolean }[] = [];
    const known = new Map<string, boolean>();
    let outcome = run((question) => {
      const before = known.get(question.key);
      if (before !== undefined) return before;
      const answer = answers[asked.length] ?? question.fallback;
      known.set(question.key, answer);
      asked.push({ question, answer });
      return answer;
    });
    const taken = asked.map(({ answer }) => answer);
    for (let at = asked.length - 1; at >= answers.length; at--) {
      const each = asked[at];
      if (each) outcome = join(each.question, outcome, visit([...taken.slice(0, at), !each.answer]));
    }
    return outcome;
  };
  return visit([]);
}
