/** The servers that `backend config` knows, each with the kind of trust store that keeps its list. */
import { TRUST_KINDS } from './kinds/index.js';
import type { BackendServer } from './server-configuration.js';
import type { TrustFormat } from './format.js';

/** A server, and what keeps the file that it reads. */
export interface KeptServer extends BackendServer {
  /** The kind of trust store. */
  kind: string;
  format: TrustFormat;
}

/** In the order of `--help`. */
export const BACKEND_SERVERS: readonly KeptServer[] = TRUST_KINDS.flatMap(
  ({ name: kind, format, servers = [] }) => {
    if (format === undefined) return [];
    return servers.map((server) => ({ ...server, kind, format }));
  },
);
