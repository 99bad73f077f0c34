import type { FleetProgress } from '../app/fleet.js';
import { formatDuration } from '../core/duration.js';
import { sourceName } from '../core/fleet.js';
import type { CommonOptions } from './context.js';

/** Anything shorter needs no bar. Milliseconds. */
const SHOW_AFTER = 2_000;
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
export function progressLine(needs: Iterable<Need>, sources: number, sourcesDone: number): string {
  const all = [...needs];
  const expected = all.reduce((sum, need) => sum + need.expected, 0);
  const done = all.reduce((sum, need) => sum + need.done, 0);
  const seconds = Math.max(0, ...all.map((need) => (need.expected - need.done) / need.perSecond()));
  const share = expected === 0 ? 0 : done / expected;
  const end = seconds > 0 ? `, about ${formatDuration(Math.ceil(seconds) * 1000)} to go` : '';
  const of = sources > 1 ? `${sourcesDone} of ${sources} sources, ` : '';
  return `${bar(share, WIDTH)} ${of}${done} of ${expected} calls${end}`;
}

/** Runs something over a fleet with a bar on the terminal, once it has taken two seconds. Nothing for pipes and logs. */
export async function withProgress<T>(
  { quiet = false }: Pick<CommonOptions, 'quiet'>,
  run: (progress: FleetProgress | undefined) => Promise<T>,
): Promise<T> {
  if (quiet || !process.stderr.isTTY) return run(undefined);
  const { default: ora } = await import('ora');
  const needs = new Map<string, Need>();
  let sources = 0;
  let sourcesDone = 0;
  const line = (): string => progressLine(needs.values(), sources, sourcesDone);
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  const starting = setTimeout(() => spinner.start(line()), SHOW_AFTER);
  const refreshing = setInterval(() => (spinner.text = line()), REFRESH);
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
      },
    });
  } finally {
    clearTimeout(starting);
    clearInterval(refreshing);
    spinner.stop();
  }
}
