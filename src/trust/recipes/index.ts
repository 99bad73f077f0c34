/** The configuration of each server that accepts the old and the new certificate and nothing else. */
import type { TrustedCertificate } from '../../core/certificate.js';
import { apacheFormat } from '../apache.js';
import { caddyFormat } from '../caddy.js';
import { envoyFormat } from '../envoy.js';
import type { TrustFormat } from '../format.js';
import { haproxyFormat } from '../haproxy.js';
import { nginxFormat } from '../nginx.js';
import { pemFormat } from '../pem-format.js';
import { traefikFormat } from '../traefik.js';
import { apacheFacts, apacheRecipe } from './apache.js';
import { caddyFacts, caddyRecipe } from './caddy.js';
import { envoyFacts, envoyRecipe } from './envoy.js';
import { haproxyFacts, haproxyRecipe } from './haproxy.js';
import { javaFacts, javaRecipe } from './java.js';
import { nginxFacts, nginxRecipe } from './nginx.js';
import { expressFacts, expressRecipe, nodeFacts, nodeRecipe } from './node.js';
import { pythonFacts, pythonRecipe } from './python.js';
import type { RecipeFacts, RecipeOptions } from './recipe.js';
import { traefikFacts, traefikRecipe } from './traefik.js';

export type { RecipeFacts, RecipeOptions } from './recipe.js';

export interface Recipe extends RecipeFacts {
  /** The server's configuration, with comments. */
  configuration(options: RecipeOptions): string;
  /** The content of `trustFile` that makes these certificates trusted. */
  trustFile(certificates: readonly TrustedCertificate[]): string;
}

const listIn =
  (format: TrustFormat) =>
  (certificates: readonly TrustedCertificate[]): string =>
    certificates.reduce((text, certificate) => format.insert(text, certificate), '');

/** For programs that read a PEM file as a list; their trust store is a `pem-bundle`. */
export const programRecipes = {
  express: { ...expressFacts, configuration: expressRecipe, trustFile: listIn(pemFormat) },
  java: { ...javaFacts, configuration: javaRecipe, trustFile: listIn(pemFormat) },
  node: { ...nodeFacts, configuration: nodeRecipe, trustFile: listIn(pemFormat) },
  python: { ...pythonFacts, configuration: pythonRecipe, trustFile: listIn(pemFormat) },
} as const satisfies Record<string, Recipe>;

/** Written by the documents of servers that no handshake was made with. */
export const unprovenRecipes = {
  envoy: { ...envoyFacts, configuration: envoyRecipe, trustFile: listIn(envoyFormat) },
  traefik: { ...traefikFacts, configuration: traefikRecipe, trustFile: listIn(traefikFormat) },
} as const satisfies Record<string, Recipe>;

/** By the kind of trust store that keeps the recipe's `trustFile`. */
export const recipes = {
  apache: { ...apacheFacts, configuration: apacheRecipe, trustFile: listIn(apacheFormat) },
  caddy: { ...caddyFacts, configuration: caddyRecipe, trustFile: listIn(caddyFormat) },
  haproxy: { ...haproxyFacts, configuration: haproxyRecipe, trustFile: listIn(haproxyFormat) },
  nginx: { ...nginxFacts, configuration: nginxRecipe, trustFile: listIn(nginxFormat) },
} as const satisfies Record<string, Recipe>;
