/** Where a Kubernetes cluster is, and who one is there. */

/** How a cluster is reached, as an entry of `trust:` says it. */
export interface ApiConfig {
  /** `in-cluster`, `eks:CLUSTER` or `https://HOST:PORT`. */
  api: string;
  caFile?: string | undefined;
  tokenFile?: string | undefined;
  tokenVariable?: string | undefined;
  tokenSecret?: string | undefined;
  region?: string | undefined;
  profile?: string | undefined;
  roleArn?: string | undefined;
  externalId?: string | undefined;
  timeout?: string | undefined;
}

/** In words, what `api` may be. */
export const API_FORMS = 'in-cluster, eks:CLUSTER or https://HOST:PORT';

/** The name of the cluster in EKS: 1 to 100 characters (Amazon EKS API Reference, CreateCluster). */
const EKS = /^eks:([0-9A-Za-z][A-Za-z0-9_-]{0,99})$/;

/** The name of the cluster that `api` says is in EKS. */
export const clusterInEks = (api: string): string | undefined => EKS.exec(api)?.[1];

/** What `api` is; nothing for what has none of the forms. */
export function apiKind(api: string): 'pod' | 'eks' | 'address' | undefined {
  if (api === 'in-cluster') return 'pod';
  if (EKS.test(api)) return 'eks';
  if (!URL.canParse(api)) return undefined;
  const { protocol, username, password, search, hash } = new URL(api);
  return protocol === 'https:' && [username, password, search, hash].every((part) => part === '')
    ? 'address'
    : undefined;
}

/** An API server, and who one is there. */
export interface Cluster {
  server: URL;
  /** The authorities that vouch for the server, PEM; those of Node.js where it is absent. */
  ca?: string;
  /** Asked for before each request, since tokens expire. @throws AppError */
  token(): Promise<string>;
  /** That of the credentials. */
  namespace?: string;
  /** What may help where the token is not accepted. */
  tokenHint: string;
}
