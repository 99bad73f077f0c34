/** One command's manual page in man(7), the macros that both groff and mandoc read. Pure. */
import type { CommandNode, OptionNode } from '../../commands/completion/tree.js';

const PROGRAM = 'apigw-cert';

/** Of the source, in characters: mandoc asks for at most 80. */
const LONGEST_LINE = 78;

/** What all pages of one release share. */
export interface Edition {
  version: string;
  /** `2026-11-28` */
  date: string;
}

/** Characters that roff takes for something else, or that not every reader has. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '"': '\\(dq',
  '^': '\\(ha',
  '~': '\\(ti',
};

function escaped(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[^\w .,:;()[\]{}<>/|=+*&%$#@!?]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return SPECIAL[character] ?? `\\[u${code}]`;
  });
}

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;

/** A line that begins with a dot would be a macro. */
const asText = (line: string): string => (line.startsWith('.') ? `\\&${line}` : line);

/** Text that is filled: one source line a sentence is what both programs expect; what is in backticks is bold. */
function prose(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(?<=[^.][.!?]) (?=[A-Z])/)
    .flatMap((sentence) => wrapped(sentence))
    .map((line) => asText(marked(line)))
    .join('\n');
}

const marked = (line: string): string =>
  line
    .split('`')
    .map((part, index) => (index % 2 === 1 ? bold(part) : escaped(part)))
    .join('');

/** Breaks a sentence into lines of the source, between words and not within backticks. */
function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const line = lines.at(-1);
    if (line === undefined || marked(`${line} ${word}`).length > LONGEST_LINE) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

const verbatim = (lines: readonly string[]): string =>
  ['.EX', ...lines.map((line) => asText(escaped(line))), '.EE'].join('\n');

/** A paragraph of the help: a heading with indented lines, or sentences. */
interface Block {
  heading?: string;
  lines: readonly string[];
}

function blocksOf(notes: string): Block[] {
  return notes
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => {
      const [first = '', ...rest] = paragraph.split('\n').map((line) => line.trimEnd());
      const isHeaded = first.endsWith(':') && rest.length > 0 && rest.every((line) => line.startsWith('  '));
      return isHeaded
        ? { heading: first.slice(0, -1), lines: rest.map((line) => line.slice(2)) }
        : { lines: [first, ...rest] };
    });
}

const SECTIONS: Readonly<Record<string, string>> = { Examples: 'EXAMPLES', 'Exit codes': 'EXIT STATUS' };

function section(title: string, ...parts: readonly string[]): string {
  return parts.length === 0 ? '' : [`.SH ${title}`, ...parts].join('\n');
}

const item = (term: string, text: string): string => [`.TP`, term, prose(text)].join('\n');

function optionItem({ long, short, placeholder, details }: OptionNode): string {
  const names = [short, long].flatMap((name) => (name === undefined ? [] : [bold(name)])).join(', ');
  return item(placeholder === undefined ? names : `${names} ${italic(placeholder)}`, details);
}

/** Options under the headings that the help has. */
function optionSections(options: readonly OptionNode[]): string[] {
  const groups = new Map<string, OptionNode[]>();
  for (const option of options) {
    const title = (option.group ?? 'Options').replace(/:$/, '').toUpperCase();
    groups.set(title, [...(groups.get(title) ?? []), option]);
  }
  return [...groups].map(([title, members]) => section(title, ...members.map(optionItem)));
}

/** `apigw-cert-backend-config` */
export const pageName = ({ path }: Pick<CommandNode, 'path'>): string => [PROGRAM, ...path].join('-');

const reference = (node: Pick<CommandNode, 'path'>): string => `${bold(pageName(node))}(1)`;

/** What `whatis` and `apropos` show: the name and the first part of the description. */
function nameLine(node: CommandNode): string {
  const short = node.description.replace(/[;:].*$/, '').replace(/\.$/, '');
  return [`${escaped(pageName(node))} \\-`, ...wrapped(short).map((line) => asText(escaped(line)))].join(
    '\n',
  );
}

/**
 * A command's page.
 * @param related commands whose pages it refers to
 * @returns roff source, ASCII alone
 */
export function manPage(
  node: CommandNode,
  related: readonly Pick<CommandNode, 'path'>[],
  { version, date }: Edition,
): string {
  const blocks = blocksOf(node.notes);
  const headed = (title: string): readonly string[] | undefined =>
    blocks.find(({ heading }) => heading !== undefined && SECTIONS[heading] === title)?.lines;
  const free = blocks.filter(({ heading }) => heading === undefined || SECTIONS[heading] === undefined);
  const examples = headed('EXAMPLES');
  const codes = headed('EXIT STATUS')?.map((line) => {
    const [code = '', ...meaning] = line.trim().split(/\s+/);
    return item(bold(code), meaning.join(' '));
  });
  const description = node.description.replace(/\.$/, '');
  const parts = [
    `.TH ${escaped(pageName(node).toUpperCase())} 1 ${date} "${PROGRAM} ${version}" "${PROGRAM} manual"`,
    section('NAME', nameLine(node)),
    section('SYNOPSIS', `${bold([PROGRAM, ...node.path].join(' '))} ${escaped(node.usage)}`),
    section(
      'DESCRIPTION',
      prose(`${description}.`),
      ...free.flatMap(({ heading, lines }) =>
        heading === undefined
          ? ['.PP', prose(lines.join('\n'))]
          : ['.PP', prose(`${heading}:`), '.PP', verbatim(lines)],
      ),
    ),
    section(
      'COMMANDS',
      ...node.commands.map((each) =>
        item(bold((each.path.at(-1) ?? '') + ` ${each.usage}`), each.description),
      ),
    ),
    section('ARGUMENTS', ...node.explainedArguments.map(({ name, details }) => item(italic(name), details))),
    ...optionSections(node.options),
    examples === undefined ? '' : section('EXAMPLES', verbatim(examples)),
    section('EXIT STATUS', ...(codes ?? [])),
    section(
      'SEE ALSO',
      related.map((each, index) => reference(each) + (index === related.length - 1 ? '' : ',')).join('\n'),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n')}\n`;
}
