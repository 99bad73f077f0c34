import { CATALOGUE } from '../catalogue/index.js';
import type { FindingCode, ReportedFinding } from '../finding.js';
import { SARIF_LEVEL } from '../severity.js';
import { placeOf } from './report.js';
import { sentence } from './sentence.js';

/** A path or URL as the URI reference that SARIF wants. */
function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

function ruleOf(id: FindingCode): object {
  const { meaning, remedy, severity } = CATALOGUE[id];
  return {
    id,
    shortDescription: { text: sentence(meaning) },
    // What depends on the finding is in its message.
    ...(typeof remedy === 'string' ? { help: { text: remedy } } : {}),
    defaultConfiguration: { level: SARIF_LEVEL[severity] },
  };
}

/**
 * Where a finding is. Code scanning of GitHub refuses a result without a file: a path stands for what is in none, of the
 * account, the Region, and the stage or certificate.
 */
function locationOf(finding: ReportedFinding): object {
  const { file, line = 1 } = finding;
  const region = { startLine: line };
  if (file !== undefined) return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, region } };
  const place = placeOf(finding);
  return {
    physicalLocation: { artifactLocation: { uri: uriOf(`aws/${place}`) }, region },
    logicalLocations: [{ fullyQualifiedName: place }],
  };
}

/** Findings as a log of SARIF 2.1.0 (OASIS), which code scanners show, with a rule for each code that was found. */
export function sarifFormat(findings: readonly ReportedFinding[], version: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'apigw-cert', version, rules: codes.map(ruleOf) } },
        results: findings.map((finding) => ({
          ruleId: finding.code,
          ruleIndex: codes.indexOf(finding.code),
          level: SARIF_LEVEL[finding.severity],
          message: {
            text:
              finding.remedy === undefined ? finding.message : `${finding.message}\nFix: ${finding.remedy}`,
          },
          locations: [locationOf(finding)],
        })),
      },
    ],
  };
  return JSON.stringify(log, null, 2);
}
