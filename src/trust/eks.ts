/** A cluster of Amazon EKS by its name, with the credentials of AWS. */
import { HttpRequest } from '@smithy/core/protocols';
import { optionalClient } from '../aws/optional-client.js';
import { openSession } from '../aws/session.js';
import { AppError } from '../platform/errors.js';
import { readFailure } from './aws-options.js';
import type { ApiConfig, Cluster } from './cluster.js';

/** How long the presigned request of a token is valid, in seconds, as in `aws eks get-token`. */
const PRESIGNED_SECONDS = 60;

/**
 * Finds the address of the cluster and its authority, and makes tokens: each is a presigned GetCallerIdentity request of
 * STS, which is signed here, without asking STS
 * (https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster).
 * @throws AppError `TrustStoreUnreadable`, or of how the account cannot be reached
 */
export async function eksCluster(
  name: string,
  { profile, region, roleArn, externalId }: Pick<ApiConfig, 'profile' | 'region' | 'roleArn' | 'externalId'>,
): Promise<Cluster> {
  const sdk = await optionalClient(
    '@aws-sdk/client-eks',
    'TrustStoreUnreadable',
    () => import('@aws-sdk/client-eks'),
  );
  const session = await openSession({ profile, region, roleArn, externalId });
  const client = new sdk.EKSClient(await session.clientConfig('EKS'));
  const { cluster: { endpoint, certificateAuthority, status } = {} } = await client
    .send(new sdk.DescribeClusterCommand({ name }))
    .catch((error: unknown) => {
      throw readFailure(`the EKS cluster ${name}`, error);
    });
  const ca = certificateAuthority?.data;
  if (
    endpoint === undefined ||
    ca === undefined ||
    !endpoint.startsWith('https:') ||
    !URL.canParse(endpoint)
  ) {
    throw new AppError(
      'TrustStoreUnreadable',
      `the EKS cluster ${name} has no address${status === undefined ? '' : ` (its status is ${status})`}`,
      { hint: 'wait until the cluster is ACTIVE' },
    );
  }
  return {
    server: new URL(endpoint),
    ca: Buffer.from(ca, 'base64').toString('utf8'),
    token: () => presignedToken(name, session),
    tokenHint: `give the role of these credentials an access entry in the cluster: aws eks create-access-entry --cluster-name ${name} --principal-arn ROLE_ARN --kubernetes-groups GROUP`,
  };
}

async function presignedToken(
  cluster: string,
  session: Awaited<ReturnType<typeof openSession>>,
): Promise<string> {
  const [{ SignatureV4 }, { STSClient }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-sdk/nested-clients/sts'),
  ]);
  const region = await session.region();
  const { sha256, endpointProvider } = new STSClient(await session.clientConfig('STS')).config;
  // EKS accepts requests to the Region's own address of STS alone, so not to one that is configured.
  const { hostname } = endpointProvider({ Region: region, UseGlobalEndpoint: false }).url;
  const signer = new SignatureV4({ service: 'sts', region, credentials: session.credentials, sha256 });
  const { query = {} } = await signer.presign(
    new HttpRequest({
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      headers: { host: hostname, 'x-k8s-aws-id': cluster },
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    }),
    { expiresIn: PRESIGNED_SECONDS },
  );
  const url = new URL(`https://${hostname}/`);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
  return `k8s-aws-v1.${Buffer.from(url.href).toString('base64url')}`;
}
