/** Phrases that CONTRIBUTING.md ("Wording") replaces: they read like a translation, or are a second name for one thing. */

/** What not to write, and what to write instead. */
const PHRASES: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bfor good\b/, 'permanently, or omit it'],
  [/\bunder way\b/, 'in progress'],
  [/\b(?:leave|leaves|left) (?:\w+ )?away\b/, 'omit'],
  [/\bin the place of\b/, 'instead of'],
  [/\bfor the sake of\b/, 'for, because'],
  [/\b(?:go|goes|gone|went) on with\b/, 'continue'],
  [/\bways? back\b/, 'roll back'],
  [/\b(?:take|takes|taken|took) (?:\w+ )?back\b/, 'roll back, cancel'],
  [/\b(?:tell|tells|told)\b/, 'notify, report'],
  [/\b(?:make|makes|made) (?:\w+ )?live\b/, 'reload, apply'],
  [/\b(?:everybody|somebody|nobody else)\b/, 'anyone, someone, no other caller'],
  [/\bcertificates? (?:that )?(?:ends?|ended|has ended|have ended)\b/, 'expires'],
  [/\b(?:not|that (?:is|are)) named\b/, 'specified'],
  [/\bbefore the end\b/, 'before it expires'],
  [/\bby the (?:old |new )?certificate\b/, 'with the certificate'],
  [/\bmust be text\b/, 'must be a string'],
  [/\b(?:anew|half-way|this very|the very)\b/, 'again, partly, this'],
];

/** One sentence that uses such a phrase. */
export interface Misworded {
  phrase: string;
  instead: string;
}

/** The phrases of the list in a text, in the order of the list; its case and line breaks do not matter. */
export function misworded(text: string): Misworded[] {
  const line = text.replaceAll(/\s+/g, ' ').toLowerCase();
  return PHRASES.flatMap(([phrase, instead]) =>
    [...line.matchAll(new RegExp(phrase, 'g'))].map(([found]) => ({ phrase: found, instead })),
  );
}

/** A document's prose: code, comments and the tool's own output are not part of it. */
export const proseOf = (markdown: string): string =>
  markdown
    .replaceAll(/^ *```.*\n[^]*?^ *```$/gm, '')
    .replaceAll(/<!--[^]*?-->/g, '')
    .replaceAll(/`[^`]*`/g, '');
