/** The transaction that all trust stores of one text share, over a document in memory: what happens in which order. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import { AppError } from '../../src/platform/errors.js';
import { STOPPED, type Revision, type TextDocument } from '../../src/trust/document.js';
import { documentTrustStore, type DocumentStore } from '../../src/trust/document-store.js';
import { pemFormat } from '../../src/trust/pem-format.js';
import type { DescribedTrustStore } from '../../src/trust/trust-store.js';
import { appError, outcomeOf, refusingCall } from '../contract/trust-store.contract.js';
import { mintIdentity } from '../support/certificates.js';

let old: TrustedCertificate;
let next: TrustedCertificate;
beforeAll(async () => {
  [old, next] = (await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')])).map(
    ({ certificate }) => certificate,
  ) as [TrustedCertificate, TrustedCertificate];
});

/** All that happens, in order. */
let log: string[];
let text: string;
let mark: string | undefined;
/** What is to go wrong: `write`, `write late` (after the text is in place), `read`, `check`, `reload`, `mark`. */
let faults: Set<string>;

const happens = (what: string, goesWrong = faults.has(what)): void => {
  log.push(what);
  if (goesWrong)
    throw new AppError('TrustStoreFailed', `${what} went wrong`, { hint: 'mend it', details: { line: 1 } });
};

function memory(marked: boolean): TextDocument {
  return {
    read() {
      if (faults.has('read')) return Promise.reject(new Error('read went wrong'));
      return Promise.resolve({ text, version: String(text.length) });
    },
    async write(wanted: string, expected: Revision, beforeEffect) {
      await beforeEffect();
      if (expected.text !== text || expected.version !== String(text.length))
        throw new AppError('TrustStoreFailed', 'someone else changed it');
      happens('write');
      text = wanted;
      happens('write late');
      if (faults.delete('write late once')) happens('write late once', true);
      return { text, version: String(text.length) };
    },
    exclusively: async (work) => {
      log.push('lock');
      try {
        return await work();
      } finally {
        log.push('unlock');
      }
    },
    ...(marked
      ? {
          unfinished: {
            read: () => Promise.resolve(mark === undefined ? undefined : { reason: mark }),
            mark: (reason) =>
              Promise.resolve().then(() => {
                happens('mark');
                mark = reason;
              }),
            clear() {
              log.push('clear');
              mark = undefined;
              return Promise.resolve();
            },
          },
        }
      : {}),
  };
}

function open({
  marked = true,
  ...parts
}: Partial<DocumentStore> & { marked?: boolean } = {}): DescribedTrustStore {
  return documentTrustStore({
    name: 'memory',
    document: memory(marked),
    format: pemFormat,
    check: () => {
      happens('check');
      return Promise.resolve();
    },
    makeLive: async (wanted, beforeEffect) => {
      await beforeEffect();
      happens(
        `reload ${pemFormat.parse(wanted).filter(({ fingerprint }) => fingerprint !== undefined).length}`,
      );
      happens('reload');
    },
    ...parts,
  });
}

beforeEach(() => {
  log = [];
  text = '';
  mark = undefined;
  faults = new Set();
});

describe('a change', () => {
  test('is marked before it is written, checked before it is reloaded, and unmarked at its end', async () => {
    await open().add(old, {
      beforeEffect: () => {
        log.push('ask');
        return Promise.resolve();
      },
    });
    const steps = ['ask', 'mark', 'write', 'write late', 'check', 'ask', 'reload 1', 'reload', 'clear'];
    expect(log).toEqual(['lock', ...steps, 'unlock']);
    expect(text).toContain(old.pem);
  });

  test('of nothing touches nothing', async () => {
    text = old.pem;
    await open().add(old);
    await open().remove(next);
    expect(log).toEqual(['lock', 'unlock', 'lock', 'unlock']);
  });

  test.each([
    ['without a mark, it may be that a killed run did not come to it', false, undefined],
    ['with a mark', true, 'x'],
  ])('of nothing is reloaded all the same: %s', async (_why, marked, earlier) => {
    text = old.pem;
    mark = earlier;
    await open({ marked }).add(old);
    expect(log.filter((what) => what !== 'clear')).toEqual(['lock', 'check', 'reload 1', 'reload', 'unlock']);
    expect(mark).toBeUndefined();
  });

  test('runs nothing where this kind of store cannot work', async () => {
    const suits = (): Promise<void> => Promise.reject(new AppError('TrustStoreUnsuitable', 'not here'));
    for (const work of [() => open({ suits }).add(old), () => open({ suits }).observe()]) {
      const error = await appError(work());
      expect({ code: error.code, message: error.message }).toEqual({
        code: 'TrustStoreUnsuitable',
        message: 'memory: not here',
      });
    }
    expect(log).toEqual([]);
  });
});

describe('replacing all', () => {
  const replace = (certificates: TrustedCertificate[], options?: { keepOthers?: boolean }) =>
    open().replace?.(certificates, options);

  test('adds and removes in one change, and does nothing where nothing differs', async () => {
    text = `# mine\n${old.pem}`;
    expect(await replace([next])).toBe(true);
    expect(log.filter((what) => /^(write|reload \d)$/.test(what))).toEqual(['write', 'reload 1']);
    expect(text).toMatch(/^# mine\n/);
    expect(pemFormat.parse(text).flatMap(({ fingerprint }) => fingerprint ?? [])).toEqual([
      next.fingerprintSha256,
    ]);
    log = [];
    expect(await replace([next])).toBe(false);
    expect(log).toEqual(['lock', 'unlock']);
  });

  test('keeps the others where that is asked for', async () => {
    text = old.pem;
    expect(await replace([next], { keepOthers: true })).toBe(true);
    expect(text).toBe(pemFormat.insert(old.pem, next));
    expect(await replace([next], { keepOthers: true })).toBe(false);
  });

  test('that cannot be loaded leaves what was there', async () => {
    text = old.pem;
    faults.add('reload 1');
    expect((await appError(replace([next]) ?? Promise.resolve())).code).toBe('TrustStoreFailed');
    expect(text).toBe(old.pem);
  });

  test('a change that a killed run left is loaded', async () => {
    text = old.pem;
    mark = 'earlier';
    expect(await replace([old])).toBe(true);
    expect(log).toContain('reload 1');
    expect(mark).toBeUndefined();
  });

  test('by nothing is refused', async () => {
    text = old.pem;
    await expect(replace([])).rejects.toThrow('never emptied');
    expect(text).toBe(old.pem);
  });
});

test('what it holds is described, and whether a change of it did not come to its end', async () => {
  text = pemFormat.insert(old.pem, next);
  const fingerprints = [old.fingerprintSha256, next.fingerprintSha256];
  expect(await open().describe()).toEqual({ state: 'known', fingerprints });
  mark = 'earlier';
  expect(await open().describe()).toEqual({ state: 'unfinished', fingerprints, reason: 'earlier' });
  expect(await open({ marked: false }).describe()).toEqual({ state: 'known', fingerprints });
});

test('what fails in a part of it is told with its name, once, and with what it came from', async () => {
  const cause = new AppError('TrustStoreUnreadable', 'not here', { details: { line: 3 } });
  const error = await appError(open({ suits: () => Promise.reject(cause) }).describe());
  expect([error.code, error.message, error.hint, error.details, error.cause]).toEqual([
    'TrustStoreUnreadable',
    'memory: not here',
    undefined,
    { trustStore: 'memory', line: 3 },
    cause,
  ]);
  expect(await appError(open({ suits: () => Promise.reject(error) }).add(next))).toBe(error);
});

test('the last certificate is not removed, although it is there twice and text is beside it', async () => {
  text = `# mine\n${old.pem}${old.pem}`;
  const before = text;
  const { code, message, hint, details } = await appError(open().remove(old));
  expect({ code, message, hint, details }).toEqual({
    code: 'TrustStoreFailed',
    message:
      'memory: this is the last certificate in it, and with an empty list, some servers accept any caller',
    hint: 'add its successor first; to stop trusting any certificate, change the configuration of the server by hand',
    details: { trustStore: 'memory' },
  });
  expect({ text, log }).toEqual({ text: before, log: ['lock', 'unlock'] });
});

describe('what goes wrong', () => {
  const both = (): string => pemFormat.insert(old.pem, next);

  test('before the write leaves nothing', async () => {
    text = old.pem;
    faults.add('mark');
    expect((await appError(open().add(next))).message).toBe('memory: mark went wrong');
    faults = new Set(['write']);
    expect((await appError(open().add(next))).message).toBe('memory: write went wrong');
    expect({ text, mark }).toEqual({ text: old.pem, mark: undefined });
  });

  test('before the write leaves the mark of an earlier run', async () => {
    text = old.pem;
    mark = 'earlier';
    faults.add('write');
    await appError(open().add(next));
    expect(mark).toBe(STOPPED);
  });

  test('after the text is in place is taken back, and the server was not touched', async () => {
    text = old.pem;
    faults.add('write late once');
    const error = await appError(open().add(next));
    expect(error.message).toBe(
      'memory: write late once went wrong; the former content is back, the server was not touched',
    );
    expect({ text, mark, reloads: log.includes('reload') }).toEqual({
      text: old.pem,
      mark: undefined,
      reloads: false,
    });
  });

  test('after the text is in place, and again on the way back, leaves a mark that says so', async () => {
    text = old.pem;
    faults.add('write late');
    const error = await appError(open().add(next));
    const { code, hint, details, cause } = error;
    expect({ code, details }).toEqual({
      code: 'TrustStoreNotRestored',
      details: { trustStore: 'memory', line: 1 },
    });
    expect(hint).toMatch(/backend show.*by hand/);
    expect(cause).toMatchObject({ message: 'write late went wrong' });
    expect(mark).toBe(
      'write late went wrong; then the former content could not be restored: write late went wrong',
    );
  });

  test('in the check is taken back without a reload', async () => {
    text = old.pem;
    faults.add('check');
    const error = await appError(open().add(next));
    const { code, message, hint, details, cause } = error;
    expect({ code, message, hint, details }).toEqual({
      code: 'TrustStoreFailed',
      message: 'memory: check went wrong; the former content is back, the server was not touched',
      hint: 'mend it',
      details: { trustStore: 'memory', line: 1 },
    });
    expect(cause).toMatchObject({ message: 'check went wrong' });
    expect({ text, mark, reloads: log.includes('reload') }).toEqual({
      text: old.pem,
      mark: undefined,
      reloads: false,
    });
  });

  test('in the check after an earlier run that did not end is taken back with a reload', async () => {
    text = old.pem;
    mark = 'earlier';
    faults.add('check');
    const error = await appError(open().add(next));
    expect(error.message).toContain('the former content is back and was reloaded');
    expect(log).toContain('reload 1');
    expect({ text, mark }).toEqual({ text: old.pem, mark: undefined });
  });

  test('in the reload is taken back with a reload of what was there', async () => {
    text = both();
    faults.add('reload 1');
    const error = await appError(open().remove(next));
    expect(error.message).toBe('memory: reload 1 went wrong; the former content is back and was reloaded');
    expect({ text, mark }).toEqual({ text: both(), mark: undefined });
    expect(log.filter((what) => what.startsWith('reload'))).toEqual(['reload 1', 'reload 2', 'reload']);
  });

  test('in that too leaves a mark that says so', async () => {
    text = old.pem;
    faults.add('reload');
    const error = await appError(open().add(next));
    expect(error.message).toContain(
      'the former content is back, but reloading it failed as well: reload went wrong',
    );
    expect({ text, mark }).toEqual({
      text: old.pem,
      mark: 'the former content was restored, but reloading it failed: reload went wrong',
    });
  });

  test('with nothing written is told as a server that does not follow, and leaves a mark that says so', async () => {
    text = old.pem;
    mark = 'earlier';
    faults.add('reload');
    const error = await appError(open().add(old));
    expect({ code: error.code, message: error.message }).toEqual({
      code: 'TrustStoreNotLive',
      message: 'memory: reload went wrong; its content was not changed',
    });
    expect({ text, mark }).toEqual({ text: old.pem, mark: 'reload went wrong' });
  });

  test('is told even where the mark cannot be written any more', async () => {
    text = old.pem;
    mark = 'earlier';
    faults = new Set(['reload', 'mark']);
    expect((await appError(open().add(old))).code).toBe('TrustStoreNotLive');
    expect(mark).toBe('earlier');
  });

  test('while somebody else has written is not taken back', async () => {
    text = old.pem;
    const store = open({
      makeLive: () => {
        text = `# theirs\n${text}`;
        return Promise.reject(new Error('no\u001b[31mt now'));
      },
    });
    const error = await appError(store.add(next));
    expect(error.code).toBe('TrustStoreNotRestored');
    expect(error.message).toContain('could not be restored: someone else changed it');
    expect(text).toMatch(/^# theirs\n/);
    expect(mark).toMatch(/^not now; then/);
  });
});

describe('what beforeEffect refuses', () => {
  test('before the write leaves everything as it was, the mark of an earlier run too', async () => {
    text = old.pem;
    mark = 'earlier';
    const { beforeEffect } = refusingCall(1);
    expect(await outcomeOf(open().add(next, { beforeEffect }))).toMatchObject({ message: 'call 1' });
    expect({ text, mark }).toEqual({ text: old.pem, mark: 'earlier' });
  });

  test('before the reload of what is there already leaves the mark', async () => {
    text = old.pem;
    mark = 'earlier';
    const { beforeEffect } = refusingCall(1);
    expect(await outcomeOf(open().add(old, { beforeEffect }))).toMatchObject({ message: 'call 1' });
    expect({ text, mark }).toEqual({ text: old.pem, mark: 'earlier' });
  });

  test.each([
    ['an AppError', new AppError('LockLost', 'lost')],
    ['whatever else', new TypeError('x')],
  ])('is thrown as it is: %s', async (_what, refusal) => {
    text = old.pem;
    expect(await outcomeOf(open().add(next, { beforeEffect: () => Promise.reject(refusal) }))).toBe(refusal);
  });

  test('before the reload, with a mark: taken back in either direction', async () => {
    text = old.pem;
    const add = refusingCall(2);
    expect(await outcomeOf(open().add(next, add))).toMatchObject({ message: 'call 2' });
    expect({ text, mark }).toEqual({ text: old.pem, mark: undefined });
    text = pemFormat.insert(old.pem, next);
    const before = text;
    const remove = refusingCall(2);
    expect(await outcomeOf(open().remove(next, remove))).toMatchObject({ message: 'call 2' });
    expect({ text, mark }).toEqual({ text: before, mark: undefined });
    expect([add.calls(), remove.calls()]).toEqual([2, 2]);
  });

  test('before the reload, without a mark: an addition stays, a removal is taken back', async () => {
    text = old.pem;
    expect(await outcomeOf(open({ marked: false }).add(next, refusingCall(2)))).toMatchObject({
      message: 'call 2',
    });
    expect(text).toBe(pemFormat.insert(old.pem, next));
    const before = text;
    expect(await outcomeOf(open({ marked: false }).remove(next, refusingCall(2)))).toMatchObject({
      message: 'call 2',
    });
    expect(text).toBe(before);
  });

  test('after a reload that failed, without a mark: an addition stays, and that is told', async () => {
    text = old.pem;
    faults.add('reload');
    const error = await appError(open({ marked: false }).add(next, refusingCall(3)));
    expect(error.code).toBe('TrustStoreNotRestored');
    expect(error.message).toBe(
      'memory: reload went wrong; the certificate is in its content and was left there: call 3',
    );
    expect(text).toContain(next.pem);
  });

  test('and where it refuses nothing, an addition without a mark is taken back after a reload that failed', async () => {
    text = old.pem;
    faults.add('reload 2');
    const error = await appError(open({ marked: false }).add(next));
    expect([error.code, error.message]).toEqual([
      'TrustStoreFailed',
      'memory: reload 2 went wrong; the former content is back and was reloaded',
    ]);
    expect(text).toBe(old.pem);
  });

  test('does not keep a removal from being taken back after a reload that failed', async () => {
    text = pemFormat.insert(old.pem, next);
    const before = text;
    faults.add('reload 1');
    const { beforeEffect, calls } = refusingCall(3);
    const error = await appError(open({ marked: false }).remove(next, { beforeEffect }));
    expect(error.message).toContain('the former content is back and was reloaded');
    expect({ text, calls: calls() }).toEqual({ text: before, calls: 2 });
  });
});
