import { type AuthorityView, authorityView, entryKey, viewKey } from '../../../certificates/trust-entry.js';
import { AppError } from '../../../platform/errors.js';
import { acceptList } from '../../../trust/published-list.js';
import type { StoreState } from '../../../trust/trust-store.js';
import type { Destination } from './destination.js';
import type { AppliedList } from './memory.js';

/** What the server of a trust store has live. */
export interface Live {
  /** The version of the list that was applied; absent for a list without one. */
  listVersion?: number;
  /** The exact certificates that are trusted, by SHA-256. */
  fingerprintsSha256: readonly string[];
  /** The roots with a name that are trusted, where there are any. */
  authorities?: readonly AuthorityView[];
  /** Since when; ISO 8601, UTC. */
  since: string;
}

/** What became of one look at the list. */
export interface Round {
  /** Whether anything was written or reloaded. */
  changed: boolean;
  live: Live;
  /** By their keys: trusted although the list does not have them: it has no version, so that nothing is removed. */
  notInList: readonly string[];
}

const liveOf = ({ version, fingerprintsSha256, authorities, at }: AppliedList): Live => ({
  ...(version === undefined ? {} : { listVersion: version }),
  fingerprintsSha256,
  ...(authorities === undefined ? {} : { authorities }),
  since: at,
});

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((each) => other.includes(each));

/** What a trust store holds, as it is remembered and reported. */
type Held = Pick<AppliedList, 'fingerprintsSha256' | 'authorities'>;

const keysOf = ({ fingerprintsSha256, authorities = [] }: Held): string[] => [
  ...fingerprintsSha256,
  ...authorities.map(viewKey),
];

const heldBy = ({ fingerprints, authorities }: Extract<StoreState, { state: 'known' }>): Held => ({
  fingerprintsSha256: fingerprints,
  ...(authorities === undefined ? {} : { authorities: authorities.map(authorityView) }),
});

/**
 * Makes the trust store equal to a list, where it may be applied. When it throws, the trust store is as it was.
 * @param octets of the list, as they were read
 * @throws AppError `ListRefused`; as trust stores do
 */
export async function followOnce(
  octets: Uint8Array,
  { store, memory }: Destination,
  { allowOlder, now }: { allowOlder: boolean; now: () => Date },
): Promise<Round> {
  return memory.exclusively(async () => {
    const known = await memory.read();
    const { entries, isWhole, ...accepted } = acceptList(octets, known?.accepted, allowOlder);
    const wasAccepted =
      known?.accepted.sha256 === accepted.sha256 && known.accepted.version === accepted.version;
    if (!wasAccepted) await memory.write({ ...known, accepted });
    const changed = await store.replace(entries, { keepOthers: !isWhole });
    const seen = await store.describe();
    const listed = entries.map(entryKey);
    const held = seen.state === 'known' ? heldBy(seen) : undefined;
    if (held === undefined || !listed.every((one) => keysOf(held).includes(one))) {
      throw new AppError(
        'TrustStoreNotLive',
        `${store.name} was changed by something else at the same time`,
        {
          hint: 'let apigw-cert alone change it; the next look puts it right',
        },
      );
    }
    const former = known?.applied;
    const isFormer =
      !changed && wasAccepted && former?.sha256 === accepted.sha256 && isSame(keysOf(former), keysOf(held));
    const applied = isFormer ? former : { ...accepted, ...held, at: now().toISOString() };
    if (!isFormer) await memory.write({ accepted, applied });
    return {
      changed,
      live: liveOf(applied),
      notInList: keysOf(held).filter((one) => !listed.includes(one)),
    };
  });
}

/**
 * What is live without a look at the list, as far as that is known: the trust store holds what was last applied, and no
 * change of it is unfinished.
 */
export async function lookAtLive({ store, memory }: Destination): Promise<Live | undefined> {
  try {
    const applied = (await memory.read())?.applied;
    const seen = await store.describe();
    const isKnown = seen.state === 'known' && applied && isSame(keysOf(applied), keysOf(heldBy(seen)));
    return isKnown ? liveOf(applied) : undefined;
  } catch {
    return undefined;
  }
}
