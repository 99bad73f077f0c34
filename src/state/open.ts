import type { StatePlace } from '../settings/state-place.js';
import type { StateAccess } from './connect.js';
import type { DocumentStore } from './documents.js';

/** Opens a store that machines share. Nothing is asked yet. */
export async function openStore(
  place: Exclude<StatePlace, { kind: 'folder' }>,
  access: StateAccess,
): Promise<DocumentStore> {
  if (place.kind === 'dynamodb') {
    const { dynamoDbStore } = await import('./dynamodb.js');
    return dynamoDbStore(place.table, access);
  }
  const { s3Store } = await import('./s3.js');
  return s3Store(place.bucket, place.prefix, access);
}
