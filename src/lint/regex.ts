/** The regular expressions of servers (PCRE, RE2), as far as JavaScript means the same by them. */

/**
 * A JavaScript expression of the same meaning; `undefined` where there may be a difference.
 * @param flags `i` for one that ignores case
 */
export function regexOf(source: string, flags = ''): RegExp | undefined {
  let text = source;
  let all = flags;
  if (text.startsWith('(?i)')) {
    text = text.slice(4);
    if (!all.includes('i')) all += 'i';
  }
  text = text.replaceAll('(?P<', '(?<');
  // An octet by its number is the same here.
  const checked = text
    .replaceAll('(?:', '')
    .replaceAll(/\\(?:x([0-9a-f]{2})|[^])/gi, (all, octet?: string) => (octet === undefined ? all : '.'));
  // Possessive and atomic groups, \A \z \Z \h \R \Q, POSIX classes, inline flags, recursion: not the same here.
  if (/\\[AzZhHRQEGKXN]|[*+?}]\+|\(\?>|\[\[:|\(\?[a-z-]+[:)]|\(\?[R0-9]|\(\*/i.test(checked))
    return undefined;
  try {
    return new RegExp(text, all);
  } catch {
    return undefined;
  }
}

/** A text that fits an expression; `undefined` where none is seen. */
export function sampleOf(source: string): string | undefined {
  let at = 0;
  const alternatives = (): string | undefined => {
    let text = '';
    let first: string | undefined;
    for (; at < source.length && source[at] !== ')';) {
      if (source[at] === '|') {
        first ??= text;
        text = '';
        at++;
        continue;
      }
      const piece = quantified();
      if (piece === undefined) return undefined;
      text += piece;
    }
    return first ?? text;
  };
  const quantified = (): string | undefined => {
    const piece = atom();
    const quantifier = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/.exec(source.slice(at));
    if (!quantifier) return piece;
    at += quantifier[0].length;
    if (piece === undefined) return undefined;
    const [all, least] = quantifier;
    if (least !== undefined) return piece.repeat(Number(least));
    return all.startsWith('+') ? piece : piece === '' ? '' : all.startsWith('*') ? piece : '';
  };
  const atom = (): string | undefined => {
    const sign = source[at++];
    switch (sign) {
      case '^':
      case '$':
        return '';
      case '.':
        return 'a';
      case '(': {
        if (source[at] === '?') {
          const group = /^\?(?::|<\w+>)/.exec(source.slice(at));
          if (!group) return undefined;
          at += group[0].length;
        }
        const inner = alternatives();
        if (source[at++] !== ')') return undefined;
        return inner;
      }
      case '[': {
        const set = /^(\^?)((?:\\.|[^\]\\])+)\]/.exec(source.slice(at));
        if (!set) return undefined;
        at += set[0].length;
        const pattern = new RegExp(`[${set[1] ?? ''}${set[2] ?? ''}]`);
        return 'a1/-_.A~'.split('').find((each) => pattern.test(each)) ?? /[^\\-]/.exec(set[2] ?? '')?.[0];
      }
      case '\\': {
        const octet = /^x([0-9a-f]{2})/i.exec(source.slice(at));
        if (octet) {
          at += octet[0].length;
          return String.fromCharCode(Number.parseInt(octet[1] ?? '', 16));
        }
        const escaped = source[at++] ?? '';
        if (/[bB]/.test(escaped)) return '';
        return (
          { d: '1', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' }[escaped] ??
          (/\w/.test(escaped) ? undefined : escaped)
        );
      }
      default:
        return sign;
    }
  };
  const found = alternatives();
  return at >= source.length ? found : undefined;
}

/** A path that an expression matches, where one can be found. */
export function samplePath(source: string, flags = ''): string | undefined {
  const pattern = regexOf(source, flags);
  const piece = pattern && sampleOf(source.replace(/^\(\?i\)/, '').replaceAll('(?P<', '(?<'));
  if (!pattern || piece === undefined) return undefined;
  const path = [piece, `/${piece}`, `/a${piece}`, `/${piece}a`].find(
    (each) => each.startsWith('/') && pattern.test(each),
  );
  return path === undefined || /[\s?#]/.test(path) ? undefined : path;
}
