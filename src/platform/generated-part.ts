/**
 * A page of docs/ with one of its generated parts replaced: what is between `<!-- NAME: written by … -->` and
 * `<!-- end of NAME -->`.
 * @throws Error where the page has no such place
 */
export function withGeneratedPart(page: string, name: string, part: string): string {
  const begin = `<!-- ${name}: written by \`npm run docs\` -->\n\n`;
  const [from, to] = [page.indexOf(begin), page.indexOf(`\n<!-- end of ${name} -->`)];
  if (from === -1 || to < from) throw new Error(`the page has no place for ${name}`);
  return `${page.slice(0, from + begin.length)}${part}${page.slice(to)}`;
}

/** A table in Markdown. A `|` in a cell is escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
}
