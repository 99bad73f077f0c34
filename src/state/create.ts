/** Making the place of shared state. */
import { AppError } from '../platform/errors.js';
import { connectDynamoDb, ITEM, tableCall } from './dynamodb.js';
import { stateError, type StateAccess } from './connect.js';

/** How long a new table is waited for, in seconds: it takes some ten. */
const PATIENCE_S = 120;

/** What a table needs, as CreateTable and CloudFormation have it. */
const TABLE = {
  BillingMode: 'PAY_PER_REQUEST',
  DeletionProtectionEnabled: true,
  KeySchema: [
    { AttributeName: ITEM.group, KeyType: 'HASH' },
    { AttributeName: ITEM.name, KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: ITEM.group, AttributeType: 'S' },
    { AttributeName: ITEM.name, AttributeType: 'S' },
  ],
} as const;

/** Whether the table was made now, or was there and fits. */
export type CreatedTable = 'created' | 'exists';

/**
 * Creates a table and waits until it can be used; leaves one alone that is there.
 * @param table a name or an ARN
 * @throws AppError `AccessDenied`, and `StateUnavailable` for a table with another key
 */
export async function createTable(table: string, access: StateAccess): Promise<CreatedTable> {
  const { sdk, client } = await connectDynamoDb(table, access);
  const describe = async () => {
    try {
      return (await client.send(new sdk.DescribeTableCommand({ TableName: table }))).Table;
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return undefined;
      throw stateError(error, tableCall(table, 'DescribeTable'));
    }
  };
  const create = async (): Promise<CreatedTable> => {
    try {
      await client.send(
        new sdk.CreateTableCommand({
          ...TABLE,
          KeySchema: [...TABLE.KeySchema],
          AttributeDefinitions: [...TABLE.AttributeDefinitions],
          TableName: table,
        }),
      );
      return 'created';
    } catch (error) {
      // Another machine was quicker.
      if ((error as Error).name === 'ResourceInUseException') return 'exists';
      throw stateError(error, tableCall(table, 'CreateTable'));
    }
  };
  const there = await describe();
  const result = there === undefined ? await create() : 'exists';
  try {
    await sdk.waitUntilTableExists(
      { client, maxWaitTime: PATIENCE_S, minDelay: 1, maxDelay: 5 },
      { TableName: table },
    );
  } catch (error) {
    throw stateError(error, tableCall(table, 'DescribeTable'));
  }
  const { KeySchema = [] } = (await describe()) ?? {};
  const names = (keys: readonly { AttributeName?: string | undefined }[]): string =>
    keys.map(({ AttributeName }) => AttributeName).join(', ');
  if (names(KeySchema) !== names(TABLE.KeySchema)) {
    throw new AppError(
      'StateUnavailable',
      `${tableCall(table, '').store} exists and has the key ${names(KeySchema)}, not ${names(TABLE.KeySchema)}`,
      { hint: 'specify another name, or delete that table' },
    );
  }
  return result;
}

/** The name in a table's ARN. */
const nameOf = (table: string): string => table.split(':table/').at(-1) ?? table;

/** A CloudFormation template, as JSON. */
export function tableTemplate(table: string): string {
  return template('State', {
    Type: 'AWS::DynamoDB::Table',
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: { TableName: nameOf(table), ...TABLE },
  });
}

/** A CloudFormation template, as JSON, of a bucket that nobody else reads. */
export function bucketTemplate(bucket: string): string {
  return template('State', {
    Type: 'AWS::S3::Bucket',
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketName: bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    },
  });
}

const template = (name: string, resource: object): string =>
  JSON.stringify(
    {
      AWSTemplateFormatVersion: '2010-09-09',
      Description: 'State of apigw-cert: rotations, leases and notifications',
      Resources: { [name]: resource },
    },
    null,
    2,
  );
