/** One configuration of many generated parts, without those that the server does not take. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** A generated configuration as a part of the whole; `at` is its number. */
export interface Part {
  at: number;
  text: string;
}

/**
 * Writes the parts into a file, has the server check it, and leaves out whatever it complains of, until it has none to
 * complain of.
 *
 * @param check the server's own command for it, and its arguments
 * @param guilty the numbers of the parts that an error is about; `partOf` gives the part of a line, from 1
 * @returns the parts that are in the file
 * @throws Error with what the server said, when it is about none of them
 */
export function acceptedParts<One extends Part>(
  file: string,
  parts: readonly One[],
  {
    head,
    tail = '',
    check: [program, ...args],
    guilty,
  }: {
    head: string;
    tail?: string;
    check: readonly [string, ...string[]];
    guilty: (said: string, partOf: (line: number) => number | undefined) => readonly (number | undefined)[];
  },
): One[] {
  let alive = [...parts];
  for (;;) {
    const firsts: { at: number; first: number }[] = [];
    let all = head;
    for (const { at, text } of alive) {
      firsts.push({ at, first: all.split('\n').length });
      all += `${text}\n`;
    }
    writeFileSync(file, all + tail);
    try {
      execFileSync(program, args, { stdio: 'pipe' });
      return alive;
    } catch (error) {
      const said = String((error as { stderr?: Buffer }).stderr);
      const blamed = new Set(guilty(said, (line) => firsts.filter(({ first }) => first <= line).at(-1)?.at));
      const left = alive.filter(({ at }) => !blamed.has(at));
      if (left.length === alive.length) throw new Error(said.slice(0, 3000), { cause: error });
      alive = left;
    }
  }
}
