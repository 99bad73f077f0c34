/**
 * State in a DynamoDB table: a document is an item, its group the partition key, its name the sort key. Each write has the
 * condition that the item is absent or has the version last seen. Reads are consistent.
 */
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { regionOfTable } from '../settings/state-place.js';
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

/** The names of an item's attributes. Format of the state: changing one needs a migration. */
export const ITEM = { group: 'pk', name: 'sk', text: 'text', version: 'version' } as const;

/** An item has at most 400 KB, with the names of its attributes and its keys. */
const MAX_OCTETS = 400_000 - 2_000;

const packageName = '@aws-sdk/client-dynamodb';

/** The SDK, with a client for the table's Region. */
export async function connectDynamoDb(table: string, access: StateAccess) {
  const sdk = await optionalClient(packageName, 'StateUnavailable', () => import('@aws-sdk/client-dynamodb'));
  const config = await stateClientConfig('DynamoDB', {
    ...access,
    region: regionOfTable(table) ?? access.region,
    regionHint:
      'specify the ARN of the table (dynamodb:arn:aws:dynamodb:REGION:ACCOUNT:table/NAME), or set AWS_REGION',
  });
  return { sdk, client: new sdk.DynamoDBClient(config) };
}

/** What an error of a call on a table is about. */
export const tableCall = (table: string, action: string) => ({
  store: `the DynamoDB table ${table}`,
  action: `dynamodb:${action}`,
  resource: table.startsWith('arn:') ? table : `the table ${table}`,
  missingHint: `create it: apigw-cert state create --state dynamodb:${table}`,
});

type Item = Record<string, { S?: string | undefined }>;

function documentOf(item: Item): WrittenDocument {
  const { S: version = '' } = item[ITEM.version] ?? {};
  return { name: item[ITEM.name]?.S ?? '', text: item[ITEM.text]?.S ?? '', version, nonce: version };
}

/** Opens the table. Nothing is asked yet. @param table a name or an ARN */
export function dynamoDbStore(table: string, access: StateAccess = {}): DocumentStore {
  const connect = openedOnce(() => connectDynamoDb(table, access));
  const call = async <T>(
    action: string,
    ask: (sdk: typeof Sdk, client: Sdk.DynamoDBClient) => Promise<T>,
  ): Promise<T> => {
    const { sdk, client } = await connect();
    try {
      return await ask(sdk, client);
    } catch (error) {
      throw stateError(error, tableCall(table, action));
    }
  };
  const keyOf = ({ group, name }: DocumentKey) => ({ [ITEM.group]: { S: group }, [ITEM.name]: { S: name } });

  const query = (group: string, more: { ScanIndexForward?: boolean; Limit?: number }) =>
    call('Query', async (sdk, client) => {
      const found: WrittenDocument[] = [];
      const pages = sdk.paginateQuery(
        { client },
        {
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: '#group = :group',
          ExpressionAttributeNames: { '#group': ITEM.group },
          ExpressionAttributeValues: { ':group': { S: group } },
          ...more,
        },
      );
      for await (const { Items = [] } of pages) {
        found.push(...Items.map((item) => documentOf(item as Item)));
        if (more.Limit !== undefined && found.length >= more.Limit) break;
      }
      return found;
    });

  const adapter: DocumentAdapter = {
    name: tableCall(table, '').store,
    maxOctets: MAX_OCTETS,
    read: (key) =>
      call('GetItem', async (sdk, client) => {
        const { Item } = await client.send(
          new sdk.GetItemCommand({ TableName: table, Key: keyOf(key), ConsistentRead: true }),
        );
        return Item && documentOf(Item);
      }),
    list: (group) => query(group, {}),
    last: async (group) => (await query(group, { ScanIndexForward: false, Limit: 1 }))[0],
    remove: (key) =>
      call('DeleteItem', async (sdk, client) => {
        await client.send(new sdk.DeleteItemCommand({ TableName: table, Key: keyOf(key) }));
      }),
    async put(key, text, nonce, expected) {
      const { sdk, client } = await connect();
      try {
        await client.send(
          new sdk.PutItemCommand({
            TableName: table,
            Item: { ...keyOf(key), [ITEM.text]: { S: text }, [ITEM.version]: { S: nonce } },
            ...(expected === undefined
              ? {
                  ConditionExpression: 'attribute_not_exists(#group)',
                  ExpressionAttributeNames: { '#group': ITEM.group },
                }
              : {
                  ConditionExpression: '#version = :expected',
                  ExpressionAttributeNames: { '#version': ITEM.version },
                  ExpressionAttributeValues: { ':expected': { S: expected } },
                }),
          }),
        );
        return { version: nonce };
      } catch (error) {
        if ((error as Error).name === 'ConditionalCheckFailedException') return 'refused';
        throw error;
      }
    },
    isUnclear: (error) => !isRefusal(error),
    errorOf: (error) => stateError(error, tableCall(table, 'PutItem')),
  };
  return settledStore(adapter, pause);
}
