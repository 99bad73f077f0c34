import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where this user's files are kept that can be made again: `$XDG_CACHE_HOME/apigw-cert`, by default
 * `~/.cache/apigw-cert`. A relative `XDG_CACHE_HOME` is ignored, as the XDG base directory specification demands.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'apigw-cert');
}
