/** The Japanese pages say to run what the English ones do. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { blocksOf, commandsOf, inlineCommands } from './markdown.js';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** What a reader sees of a page, without its fenced blocks. */
const wordsOf = (page: string): string =>
  page.replaceAll(/<!--[^]*?-->/g, '').replaceAll(/^```.*\n[^]*?^```$/gm, '');

/** The anchors that GitHub makes of a page's headings. */
const anchorsOf = (page: string): string[] =>
  [...wordsOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each([
  ['README.md', 'docs/ja/README.md', '../../README.md', 'docs/ja/README.md'],
  ['docs/rotation.md', 'docs/ja/rotation.md', '../rotation.md', 'ja/rotation.md'],
  ['docs/backends.md', 'docs/ja/backends.md', '../backends.md', 'ja/backends.md'],
])('%s in Japanese', (english, japanese, toEnglish, toJapanese) => {
  const [from, to] = [read(english), read(japanese)];

  test('has the same blocks, but for comments', () => {
    const blocks = (page: string) =>
      blocksOf('page', page)
        .filter(({ language }) => language !== 'table' && language !== 'prose')
        .map(({ language, text }) => [language, language === 'sh' ? commandsOf(text) : text]);
    expect(blocks(to)).toEqual(blocks(from));
  });

  test('has the same commands and options in its words', () => {
    const commands = (page: string): string[] => inlineCommands(wordsOf(page)).sort();
    expect(commands(to)).toEqual(commands(from));
    const options = (page: string): string[] =>
      [...new Set([...wordsOf(page).matchAll(/(?<![\w-])--[a-z][\w-]+/g)].map(([option]) => option))].sort();
    expect(options(to)).toEqual(options(from));
  });

  test('has the same headings and rows', () => {
    const count = (page: string, pattern: RegExp): number => [...wordsOf(page).matchAll(pattern)].length;
    expect(count(to, /^#+ /gm)).toBe(count(from, /^#+ /gm));
    expect(count(to, /^\|/gm)).toBe(count(from, /^\|/gm));
  });

  test('each links to the other, and every link leads somewhere', () => {
    expect(from).toContain(`[日本語](${toJapanese})`);
    expect(to).toContain(`[English](${toEnglish})`);
    const broken = [...wordsOf(to).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (link.startsWith('https:')) return [];
      const [path = '', anchor] = link.split('#');
      const file = join(dirname(japanese), path);
      if (!existsSync(join(repository, file))) return [link];
      return anchor === undefined || anchorsOf(read(file)).includes(anchor) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });
});
