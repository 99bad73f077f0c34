/** Which test brings a kind of trust store to the contract. A kind without a line here does not pass the type check. */
import type { TrustStoreConfig } from '../../src/trust/kinds/index.js';

type Kind = TrustStoreConfig['kind'];

/** The file in test/trust that runs the contract on it, or why there is nothing to run. */
export const CONTRACT_SUBJECTS = {
  nginx: { file: 'server-files.test.ts' },
  haproxy: { file: 'server-files.test.ts' },
  apache: { file: 'server-files.test.ts' },
  caddy: { file: 'server-files.test.ts' },
  envoy: { file: 'server-files.test.ts' },
  traefik: { file: 'server-files.test.ts' },
  'pem-bundle': { file: 'pem-bundle.test.ts' },
  directory: { file: 'views.test.ts' },
  java: { file: 'views.test.ts' },
  kubernetes: { file: 'kubernetes.test.ts' },
  s3: { file: 'services.test.ts' },
  secretsmanager: { file: 'services.test.ts' },
  ssm: { file: 'services.test.ts' },
  command: { file: 'command.test.ts' },
  manual: { none: 'it cannot be observed' },
  stunnel: { none: 'it is refused' },
  hitch: { none: 'it is refused' },
  lighttpd: { none: 'it is refused' },
} as const satisfies Record<Kind, { file: string } | { none: string }>;

/** A kind that the contract is run on, with what else is special in this run. */
export type ContractName = Kind | `${Kind} ${string}`;
