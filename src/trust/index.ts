/** Every kind of trust store: one file each, one line here, and the shared contract suite tests it. */
import * as z from 'zod';
import { commandStore, commandStoreSchema } from './command.js';
import type { TrustContext } from './context.js';
import { manual, manualSchema } from './manual.js';
import { pemBundle, pemBundleSchema } from './pem-bundle.js';
import { apache, apacheSchema } from './apache.js';
import { caddy, caddySchema } from './caddy.js';
import { envoy, envoySchema } from './envoy.js';
import { haproxy, haproxySchema } from './haproxy.js';
import { nginx, nginxSchema } from './nginx.js';
import { traefik, traefikSchema } from './traefik.js';
import { directory, directorySchema } from './directory.js';
import { java, javaSchema } from './java.js';
import { kubernetes, kubernetesSchema } from './kubernetes.js';
import { s3, s3Schema } from './s3.js';
import { secretsmanager, secretsmanagerSchema } from './secretsmanager.js';
import { ssm, ssmSchema } from './ssm.js';
import type { DescribedTrustStore } from './trust-store.js';
import { unsuitable, unsuitableSchemas } from './unsuitable.js';

/** One trust store as it is written in `apigw-cert.yaml`; flags are read into the same shape. */
export const trustStoreSchema = z.discriminatedUnion('kind', [
  pemBundleSchema,
  apacheSchema,
  caddySchema,
  envoySchema,
  haproxySchema,
  nginxSchema,
  traefikSchema,
  directorySchema,
  javaSchema,
  kubernetesSchema,
  s3Schema,
  secretsmanagerSchema,
  ssmSchema,
  commandStoreSchema,
  manualSchema,
  ...unsuitableSchemas,
]);

export type TrustStoreConfig = z.infer<typeof trustStoreSchema>;

/**
 * Makes the trust store that an entry of the configuration describes. Nothing is read or run until it is used.
 * @throws AppError `TrustStoreUnsuitable` when what is described is known not to survive a rotation
 */
export function createTrustStore(config: TrustStoreConfig, context: TrustContext): DescribedTrustStore {
  switch (config.kind) {
    case 'pem-bundle':
      return pemBundle(config);
    case 'apache':
      return apache(config);
    case 'caddy':
      return caddy(config);
    case 'envoy':
      return envoy(config);
    case 'haproxy':
      return haproxy(config);
    case 'nginx':
      return nginx(config);
    case 'traefik':
      return traefik(config);
    case 'directory':
      return directory(config);
    case 'java':
      return java(config);
    case 'kubernetes':
      return kubernetes(config);
    case 's3':
      return s3(config);
    case 'secretsmanager':
      return secretsmanager(config);
    case 'ssm':
      return ssm(config);
    case 'command':
      return commandStore(config);
    case 'manual':
      return manual(config, context);
    case 'stunnel':
    case 'hitch':
    case 'lighttpd':
      return unsuitable(config.kind);
  }
}
