import type { TrustDescription } from '../app/rotate/jobs.js';
import { AppError } from '../core/errors.js';

/**
 * Reads `--trust` words: `pem-bundle:FILE` and `manual`. Kinds with more to say are written in apigw-cert.yaml.
 * @throws AppError `Usage`
 */
export function trustDescriptions(words: readonly string[], reload: string | undefined): TrustDescription[] {
  const descriptions = words.map((word): TrustDescription => {
    if (word === 'manual') return { kind: 'manual' };
    const file = /^pem-bundle:(.+)$/.exec(word)?.[1];
    if (file !== undefined) return { kind: 'pem-bundle', file, ...(reload === undefined ? {} : { reload }) };
    throw new AppError('Usage', `"${word}" is not a trust store`, {
      hint: 'write pem-bundle:FILE or manual; the other kinds are written in apigw-cert.yaml (docs/trust-stores.md)',
    });
  });
  if (reload !== undefined && !descriptions.some(({ kind }) => kind === 'pem-bundle')) {
    throw new AppError('Usage', '--reload belongs to a --trust pem-bundle:FILE', {
      hint: 'add one, or leave --reload away',
    });
  }
  return descriptions;
}
