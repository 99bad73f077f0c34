import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { AppError } from '../platform/errors.js';

const FILE_NAME = 'apigw-cert.yaml';

/** Where a configuration is looked for. */
export interface Surroundings {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** A configuration that cannot be used. */
export function invalid(message: string, hint: string, details: Record<string, unknown>): AppError {
  return new AppError('ConfigurationInvalid', message, { hint, details });
}

/** A path as the configuration means it: `~` is the home directory, a relative one starts at the file's directory. */
export function resolvePath(path: string, directory: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(directory, path);
}

function withAncestors(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...withAncestors(parent)];
}

/** The working directory and all above it, then the user's own configuration. */
function candidates(cwd: string, env: NodeJS.ProcessEnv): string[] {
  const base = env['XDG_CONFIG_HOME'];
  const own = join(base && isAbsolute(base) ? base : join(homedir(), '.config'), 'apigw-cert');
  return [...withAncestors(resolve(cwd)), own].map((directory) => join(directory, FILE_NAME));
}

/**
 * The file that would be used: found upwards from the working directory, else in `~/.config/apigw-cert/`. Its hooks
 * are run, so one that another user could have left in the way is refused, not skipped.
 * @throws AppError `ConfigurationInvalid`
 */
export async function findConfiguration({
  cwd = process.cwd(),
  env = process.env,
}: Surroundings = {}): Promise<string | undefined> {
  for (const file of candidates(cwd, env)) {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) continue;
    const user = process.getuid?.();
    if (user !== undefined && ((found.uid !== user && found.uid !== 0) || (found.mode & 0o002) !== 0)) {
      throw invalid(
        `${file} was found, but another user owns it or may write to it, and it can contain commands`,
        `if you trust it, run: chmod go-w ${file}, or specify it with --config; otherwise remove it`,
        { file },
      );
    }
    return file;
  }
  return undefined;
}
