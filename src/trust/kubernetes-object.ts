/** One key of a Secret or a ConfigMap as a document, whatever way leads to the cluster. */
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.js';
import { changedMeanwhile } from './failures.js';
import type { TextDocument } from './document.js';

/** Where the text is. */
export interface ObjectKey {
  resource: 'secret' | 'configmap';
  name: string;
  /** Absent: that of the credentials. */
  namespace?: string | undefined;
  key: string;
}

/** A JSON merge patch (RFC 7396) of an object. */
export interface ObjectPatch {
  metadata: { resourceVersion: string };
  data: Readonly<Record<string, string>>;
}

/** The two requests that are needed. Their answers are the object, as JSON. */
export interface ObjectRequests {
  /** @throws AppError `TrustStoreUnreadable` */
  get(): Promise<unknown>;
  /** @throws AppError; `ServiceUnreachable` where it may have been done all the same */
  patch(patch: ObjectPatch): Promise<unknown>;
}

const objectSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.optional(z.record(z.string(), z.string())),
});

/** Nothing of the answer goes into an error: the other keys of a Secret are not ours to look at. */
function readObject(answer: unknown): z.output<typeof objectSchema> {
  const read = objectSchema.safeParse(answer);
  if (read.success) return read.data;
  throw new AppError('TrustStoreUnreadable', 'what was answered is not a Secret or a ConfigMap', {
    hint: 'compare it with the output of `kubectl get --output=json`',
  });
}

/**
 * The text of one key. A write changes this key alone, and the API server refuses it with 409 when the object has another
 * resourceVersion than the patch
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 * @param connect gets ready to send, so that nothing but the requests can fail after it
 */
export function objectDocument(place: ObjectKey, connect: () => Promise<ObjectRequests>): TextDocument {
  const { resource, name, key } = place;
  const isSecret = resource === 'secret';
  const encode = (text: string): string => (isSecret ? Buffer.from(text, 'latin1').toString('base64') : text);
  const decode = (value: string): string =>
    isSecret ? Buffer.from(value, 'base64').toString('latin1') : value;
  const read = async () => {
    const { metadata, data } = readObject(await (await connect()).get());
    const value = data?.[key];
    if (value === undefined) {
      throw new AppError('TrustStoreUnreadable', `it has no key ${key}`, {
        hint: 'check the key; if it is to be new, make it with an empty value first',
      });
    }
    return { text: decode(value), version: metadata.resourceVersion };
  };
  return {
    read,
    async write(text, { version = '' }, beforeEffect) {
      const requests = await connect();
      await beforeEffect();
      try {
        const patch = { metadata: { resourceVersion: version }, data: { [key]: encode(text) } };
        return { text, version: readObject(await requests.patch(patch)).metadata.resourceVersion };
      } catch (error) {
        const now = await read().catch(() => undefined);
        if (now?.text === text) return now;
        if (now && now.version !== version) throw changedMeanwhile({ resource, name });
        if (now && error instanceof AppError && error.code !== 'ServiceUnreachable') throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new AppError('ServiceUnreachable', `whether it was written is not known: ${why}`, {
          cause: error,
          hint: 'check that the cluster answers, then run the same command again: it looks at what is there first',
        });
      }
    },
    exclusively: (work) => work(),
  };
}
