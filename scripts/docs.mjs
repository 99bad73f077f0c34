// Writes the pages of docs/ that are made from the code, or the parts of them that are.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { loadSource, root } from './load-source.mjs';

const { exitCodesMarkdown } = await loadSource('src/terminal/exit-codes.ts');
writeFileSync(join(root, 'docs/exit-codes.md'), exitCodesMarkdown());
const { findingsMarkdown } = await loadSource('src/cli/findings-page.ts');
writeFileSync(join(root, 'docs/findings.md'), findingsMarkdown());
const { withGeneratedPart } = await loadSource('src/platform/generated-part.ts');
const { kindsTable } = await loadSource('src/trust/kinds-table.ts');
const { settingsTable } = await loadSource('src/settings/settings-table.ts');
for (const [name, part, text] of [
  ['trust-stores.md', 'kinds', kindsTable()],
  ['configuration.md', 'settings', settingsTable()],
]) {
  const page = join(root, 'docs', name);
  writeFileSync(page, withGeneratedPart(readFileSync(page, 'utf8'), part, text));
}
const { documentSchemas } = await loadSource('src/cli/documents/index.ts');
const schemas = join(root, 'docs/schemas');
rmSync(schemas, { recursive: true, force: true });
mkdirSync(schemas);
for (const [name, schema] of documentSchemas()) {
  const filepath = join(schemas, `${name}.json`);
  const options = await prettier.resolveConfig(filepath);
  writeFileSync(filepath, await prettier.format(JSON.stringify(schema), { ...options, filepath }));
}
