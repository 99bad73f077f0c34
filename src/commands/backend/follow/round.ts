import { AppError } from '../../../platform/errors.js';
import { acceptList } from '../../../trust/published-list.js';
import type { Destination } from './destination.js';
import type { AppliedList } from './memory.js';

/** What the server of a trust store has live. */
export interface Live {
  /** The version of the list that was applied; absent for a list without one. */
  listVersion?: number;
  /** All that is trusted, by SHA-256. */
  fingerprintsSha256: readonly string[];
  /** Since when; ISO 8601, UTC. */
  since: string;
}

/** What became of one look at the list. */
export interface Round {
  /** Whether anything was written or reloaded. */
  changed: boolean;
  live: Live;
  /** Trusted although the list does not have them: it has no version, so that nothing is removed. */
  notInList: readonly string[];
}

const liveOf = ({ version, fingerprintsSha256, at }: AppliedList): Live => ({
  ...(version === undefined ? {} : { listVersion: version }),
  fingerprintsSha256,
  since: at,
});

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((each) => other.includes(each));

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
    const { certificates, isWhole, ...accepted } = acceptList(octets, known?.accepted, allowOlder);
    const wasAccepted =
      known?.accepted.sha256 === accepted.sha256 && known.accepted.version === accepted.version;
    if (!wasAccepted) await memory.write({ ...known, accepted });
    const changed = await store.replace(certificates, { keepOthers: !isWhole });
    const seen = await store.describe();
    const listed = certificates.map(({ fingerprintSha256 }) => fingerprintSha256);
    if (seen.state !== 'known' || !listed.every((one) => seen.fingerprints.includes(one))) {
      throw new AppError(
        'TrustStoreNotLive',
        `${store.name} was changed by something else at the same time`,
        {
          hint: 'let apigw-cert alone change it; the next look puts it right',
        },
      );
    }
    const { fingerprints } = seen;
    const former = known?.applied;
    const isFormer =
      !changed &&
      wasAccepted &&
      former?.sha256 === accepted.sha256 &&
      isSame(former.fingerprintsSha256, fingerprints);
    const applied = isFormer
      ? former
      : { ...accepted, fingerprintsSha256: fingerprints, at: now().toISOString() };
    if (!isFormer) await memory.write({ accepted, applied });
    return {
      changed,
      live: liveOf(applied),
      notInList: fingerprints.filter((one) => !listed.includes(one)),
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
    const isKnown =
      seen.state === 'known' && applied && isSame(applied.fingerprintsSha256, seen.fingerprints);
    return isKnown ? liveOf(applied) : undefined;
  } catch {
    return undefined;
  }
}
