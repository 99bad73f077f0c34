// Changes rules of the core one place at a time and lists the changes that no test of the core notices:
// `npm run test:mutation -- src/core/rotation/stranger.ts …`. It works on a copy; the checkout is never touched.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const K = ts.SyntaxKind;
/** What stands in for an operator. */
const SWAPPED = new Map([
  [K.EqualsEqualsEqualsToken, '!=='],
  [K.ExclamationEqualsEqualsToken, '==='],
  [K.LessThanToken, '<='],
  [K.LessThanEqualsToken, '<'],
  [K.GreaterThanToken, '>='],
  [K.GreaterThanEqualsToken, '>'],
  [K.AmpersandAmpersandToken, '||'],
  [K.BarBarToken, '&&'],
  [K.PlusToken, '-'],
  [K.MinusToken, '+'],
]);
const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);

/** All changes of one place in a file: from, to, and the text that stands there instead. */
function mutantsOf(name, text) {
  const found = [];
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const change = (node, by) => found.push({ from: node.getStart(source), to: node.getEnd(), by });
  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return;
    if (ts.isBinaryExpression(node) && SWAPPED.has(node.operatorToken.kind))
      change(node.operatorToken, SWAPPED.get(node.operatorToken.kind));
    if (ts.isIfStatement(node) || ts.isConditionalExpression(node))
      for (const value of ['true', 'false'])
        change(ts.isIfStatement(node) ? node.expression : node.condition, value);
    if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken)
      change(node, node.operand.getText(source));
    if (ts.isPropertyAccessExpression(node) && METHODS.has(node.name.text))
      change(node.name, METHODS.get(node.name.text));
    if (node.kind === K.TrueKeyword) change(node, 'false');
    if (node.kind === K.FalseKeyword) change(node, 'true');
    if (ts.isNumericLiteral(node)) change(node, `(${node.text} + 1)`);
    if (ts.isExpressionStatement(node)) change(node, ';');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: npm run test:mutation -- src/core/rotation/FILE.ts …');
  process.exit(2);
}
const copy = mkdtempSync(join(tmpdir(), 'apigw-cert-mutation-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of ['src', 'test', 'package.json', 'jest.config.mjs'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

/** Whether the core's tests of a file pass. */
function passes(file) {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const options = [
    '--roots',
    'src',
    'test/core',
    '-i',
    '--bail',
    '--reporters',
    'default',
    '--findRelatedTests',
  ];
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--experimental-vm-modules', '--no-warnings', jest, ...options, file],
    { cwd: copy, timeout: 60_000, encoding: 'utf8' },
  );
  return { passed: status === 0 && signal === null, output: stdout + stderr };
}

let survivors = 0;
for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  const unchanged = passes(file);
  if (!unchanged.passed || !/Tests: +\d+ passed/.test(unchanged.output))
    throw new Error(`${file}: its tests do not pass, or it has none\n${unchanged.output}`);
  const mutants = mutantsOf(file, text);
  let killed = 0;
  for (const { from, to, by } of mutants) {
    writeFileSync(join(copy, file), text.slice(0, from) + by + text.slice(to));
    if (!passes(file).passed) killed += 1;
    else
      console.log(
        `${file}:${text.slice(0, from).split('\n').length}: ${text.slice(from, to)} → ${by} survives`,
      );
  }
  writeFileSync(join(copy, file), text);
  survivors += mutants.length - killed;
  console.log(`${file}: ${killed} of ${mutants.length} killed`);
}
process.exitCode = survivors > 0 ? 1 : 0;
