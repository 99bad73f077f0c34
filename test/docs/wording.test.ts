/** The documents keep to the words of CONTRIBUTING.md. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { misworded, proseOf } from './wording.js';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Made from the sentences in src. */
const GENERATED = new Set(['docs/exit-codes.md']);
const documents = [
  ...readdirSync(repository).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(repository, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
].filter((name) => !GENERATED.has(name));

test.each(documents)('%s uses the words of CONTRIBUTING.md', (name) => {
  expect(misworded(proseOf(readFileSync(join(repository, name), 'utf8')))).toEqual([]);
});

describe('a phrase', () => {
  const phrases = (text: string): string[] => misworded(text).map(({ phrase }) => phrase);

  test('is found in any case and across a line break', () => {
    expect(phrases('For good, and nobody\nelse is Told.')).toEqual(['for good', 'told', 'nobody else']);
    expect(phrases('The run takes everything back; a certificate that has ended')).toEqual([
      'takes everything back',
      'certificate that has ended',
    ]);
  });

  test('is part of no other word', () => {
    expect(phrases('retold, a stellar unnamed foothold; one more way, backed up; for goodness')).toEqual([]);
  });

  test('does not count in code and comments', () => {
    const page =
      'Prose.\n\n```text\ntell it\n```\n\n<!-- not run: tell -->\n  ```sh\n  told\n  ```\n`tell`\n';
    expect(phrases(proseOf(page))).toEqual([]);
    expect(phrases(proseOf(`${page}It tells.`))).toEqual(['tells']);
  });
});
