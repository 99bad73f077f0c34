import * as z from 'zod';
import { awsFailure, awsOptions, clientOptions, loaded } from './aws-options.js';
import { changedMeanwhile } from './bundle-view.js';
import type { TextDocument } from './document.js';
import { documentTrustStore } from './document-store.js';
import { pemFormat } from './pem-format.js';
import { reloadCommand } from './run-command.js';
import type { DescribedTrustStore } from './trust-store.js';

export const secretsmanagerSchema = z
  .strictObject({
    kind: z.literal('secretsmanager'),
    secret: z.string().min(1).describe('the name or ARN of a secret whose text is a PEM bundle'),
    ...awsOptions,
  })
  .describe('a PEM bundle in AWS Secrets Manager');

type SecretsManagerConfig = z.infer<typeof secretsmanagerSchema>;

/** The label of a version that is written and not yet current. */
const STAGED = 'APIGW_CERT_STAGED';

function document(config: SecretsManagerConfig): TextDocument {
  const SecretId = config.secret;
  const connect = async () => {
    const sdk = await loaded(
      '@aws-sdk/client-secrets-manager',
      () => import('@aws-sdk/client-secrets-manager'),
    );
    return { sdk, client: new sdk.SecretsManagerClient(await clientOptions('Secrets Manager', config)) };
  };
  return {
    async read() {
      const { sdk, client } = await connect();
      try {
        const { SecretString, VersionId } = await client.send(new sdk.GetSecretValueCommand({ SecretId }));
        return {
          text: SecretString ?? '',
          ...(VersionId === undefined ? {} : { version: VersionId }),
        };
      } catch (error) {
        throw awsFailure('TrustStoreUnreadable', 'the secret cannot be read', error);
      }
    },
    /**
     * PutSecretValue knows no condition, but moving AWSCURRENT does: it fails when the version that it is to be
     * taken from no longer has it.
     */
    async write(text, { version }, beforeEffect) {
      const { sdk, client } = await connect();
      const sent = async <T>(send: () => Promise<T>): Promise<T> => {
        try {
          return await send();
        } catch (error) {
          if ((error as { name?: string }).name === 'InvalidParameterException')
            throw changedMeanwhile({ secret: SecretId });
          throw awsFailure('TrustStoreFailed', 'the secret cannot be written', error);
        }
      };
      await beforeEffect();
      const { VersionId } = await sent(() =>
        client.send(new sdk.PutSecretValueCommand({ SecretId, SecretString: text, VersionStages: [STAGED] })),
      );
      await beforeEffect();
      await sent(() =>
        client.send(
          new sdk.UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: VersionId,
            RemoveFromVersionId: version,
          }),
        ),
      );
      return { text, ...(VersionId === undefined ? {} : { version: VersionId }) };
    },
    exclusively: (work) => work(),
  };
}

/** A secret that programs read the accepted certificates from. */
export function secretsmanager(config: SecretsManagerConfig): DescribedTrustStore {
  return documentTrustStore({
    name: `secretsmanager:${config.secret}`,
    document: document(config),
    format: pemFormat,
    makeLive: reloadCommand(config.reload, config.timeout),
  });
}
