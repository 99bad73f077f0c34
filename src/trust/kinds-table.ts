import { markdownTable } from '../platform/generated-part.js';
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
  return markdownTable(
    [
      'kind',
      'options besides `check`, `reload`, `timeout`',
      'written',
      'default check, reload',
      'tested with',
    ],
    kinds.map(row),
  );
}
