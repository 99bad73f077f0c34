import { describe, expect, test } from '@jest/globals';
import { CATALOGUE } from '../../src/findings/catalogue/index.js';
import { countedLevel, overallLevel, parseFailOn } from '../../src/findings/fail-on.js';
import type { FindingCode, ReportedFinding } from '../../src/findings/finding.js';

describe('--fail-on', () => {
  const of = (code: FindingCode): ReportedFinding => ({
    account: 'a',
    region: 'r',
    code,
    severity: CATALOGUE[code].severity,
    message: '',
  });

  test('counts from a severity on, and what is named', () => {
    const critical = parseFailOn('critical,UnusedCertificate');
    expect(countedLevel(of('CertificateWarning'), critical)).toBe('ok');
    expect(countedLevel(of('CertificateCritical'), critical)).toBe('critical');
    expect(countedLevel(of('UnusedCertificate'), critical)).toBe('warning');
    expect(countedLevel(of('NeverPresented'), critical)).toBe('ok');
    expect(countedLevel(of('NeverPresented'), parseFailOn('info'))).toBe('warning');
    expect(countedLevel(of('CertificateWarning'), parseFailOn('NeverPresented'))).toBe('warning');
  });

  test('what could not be found out counts whatever is asked for', () => {
    expect(overallLevel([of('SourceUnknown')], parseFailOn('critical'))).toBe('unknown');
    expect(overallLevel([of('SourceUnknown'), of('CertificateExpired')], parseFailOn('critical'))).toBe(
      'critical',
    );
    expect(overallLevel([], parseFailOn('info'))).toBe('ok');
  });

  test.each(['', 'unknown', 'Warning', 'warning,critical', 'NoSuchCode', '__proto__'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseFailOn(text)).toThrow(/--fail-on/);
    },
  );
});
