/** HAProxy's runtime API as it must not be: a server that says yes and does something else. The real one is in test/servers. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UNGUARDED } from '../../src/trust/gate.js';
import { syncAcl } from '../../src/trust/haproxy-runtime.js';
import { appError, outcomeOf, refusingCall } from '../contract/trust-store.contract.js';

const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)];

let folder: string;
let socket: string;
let server: Server;
/** What the list holds, and how a command changes it. */
let list: string[];
let obey: (command: string) => void;
let said: string[];

function obedient(command: string): void {
  const [verb, , , value = ''] = command.split(' ');
  list = verb === 'add' ? [...list, value] : list.filter((known) => known !== value);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-haproxy-'));
  socket = join(folder, 'admin.sock');
  list = [OLD];
  obey = obedient;
  said = [];
  server = createServer({ allowHalfOpen: true }, (connection) => {
    connection.setEncoding('utf8').on('data', (line: string) => {
      const command = line.trim();
      if (command.startsWith('show')) {
        connection.end(list.map((value, i) => `0x55${i} ${value}\n`).join('') + '\n');
        return;
      }
      said.push(command);
      obey(command);
      connection.end('\n');
    });
  }).listen(socket);
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe('a list in a running HAProxy', () => {
  test('gets what is missing before it loses what is too much, and keeps what is no SHA-256', async () => {
    list = [OLD, '10.0.0.0/8'];
    await syncAcl(socket, '/acl', [NEW], UNGUARDED);
    expect(said).toEqual([`add acl /acl ${NEW}`, `del acl /acl ${OLD}`]);
    expect(list).toEqual(['10.0.0.0/8', NEW]);
  });

  test.each([
    ['adding', [OLD, NEW], 'add'],
    ['removing', [], 'del'],
  ])('that only says yes to %s is found out', async (_what, wanted, verb) => {
    obey = () => undefined;
    const error = await appError(syncAcl(socket, '/acl', wanted, UNGUARDED));
    expect(error.code).toBe('TrustStoreFailed');
    expect(error.message).toContain('the list /acl is not what it was to be');
    expect(said).toEqual([expect.stringMatching(`^${verb} `)]);
  });

  test('is left alone from where a command may not be given', async () => {
    expect(await outcomeOf(syncAcl(socket, '/acl', [NEW], refusingCall(1).beforeEffect))).toBeInstanceOf(
      Error,
    );
    expect(said).toEqual([]);
    expect(await outcomeOf(syncAcl(socket, '/acl', [NEW], refusingCall(2).beforeEffect))).toBeInstanceOf(
      Error,
    );
    expect(said).toEqual([`add acl /acl ${NEW}`]);
  });

  test('is asked nothing where it is as it is to be', async () => {
    await syncAcl(socket, '/acl', [OLD], refusingCall(1).beforeEffect);
    expect(said).toEqual([]);
  });
});
