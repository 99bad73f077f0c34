/** Finds `apigw-cert.yaml` and reads it. Where there is none, nothing of what reading takes is loaded. */
import { basename } from 'node:path';
import { filePaths, type ResolvedAccount } from '../settings/resolve.js';
import { findConfiguration, resolvePath, type Surroundings } from '../settings/find.js';
import type { Path } from '../settings/problems.js';
import type { Configuration } from '../settings/schema.js';
import type { TrustStoreConfig } from '../trust/kinds/index.js';

export interface ConfigurationSource extends Surroundings {
  /** The file that `--config` names. Without it one is looked for. */
  file?: string | undefined;
}

/** A configuration and where it was found; its paths are absolute. */
export interface LoadedConfiguration {
  configuration: Configuration<TrustStoreConfig>;
  /** Absolute. */
  file: string;
  /** Whether `--config` named it. */
  isNamed: boolean;
  /** The line that a key is written in, from 1. */
  lineOf: (path: Path) => number;
}

/**
 * Reads and checks the configuration: the file named, or the one that is found; `undefined` when there is none.
 * @throws AppError `ConfigurationInvalid` with every mistake's file, line, column and remedy, `FileNotReadable`
 */
export async function loadConfiguration(
  source: ConfigurationSource = {},
): Promise<LoadedConfiguration | undefined> {
  const { cwd = process.cwd() } = source;
  const file = source.file === undefined ? await findConfiguration(source) : resolvePath(source.file, cwd);
  if (file === undefined) return undefined;
  const { examineConfiguration, refuse } = await import('../settings/read.js');
  const { TRUST_KINDS } = await import('./trust-kinds.js');
  const examined = await examineConfiguration(file, TRUST_KINDS);
  if ('problems' in examined) return refuse(file, examined.problems);
  const { configuration, lineOf } = examined;
  return { configuration, file, isNamed: source.file !== undefined, lineOf };
}

/** Which lines of the file say an account's profile and Region, in words: `apigw-cert.yaml:2`. */
export function fromFileOf(
  loaded: Pick<LoadedConfiguration, 'file' | 'lineOf'> | undefined,
  account: Pick<ResolvedAccount, 'origins' | 'entry'>,
  target?: string,
): { profile?: string; region?: string } {
  if (loaded === undefined) return {};
  return Object.fromEntries(
    Object.entries(filePaths(account, target)).map(([key, path]) => [
      key,
      `${basename(loaded.file)}:${loaded.lineOf(path)}`,
    ]),
  );
}
