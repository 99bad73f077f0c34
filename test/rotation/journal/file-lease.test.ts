import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fileLease } from '../../../src/rotation/journal/file-lease.js';
import { whileHeld } from '../../../src/rotation/journal/lease.js';
import { STALE_MS } from '../../../src/platform/lock.js';
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
const take = (wait = 0): Promise<string> =>
  whileHeld(fileLease({ directory }), key, () => Promise.resolve('mine'), { wait });

/** The one file that says who holds the lock. */
function holderFile(): string {
  const [lock = ''] = readdirSync(directory);
  const [token = ''] = readdirSync(join(directory, lock));
  return join(directory, lock, token);
}
function rewriteHolder(change: Record<string, unknown>): void {
  const file = holderFile();
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...change }));
}
const ELSEWHERE = { scope: 'another boot', host: 'elsewhere' };

/** A clock that passes only where it is waited on; `meanwhile` happens at each wait. */
function drawnClock(meanwhile: (now: number) => void = () => undefined) {
  let now = 0;
  return {
    now: () => now,
    sleep(ms: number): Promise<void> {
      now += ms;
      meanwhile(now);
      return Promise.resolve();
    },
  };
}

/** Where /proc shows the state of a process, a dead or a stopped one can be told from a living one. */
const onLinux = process.platform === 'linux' ? test : test.skip;

describe('a lease in a file', () => {
  test('gives back what the work does, lets go and leaves nothing', async () => {
    const result = await whileHeld(fileLease({ directory }), key, async (lease) => {
      await lease.assertHeld();
      expect(lease.signal.aborted).toBe(false);
      expect(readdirSync(directory)).toHaveLength(1);
      expect(statSync(holderFile()).mode & 0o777).toBe(0o600);
      return 7;
    });
    expect(result).toBe(7);
    expect(readdirSync(directory)).toEqual([]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('lets go when the work throws', async () => {
    await expect(
      whileHeld(fileLease({ directory }), key, () => Promise.reject(new Error('boom'))),
    ).rejects.toThrow('boom');
    expect(await take()).toBe('mine');
  });

  test('refuses a second run at once, and names the first', async () => {
    const child = await holder();
    const begun = performance.now();
    await expect(take()).rejects.toMatchObject({
      code: 'Locked',
      exitCode: 75,
      message: expect.stringMatching(
        new RegExp(
          `^process ${child.process.pid} on ${hostname()}, since 20.*Z, is already working on account 1234`,
        ),
      ),
      details: { key, pid: child.process.pid, host: hostname(), state: 'running' },
    });
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test('refuses within the same process too, and keeps different keys apart', async () => {
    await whileHeld(fileLease({ directory }), key, async () => {
      await expect(take()).rejects.toMatchObject({ code: 'Locked' });
      expect(await whileHeld(fileLease({ directory }), 'other', () => Promise.resolve(1))).toBe(1);
    });
  });

  test('is waited for when asked to', async () => {
    const child = await holder();
    const waiting = take(20_000);
    child.process.stdin.end();
    expect(await waiting).toBe('mine');
  });

  test('is waited for no longer than asked', async () => {
    await holder();
    const clock = drawnClock();
    await expect(fileLease({ directory, clock }).hold(key, { wait: 600 })).rejects.toMatchObject({
      code: 'Locked',
    });
    expect(clock.now()).toBe(600);
  });

  test('of many at once lets exactly one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async (lease: { assertHeld(): Promise<void> }): Promise<void> => {
      most = Math.max(most, ++inside);
      await lease.assertHeld();
      inside--;
    };
    await Promise.all(
      Array.from({ length: 8 }, () => whileHeld(fileLease({ directory }), key, work, { wait: 20_000 })),
    );
    expect({ inside, most }).toEqual({ inside: 0, most: 1 });
  });

  test('says so when the directory cannot be made', async () => {
    writeFileSync(join(directory, '..', 'file'), '');
    await expect(
      fileLease({ directory: join(directory, '..', 'file', 'locks') }).hold(key),
    ).rejects.toMatchObject({ code: 'JournalNotWritable' });
  });

  test('says so when something else is in its place, and leaves that alone', async () => {
    await holder();
    const [name = ''] = readdirSync(directory);
    rmSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, name), 'somebody’s');
    await expect(take()).rejects.toMatchObject({ code: 'JournalNotWritable' });
    expect(readFileSync(join(directory, name), 'utf8')).toBe('somebody’s');
  });

  test('that is given back twice, or by a run that exits, leaves nothing', async () => {
    const lease = await fileLease({ directory }).hold(key);
    await lease.release();
    await lease.release();
    expect(readdirSync(directory)).toEqual([]);
    const child = await holder();
    child.process.stdin.write('exit\n');
    await ended(child);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('the lease of a run that was killed', () => {
  test('is taken over at once on the same machine', async () => {
    const child = await holder();
    child.process.kill('SIGKILL');
    await ended(child);
    const clock = drawnClock();
    const lease = await fileLease({ directory, clock }).hold(key);
    expect(clock.now()).toBe(0);
    await lease.release();
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
        whileHeld(fileLease({ directory }), key, () => finished).catch((error: unknown) => {
          if (++refused === 5) finish();
          throw error;
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is taken over by one alone, whenever which of many processes is killed', async () => {
    const log = join(directory, '..', 'log');
    const program_ = bundleFixture('compete');
    const entered: Child[] = [];
    const killed = new Set<number | undefined>();
    let noticed = (): void => undefined;
    const compete = (): void => {
      const child = start(process.execPath, [program_, directory, key, log]);
      children.push(child);
      void (async () => {
        while ((await child.nextLine()) !== undefined) {
          entered.push(child);
          noticed();
        }
      })();
    };
    for (let n = 0; n < 4; n++) compete();
    for (let kills = 0; kills < 12; kills++) {
      const until = entered.length + 5;
      while (entered.length < until) await new Promise<void>((resolve) => (noticed = resolve));
      const victim = entered.at(-1);
      killed.add(victim?.process.pid);
      victim?.process.kill('SIGKILL');
      compete();
    }
    const running = children.filter((child) => !killed.has(child.process.pid));
    const allEnded = Promise.all(running.map(ended));
    for (const child of running) child.process.stdin.end();
    await allEnded;
    expect(running.map((child) => child.process.exitCode)).toEqual(running.map(() => 0));

    let inside: string | undefined;
    for (const line of readFileSync(log, 'utf8').trimEnd().split('\n')) {
      const [what, pid] = line.split(' ');
      if (what === 'out') expect(pid).toBe(inside);
      // Whoever comes in while another has not gone out: that one was killed there.
      else if (inside !== undefined) expect(killed).toContain(Number(inside));
      inside = what === 'in' ? pid : undefined;
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  onLinux('is taken over at once although its pid was given to another process', async () => {
    await holder();
    rewriteHolder({ pid: process.pid });
    expect(await take()).toBe('mine');
  });

  onLinux('is taken over at once although nobody has noticed its end yet', async () => {
    const shell = start('sh', [
      '-c',
      `"${process.execPath}" "${program}" "${directory}" "${key}" 0<&0 & exec sleep 60`,
    ]);
    children.push(shell);
    expect(await shell.nextLine()).toBe('holding');
    const { pid } = JSON.parse(readFileSync(holderFile(), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    // The sleep that the shell has become never asks what became of its child.
    const state = (): string => execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
    while (!state().startsWith('Z')) await new Promise(setImmediate);
    expect(await take()).toBe('mine');
  });
});

describe('a holder that is stopped', () => {
  onLinux('keeps its lease for as long as it lives, and the refusal says so', async () => {
    const child = await holder();
    child.process.kill('SIGSTOP');
    const dayAgo = new Date(Date.now() - 86_400_000);
    utimesSync(holderFile(), dayAgo, dayAgo);
    const clock = drawnClock();
    const pid = child.process.pid ?? 0;
    await expect(fileLease({ directory, clock }).hold(key, { wait: 10 * STALE_MS })).rejects.toMatchObject({
      code: 'Locked',
      message: expect.stringMatching(
        /^process \d+ on \S+, since \S+, which is stopped, is already working on account/,
      ),
      hint: expect.stringContaining(`kill -CONT ${pid}`),
      details: { pid, state: 'stopped' },
    });
    expect(clock.now()).toBe(10 * STALE_MS);
    child.process.kill('SIGCONT');
    child.process.stdin.write('1\n');
    expect(await child.nextLine()).toBe('1 held');
  });

  test('and whose lease was taken over from elsewhere finds out before its next effect', async () => {
    const child = await holder();
    child.process.stdin.write('1\n');
    expect(await child.nextLine()).toBe('1 held');
    child.process.kill('SIGSTOP');
    rewriteHolder(ELSEWHERE);
    await whileHeld(fileLease({ directory, clock: drawnClock() }), key, async (lease) => {
      child.process.kill('SIGCONT');
      child.process.stdin.write('2\n');
      expect([await child.nextLine(), await child.nextLine()].sort()).toEqual([
        '2 LockLost',
        'aborted LockLost',
      ]);
      child.process.stdin.end();
      await ended(child);
      // The one that lost must not have taken the other's lock away.
      await lease.assertHeld();
      await expect(take()).rejects.toMatchObject({ details: { pid: process.pid } });
    });
  });
});

describe('a holder elsewhere', () => {
  /** Its process is here, but cannot know that it is asked for from elsewhere; what it touches is left alone. */
  async function elsewhere(): Promise<void> {
    const child = await holder();
    rewriteHolder(ELSEWHERE);
    child.process.kill('SIGSTOP');
  }

  test.each([
    ['its file is new', 0],
    ['its file is of a time to come, after a clock was set back', 10 * 365 * 86_400_000],
    ['its file is old', -86_400_000],
  ])('is watched until it has touched nothing for so long, and no longer: %s', async (_what, offset) => {
    await elsewhere();
    const time = new Date(Date.now() + offset);
    utimesSync(holderFile(), time, time);
    const clock = drawnClock((now) => {
      if (now < STALE_MS) expect(readFileSync(holderFile(), 'utf8')).toContain('elsewhere');
    });
    const lease = await fileLease({ directory, clock }).hold(key);
    expect(clock.now()).toBeGreaterThanOrEqual(STALE_MS);
    expect(clock.now()).toBeLessThan(STALE_MS + 1_000);
    await lease.release();
  });

  test('that touches its file is refused as soon as that is seen, whatever its clock says', async () => {
    await elsewhere();
    const beats = [7_000, 21_000];
    const clock = drawnClock((now) => {
      if (now < (beats[0] ?? Infinity)) return;
      beats.shift();
      const time = new Date(Date.now() - now);
      utimesSync(holderFile(), time, time);
    });
    await expect(fileLease({ directory, clock }).hold(key)).rejects.toMatchObject({
      code: 'Locked',
      message: expect.stringContaining('on elsewhere'),
      details: { state: 'elsewhere' },
    });
    expect(clock.now()).toBe(7_000);
    // Whoever waits goes on watching: it is stale so long after it was touched last.
    const lease = await fileLease({ directory, clock }).hold(key, { wait: 60_000 });
    expect(clock.now()).toBeGreaterThanOrEqual(21_000 + STALE_MS);
    await lease.release();
  });

  test.each(['', '{"to', '{"pid":"7"}', '{"pid":-1,"host":"h","scope":"s","since":"2026-01-01T00:00:00Z"}'])(
    'is what one counts as whose file says %j',
    async (text) => {
      await elsewhere();
      writeFileSync(holderFile(), text);
      const clock = drawnClock();
      const lease = await fileLease({ directory, clock }).hold(key);
      expect(clock.now()).toBeGreaterThanOrEqual(STALE_MS);
      await lease.release();
    },
  );
});
