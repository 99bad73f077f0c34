/** Everything that is wrong with a configuration, what a run would only notice later included. */
import { AppError } from '../platform/errors.js';
import type { Mistake, Problem } from '../settings/problems.js';
import { examineConfiguration, examineText, type Examined } from '../settings/read.js';
import { TRUST_KINDS } from './trust-kinds.js';
import type { TrustDescription } from '../rotation/engine/jobs.js';
import { openTrustStore } from '../rotation/engine/stores.js';

const NOBODY = { announce: () => undefined, ask: undefined };

/** Every description of a trust store in what may be wrong in any other way. */
function trustOf(data: unknown): { target: string; descriptions: unknown[] }[] {
  const targets = isRecord(data) && isRecord(data['targets']) ? data['targets'] : {};
  return Object.entries(targets).map(([target, entry]) => {
    const trust = isRecord(entry) && Array.isArray(entry['trust']) ? (entry['trust'] as unknown[]) : [];
    return { target, descriptions: trust };
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Trust stores that no rotation would take: of a kind that cannot hold two certificates, or described twice. */
function trustMistakes(data: unknown): Mistake[] {
  return trustOf(data).flatMap(({ target, descriptions }) => {
    const seen = new Set<string>();
    return descriptions.flatMap((description, index): Mistake[] => {
      const path = ['targets', target, 'trust', index];
      if (!isRecord(description)) return [];
      try {
        const store = openTrustStore(description as TrustDescription, NOBODY).name;
        if (seen.has(store)) return [{ path, message: `this target has the trust store ${store} already` }];
        seen.add(store);
        return [];
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        // The schema of the configuration says it better, and where.
        if (error.code === 'ConfigurationInvalid') return [];
        return [{ path, message: [error.message, error.hint].filter(Boolean).join('; ') }];
      }
    });
  });
}

function judged(examined: Examined): Problem[] {
  if ('configuration' in examined) return examined.problemsOf(trustMistakes(examined.configuration));
  return [...examined.problems, ...examined.problemsOf(trustMistakes(examined.data))].sort(
    (a, b) => a.line - b.line || a.column - b.column,
  );
}

/**
 * Reads a file and judges it. Calls nobody, and looks at no other file.
 * @param file absolute
 * @returns its mistakes in the order of the file
 * @throws AppError `FileNotReadable`, `ConfigurationInvalid` for what is no text or too long
 */
export async function validateConfiguration(file: string): Promise<Problem[]> {
  return judged(await examineConfiguration(file, TRUST_KINDS));
}

/** Judges a text that is to become a file of `directory`. */
export const validateText = (text: string, directory: string): Problem[] =>
  judged(examineText(text, directory, TRUST_KINDS));
