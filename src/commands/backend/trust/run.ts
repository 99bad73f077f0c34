import type { CallerName } from '../../../certificates/caller-name.js';
import type { TrustedCertificate } from '../../../certificates/certificate.js';
import {
  type AuthorityView,
  authorityView,
  type TrustedAuthority,
  trustedAuthority,
  type TrustEntry,
} from '../../../certificates/trust-entry.js';
import { AppError } from '../../../platform/errors.js';
import type { ControlPlane } from '../../../control-plane/control-plane.js';
import type { TrustContext } from '../../../trust/context.js';
import type { DescribedTrustStore, StoreState } from '../../../trust/trust-store.js';
import { readBundle } from '../../../certificates/bundle.js';
import { certificateOf } from '../../../control-plane/read-certificate.js';
import type { TrustDescription } from '../../../rotation/engine/jobs.js';
import { openTrustStores } from '../../../rotation/engine/stores.js';

/** What a trust store trusts, and how far that is known; see `StoreState` of the port. */
export interface ShownStore {
  trustStore: string;
  state: StoreState['state'];
  /** Exact certificates. Absent where nobody can tell. */
  fingerprintsSha256?: readonly string[];
  /** Roots with the name that certificates of that CA must have, where there are any. */
  authorities?: readonly AuthorityView[];
  /** Why it is not known, or why its server may not have loaded it. */
  reason?: string;
  /** Since when that is so; ISO 8601, UTC. */
  since?: string;
}

/** A file that a user named in place of an id. */
interface NamedFile {
  name: string;
  bytes: Uint8Array;
}

/**
 * The certificates that words name: ids of the account, or files of certificates.
 * @param read gives a file's content, `undefined` for a word that is no file
 * @throws AppError `CertificateUnreadable`, `CertificateNotFound`
 */
export async function namedCertificates(
  words: readonly string[],
  read: (word: string) => Promise<NamedFile | undefined>,
  controlPlane: () => Promise<ControlPlane>,
): Promise<TrustedCertificate[]> {
  const found = await Promise.all(
    words.map(async (word): Promise<TrustedCertificate[]> => {
      const file = await read(word);
      if (file === undefined) {
        return [certificateOf(await (await controlPlane()).getClientCertificate(word)).trusted];
      }
      const { certificates, authorities, findings } = readBundle(file.bytes);
      if (authorities.length > 0) {
        throw new AppError('CertificateUnreadable', `${file.name} holds a root with a name`, {
          hint: 'specify the root and the name by themselves: --ca FILE --subject NAME',
          details: { file: file.name },
        });
      }
      if (findings.some(({ code }) => code === 'PrivateKey')) {
        throw new AppError('CertificateUnreadable', `${file.name} holds a private key`, {
          hint: 'specify a file that contains only certificates',
          details: { file: file.name },
        });
      }
      const damaged = findings.find(({ code }) => code === 'BrokenPem');
      if (damaged && certificates.length > 0) {
        throw new AppError(
          'CertificateUnreadable',
          `${file.name}, line ${damaged.line}: a damaged certificate`,
          {
            hint: 'nothing was changed; remove the damaged part, or specify an intact file',
            details: { file: file.name, line: damaged.line },
          },
        );
      }
      if (certificates.length > 0) return certificates.map(({ certificate }) => certificate);
      throw new AppError('CertificateUnreadable', `${file.name} holds no certificate that can be read`, {
        hint: 'specify an id as `apigw-cert list` shows it, or a PEM or DER file',
        details: { file: file.name },
      });
    }),
  );
  const distinct = new Map(found.flat().map((each) => [each.fingerprintSha256, each]));
  return [...distinct.values()];
}

/**
 * The root in a file, with the name that certificates of that CA must have.
 * @throws AppError `CertificateUnreadable`, `FileNotReadable`, `Usage`
 */
export async function namedAuthority(
  file: string,
  name: CallerName,
  read: (file: string, hint: string) => Promise<NamedFile>,
): Promise<TrustedAuthority> {
  const found = await read(file, 'specify the PEM or DER file of the root of the CA');
  const { certificates, findings } = readBundle(found.bytes);
  const [only, ...others] = certificates;
  const isWhole = !findings.some(({ code }) => code === 'PrivateKey' || code === 'BrokenPem');
  if (only === undefined || others.length > 0 || !isWhole) {
    throw new AppError(
      'CertificateUnreadable',
      `${found.name} does not hold one certificate and nothing else`,
      {
        hint: 'specify a file with the root of the CA alone',
        details: { file: found.name },
      },
    );
  }
  return trustedAuthority(only.certificate.pem, name);
}

async function shown(store: DescribedTrustStore): Promise<ShownStore> {
  const found = await store.describe();
  const { state } = found;
  return {
    trustStore: store.name,
    state,
    ...(found.state === 'unknown' ? {} : { fingerprintsSha256: found.fingerprints }),
    ...(found.state === 'unknown' || found.authorities === undefined
      ? {}
      : { authorities: found.authorities.map(authorityView) }),
    ...(found.state === 'known' ? {} : { reason: found.reason }),
    ...(found.state === 'unfinished' && found.since !== undefined ? { since: found.since } : {}),
  };
}

/** What each trust store holds now. @throws AppError `TrustStoreUnreadable` */
export async function showTrust(
  descriptions: readonly TrustDescription[],
  context: TrustContext,
): Promise<ShownStore[]> {
  return Promise.all(openTrustStores(descriptions, context).map(shown));
}

/** @throws AppError `TrustStoreUnsuitable` where a store cannot hold what is to be added, before any is changed */
function assertHeld(stores: readonly DescribedTrustStore[], entries: readonly TrustEntry[]): void {
  for (const store of stores) {
    for (const entry of entries) {
      const objection = store.objection(entry);
      if (objection === undefined) continue;
      throw new AppError(
        'TrustStoreUnsuitable',
        `${store.name} cannot hold a root with a name: ${objection}`,
        {
          hint: 'nothing was changed',
          details: { trustStore: store.name },
        },
      );
    }
  }
}

/**
 * Adds or removes entries in every trust store, one after another. Each store is changed wholly or not at all;
 * the first that fails ends it, and the same command run again goes on, since what is done already is left alone.
 * @throws AppError as the trust stores do, with those that are done in its details
 */
export async function changeTrust(
  action: 'add' | 'remove',
  {
    descriptions,
    entries,
  }: {
    descriptions: readonly TrustDescription[];
    entries: readonly TrustEntry[];
  },
  context: TrustContext,
): Promise<ShownStore[]> {
  const stores = openTrustStores(descriptions, context);
  if (action === 'add') assertHeld(stores, entries);
  const done: ShownStore[] = [];
  for (const store of stores) {
    try {
      for (const entry of entries) await store[action](entry);
      done.push(await shown(store));
    } catch (error) {
      if (!(error instanceof AppError) || done.length === 0) throw error;
      const names = done.map(({ trustStore }) => trustStore);
      throw new AppError(error.code, `${error.message}; already changed: ${names.join(', ')}`, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        details: { ...error.details, done: names },
      });
    }
  }
  return done;
}
