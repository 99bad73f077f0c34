import { printable } from '../../platform/printable.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text for HTML and XML, within elements and within quoted attributes. Characters that XML 1.0 cannot hold at all
 * are shown as escapes first; a lone half of a surrogate pair is replaced.
 */
export function escapeMarkup(text: string): string {
  return printable(text)
    .replace(/[\p{Cs}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
