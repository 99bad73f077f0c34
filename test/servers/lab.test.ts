/** A sample of `npm run lab`: the state in the middle of a rotation, on every server that the machine has. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { missingForJava, startJavaClient, type JavaClient } from '../lab/java-client.js';
import { JAVA_VARIANTS, mintCallers, whoIsLetIn, type Callers } from '../lab/matrix.js';
import { findServers } from '../lab/servers.js';

const { servers, missing } = await findServers();
let callers: Callers;
let java: JavaClient | undefined;
beforeAll(async () => {
  callers = await mintCallers();
  if (missingForJava().length === 0) java = await startJavaClient();
});
afterAll(() => java?.close());

/** Not on OpenSSL, or told to accept partial chains: these read a CA bundle as a list. Expired ones pass Java's. */
const READS_LISTS: Readonly<Record<string, readonly string[]>> = { Java: ['old', 'new', 'expired'] };

describe('with the old and the new certificate, and an expired one, in the list', () => {
  test.each(
    servers.filter(({ forms }) => forms.includes('ours')).map((server) => [server.name, server] as const),
  )('%s with our configuration lets in the old and the new, and nobody else', async (_name, server) => {
    const letIn = ['old', 'new'];
    expect(await whoIsLetIn(server, 'ours', ['old', 'new'], callers, java)).toEqual({
      node: letIn,
      ...(java ? { java: new Map(JAVA_VARIANTS.map((variant) => [variant, letIn])) } : {}),
    });
  });

  test.each(
    servers.filter(({ forms }) => forms.includes('naive')).map((server) => [server.name, server] as const),
  )('%s with a CA bundle shows the trap, or does not', async (name, server) => {
    expect(await whoIsLetIn(server, 'naive', ['old', 'new'], callers)).toEqual({
      node: READS_LISTS[name] ?? ['old'],
    });
  });
});

// A machine without a server has nothing to test; in CI all are installed, and a skip fails the run.
for (const file of missingForJava()) test.skip(`${file} is missing: the Java client`, () => undefined);
for (const { name, reason } of missing) test.skip(`${name} is missing: ${reason}`, () => undefined);
