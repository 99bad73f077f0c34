import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { withLock } from '../../src/journal/lock.js';
import { bundleFixture, start, temporaryDirectory, type Child } from './fixture.js';

const key = 'account 123456789012, eu-west-1';
let program: string;
let directory: string;
let children: Child[] = [];

beforeAll(() => {
  program = bundleFixture('hold-lock');
});
beforeEach(() => {
  directory = join(temporaryDirectory(), 'locks');
});
afterEach(() => {
  for (const child of children) child.process.kill('SIGKILL');
  children = [];
});

async function holder(): Promise<Child> {
  const child = start(process.execPath, [program, directory, key]);
  children.push(child);
  expect(await child.nextLine()).toBe('holding');
  return child;
}

const ended = (child: Child): Promise<unknown> =>
  new Promise((resolve) => child.process.once('exit', resolve));
const take = (wait = 0): Promise<string> => withLock(key, () => Promise.resolve('mine'), { directory, wait });

/** Makes the lock look untouched for a minute, as after a sleep of the machine. */
function age(): void {
  const lock = readdirSync(directory).find((name) => name.endsWith('.lock')) ?? '';
  const past = new Date(Date.now() - 60_000);
  utimesSync(join(directory, lock), past, past);
}

describe('withLock', () => {
  test('gives back what the work does, lets go of the lock and leaves nothing', async () => {
    const result = await withLock(
      key,
      async (lock) => {
        await lock.assertHeld();
        expect(lock.signal.aborted).toBe(false);
        const names = readdirSync(directory);
        expect(names).toHaveLength(2);
        const info = names.find((name) => !name.endsWith('.lock')) ?? '';
        expect(statSync(join(directory, info)).mode & 0o777).toBe(0o600);
        return 7;
      },
      { directory },
    );
    expect(result).toBe(7);
    expect(readdirSync(directory)).toEqual([]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('lets go when the work throws', async () => {
    await expect(withLock(key, () => Promise.reject(new Error('boom')), { directory })).rejects.toThrow(
      'boom',
    );
    expect(await take()).toBe('mine');
  });

  test('refuses a second run and names the first', async () => {
    const child = await holder();
    await expect(take()).rejects.toMatchObject({
      code: 'Locked',
      exitCode: 75,
      message: expect.stringMatching(
        new RegExp(`^process ${child.process.pid} on ${hostname()}, since 20.*Z, is at work on account 1234`),
      ),
      details: { key, pid: child.process.pid, host: hostname() },
    });
  });

  test('refuses within the same process too, and keeps different keys apart', async () => {
    await withLock(
      key,
      async () => {
        await expect(take()).rejects.toMatchObject({ code: 'Locked' });
        expect(await withLock('other', () => Promise.resolve(1), { directory })).toBe(1);
      },
      { directory },
    );
  });

  test('waits for the first to end when asked to', async () => {
    const child = await holder();
    const waiting = take(20_000);
    child.process.stdin.end();
    expect(await waiting).toBe('mine');
  });

  test('waits no longer than asked', async () => {
    await holder();
    const begun = performance.now();
    await expect(take(600)).rejects.toMatchObject({ code: 'Locked' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(600);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test('of many at once lets exactly one in at a time', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(
          key,
          async (lock) => {
            most = Math.max(most, ++inside);
            await lock.assertHeld();
            inside--;
          },
          { directory, wait: 20_000 },
        ),
      ),
    );
    expect({ inside, most }).toEqual({ inside: 0, most: 1 });
  });

  test('says so when the directory cannot be made', async () => {
    writeFileSync(join(directory, '..', 'file'), '');
    await expect(
      withLock(key, () => Promise.resolve(), { directory: join(directory, '..', 'file', 'locks') }),
    ).rejects.toMatchObject({ code: 'JournalNotWritable' });
  });
});

describe('the lock of a run that was killed', () => {
  test('is taken over at once on the same machine', async () => {
    const child = await holder();
    child.process.kill('SIGKILL');
    await ended(child);
    expect(await take()).toBe('mine');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is taken over by exactly one of many', async () => {
    const child = await holder();
    child.process.kill('SIGKILL');
    await ended(child);
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let refused = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        withLock(key, () => finished, { directory }).catch((error: unknown) => {
          if (++refused === 5) finish();
          throw error;
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('made on another machine is honoured until it has gone stale', async () => {
    const child = await holder();
    child.process.kill('SIGKILL');
    await ended(child);
    const info = join(directory, readdirSync(directory).find((name) => !name.endsWith('.lock')) ?? '');
    writeFileSync(info, readFileSync(info, 'utf8').replace(hostname(), 'elsewhere'));
    await expect(take()).rejects.toMatchObject({
      code: 'Locked',
      message: expect.stringContaining('on elsewhere'),
    });
    age();
    expect(await take()).toBe('mine');
  });

  test('that had no time to say who it is goes stale too', async () => {
    const child = await holder();
    child.process.kill('SIGKILL');
    await ended(child);
    const info = join(directory, readdirSync(directory).find((name) => !name.endsWith('.lock')) ?? '');
    writeFileSync(info, '{"to');
    await expect(take()).rejects.toMatchObject({ message: expect.stringMatching(/^another run is at work/) });
    age();
    expect(await take()).toBe('mine');
  });
});

test('a holder that slept through a take-over is told before its next effect, and by its signal', async () => {
  const child = await holder();
  child.process.stdin.write('1\n');
  expect(await child.nextLine()).toBe('1 held');

  child.process.kill('SIGSTOP');
  age();
  await withLock(
    key,
    async (lock) => {
      child.process.kill('SIGCONT');
      child.process.stdin.write('2\n');
      expect([await child.nextLine(), await child.nextLine()].sort()).toEqual([
        '2 LockLost',
        'aborted LockLost',
      ]);
      child.process.stdin.end();
      await ended(child);
      // The one that lost must not have taken the other's lock away.
      await lock.assertHeld();
      expect(readdirSync(directory).some((name) => name.endsWith('.lock'))).toBe(true);
    },
    { directory },
  );
});
