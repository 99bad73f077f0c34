import { optionalClient } from '../../aws/optional-client.js';
import * as z from 'zod/mini';
import { openedOnce } from '../../platform/opened-once.js';
import { AppError } from '../../platform/errors.js';
import { awsOptions, awsRoles, awsStore, clientOptions, readFailure, settled } from '../aws-options.js';
import type { TextDocument } from '../document.js';
import { gated } from '../gate.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('secretsmanager'),
    secret: z
      .string()
      .check(z.minLength(1), z.describe('the name or ARN of a secret whose text is a PEM bundle')),
    ...awsOptions,
  })
  .check(z.describe('a PEM bundle in AWS Secrets Manager'));

type SecretsManagerConfig = z.infer<typeof schema>;

/** The label of a version that is written and not yet current. */
const STAGED = 'APIGW_CERT_STAGED';

function document(config: SecretsManagerConfig): TextDocument {
  const SecretId = config.secret;
  const connect = openedOnce(async () => {
    const sdk = await optionalClient(
      '@aws-sdk/client-secrets-manager',
      'TrustStoreUnreadable',
      () => import('@aws-sdk/client-secrets-manager'),
    );
    return { sdk, client: new sdk.SecretsManagerClient(await clientOptions('Secrets Manager', config)) };
  });
  const read = async () => {
    const { sdk, client } = await connect();
    const { SecretString, VersionId } = await client
      .send(new sdk.GetSecretValueCommand({ SecretId }))
      .catch((error: unknown) => {
        throw readFailure('the secret', error);
      });
    if (SecretString === undefined || VersionId === undefined) {
      throw new AppError('TrustStoreUnreadable', 'the secret is binary, not a text', {
        hint: 'keep the certificates in a secret of their own, as text (SecretString)',
      });
    }
    return { text: SecretString, version: VersionId };
  };
  return {
    read,
    /**
     * PutSecretValue knows no condition, but moving AWSCURRENT does: it fails when the version that it is to be
     * taken from no longer has it. What was put and not moved to is nobody's, and is put anew the next time.
     */
    async write(text, expected, beforeEffect) {
      const { sdk, client } = await connect();
      const gate = gated(beforeEffect);
      const write = async () => {
        await gate.pass();
        const { VersionId = '' } = await client.send(
          new sdk.PutSecretValueCommand({ SecretId, SecretString: text, VersionStages: [STAGED] }),
        );
        await gate.pass();
        await client.send(
          new sdk.UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: VersionId,
            RemoveFromVersionId: expected.version,
          }),
        );
        return { text, version: VersionId };
      };
      return settled('the secret', text, expected, { write, read }, { secret: SecretId }).catch(
        (error: unknown) => {
          throw gate.isRefused() ? gate.refusal() : error;
        },
      );
    },
    exclusively: (work) => work(),
  };
}

/** A secret that programs read the accepted certificates from. */
export const secretsmanager = defineKind({
  name: 'secretsmanager',
  schema,
  isService: () => true,
  options: { secret: 'name', ...awsRoles },
  published: {
    form: 'secretsmanager:NAME',
    open(text, access) {
      const [, secret] = /^secretsmanager:(\P{Cc}+)$/u.exec(text) ?? [];
      if (secret === undefined) return undefined;
      return { ...document({ kind: 'secretsmanager', secret, ...access }), encoding: 'utf8' };
    },
  },
  document: {
    written: "PEM in the secret's text; AWSCURRENT moves only from the version that was read",
    applied: 'none',
    proved: '**untested** on AWS, as `s3`',
  },
  open: (config) => awsStore(`secretsmanager:${config.secret}`, config, document(config)),
});
