import { JUNIT_TAG } from '../severity.js';
import { escapeMarkup } from './markup.js';
import type { Case, CountedFinding, FindingsReport, Suite } from './report.js';

function problem({ level, code, message, remedy }: CountedFinding): string {
  const tag = JUNIT_TAG[level];
  const text = remedy === undefined ? message : `${message}; fix: ${remedy}`;
  return `      <${tag} type="${code}" message="${escapeMarkup(message)}">${escapeMarkup(text)}</${tag}>`;
}

function testCase(suite: string, { name, problems, notes }: Case): string[] {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}"`;
  if (problems.length === 0 && notes.length === 0) return [`${open}/>`];
  const said = notes.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
  return [
    `${open}>`,
    ...problems.map(problem),
    ...(said.length === 0 ? [] : [`      <system-out>${said.map(escapeMarkup).join('\n')}</system-out>`]),
    '    </testcase>',
  ];
}

function testSuite({ name, cases }: Suite): string[] {
  const all = cases.flatMap(({ problems }) => problems);
  const errors = all.filter(({ level }) => JUNIT_TAG[level] === 'error').length;
  const attributes = `tests="${cases.length}" failures="${all.length - errors}" errors="${errors}"`;
  return [
    `  <testsuite name="${escapeMarkup(name)}" ${attributes}>`,
    ...cases.flatMap((each) => testCase(name, each)),
    '  </testsuite>',
  ];
}

/** A report of JUnit: a case for each thing that was looked at; what does not make the command fail is output of its case. */
export function junitFormat({ command, summary, suites }: FindingsReport): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeMarkup(`apigw-cert ${command}: ${summary}`)}">`,
    ...suites().flatMap(testSuite),
    '</testsuites>',
    '',
  ].join('\n');
}
