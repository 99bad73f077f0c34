/** What every store of documents promises: a document is replaced only as it was last seen. Run on DynamoDB and S3. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { DocumentStore } from '../../src/state/documents.js';

/** @param open the store as one more machine opens it */
export function documentStoreContract(name: string, open: () => DocumentStore): void {
  describe(`a document in ${name}`, () => {
    let store: DocumentStore;
    let n = 0;
    let key: { group: string; name: string };

    beforeEach(() => {
      store = open();
      key = { group: `group/${++n}`, name: 'one' };
    });

    test('is written where there is none, and only there', async () => {
      const version = await store.write(key, 'text', undefined);
      expect(version).toEqual(expect.any(String));
      expect(await store.write(key, 'other', undefined)).toBeUndefined();
      expect(await store.read(key)).toEqual({ name: 'one', text: 'text', version });
    });

    test('is replaced as it was last seen, also by the same text, and never after that', async () => {
      const first = await store.write(key, 'text', undefined);
      const second = await store.write(key, 'text', first);
      expect(second).not.toBe(first);
      expect(await store.write(key, 'late', first)).toBeUndefined();
      expect((await store.read(key))?.text).toBe('text');
      expect(await store.write(key, 'text', second)).toEqual(expect.any(String));
    });

    test('is not replaced where it is gone', async () => {
      const version = await store.write(key, 'text', undefined);
      await store.remove(key);
      await store.remove(key);
      expect(await store.read(key)).toBeUndefined();
      expect(await store.write(key, 'again', version)).toBeUndefined();
    });

    test('is listed with those of its group, by name, over pages', async () => {
      const names = Array.from({ length: 8 }, (_, i) => `${7 - i}`);
      for (const name of names) await store.write({ ...key, name }, `text ${name}`, undefined);
      await store.write({ group: `${key.group}x`, name: '9' }, 'of another group', undefined);
      expect((await store.list(key.group)).map(({ name, text }) => [name, text])).toEqual(
        names.toReversed().map((name) => [name, `text ${name}`]),
      );
      expect((await store.last(key.group))?.name).toBe('7');
      expect(await store.last('group/none')).toBeUndefined();
    });

    test('of several writers at once one succeeds', async () => {
      const version = await store.write(key, 'first', undefined);
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, i) => open().write(key, `writer ${i}`, version)),
      );
      const winners = results.flatMap((result, i) => (result === undefined ? [] : [i]));
      expect(winners).toHaveLength(1);
      expect((await store.read(key))?.text).toBe(`writer ${winners[0]}`);
    });

    test('that is too large is refused before anything is sent', async () => {
      await expect(store.write(key, 'x'.repeat(store.maxOctets + 1), undefined)).rejects.toMatchObject({
        code: 'StateUnavailable',
      });
      expect(await store.read(key)).toBeUndefined();
    });
  });
}
