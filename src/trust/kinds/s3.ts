import { optionalClient } from '../../aws/optional-client.js';
import * as z from 'zod/mini';
import { openedOnce } from '../../platform/opened-once.js';
import { awsOptions, awsRoles, awsStore, clientOptions, readFailure, settled } from '../aws-options.js';
import type { TextDocument } from '../document.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('s3'),
    bucket: z.string().check(z.minLength(1)),
    key: z.string().check(z.minLength(1), z.describe('an object that holds a PEM bundle')),
    ...awsOptions,
  })
  .check(z.describe('a PEM bundle in an S3 object'));

type S3Config = z.infer<typeof schema>;

/** One octet a character, so that a comment in any encoding comes through unchanged. */
const ENCODING = 'latin1';

function document(config: S3Config): TextDocument {
  const { bucket, key } = config;
  const where = { Bucket: bucket, Key: key };
  const connect = openedOnce(async () => {
    const sdk = await optionalClient(
      '@aws-sdk/client-s3',
      'TrustStoreUnreadable',
      () => import('@aws-sdk/client-s3'),
    );
    // An emulator has one host name and cannot answer for a bucket's own.
    const client = new sdk.S3Client({
      ...(await clientOptions('S3', config)),
      forcePathStyle: config.endpointUrl !== undefined,
    });
    return { sdk, client };
  });
  const read = async () => {
    const { sdk, client } = await connect();
    try {
      const { Body, ETag } = await client.send(new sdk.GetObjectCommand(where));
      if (Body === undefined || ETag === undefined) throw new Error('the answer has no content or no ETag');
      return { text: Buffer.from(await Body.transformToByteArray()).toString(ENCODING), version: ETag };
    } catch (error) {
      throw readFailure('the object', error);
    }
  };
  return {
    read,
    /** S3 itself compares the ETag (conditional writes, If-Match). */
    async write(text, expected, beforeEffect) {
      const { sdk, client } = await connect();
      await beforeEffect();
      const write = async () => {
        const { ETag = '' } = await client.send(
          new sdk.PutObjectCommand({
            ...where,
            Body: Buffer.from(text, ENCODING),
            ContentType: 'application/x-pem-file',
            IfMatch: expected.version,
          }),
        );
        return { text, version: ETag };
      };
      return settled('the object', text, expected, { write, read }, where);
    },
    exclusively: (work) => work(),
  };
}

/** An object that a load balancer's trust store is made of, or that hosts pull. */
export const s3 = defineKind({
  name: 's3',
  schema,
  isService: () => true,
  options: { bucket: 'name', key: 'name', ...awsRoles },
  published: {
    form: 's3://BUCKET/KEY',
    open(text, access) {
      const [, bucket, key] = /^s3:\/\/([^/\s]+)\/(\S+)$/.exec(text) ?? [];
      if (bucket === undefined || key === undefined) return undefined;
      return { ...document({ kind: 's3', bucket, key, ...access }), encoding: ENCODING };
    },
  },
  document: {
    written: 'PEM in an object, `If-Match` on its ETag',
    applied: 'none',
    proved: "**untested** on AWS: the SDK against an HTTP double of the service's model",
  },
  open: (config) => awsStore(`s3://${config.bucket}/${config.key}`, config, document(config), ENCODING),
});
