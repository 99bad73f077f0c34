/** What a reader of the documents is told to run, as it is printed there. */

/** A comment before a block that readers do not see, `<!-- not run: needs a cluster -->`. */
export interface Mark {
  kind: 'not run' | 'setup' | 'file' | 'until' | 'run' | 'fresh account' | 'no commands' | 'in';
  /** `apigw-cert backend verify` in `<!-- not run (apigw-cert backend verify): … -->`: the commands that begin so. */
  about?: string;
  text: string;
}

export interface Block {
  /** `docs/monitoring.md:41` */
  where: string;
  /** The fence's language, `table`, or `prose`. */
  language: string;
  text: string;
  marks: Mark[];
}

const MARK =
  /^<!-- (not run|setup|file|until|run|fresh account|no commands|in)(?: \(([^)]*)\))?(?::\s*([^]*?))?\s*-->$/;

/** Reads a document into its fenced blocks, tables and paragraphs. @throws Error for a mark that is before nothing */
export function blocksOf(file: string, markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  let marks: Mark[] = [];
  let at = 0;

  const add = (start: number, language: string, text: string): void => {
    blocks.push({ where: `${file}:${start + 1}`, language, text, marks });
    marks = [];
  };
  /** The first line from `from` on for which this holds. */
  const until = (from: number, holds: (line: string) => boolean): number => {
    const found = lines.findIndex((line, index) => index >= from && holds(line));
    return found === -1 ? lines.length : found;
  };

  while (at < lines.length) {
    const line = lines[at] ?? '';
    const start = at;
    const fence = /^\s*```(\S*)/.exec(line);
    if (line.startsWith('<!--')) {
      at = until(at, (one) => one.endsWith('-->')) + 1;
      const [, kind, about, text = ''] = MARK.exec(lines.slice(start, at).join('\n')) ?? [];
      if (kind !== undefined) {
        marks.push({ kind: kind as Mark['kind'], text, ...(about === undefined ? {} : { about }) });
      }
    } else if (fence) {
      const end = until(at + 1, (one) => /^\s*```\s*$/.test(one));
      add(start, fence[1] === '' ? 'none' : String(fence[1]), lines.slice(at + 1, end).join('\n'));
      at = end + 1;
    } else if (line.trim() === '') {
      at += 1;
    } else {
      const isTable = line.startsWith('|');
      at = until(at, (one) =>
        isTable ? !one.startsWith('|') : one.trim() === '' || /^(\s*```|\||<!--)/.test(one),
      );
      add(start, isTable ? 'table' : 'prose', lines.slice(start, at).join('\n'));
    }
  }
  if (marks.length > 0) throw new Error(`${file}: a comment at the end is before nothing`);
  return blocks;
}

/** The inline code of a table or paragraph that is a command of apigw-cert. */
export function inlineCommands(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)]
    .map(([, code = '']) => code.replaceAll(/\s*\n\s*/g, ' ').replaceAll('\\|', '|'))
    .filter((code) => /^apigw-cert [a-z]/.test(code));
}

/** The commands of a script: continued lines are one, here-documents and comments none. */
export function commandsOf(script: string): string[] {
  const commands: string[] = [];
  let end: string | undefined;
  for (const line of script.replaceAll(/\\\n\s*/g, '').split('\n')) {
    if (end !== undefined) {
      if (line === end) end = undefined;
      continue;
    }
    end = /<<-?\s*'?"?(\w+)/.exec(line)?.[1];
    const command = line.replace(/(^|\s)#.*$/, '').trim();
    if (command !== '') commands.push(command);
  }
  return commands;
}

/** A transcript: what was typed after each `$ `, and what was printed. */
export function transcript(text: string): { command: string; printed: string }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [, command = '', printed = ''] = /^((?:.*\\\n)*.*)\n?([^]*)$/.exec(part) ?? [];
      return { command, printed: printed.trimEnd() };
    });
}

export interface CronJob {
  schedule: string;
  command: string;
  input: string;
  env: Record<string, string>;
}

/** Reads a crontab as cron does: variables, five fields, and a `%` that ends the command unless it is escaped. */
export function crontab(text: string): CronJob[] {
  const env: Record<string, string> = {};
  const jobs: CronJob[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const variable = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line);
    if (variable?.[1] !== undefined) {
      env[variable[1]] = variable[2] ?? '';
      continue;
    }
    const job = /^\s*((?:@\w+|(?:[\d*][\d*/,-]*\s+){4}[\d*][\d*/,-]*))\s+(.*)$/.exec(line);
    if (!job) throw new Error(`not a line of a crontab: ${line}`);
    const [command = '', ...input] = String(job[2]).split(/(?<!\\)%/);
    jobs.push({
      schedule: String(job[1]),
      command: command.replaceAll('\\%', '%'),
      input: input.join('\n'),
      env: { ...env },
    });
  }
  return jobs;
}
