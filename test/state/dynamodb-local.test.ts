/** The same promises on DynamoDB Local, AWS's own implementation: `node scripts/dynamodb-local.mjs` gets it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { openState } from '../../src/rotation/journal/state.js';
import { createTable } from '../../src/state/create.js';
import { dynamoDbStore } from '../../src/state/dynamodb.js';
import { documentStoreContract } from '../contract/document-store.contract.js';
import { stateContract } from '../contract/state.contract.js';
import { useDynamoDb } from '../support/state-services.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'dynamodb-local');
let java: ChildProcess;
let restore: () => void;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

// CI gets it before the tests; elsewhere it is 56 MB that nobody need download.
(existsSync(folder) ? describe : describe.skip)('on DynamoDB Local', () => {
  beforeAll(async () => {
    const port = await freePort();
    java = spawn(
      'java',
      [
        '-Djava.library.path=DynamoDBLocal_lib',
        ...['-jar', 'DynamoDBLocal.jar', '-inMemory', '-disableTelemetry', '-port', String(port)],
      ],
      { cwd: folder, stdio: 'ignore' },
    );
    const url = `http://127.0.0.1:${port}`;
    // Anything that it answers, if only that the request was not signed.
    while (!(await fetch(url).catch(() => undefined))) {
      if (java.exitCode !== null) throw new Error('DynamoDB Local did not start');
      await delay(50);
    }
    restore = useDynamoDb(url);
    await createTable('apigw-cert', {});
  });

  afterAll(async () => {
    restore();
    java.kill('SIGKILL');
    if (java.exitCode === null && java.signalCode === null) await once(java, 'exit');
  });

  stateContract('DynamoDB Local', () => openState({ kind: 'dynamodb', table: 'apigw-cert' }));
  documentStoreContract('DynamoDB Local', () => dynamoDbStore('apigw-cert'));
});
