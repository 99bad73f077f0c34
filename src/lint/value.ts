/** Texts that a configuration compares, as far as they are known before a request is there. */
import type { Ask, Doubt } from './outcome.js';

/** Not known: who decides it, and what it is for a caller that does nothing special. */
export interface Open {
  doubt: Doubt;
  key: string;
  why: string;
  fallback?: string;
  /** The fallback within other texts, where the name in it may be chosen. */
  texts?: Texts;
}

/** How a caller could get through a comparison by a name of their choice. */
export interface Imitation {
  doubt: Doubt;
  why: string;
  /** Names that are worth a try. @param sample a text that fits what is compared */
  names: (sample: string) => readonly string[];
  /** The texts with another name in them. */
  text: (name: string) => readonly string[];
}

/** Texts that are known, with a name in them that a caller may have chosen. */
export type Texts = readonly string[] & { readonly imitation?: Imitation };

/** The texts that it may be (one, unless versions of the server differ), or what keeps it open. */
export type Value = Texts | Open;

/** @param imitation of the text itself, where it is the name */
export const imitable = (own: string, imitation: Omit<Imitation, 'text'>): Texts =>
  Object.assign([own], { imitation: { ...imitation, text: (name: string) => [name] } });

export const isOpen = (value: Value): value is Open => !Array.isArray(value);

export const unknown = (key: string, why: string): Open => ({ doubt: 'unknown', key, why });

/** A name in a certificate that its caller made: whatever is compared, or `own`. */
export const made = (key: string, own: string | undefined): Open => ({
  ...madeByAnyone(key),
  ...(own === undefined ? {} : { fallback: own }),
});

const madeByAnyone = (key: string): Pick<Open, 'doubt' | 'key' | 'why'> => ({
  doubt: 'made',
  key,
  why: `anyone can make a certificate with that ${key}`,
});

/** The same of a name of any text, which may also imitate what it is compared together with. */
export const madeName = (key: string, own: string): Open => ({
  ...made(key, own),
  texts: imitable(own, { ...madeByAnyone(key), names: forgedNames }),
});

/** A name, and what follows the first blank of a text that is compared together with something before it. */
const namesIn = (sample: string): string[] => [sample, sample.slice(sample.indexOf(' ') + 1)];

/** Names of a forger: the text that is compared as a name, or within one. */
export const forgedNames = (sample: string): string[] =>
  namesIn(sample).flatMap((name) => [name, `CN=${name}`]);

const otherCase = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );

/** Names that are not the one that is compared, and fit where it is compared loosely. */
export const nearNames = (sample: string): string[] =>
  namesIn(sample).flatMap((name) => [`${name}x`, `O=x,${name}`, `CN=x${name}`, otherCase(name)]);

const WORSE: readonly Doubt[] = ['made', 'chosen', 'given', 'unknown'];

/** The imitation of one of several parts, with the others around it. */
function imitationIn(parts: readonly Value[]): Imitation | undefined {
  const at = parts.findIndex((part) => !isOpen(part) && part.imitation !== undefined);
  const own = parts[at];
  if (own === undefined || isOpen(own) || own.imitation === undefined) return undefined;
  const { text, ...imitation } = own.imitation;
  const around = (name: string): readonly string[] => {
    const whole = concat(parts.map((part, index) => (index === at ? text(name) : part)));
    return isOpen(whole) ? [] : [...whole];
  };
  return { ...imitation, text: around };
}

/** One text after the other. */
export function concat(written: readonly Value[]): Value {
  const [only] = written;
  if (only !== undefined && written.length === 1) return only;
  // What a made name is compared together with need not be up to its maker: `$ssl_client_verify $ssl_client_s_dn`.
  const parts = written.map((part) =>
    isOpen(part) && part.doubt === 'made' && part.fallback !== undefined
      ? (part.texts ?? [part.fallback])
      : part,
  );
  const open = parts.filter(isOpen);
  if (open.length === 0) {
    const texts = parts.reduce<readonly string[]>(
      (before, part) => before.flatMap((text) => (isOpen(part) ? [] : part.map((more) => text + more))),
      [''],
    );
    const imitation = imitationIn(parts);
    return imitation === undefined ? texts : Object.assign([...texts], { imitation });
  }
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

/** Applies a function to each text, also where another name is in it; what is open stays so, under another key. */
export function mapValue(value: Value, name: string, change: (text: string) => string): Value {
  if (!isOpen(value)) return mapTexts(value, change);
  const { fallback, texts, key, ...rest } = value;
  return {
    ...rest,
    key: `${name}(${key})`,
    ...(fallback === undefined ? {} : { fallback: change(fallback) }),
    ...(texts === undefined ? {} : { texts: mapTexts(texts, change) }),
  };
}

function mapTexts(texts: Texts, change: (text: string) => string): Texts {
  const changed = texts.map(change);
  const { imitation } = texts;
  if (imitation === undefined) return changed;
  const text = (name: string): string[] => imitation.text(name).map(change);
  return Object.assign(changed, { imitation: { ...imitation, text } });
}

/**
 * Whether a text fulfils a condition.
 * @param condition what the condition is, in words that two equal conditions share
 * @param holds `undefined` where the condition itself is not understood
 * @param sample a text that fulfils it; without `text`, none is known. Absent for what is not compared with names
 */
export function test(
  value: Value,
  condition: string,
  holds: (text: string) => boolean | undefined,
  ask: Ask,
  sample?: { text: string | undefined },
): boolean {
  const key = `${isOpen(value) ? value.key : value.join('|')} ${condition}`;
  if (isOpen(value)) {
    const fallback = value.fallback === undefined ? undefined : holds(value.fallback);
    return ask({ key, doubt: value.doubt, fallback: fallback ?? false, why: value.why });
  }
  const { imitation } = value;
  if (imitation !== undefined && sample !== undefined && value.every((text) => holds(text) === false)) {
    const { names, text, doubt, why } = imitation;
    if (sample.text === undefined) {
      const unseen = `the condition ${condition} is not understood`;
      return ask({ key: `${key} by another name`, doubt: 'unknown', fallback: false, why: unseen });
    }
    const fits = names(sample.text)
      .flatMap(text)
      .some((each) => holds(each) === true);
    if (fits) return ask({ key: `${key} by another name`, doubt, fallback: false, why });
  }
  const answers = new Set(value.map(holds));
  const [answer] = answers;
  if (answers.size === 1 && answer !== undefined) return answer;
  return ask({ key, doubt: 'unknown', fallback: false, why: `the condition ${condition} is not understood` });
}
