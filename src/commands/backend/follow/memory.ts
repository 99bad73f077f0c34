import { realpath } from 'node:fs/promises';
import * as z from 'zod/mini';
import type { AuthorityView } from '../../../certificates/trust-entry.js';
import { AppError } from '../../../platform/errors.js';
import { exclusively } from '../../../platform/exclusively.js';
import { readRegularFile } from '../../../platform/read-regular-file.js';
import { writeFileAtomically } from '../../../platform/write-file.js';
import { sidecar } from '../../../trust/file-document.js';
import type { ListIdentity } from '../../../trust/published-list.js';

const identity = {
  version: z.optional(z.int().check(z.positive())),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
};

const schema = z.object({
  accepted: z.object(identity),
  applied: z.optional(
    z.object({
      ...identity,
      fingerprintsSha256: z.array(z.string()),
      authorities: z.exactOptional(
        z.array(
          z.object({
            fingerprintSha256: z.string(),
            subject: z.exactOptional(z.string()),
            san: z.exactOptional(z.string()),
          }),
        ),
      ),
      at: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)))),
    }),
  ),
});

/** What is known of the list in a trust store, also after a restart. */
export interface Followed {
  /** The last list that was accepted; noted before it is applied, so that no older one is applied after a crash. */
  accepted: ListIdentity;
  /** The list whose certificates were last made live. */
  applied?: AppliedList | undefined;
}

export interface AppliedList extends ListIdentity {
  /** All that the trust store held then: exact certificates, and roots with a name. */
  fingerprintsSha256: readonly string[];
  authorities?: readonly AuthorityView[];
  /** ISO 8601, UTC. */
  at: string;
}

/** A hidden file beside a trust store. */
export interface FollowMemory {
  /** @throws AppError `FileNotReadable` where it is damaged: then it is not known what was there */
  read(): Promise<Followed | undefined>;
  write(followed: Followed): Promise<void>;
  /** Runs `work` while no other follower of the same trust store works. @throws AppError `TrustStoreLocked` */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

/** @param path of the file or folder that the trust store is */
export function followMemory(path: string): FollowMemory {
  const place = (): Promise<string> => sidecar(path, 'followed');
  return {
    async read() {
      const file = await place();
      const damaged = (cause: unknown): AppError =>
        new AppError(
          'FileNotReadable',
          `${file} cannot be read, so it is not known which list was applied last`,
          {
            cause,
            hint: 'delete it: the next list is then applied whatever its version',
            details: { file },
          },
        );
      let text: string;
      try {
        text = (await readRegularFile(file)).toString('utf8');
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw damaged(cause);
      }
      try {
        return fromJson(schema.parse(JSON.parse(text)));
      } catch (cause) {
        throw damaged(cause);
      }
    },
    write: async (followed) =>
      writeFileAtomically(await place(), `${JSON.stringify(followed, null, 2)}\n`, { mode: 0o600 }),
    exclusively: async (work) => {
      const lock = await sidecar(path, 'follow-lock');
      return exclusively(await realpath(path), lock, work);
    },
  };
}

const identityOf = ({ version, sha256 }: z.infer<typeof schema>['accepted']): ListIdentity => ({
  ...(version === undefined ? {} : { version }),
  sha256,
});

const fromJson = ({ accepted, applied }: z.infer<typeof schema>): Followed => ({
  accepted: identityOf(accepted),
  ...(applied && {
    applied: {
      ...identityOf(applied),
      fingerprintsSha256: applied.fingerprintsSha256,
      ...(applied.authorities === undefined ? {} : { authorities: applied.authorities }),
      at: applied.at,
    },
  }),
});
