import type { FleetProgress } from '../control-plane/read-fleet.js';
import type { StagesProgress } from '../control-plane/stages.js';
import { sourceName } from '../settings/accounts.js';
import type { CommonOptions } from './context.js';
import { callsText, countedCalls, minutely, SHOW_AFTER, type SteadyTime } from './counted-calls.js';
import { isLive, liveLine } from './live-line.js';
import type { Output } from './output.js';

const REFRESH = 200;
const WIDTH = 24;

/** `▰▰▰▱▱▱` */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '▰'.repeat(full) + '▱'.repeat(width - full);
}

interface Need {
  expected: number;
  done: number;
  perSecond: () => number;
}

/** One line: how far, and when it ends at the speed that is allowed now. The slowest source decides. */
export function progressLine(
  needs: Iterable<Need>,
  sources: number,
  sourcesDone: number,
  barWidth = WIDTH,
): string {
  const all = [...needs];
  const expected = all.reduce((sum, need) => sum + need.expected, 0);
  const done = all.reduce((sum, need) => sum + need.done, 0);
  const seconds = Math.max(0, ...all.map((need) => (need.expected - need.done) / need.perSecond()));
  const share = expected === 0 ? 0 : done / expected;
  const of = sources > 1 ? `${sourcesDone} of ${sources} accounts and Regions, ` : '';
  const drawn = barWidth === 0 ? '' : `${bar(share, barWidth)} `;
  return `${drawn}${of}${callsText(done, expected, seconds * 1_000)}`;
}

/** What takes long in a big account. */
export const LOOK = 'reading all stages of the account';

/**
 * Runs something that may look at every stage of an account: how far it is, once that has taken two seconds, in a line on
 * a terminal and at most once a minute elsewhere.
 */
export async function withLook<T>(
  { options, out }: { options: Pick<CommonOptions, 'quiet'>; out: Output },
  run: (progress: StagesProgress | undefined) => Promise<T>,
): Promise<T> {
  if (options.quiet === true) return run(undefined);
  const live = isLive(process.stderr) ? liveLine(process.stderr, out.noteStyle) : undefined;
  const calls = countedCalls((text) => {
    if (live === undefined) out.note(`${LOOK}: ${text}`);
  });
  try {
    return await run({
      expect(count) {
        calls.expect(count);
      },
      done() {
        calls.done();
        if (calls.text() === undefined) live?.clear();
        else live?.show(() => [LOOK, calls.text()].filter((one) => one !== undefined).join(': '));
      },
    });
  } finally {
    live?.clear();
  }
}

/**
 * Runs something over a fleet with a bar on the terminal, once it has taken two seconds; elsewhere a line a minute at most.
 */
export async function withProgress<T>(
  { quiet = false }: Pick<CommonOptions, 'quiet'>,
  run: (progress: FleetProgress | undefined) => Promise<T>,
  now: SteadyTime = () => performance.now(),
): Promise<T> {
  if (quiet) return run(undefined);
  const isTerminal = process.stderr.isTTY;
  const minute = minutely(now);
  const needs = new Map<string, Need>();
  let sources = 0;
  let sourcesDone = 0;
  const line = (width?: number): string => progressLine(needs.values(), sources, sourcesDone, width);
  const stop = isTerminal ? await spin(line) : (): void => undefined;
  try {
    return await run({
      sources: (count) => (sources += count),
      sourceDone: () => (sourcesDone += 1),
      expect(source, calls, perSecond) {
        const need = needs.get(sourceName(source)) ?? { expected: 0, done: 0, perSecond };
        needs.set(sourceName(source), { ...need, expected: need.expected + calls });
      },
      callDone(source) {
        const need = needs.get(sourceName(source));
        if (need !== undefined) need.done += 1;
        if (isTerminal || !minute.isDue()) return;
        minute.said();
        process.stderr.write(`${line(0)}\n`);
      },
    });
  } finally {
    stop();
  }
}

/** Shows a line that is redrawn below everything else, after a while. @returns what takes it away */
async function spin(line: () => string): Promise<() => void> {
  const { default: ora } = await import('ora');
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  const starting = setTimeout(() => spinner.start(line()), SHOW_AFTER);
  const refreshing = setInterval(() => (spinner.text = line()), REFRESH);
  return () => {
    clearTimeout(starting);
    clearInterval(refreshing);
    spinner.stop();
  };
}
