import type { ExpiryReport } from '../../app/check-expiry.js';
import { sourceName } from '../../core/fleet.js';
import { escapeMarkup } from './markup.js';
import { counted } from '../counted.js';

type Reported = ExpiryReport['findings'][number];

function problem({ level, code, message }: Reported): string {
  const tag = level === 'unknown' ? 'error' : 'failure';
  return `<${tag} type="${code}" message="${escapeMarkup(message)}">${escapeMarkup(message)}</${tag}>`;
}

function testCase(suite: string, name: string, problems: readonly Reported[]): string {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}"`;
  if (problems.length === 0) return `${open}/>`;
  return [`${open}>`, ...problems.map((each) => `      ${problem(each)}`), '    </testcase>'].join('\n');
}

/** A suite a source, a case a certificate, and a case for what concerns no single certificate. */
export function junitFormat({ sources, items, findings }: ExpiryReport): string {
  const counting = findings.filter(({ level }) => level !== 'ok');
  const suites = [
    ...sources,
    ...(counting.some(({ account }) => account === '') ? [{ account: '', region: '' }] : []),
  ];
  const parts = suites.map((source) => {
    const own = counting.filter(
      ({ account, region }) => account === source.account && region === source.region,
    );
    const rows = items.filter(
      ({ account, region }) => account === source.account && region === source.region,
    );
    const name = source.account === '' ? 'all sources' : sourceName(source);
    const ids = new Set(rows.map(({ clientCertificateId }) => clientCertificateId));
    const cases = [
      ...rows.map(({ clientCertificateId: id, description }) =>
        testCase(
          name,
          description ? `${id} ${description}` : id,
          own.filter(({ clientCertificateId }) => clientCertificateId === id),
        ),
      ),
      testCase(
        name,
        'account and Region',
        own.filter(({ clientCertificateId: id }) => id === undefined || !ids.has(id)),
      ),
    ];
    const errors = own.filter(({ level }) => level === 'unknown').length;
    const attributes = `tests="${cases.length}" failures="${own.length - errors}" errors="${errors}"`;
    return [`  <testsuite name="${escapeMarkup(name)}" ${attributes}>`, ...cases, '  </testsuite>'].join(
      '\n',
    );
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="apigw-cert check-expiry: ${counted(items.length, 'certificate')}">`,
    ...parts,
    '</testsuites>',
    '',
  ].join('\n');
}
