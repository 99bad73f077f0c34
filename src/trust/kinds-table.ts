import { TRUST_KINDS } from './kinds/index.js';
import type { TrustKind } from './kinds/kind.js';

/** The options that the columns and the text above the table explain. */
const COMMON = new Set(['check', 'reload', 'timeout']);

function row({ name, options, isUnsuitable, servers = [], document }: TrustKind): string[] {
  const own = Object.keys(options).filter((option) => !COMMON.has(option));
  const isReloaded = 'reload' in options;
  const written = own.map((option) => `\`${option}\``).join(', ');
  const notes = isReloaded && !('check' in options) ? ' (no `check`)' : '';
  const only = isReloaded || isUnsuitable === true ? '' : ' only';
  const handshakes = servers.map(({ proved }) => `handshakes, ${proved}`)[0] ?? '';
  return [
    `\`${name}\``,
    own.length === 0 ? '–' : `${written}${notes}${only}`,
    document.written,
    document.applied,
    document.proved ?? handshakes,
  ];
}

/** The table of docs/trust-stores.md, with its head. */
export function kindsTable(kinds: readonly TrustKind[] = TRUST_KINDS): string {
  const rows = [
    [
      'kind',
      'options besides `check`, `reload`, `timeout`',
      'written',
      'default check, reload',
      'tested with',
    ],
    ['', '', '', '', ''].map(() => '---'),
    ...kinds.map(row),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

const BEGIN = '<!-- kinds: written by `npm run docs` -->\n\n';
const END = '\n<!-- end of kinds -->';

/** A page with the table between its marks made anew. */
export function withKindsTable(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error('the page has no place for the table of kinds');
  return `${page.slice(0, begin + BEGIN.length)}${kindsTable()}${page.slice(end)}`;
}
