import { resolve } from 'node:path';
import leven from 'leven';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { TRUST_KINDS, trustKind, trustStoreSchema, type TrustStoreConfig } from './kinds/index.js';
import type { TrustKind } from './kinds/kind.js';

/** Values that are written as examples. */
const EXAMPLE: Readonly<Record<string, string>> = {
  file: '/etc/apigw-cert/trusted.pem',
  directory: '/etc/apigw-cert/trusted',
};

/** How a kind is written after `--trust`. */
function spelling({ name, flag }: TrustKind): string {
  if (flag === undefined || flag === 'alone') return name;
  return `${name}:${flag.option.toUpperCase()}`;
}

function example({ name, flag }: TrustKind): string {
  return flag === undefined || flag === 'alone' ? name : `${name}:${EXAMPLE[flag.option] ?? 'VALUE'}`;
}

/** What was typed, and after which option. */
interface Written {
  text: string;
  flag: string;
}

function usage({ text, flag }: Written, problem: string, hint: string): AppError {
  const shown = printable(text.length > 80 ? `${text.slice(0, 79)}…` : text);
  return new AppError('Usage', `${flag} ${JSON.stringify(shown)}: ${problem}`, { hint });
}

function unknownKind(text: Written, kind: string): AppError {
  const flagged = TRUST_KINDS.filter(({ flag }) => flag !== undefined);
  const known = `specify ${flagged.map(spelling).join(', ')}; the other kinds are described in apigw-cert.yaml (docs/trust-stores.md)`;
  if (kind === '' || /[/.\\]/.test(kind)) {
    return usage(text, 'the kind of trust store is missing', known);
  }
  const [nearest] = TRUST_KINDS.map(({ name }) => ({ name, distance: leven(name, kind.toLowerCase()) })).sort(
    (a, b) => a.distance - b.distance,
  );
  const isLike = nearest !== undefined && nearest.distance <= Math.max(2, kind.length / 3);
  return usage(
    text,
    `unknown kind of trust store ${JSON.stringify(printable(kind.slice(0, 40)))}`,
    isLike ? `did you mean "${nearest.name}"? Otherwise ${known}` : known,
  );
}

/** Whether a kind of trust store can be reloaded by a command, which `--reload` gives. */
export const takesReload = (kind: string): boolean => 'reload' in (trustKind(kind)?.options ?? {});

/**
 * Reads `--trust KIND[:VALUE]` and `--reload COMMAND` into the shape that `apigw-cert.yaml` has.
 * @param reload a line for the shell; kinds that have no reload go without it
 * @param option the option that it was typed after, for messages
 * @throws AppError `Usage`
 */
export function trustStoreFromFlag(text: string, reload?: string, option = '--trust'): TrustStoreConfig {
  const written = { text, flag: option };
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  const value = colon === -1 ? undefined : text.slice(colon + 1);
  const kind = trustKind(name);
  if (!kind) throw unknownKind(written, name);
  // Opening it says why, and what to do instead.
  if (kind.isUnsuitable === true) return trustStoreSchema.parse({ kind: name });
  const { flag } = kind;
  if (flag === undefined) {
    throw usage(
      written,
      `a trust store of the kind ${name} needs more options than fit on the command line`,
      `describe it under "trust:" in apigw-cert.yaml; its options are ${Object.keys(kind.options).join(', ')} (docs/trust-stores.md)`,
    );
  }
  if (flag === 'alone') {
    if (value !== undefined) throw usage(written, `${name} takes no value`, `write ${option} ${name}`);
    return trustStoreSchema.parse({ kind: name });
  }
  const { option: key } = flag;
  if (value === undefined || value === '') {
    throw usage(
      written,
      `the ${key} is missing`,
      `write it after a colon, such as ${option} ${example(kind)}`,
    );
  }
  return trustStoreSchema.parse({
    kind: name,
    // A store goes by its path, also in the journal, which a later run reads from another folder.
    [key]: kind.options[key] === 'path' ? resolve(value) : value,
    ...(reload === undefined || !takesReload(name) ? {} : { reload }),
  });
}

/**
 * Reads every `--trust` of a command, with the `--reload` that belongs to each that can be reloaded.
 * @throws AppError `Usage`
 */
export function trustStoresFromFlags(texts: readonly string[], reload?: string): TrustStoreConfig[] {
  if (reload?.trim() === '') {
    throw new AppError('Usage', '--reload is empty', {
      hint: 'specify a command, such as --reload "systemctl reload nginx", or omit --reload',
    });
  }
  const stores = texts.map((text) => trustStoreFromFlag(text, reload));
  if (reload !== undefined && !stores.some(({ kind }) => takesReload(kind))) {
    throw new AppError('Usage', '--reload needs a trust store that can be reloaded', {
      hint: 'add --trust KIND:FILE, or omit --reload',
    });
  }
  return stores;
}
