/**
 * Makes text from outside fit for one line of a terminal: control characters, line ends, escape sequences and the
 * marks that reorder text (Unicode TR 36) are shown as escapes instead of obeyed.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
