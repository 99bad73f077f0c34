/** The configuration of each server that accepts the old and the new certificate and nothing else. */
import type { TrustedCertificate } from '../../core/certificate.js';
import { apacheFormat } from '../apache.js';
import { caddyFormat } from '../caddy.js';
import type { TrustFormat } from '../format.js';
import { haproxyFormat } from '../haproxy.js';
import { nginxFormat } from '../nginx.js';
import { apacheFacts, apacheRecipe } from './apache.js';
import { caddyFacts, caddyRecipe } from './caddy.js';
import { haproxyFacts, haproxyRecipe } from './haproxy.js';
import { nginxFacts, nginxRecipe } from './nginx.js';
import type { RecipeFacts, RecipeOptions } from './recipe.js';

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

/** By the kind of trust store that keeps the recipe's `trustFile`. */
export const recipes = {
  apache: { ...apacheFacts, configuration: apacheRecipe, trustFile: listIn(apacheFormat) },
  caddy: { ...caddyFacts, configuration: caddyRecipe, trustFile: listIn(caddyFormat) },
  haproxy: { ...haproxyFacts, configuration: haproxyRecipe, trustFile: listIn(haproxyFormat) },
  nginx: { ...nginxFacts, configuration: nginxRecipe, trustFile: listIn(nginxFormat) },
} as const satisfies Record<string, Recipe>;
