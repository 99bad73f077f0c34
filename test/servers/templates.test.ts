/** Each configuration that `backend config` prints, checked by the tool of its server. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse as parseYaml } from 'yaml';
import { BACKEND_SERVERS } from '../../src/trust/servers.js';
import { mintIdentity } from '../support/certificates.js';
import { recipe, type ServerOptions } from '../support/recipes.js';
import { isInstalled, startServer, type ServerKind } from '../support/real-server.js';

const OPTIONS: ServerOptions = {
  listen: '127.0.0.1:8443',
  serverName: 'orders.example.com',
  certificateFile: '/etc/apigw-cert/server.pem',
  privateKeyFile: '/etc/apigw-cert/server.pem.key',
  trustFile: '/etc/apigw-cert/trusted',
  upstream: '127.0.0.1:8080',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apigw-cert-templates-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Programs and what checks their source, given the file. */
const SOURCES = {
  node: { file: 'server.mjs', tool: [process.execPath, '--check'] },
  express: { file: 'express.mjs', tool: [process.execPath, '--check'] },
  python: { file: 'server.py', tool: ['python3', '-m', 'py_compile'] },
  go: { file: 'server.go', tool: ['gofmt', '-l'] },
  java: { file: 'Backend.java', tool: ['javac', '-Xlint:all', '-Xlint:-serial', '-d', '.'] },
} as const satisfies Record<string, { file: string; tool: readonly [string, ...string[]] }>;

const WEB = ['nginx', 'haproxy', 'apache', 'caddy'] as const satisfies readonly ServerKind[];
const YAML = ['envoy', 'traefik'];

test('every server is checked here', () => {
  expect([...WEB, ...YAML, ...Object.keys(SOURCES)].toSorted()).toEqual(
    BACKEND_SERVERS.map(({ name }) => name).toSorted(),
  );
});

test.each(BACKEND_SERVERS.map(({ name }) => name))('%s: every placeholder is filled in', async (name) => {
  const text = await recipe(name).configuration(OPTIONS);
  expect(text).not.toMatch(/\{\{|\}\}\w|undefined/);
  expect(text).toContain(OPTIONS.trustFile);
});

for (const [name, { file, tool }] of Object.entries(SOURCES)) {
  const [program, ...args] = tool;
  const isThere = spawnSync(program, ['--version']).error === undefined;
  (isThere ? test : test.skip)(`${name}: ${file} passes ${program} ${args.join(' ')}`, async () => {
    await writeFile(join(folder, file), await recipe(name).configuration(OPTIONS));
    const { status, stdout, stderr } = spawnSync(program, [...args, file], { cwd: folder, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });
}

for (const kind of WEB) {
  (isInstalled(kind) ? test : test.skip)(`${kind}: passes the server's own check`, async () => {
    // Caddy does not start with an empty list.
    const { certificate } = await mintIdentity('a1b2c3');
    const server = await startServer(kind, [certificate]);
    try {
      const [program = '', ...args] = server.trust.check ?? [];
      expect(program).not.toBe('');
      execFileSync(program, args, { stdio: 'pipe' });
    } finally {
      await server.stop();
    }
  });
}

test.each(YAML)('%s: is YAML, with the list and the certificate in place', async (name) => {
  const text = JSON.stringify(parseYaml(await recipe(name).configuration(OPTIONS)));
  expect(text).toContain(OPTIONS.certificateFile);
  expect(text).toContain(OPTIONS.upstream.split(':')[1]);
});
