// Writes the pages of docs/ that are made from the code, or the parts of them that are.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSource, root } from './load-source.mjs';

const { exitCodesMarkdown } = await loadSource('src/cli/exit-codes.ts');
writeFileSync(join(root, 'docs/exit-codes.md'), exitCodesMarkdown());
const { withKindsTable } = await loadSource('src/trust/kinds-table.ts');
const page = join(root, 'docs/trust-stores.md');
writeFileSync(page, withKindsTable(readFileSync(page, 'utf8')));
