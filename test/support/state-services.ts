/** What shared state is kept in: a folder, DynamoDB with the table `apigw-cert`, and a bucket of S3. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable } from '../../src/state/create.js';
import { startDynamoDb, type DynamoDb } from './dynamodb.js';
import { startS3Double, type S3Double } from './s3-double.js';

export interface StateServices {
  db: DynamoDb;
  s3: S3Double;
  folder: string;
  close: () => Promise<void>;
}

/** Has the SDK of this process reach nothing but a DynamoDB at `url`. @returns sets the environment back */
export function useDynamoDb(url: string, more: Readonly<Record<string, string>> = {}): () => void {
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_CONFIG_FILE: join(tmpdir(), 'apigw-cert-none'),
    AWS_SHARED_CREDENTIALS_FILE: join(tmpdir(), 'apigw-cert-none'),
    ...more,
  });
  return () => {
    process.env = before;
  };
}

/** Starts them, and has the SDK of this process reach them until they are closed. */
export async function startStateServices(bucket: string): Promise<StateServices> {
  const [db, s3] = await Promise.all([startDynamoDb(), startS3Double()]);
  s3.buckets.add(bucket);
  const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-state-'));
  const restore = useDynamoDb(db.url, { AWS_ENDPOINT_URL_S3: s3.url });
  await createTable('apigw-cert', {});
  return {
    db,
    s3,
    folder,
    async close() {
      restore();
      await db.close();
      s3.close();
      await rm(folder, { recursive: true });
    },
  };
}
