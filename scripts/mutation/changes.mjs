// Which changes of one place a file offers, and where a test passes through it. Texts are left out: words are compared
// where they are printed.
import ts from 'typescript';

const K = ts.SyntaxKind;
/** What stands in for an operator. */
const SWAPPED = new Map([
  [K.EqualsEqualsEqualsToken, '!=='],
  [K.ExclamationEqualsEqualsToken, '==='],
  [K.LessThanToken, '<='],
  [K.LessThanEqualsToken, '<'],
  [K.GreaterThanToken, '>='],
  [K.GreaterThanEqualsToken, '>'],
  [K.PlusToken, '-'],
  [K.MinusToken, '+'],
  [K.AsteriskToken, '/'],
  [K.SlashToken, '*'],
]);
/** Operators of which one side is left at a time. */
const TWO_SIDED = new Set([K.AmpersandAmpersandToken, K.BarBarToken, K.QuestionQuestionToken]);
const OTHER_NUMBER = new Map([
  ['0', '1'],
  ['1', '0'],
]);
const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);
/** Calls whose receiver stands in for them. */
const PASSING = new Set([
  'filter',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'slice',
  'trim',
  'toLowerCase',
]);
const PREDICATED = new Set(['some', 'every', 'find', 'findLast', 'findIndex', 'findLastIndex']);
const STATEMENTS = new Set([K.ExpressionStatement, K.ThrowStatement, K.BreakStatement, K.ContinueStatement]);

const parse = (name, text) => ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);

/** All changes of one place in a file: from, to, the text that stands there instead, and the line in which it begins. */
export function changesOf(name, text) {
  const found = [];
  const source = parse(name, text);
  const change = (node, by) => {
    const from = node.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(from);
    found.push({
      file: name,
      from,
      to: node.getEnd(),
      by,
      number: line + 1,
      line: text.split('\n')[line].trim(),
      change: `${text.slice(from, node.getEnd())} → ${by}`.replaceAll(/\s+/g, ' '),
    });
  };
  const isTest = (node, { parent } = node) =>
    parent !== undefined &&
    ((ts.isIfStatement(parent) && parent.expression === node) ||
      (ts.isConditionalExpression(parent) && parent.condition === node));
  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken;
      if (SWAPPED.has(operator.kind)) change(operator, SWAPPED.get(operator.kind));
      if (TWO_SIDED.has(operator.kind))
        for (const side of [node.left, node.right]) change(node, `(${side.getText(source)})`);
    }
    if (isTest(node)) for (const value of ['true', 'false']) change(node, value);
    if (ts.isForOfStatement(node)) change(node.expression, '[]');
    if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken)
      change(node, node.operand.getText(source));
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name: method, expression: receiver } = node.expression;
      if (METHODS.has(method.text)) change(method, METHODS.get(method.text));
      if (PASSING.has(method.text)) change(node, receiver.getText(source));
      const [predicate] = node.arguments;
      if (
        PREDICATED.has(method.text) &&
        predicate &&
        ts.isArrowFunction(predicate) &&
        !ts.isBlock(predicate.body)
      )
        for (const value of ['true', 'false']) change(predicate.body, value);
    }
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) change(node, '[]');
    if (ts.isObjectLiteralExpression(node)) for (const property of node.properties) change(property, '...{}');
    if (node.kind === K.TrueKeyword) change(node, 'false');
    if (node.kind === K.FalseKeyword) change(node, 'true');
    if (ts.isNumericLiteral(node)) change(node, OTHER_NUMBER.get(node.text) ?? `(${node.text} + 1)`);
    if (node.kind === K.RegularExpressionLiteral) {
      const [, pattern, flags] = /^\/(.*)\/([a-z]*)$/s.exec(node.text);
      if (/[im]/.test(flags)) change(node, `/${pattern}/${flags.replaceAll(/[im]/g, '')}`);
      if (pattern.startsWith('^')) change(node, `/${pattern.slice(1)}/${flags}`);
      if (/[^\\]\$$/.test(pattern)) change(node, `/${pattern.slice(0, -1)}/${flags}`);
    }
    if (STATEMENTS.has(node.kind) || (ts.isReturnStatement(node) && !node.expression)) change(node, ';');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The file with a call of `__reach(PLACE)` wherever a body begins; `first` is the number of its first place. */
export function watched(name, text, first) {
  const source = parse(name, text);
  const places = [{ from: 0, to: text.length }];
  const insertions = [];
  const call = () => `globalThis.__reach?.(${first + places.length})`;
  const visit = (node) => {
    if (ts.isTypeNode(node)) return;
    if (ts.isBlock(node)) {
      insertions.push([node.getStart(source) + 1, `${call()};`]);
      places.push({ from: node.getStart(source), to: node.getEnd() });
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      insertions.push([node.body.getStart(source), `(${call()}, (`], [node.body.getEnd(), '))']);
      places.push({ from: node.body.getStart(source), to: node.body.getEnd() });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  // At one place what closes comes before what opens, and an inner end before the outer one.
  insertions.sort(([a], [b]) => b - a);
  let instrumented = text;
  for (const [at, inserted] of insertions)
    instrumented = instrumented.slice(0, at) + inserted + instrumented.slice(at);
  return { text: `globalThis.__reach?.(${first});${instrumented}`, places };
}
