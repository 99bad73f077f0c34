/** Texts that a configuration compares, as far as they are known before a request is there. */
import type { Ask, Doubt } from './outcome.js';

/** Not known: who decides it, and what it is for a caller that does nothing special. */
export interface Open {
  doubt: Doubt;
  key: string;
  why: string;
  fallback?: string;
}

/** The texts that it may be (one, unless versions of the server differ), or what keeps it open. */
export type Value = readonly string[] | Open;

export const isOpen = (value: Value): value is Open => !Array.isArray(value);

export const unknown = (key: string, why: string): Open => ({ doubt: 'unknown', key, why });

/** A name in a certificate that its caller made: whatever is compared, or `own`. */
export const made = (key: string, own: string | undefined): Open => ({
  doubt: 'made',
  key,
  why: `anyone can make a certificate with that ${key}`,
  ...(own === undefined ? {} : { fallback: own }),
});

const WORSE: readonly Doubt[] = ['made', 'chosen', 'given', 'unknown'];

/** One text after the other. */
export function concat(written: readonly Value[]): Value {
  // What a made name is compared together with need not be up to its maker: `$ssl_client_verify $ssl_client_s_dn`.
  const parts =
    written.length === 1
      ? written
      : written.map((part) =>
          isOpen(part) && part.doubt === 'made' && part.fallback !== undefined ? [part.fallback] : part,
        );
  const open = parts.filter(isOpen);
  const [first] = open;
  if (!first) {
    return parts.reduce<readonly string[]>(
      (texts, part) => texts.flatMap((text) => (isOpen(part) ? [] : part.map((more) => text + more))),
      [''],
    );
  }
  if (parts.length === 1) return first;
  const fallbacks = parts.map((part) =>
    isOpen(part) ? part.fallback : part.length === 1 ? part[0] : undefined,
  );
  const worst = open.reduce((a, b) => (WORSE.indexOf(b.doubt) > WORSE.indexOf(a.doubt) ? b : a));
  const fallback = fallbacks.every((each) => each !== undefined) ? fallbacks.join('') : undefined;
  return {
    doubt: worst.doubt,
    key: parts.map((part) => (isOpen(part) ? part.key : part.join('|'))).join(' . '),
    why: worst.why,
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** Applies a function to each text; what is open stays so, under another key. */
export function mapValue(value: Value, name: string, change: (text: string) => string): Value {
  if (!isOpen(value)) return value.map(change);
  const { fallback, key, ...rest } = value;
  return {
    ...rest,
    key: `${name}(${key})`,
    ...(fallback === undefined ? {} : { fallback: change(fallback) }),
  };
}

/**
 * Whether a text fulfils a condition.
 * @param condition what the condition is, in words that two equal conditions share
 * @param holds `undefined` where the condition itself is not understood
 */
export function test(
  value: Value,
  condition: string,
  holds: (text: string) => boolean | undefined,
  ask: Ask,
): boolean {
  const key = `${isOpen(value) ? value.key : value.join('|')} ${condition}`;
  if (isOpen(value)) {
    const fallback = value.fallback === undefined ? undefined : holds(value.fallback);
    return ask({ key, doubt: value.doubt, fallback: fallback ?? false, why: value.why });
  }
  const answers = new Set(value.map(holds));
  const [answer] = answers;
  if (answers.size === 1 && answer !== undefined) return answer;
  return ask({ key, doubt: 'unknown', fallback: false, why: `the condition ${condition} is not understood` });
}
