import type { TrustedCertificate } from '../core/certificate.js';
import {
  programRecipes,
  recipes,
  unprovenRecipes,
  type Recipe,
  type RecipeOptions,
} from '../trust/recipes/index.js';

const ALL = { ...recipes, ...programRecipes, ...unprovenRecipes } satisfies Record<string, Recipe>;

/** Every server that there is a configuration for. */
export type Server = keyof typeof ALL;

/** A configuration and the file of certificates that it reads. */
export interface BackendConfig {
  server: Server;
  configuration: string;
  trust: {
    /** Whatever keeps `file` in step: an entry of `--trust`. */
    trustStore: string;
    file: string;
    content: string;
  };
  reload: string;
  expired: string;
  proved: string;
}

/**
 * The configuration of a server that accepts these certificates and nobody else.
 * @throws AppError `Usage` for words that no configuration can hold
 */
export function backendConfig(
  server: Server,
  options: RecipeOptions,
  certificates: readonly TrustedCertificate[],
): BackendConfig {
  const { configuration, trustFile, reload, expired, proved } = ALL[server];
  const kind = server in programRecipes ? 'pem-bundle' : server;
  const { trustFile: file } = options;
  return {
    server,
    configuration: configuration(options),
    trust: { trustStore: `${kind}:${file}`, file, content: trustFile(certificates) },
    reload,
    expired,
    proved,
  };
}
