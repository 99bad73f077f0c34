import type { TrustedCertificate } from '../../../certificates/certificate.js';
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
  /** Absent where nobody can tell. */
  fingerprintsSha256?: readonly string[];
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
      const { certificates, findings } = readBundle(file.bytes);
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

async function shown(store: DescribedTrustStore): Promise<ShownStore> {
  const found = await store.describe();
  const { state } = found;
  return {
    trustStore: store.name,
    state,
    ...(found.state === 'unknown' ? {} : { fingerprintsSha256: found.fingerprints }),
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

/**
 * Adds or removes certificates in every trust store, one after another. Each store is changed wholly or not at all;
 * the first that fails ends it, and the same command run again goes on, since what is done already is left alone.
 * @throws AppError as the trust stores do, with those that are done in its details
 */
export async function changeTrust(
  action: 'add' | 'remove',
  {
    descriptions,
    certificates,
  }: {
    descriptions: readonly TrustDescription[];
    certificates: readonly TrustedCertificate[];
  },
  context: TrustContext,
): Promise<ShownStore[]> {
  const stores = openTrustStores(descriptions, context);
  const done: ShownStore[] = [];
  for (const store of stores) {
    try {
      for (const certificate of certificates) await store[action](certificate);
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
