/** haproxy.cfg as sections of lines, cut into words as HAProxy cuts them (configuration manual, section 2.2). */
import type { LintSource, Place } from '../finding.js';

export interface Line extends Place {
  words: readonly string[];
}

export interface Section extends Line {
  /** `frontend`, `backend`, `listen`, `defaults`, `global` and others. */
  kind: string;
  name: string;
  lines: readonly Line[];
}

export interface Sections {
  sections: readonly Section[];
  /** Conditional blocks: what is in them may not be there. */
  conditional: readonly Line[];
  /** Lines that take a value from the environment. */
  environment: readonly Line[];
}

/** Splits a line: quotes, escapes, comments. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === '#') break;
    if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (sign === '\\') word = (word ?? '') + text.charAt(++at);
    else if (sign === "'" || sign === '"') {
      word ??= '';
      for (at++; at < text.length && text[at] !== sign; at++) {
        if (sign === '"' && text[at] === '\\' && /["\\$]/.test(text[at + 1] ?? '')) at++;
        word += text.charAt(at);
      }
    } else word = (word ?? '') + sign;
  }
  if (word !== undefined) words.push(word);
  return words;
}

const SECTION =
  /^(?:global|defaults|frontend|listen|backend|peers|resolvers|userlist|program|cache|mailers|ring|http-errors|fcgi-app|crt-store|log-forward|traces|acme|log-profile|namespace_list)$/;

/** Reads one file or several in their order, as several `-f` are. */
export function sectionsOf(sources: readonly LintSource[]): Sections {
  const sections: (Section & { lines: Line[] })[] = [];
  const conditional: Line[] = [];
  const environment: Line[] = [];
  for (const { file, text } of sources) {
    text.split('\n').forEach((raw, index) => {
      const words = wordsOf(raw);
      const [first] = words;
      if (first === undefined) return;
      const line = { words, file, line: index + 1 };
      if (/^\.(?:if|elif|else|endif)$/.test(first)) conditional.push(line);
      // Only in double quotes, or without any, is a name of the environment replaced.
      if (/\$(?:\{?[A-Z_a-z]\w*)/.test(raw.replace(/'[^']*'/g, '')) && /"[^"]*\$/.test(raw))
        environment.push(line);
      if (SECTION.test(first)) sections.push({ ...line, kind: first, name: words[1] ?? '', lines: [] });
      else if (!first.startsWith('.')) sections.at(-1)?.lines.push(line);
    });
  }
  return { sections, conditional, environment };
}
