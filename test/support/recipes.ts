/** What `backend config` prints, without the command. */
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import {
  serverConfiguration,
  type ServerOptions,
  trustFileOf,
} from '../../src/trust/server-configuration.js';
import { BACKEND_SERVERS } from '../../src/trust/servers.js';

export type { ServerOptions } from '../../src/trust/server-configuration.js';

export interface Recipe {
  configuration: (options: ServerOptions) => Promise<string>;
  trustFile: (certificates: readonly TrustedCertificate[]) => string;
}

export function recipe(name: string): Recipe {
  const server = BACKEND_SERVERS.find((each) => each.name === name);
  if (!server) throw new Error(`no server is named ${name}`);
  return {
    configuration: (options) => serverConfiguration(server, options),
    trustFile: (certificates) => trustFileOf(server.format, certificates),
  };
}

/** Web servers. */
export const recipes = {
  apache: recipe('apache'),
  caddy: recipe('caddy'),
  haproxy: recipe('haproxy'),
  nginx: recipe('nginx'),
};

/** Programs, which read a PEM file. */
export const programRecipes = {
  express: recipe('express'),
  java: recipe('java'),
  node: recipe('node'),
  python: recipe('python'),
};
