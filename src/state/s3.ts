/**
 * State in an S3 bucket: a document is an object, `PREFIX/GROUP/NAME`. Each write is conditional: `If-None-Match: *` for a
 * new object, `If-Match` with the ETag last seen for another. An ETag is made of the content, so the first line of each
 * object is of its write alone: the same text is never written twice under one ETag.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import { optionalClient } from '../aws/optional-client.js';
import { openedOnce } from '../platform/opened-once.js';
import { isRefusal, pause, stateClientConfig, stateError, type StateAccess } from './connect.js';
import {
  settledStore,
  type DocumentAdapter,
  type DocumentKey,
  type DocumentStore,
  type WrittenDocument,
} from './documents.js';
import type { SdkError } from '../aws/network-error.js';

/** Far more than a record has; an object could have 5 TB. */
const MAX_OCTETS = 4_000_000;
/** So many objects are read at a time. */
const AT_A_TIME = 32;

const packageName = '@aws-sdk/client-s3';

/** Opens the bucket. Nothing is asked yet. @param prefix without slashes around it */
export function s3Store(bucket: string, prefix: string, access: StateAccess = {}): DocumentStore {
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const folder = prefix === '' ? '' : `${prefix}/`;
  const store = `the S3 bucket ${bucket}`;
  const pathOf = ({ group, name }: DocumentKey): string => `${folder}${group}/${name}`;
  const connect = openedOnce(async (): Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> => {
    const sdk = await optionalClient(packageName, 'StateUnavailable', () => import('@aws-sdk/client-s3'));
    const config = await stateClientConfig('S3', {
      ...access,
      regionHint: 'set AWS_REGION, or `region` at the top level of apigw-cert.yaml',
    });
    const client = new sdk.S3Client({
      ...config,
      followRegionRedirects: true,
      // An emulator has one host name and cannot answer for a bucket's own.
      forcePathStyle: config.endpoint !== undefined,
    });
    return { sdk, client };
  });

  const about = (action: string) => ({
    store,
    action: `s3:${action}`,
    resource:
      action === 'ListBucket'
        ? `arn:aws:s3:::${bucket}`
        : `arn:aws:s3:::${bucket}/${folder}*${action === 'GetObject' ? `, and s3:ListBucket on arn:aws:s3:::${bucket}: without it, S3 answers AccessDenied for an object that does not exist` : ''}`,
    missingHint: `create it, or check the name: apigw-cert state create --template --state ${place} prints a template`,
  });
  const call = async <T>(
    action: string,
    ask: (sdk: typeof Sdk, client: Sdk.S3Client) => Promise<T>,
  ): Promise<T> => {
    const { sdk, client } = await connect();
    try {
      return await ask(sdk, client);
    } catch (error) {
      throw stateError(error, about(action));
    }
  };

  const read = (key: DocumentKey): Promise<WrittenDocument | undefined> =>
    call('GetObject', async (sdk, client) => {
      try {
        const { Body, ETag } = await client.send(
          new sdk.GetObjectCommand({ Bucket: bucket, Key: pathOf(key) }),
        );
        if (Body === undefined || ETag === undefined) throw new Error('the answer has no content or no ETag');
        const content = await Body.transformToString('utf-8');
        const end = content.indexOf('\n');
        return { name: key.name, nonce: content.slice(0, end), text: content.slice(end + 1), version: ETag };
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined;
        throw error;
      }
    });

  const namesOf = (group: string): Promise<string[]> =>
    call('ListBucket', async (sdk, client) => {
      const Prefix = `${folder}${group}/`;
      const names: string[] = [];
      for await (const { Contents = [] } of sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix }))
        names.push(...Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(Prefix.length)])));
      return names.filter((name) => name !== '' && !name.includes('/')).sort();
    });

  const adapter: DocumentAdapter = {
    name: store,
    maxOctets: MAX_OCTETS,
    read,
    async list(group) {
      const names = await namesOf(group);
      const found: WrittenDocument[] = [];
      for (let i = 0; i < names.length; i += AT_A_TIME) {
        const some = await Promise.all(names.slice(i, i + AT_A_TIME).map((name) => read({ group, name })));
        found.push(...some.filter((one) => one !== undefined));
      }
      return found;
    },
    async last(group) {
      const name = (await namesOf(group)).at(-1);
      return name === undefined ? undefined : read({ group, name });
    },
    remove: (key) =>
      call('DeleteObject', async (sdk, client) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: pathOf(key) }));
      }),
    async put(key, text, nonce, expected) {
      const { sdk, client } = await connect();
      try {
        const { ETag } = await client.send(
          new sdk.PutObjectCommand({
            Bucket: bucket,
            Key: pathOf(key),
            Body: `${nonce}\n${text}`,
            ContentType: 'text/plain; charset=utf-8',
            ...(expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }),
          }),
        );
        if (ETag === undefined) throw new Error('the answer has no ETag');
        return { version: ETag };
      } catch (error) {
        const { name, $metadata } = error as SdkError;
        // 412: another version is there. 409: somebody writes at this moment. 404: it was deleted meanwhile.
        if ($metadata?.httpStatusCode === 412 || name === 'ConditionalRequestConflict') return 'refused';
        if (name === 'NoSuchKey') return 'refused';
        throw error;
      }
    },
    isUnclear: (error) => !isRefusal(error),
    errorOf: (error) => stateError(error, about('PutObject')),
  };
  return settledStore(adapter, pause);
}
