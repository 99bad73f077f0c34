/** Finds `apigw-cert.yaml` and reads it. Where there is none, nothing of what reading takes is loaded. */
import { findConfiguration, resolvePath, type Surroundings } from './find.js';
import type { Configuration } from './schema.js';

export interface ConfigurationSource extends Surroundings {
  /** The file that `--config` names. Without it one is looked for. */
  file?: string | undefined;
}

/** A configuration and where it was found; its paths are absolute. */
export interface LoadedConfiguration extends Configuration {
  /** Absolute. */
  file: string;
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
  const { readConfiguration } = await import('./read.js');
  return { ...(await readConfiguration(file)), file };
}
