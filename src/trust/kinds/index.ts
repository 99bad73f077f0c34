/**
 * Every kind of trust store: a file each, and a line here. The schema of apigw-cert.yaml, `--trust`, `backend config`,
 * the completion of shells, docs/trust-stores.md and the contract suites are made from this list, in its order.
 */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod/mini';
import type { TrustContext } from '../context.js';
import type { DescribedTrustStore, TrustStore } from '../trust-store.js';
import { apache } from './apache.js';
import { caddy } from './caddy.js';
import { command } from './command.js';
import { directory } from './directory.js';
import { envoy } from './envoy.js';
import { haproxy } from './haproxy.js';
import { hitch } from './hitch.js';
import { java } from './java.js';
import type { TrustKind } from './kind.js';
import { kubernetes } from './kubernetes.js';
import { lighttpd } from './lighttpd.js';
import { manual } from './manual.js';
import { nginx } from './nginx.js';
import { pemBundle } from './pem-bundle.js';
import { s3 } from './s3.js';
import { secretsmanager } from './secretsmanager.js';
import { ssm } from './ssm.js';
import { stunnel } from './stunnel.js';
import { traefik } from './traefik.js';

const REGISTRY = [
  nginx,
  haproxy,
  apache,
  caddy,
  envoy,
  traefik,
  pemBundle,
  directory,
  java,
  kubernetes,
  s3,
  secretsmanager,
  ssm,
  command,
  manual,
  stunnel,
  hitch,
  lighttpd,
] as const;

/** Every kind, in the order in which they are shown. */
export const TRUST_KINDS: readonly TrustKind[] = REGISTRY;

type SchemasOf<Kinds extends readonly TrustKind[]> = { [I in keyof Kinds]: Kinds[I]['schema'] };

/** One trust store as it is written in `apigw-cert.yaml`; flags are read into the same shape. */
export const trustStoreSchema = z.discriminatedUnion(
  'kind',
  REGISTRY.map(({ schema }) => schema) as unknown as SchemasOf<typeof REGISTRY>,
);

export type TrustStoreConfig = z.infer<typeof trustStoreSchema>;

/** The kind of that name, if there is one. */
export const trustKind = (name: string): TrustKind | undefined =>
  TRUST_KINDS.find((kind) => kind.name === name);

/** The option of an entry that is a command, if one is set. */
export const commandOf = (
  { options }: Pick<TrustKind, 'options'>,
  entry: Readonly<Record<string, unknown>>,
): string | undefined =>
  Object.keys(options).find((option) => options[option] === 'command' && entry[option] !== undefined);

/** The servers that cannot use a CA bundle, with how each is configured to read one. */
export const CA_BUNDLE_READERS = TRUST_KINDS.flatMap(({ name, caBundle }) =>
  caBundle ? [{ kind: name, ...caBundle }] : [],
);

/**
 * Makes the trust store that an entry of the configuration describes. Nothing is read or run until it is used.
 * @throws AppError `TrustStoreUnsuitable` when what is described is known not to survive a rotation
 */
export function createTrustStore(config: TrustStoreConfig, context: TrustContext): DescribedTrustStore {
  const kind = trustKind(config.kind);
  if (!kind) throw new Error(`the schema knows the kind ${config.kind}, and the registry does not`);
  return kind.open(config, { ...context, caBundleReaders: CA_BUNDLE_READERS });
}

/**
 * Where a store is, however it was written: a path relative or through links, a parameter or secret by its ARN. Without the
 * kind, account, Region and endpoint, which need not be said either.
 */
export async function placeOf({
  name,
  formerName = name,
}: Pick<TrustStore, 'name' | 'formerName'>): Promise<string> {
  const [, kind, written = ''] = /^([^:]*):?(.*)$/s.exec(formerName) ?? [];
  // Commands and people do not say where they put what they are handed: any two may be the same.
  if (kind === 'command' || kind === 'manual') return kind;
  if (kind === 'kubernetes') return written;
  const ofArn = /^arn:[^:]*:(?:ssm:[^:]*:[^:]*:parameter|secretsmanager:[^:]*:[^:]*:secret:)(.*)$/s.exec(
    written,
  );
  const place = ofArn?.[1] ?? written;
  if (kind === 'secretsmanager') return place.replace(/-[A-Za-z0-9]{6}$/, '');
  if (kind === 'ssm') return place.replace(/^\//, '');
  return realpath(place).catch(() => resolve(place));
}

/** Whether two places may be one. A Kubernetes object may be written without its namespace. */
export const mayBeSame = (one: string, other: string): boolean =>
  one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);
