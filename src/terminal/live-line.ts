import type { ChalkInstance } from 'chalk';
import { eastAsianWidth } from 'get-east-asian-width';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REFRESH_MS = 100;

/** One line below everything else on a terminal, redrawn in place. */
export interface LiveLine {
  /** Shows a text from now on, asked for anew at each redraw. */
  show(text: () => string): void;
  /** Takes the line away, so that something else can be written. */
  clear(): void;
}

/** Whether a stream is a terminal whose cursor can be moved, and where a person looks on: no CI. */
export function isLive(stream: Pick<NodeJS.WriteStream, 'isTTY'>): boolean {
  const { TERM, CI } = process.env;
  return stream.isTTY && TERM !== 'dumb' && (CI === undefined || CI === '' || CI === 'false');
}

/**
 * Has a stream know its size as it is now: what Node keeps is as old as the last SIGWINCH that came through, and a line
 * drawn between a resize and that signal would be folded and stay. Not documented, so that it may be missing.
 */
function refreshSize(stream: NodeJS.WriteStream & { _refreshSize?: () => void }): void {
  stream._refreshSize?.();
}

/** How many columns a text takes. */
const widthOf = (text: string): number =>
  Array.from(text).reduce((sum, character) => sum + eastAsianWidth(character.codePointAt(0) ?? 0), 0);

/** As much of a text as fits, with `…` where something is missing. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  for (const character of text) {
    if (widthOf(kept + character) > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/**
 * Makes a line on a terminal. It is never as wide as the terminal, so that it is one row; where the terminal is made
 * narrower, those that fold their rows have made several of it by the time it is redrawn, and all are taken away.
 */
export function liveLine(stream: NodeJS.WriteStream, style: ChalkInstance): LiveLine {
  // These cut what does not fit.
  const folds = process.env['XTERM_VERSION'] === undefined && process.env['STY'] === undefined;
  let text: (() => string) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drawn = 0;
  let frame = 0;

  const columns = (): number => (stream.columns > 0 ? stream.columns : 80);
  const erase = (): void => {
    if (drawn === 0) return;
    const rows = folds ? Math.ceil(drawn / columns()) : 1;
    stream.write(`\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}\u001b[J`);
    drawn = 0;
  };
  const draw = (): void => {
    if (text === undefined) return;
    refreshSize(stream);
    const shown = cut(text(), columns() - 3);
    erase();
    frame = (frame + 1) % FRAMES.length;
    stream.write(`${style.cyan(FRAMES[frame] ?? '')} ${shown}`);
    drawn = 2 + widthOf(shown);
  };

  return {
    show(next) {
      text = next;
      if (timer === undefined) {
        timer = setInterval(draw, REFRESH_MS).unref();
        stream.on('resize', draw);
      }
      draw();
    },
    clear() {
      text = undefined;
      clearInterval(timer);
      timer = undefined;
      stream.off('resize', draw);
      erase();
    },
  };
}
