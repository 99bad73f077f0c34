import { resolve } from 'node:path';
import * as z from 'zod';
import { AppError } from '../core/errors.js';
import { trustStoreSchema, type TrustStoreConfig } from './index.js';

/** The option that stands behind the colon of `--trust KIND:VALUE`, for the kinds that need one option to be useful. */
const MAIN_OPTION: Readonly<Record<string, string>> = {
  apache: 'file',
  caddy: 'file',
  directory: 'directory',
  envoy: 'file',
  haproxy: 'file',
  nginx: 'file',
  'pem-bundle': 'file',
  traefik: 'file',
};

/**
 * Reads `--trust KIND[:VALUE]` and `--reload COMMAND` into the shape that `apigw-cert.yaml` has.
 * @param reload a line for the shell
 * @throws AppError `Usage`
 */
export function trustStoreFromFlag(text: string, reload?: string): TrustStoreConfig {
  const colon = text.indexOf(':');
  const kind = colon === -1 ? text : text.slice(0, colon);
  const option = MAIN_OPTION[kind];
  const value = colon === -1 ? undefined : text.slice(colon + 1);
  const parsed = trustStoreSchema.safeParse({
    kind,
    // A store goes by its path, also in the journal, which a later run reads from another folder.
    ...(option !== undefined && value ? { [option]: resolve(value) } : {}),
    ...(reload === undefined ? {} : { reload }),
  });
  if (parsed.success && (value === undefined) === (option === undefined)) return parsed.data;
  const hint =
    option === undefined
      ? `kinds with flags: ${Object.keys(MAIN_OPTION).join(', ')}, manual; all others are described in apigw-cert.yaml`
      : `write --trust ${kind}:${option.toUpperCase()}`;
  // What the schema says of an unknown kind is a list of all kinds; the hint says it better.
  const problem = parsed.success ? undefined : z.prettifyError(parsed.error).split('\n')[0];
  const why =
    option === undefined || problem === undefined
      ? ''
      : `: ${value ? problem.replace(/^✖ /, '') : `it needs a ${option}`}`;
  throw new AppError('Usage', `"--trust ${text.slice(0, 80)}" names no trust store${why}`, { hint });
}
