/** `npm run lab`: every case on every server, rotations and reloads under traffic. Writes docs/compatibility.md. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KINDS, startJavaClient, type JavaClient } from '../lab/java-client.js';
import { LISTS, mintCallers, whoIsLetIn, type Callers } from '../lab/matrix.js';
import {
  compatibilityPage,
  isRight,
  isRightForJava,
  type LabResults,
  type MatrixRow,
} from '../lab/report.js';
import { changeUnderPosts, reloadUnderLoad, rotateUnderTraffic } from '../lab/rotation.js';
import { findServers, type Form, type LabServer } from '../lab/servers.js';

const PAGE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'compatibility.md');
const { servers, missing } = await findServers();
const rows: MatrixRow[] = [];
const rotations: LabResults['rotations'][number][] = [];
const reloads: LabResults['reloads'][number][] = [];
const changes: LabResults['changes'][number][] = [];
let callers: Callers;
let java: JavaClient;

/** Those that have to be told of a change by a reload of the whole server. */
const RELOADED = ['nginx', 'haproxy', 'apache', 'caddy'];

/** Those that close idle connections when they are reloaded, and offer nothing against it in these versions. */
const LOSES_POSTS = ['nginx', 'apache', 'caddy'];

beforeAll(async () => {
  [callers, java] = await Promise.all([mintCallers(), startJavaClient()]);
});
afterAll(async () => {
  await java.close();
  // A part of it (`-t`) is no page.
  const cases = servers.reduce((sum, { forms }) => sum + forms.length * LISTS.length, 0);
  if (rows.length < cases || rotations.length < having('ours').length || reloads.length < RELOADED.length)
    return;
  writeFileSync(PAGE, compatibilityPage({ rows, rotations, reloads, changes, missing }));
});

const having = (form: Form) =>
  servers
    .filter(({ forms }) => forms.includes(form))
    .map((server): [string, LabServer] => [server.name, server]);

async function measure(server: LabServer, form: Form): Promise<MatrixRow[]> {
  const measured: MatrixRow[] = [];
  for (const list of LISTS) {
    const { node, java: byJava = new Map() } = await whoIsLetIn(server, form, list, callers, java);
    measured.push({ server, form, list, letIn: node, java: byJava });
  }
  rows.push(...measured);
  return measured;
}

describe('the matrix', () => {
  test.each(having('ours'))('%s, our configuration', async (_name, server) => {
    const measured = await measure(server, 'ours');
    const wrong = measured.filter((row) => !isRight(row) || !isRightForJava(row));
    expect(wrong.map(({ list, letIn, java: byJava }) => ({ list, letIn, byJava }))).toEqual([]);
  });

  // Whatever it shows is the result; what may never be is a stranger.
  test.each(having('naive'))('%s, a CA bundle', async (_name, server) => {
    for (const { letIn } of await measure(server, 'naive')) {
      expect(letIn).not.toContain('impostor');
      expect(letIn).not.toContain('none');
    }
  });
});

describe('under traffic', () => {
  test.each(having('ours'))('%s is rotated without a failed request', async (_name, server) => {
    const result = await rotateUnderTraffic(server);
    rotations.push({ server, ...result });
    expect(result).toMatchObject({ outcome: 'completed', failed: [] });
    expect(result.requests).toBeGreaterThan(100);
  });

  test.each(having('ours').filter(([name]) => RELOADED.includes(name)))(
    '%s is reloaded without a failed request',
    async (_name, server) => {
      const result = await reloadUnderLoad(server, callers.new);
      reloads.push({ server, ...result });
      expect(result.failed).toEqual([]);
      expect(result.requests / result.seconds).toBeGreaterThan(200);
    },
  );

  // How many are lost is the result; some servers offer no way without.
  test.each(having('ours'))(
    '%s is changed while Java sends POSTs on kept connections',
    async (name, server) => {
      for (const kind of KINDS) {
        const result = await changeUnderPosts(server, {
          java,
          kind,
          identity: callers.new,
          other: callers.old,
        });
        changes.push({ server, kind, ...result });
        expect(result.requests).toBeGreaterThan(20);
        if (!LOSES_POSTS.includes(name)) expect(result).toMatchObject({ failedPosts: 0, failedGets: 0 });
      }
    },
  );
});
