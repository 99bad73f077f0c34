import { AppError } from '../platform/errors.js';

/** A value, or the values of an indented block (`s3 =` and lines below it). */
export type IniValue = string | Readonly<Record<string, string>>;

/** Keys in lower case, as the AWS CLI reads them. */
export type IniSection = Readonly<Record<string, IniValue>>;

const SECTION = /^\[(.+)\]/;
const OPTION = /^(.*?)\s*[=:]\s*(.*)$/;

interface Option {
  section: string;
  key: string;
  indent: number;
  lines: string[];
  line: number;
}

/**
 * Reads a file of the shared AWS configuration as the AWS CLI does (Python's configparser): comments fill whole lines,
 * an indented line continues the value above it, and nothing may occur twice. The SDK's own reader cuts a value at
 * ` #`, knows no names with spaces, and takes what the AWS CLI refuses.
 * @returns sections by what is in their brackets
 * @throws AppError `ConfigurationInvalid` with the line
 */
export function parseIni(text: string, file: string): Map<string, IniSection> {
  const refuse = (line: number, message: string, hint: string): never => {
    throw new AppError('ConfigurationInvalid', `${file}:${line}: ${message}`, {
      hint,
      details: { file, line },
    });
  };
  const sections = new Map<string, Record<string, IniValue>>();
  let section: string | undefined;
  let option: Option | undefined;

  const close = (): void => {
    if (option === undefined) return;
    const { section: name, key, lines, line } = option;
    const values = sections.get(name) ?? {};
    values[key] = valueOf(lines, () =>
      refuse(
        line,
        `the block below "${key}" has a line without "="`,
        'write each line in the form NAME = VALUE',
      ),
    );
    sections.set(name, values);
    option = undefined;
  };

  text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .forEach((raw, index) => {
      const content = raw.trim();
      if (/^[#;]/.test(content)) return;
      if (content === '') {
        option?.lines.push('');
        return;
      }
      const indent = raw.length - raw.trimStart().length;
      if (option !== undefined && indent > option.indent) {
        option.lines.push(content);
        return;
      }
      close();
      const line = index + 1;
      const header = SECTION.exec(content)?.[1];
      if (header !== undefined) {
        if (sections.has(header)) {
          refuse(line, `the section [${header}] occurs twice`, 'merge its keys into one section');
        }
        sections.set(header, {});
        section = header;
        return;
      }
      if (section === undefined) {
        return refuse(
          line,
          'this line is above the first [section]',
          'move it into a section, such as [default]',
        );
      }
      const [, name = '', value = ''] = OPTION.exec(content) ?? [];
      if (name === '')
        return refuse(line, 'this line is not NAME = VALUE', 'correct it, or comment it out with #');
      const key = name.toLowerCase();
      if (Object.hasOwn(sections.get(section) ?? {}, key)) {
        refuse(line, `"${key}" occurs twice in [${section}]`, 'remove one of them');
      }
      option = { section, key, indent, lines: [value], line };
      return;
    });
  close();
  return sections;
}

function valueOf(lines: readonly string[], refuse: () => never): IniValue {
  const [first = '', ...below] = lines;
  const block = below.filter((line) => line !== '');
  if (first !== '' || block.length === 0) return lines.join('\n').trimEnd();
  return Object.fromEntries(
    block.map((line) => {
      const cut = line.indexOf('=');
      return cut < 1 ? refuse() : [line.slice(0, cut).trim(), line.slice(cut + 1).trim()];
    }),
  );
}
