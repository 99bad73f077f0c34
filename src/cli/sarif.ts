import type { FindingSeverity } from '../core/severity.js';
import { VERSION } from './version.js';

/** A kind of finding, for the list of rules. */
export interface SarifRule {
  id: string;
  meaning: string;
  remedy?: string;
  severity: FindingSeverity;
}

/** One finding: at a line of a file, or about something that has a name, and a relative path to be filed under. */
export interface SarifResult {
  ruleId: string;
  severity: FindingSeverity;
  message: string;
  at: { file: string; line: number } | { name: string; path: string };
}

/** A path or URL as the URI reference that SARIF wants. */
function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

/** Findings as a log of SARIF 2.1.0 (OASIS), which code scanners show. */
export function sarifLog(rules: readonly SarifRule[], results: readonly SarifResult[]): object {
  const index = new Map(rules.map(({ id }, i) => [id, i]));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'apigw-cert',
            version: VERSION,
            rules: rules.map(({ id, meaning, remedy, severity }) => ({
              id,
              shortDescription: { text: meaning },
              ...(remedy === undefined ? {} : { help: { text: remedy } }),
              defaultConfiguration: { level: severity },
            })),
          },
        },
        results: results.map(({ ruleId, severity, message, at }) => ({
          ruleId,
          ruleIndex: index.get(ruleId) ?? -1,
          level: severity,
          message: { text: message },
          locations: [
            'file' in at
              ? {
                  physicalLocation: {
                    artifactLocation: { uri: uriOf(at.file) },
                    region: { startLine: at.line },
                  },
                }
              : {
                  // Code scanning of GitHub refuses a result without a file: this path stands for what has none.
                  physicalLocation: {
                    artifactLocation: { uri: uriOf(at.path) },
                    region: { startLine: 1 },
                  },
                  logicalLocations: [{ fullyQualifiedName: at.name }],
                },
          ],
        })),
      },
    ],
  };
}
