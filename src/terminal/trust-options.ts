import type { Command } from 'commander';
import type { TrustDescription } from '../rotation/engine/jobs.js';
import { AppError } from '../platform/errors.js';
import { collect } from './command.js';

/** The options by which trust stores are named, for commands that change nothing else. */
export function addTrustOptions(to: Command): Command {
  return to
    .option('--trust <kind:file>', 'trust store, such as nginx:FILE; may be repeated', collect)
    .option('--target <name>', 'use the trust stores of this target in the configuration');
}

/**
 * Reads `--trust` words, such as `pem-bundle:FILE` and `manual`; `--reload` belongs to each that can be reloaded. Kinds
 * with more to say are written in apigw-cert.yaml.
 * @throws AppError `Usage`
 */
export async function trustDescriptions(
  words: readonly string[],
  reload: string | undefined,
): Promise<TrustDescription[]> {
  if (words.length === 0 && reload === undefined) return [];
  const { trustStoresFromFlags } = await import('../trust/flag.js');
  return trustStoresFromFlags(words, reload);
}

/**
 * The trust stores that a command's options name: those of `--trust`, or of the configuration's target.
 * @throws AppError `Usage`, `ConfigurationInvalid`
 */
export async function trustStoresNamed(options: {
  trust?: string[];
  reload?: string;
  target?: string;
  config?: string | undefined;
}): Promise<TrustDescription[]> {
  if (options.trust !== undefined) {
    if (options.target === undefined) return trustDescriptions(options.trust, options.reload);
    throw new AppError('Usage', '--trust and --target cannot be used together', {
      hint: 'specify one of them',
    });
  }
  const [{ loadConfiguration }, { configuredJobs }] = await Promise.all([
    import('../configuration/load.js'),
    import('../rotation/engine/jobs.js'),
  ]);
  const loaded = await loadConfiguration({ file: options.config });
  if (loaded === undefined) {
    throw new AppError('TrustStoreMissing', 'no trust store was specified', {
      hint: 'add --trust nginx:FILE (or another kind), or configure it in apigw-cert.yaml',
    });
  }
  const jobs = configuredJobs(loaded.configuration, options.target, { account: {}, values: {} });
  if (jobs.length > 1) {
    throw new AppError('Usage', 'the configuration has more than one target', {
      hint: `specify one: --target ${jobs.flatMap(({ target }) => target ?? []).join('|')}`,
    });
  }
  return jobs.flatMap(({ trust }) => trust);
}
