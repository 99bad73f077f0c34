import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse as parseYaml } from 'yaml';
import { readBundle } from '../../src/certificates/bundle.js';
import { acmClientOf, importCertificate, makePki } from '../support/acm.js';
import { mintAuthority } from '../support/authority.js';
import { recipes } from '../support/recipes.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { attachCertificate, startLab, type Lab } from '../support/emulator.js';

let lab: Lab;
let env: Record<string, string>;
let old: TestIdentity;
let next: TestIdentity;
let directory: string;
beforeAll(async () => {
  lab = await startLab();
  env = emulatorEnv(lab.emulator);
  [old, next] = await Promise.all([mintIdentity('a1b2c3', 300), mintIdentity('d4e5f6')]);
});
afterAll(() => lab.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-backend-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content = ''): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const print = ({ certificate }: TestIdentity): string => certificate.fingerprintSha256;

describe('backend add, show, remove', () => {
  test('change one trust store by an id and by files, and say what it holds', async () => {
    const list = file('pins');
    const trust = ['--trust', `haproxy:${list}`];
    const two = file('two.pem', old.certificate.pem + next.certificate.pem);
    const id = lab.certificate.id;
    const config = file(
      'apigw-cert.yaml',
      `targets:\n  orders:\n    api: orders\n    stages: [prod]\n    trust: [{ kind: haproxy, file: pins, check: ['true'], reload: ['true'] }]\n`,
    );
    const named = ['--config', config];
    const added = await cli(['backend', 'add', two, id, ...named, '--output', 'json'], { env });
    expect(added.code).toBe(0);
    const state = { trustStore: `haproxy:${list}`, state: 'known' };
    expect(added.json()).toEqual({
      items: [{ ...state, fingerprintsSha256: [print(old), print(next), lab.certificate.fingerprint] }],
    });
    const removed = await cli(['backend', 'remove', two, ...named, '--yes', '--output', 'json'], { env });
    expect(removed.json()).toEqual({
      items: [{ ...state, fingerprintsSha256: [lab.certificate.fingerprint] }],
    });
    const shown = await cli(['backend', 'show', ...trust]);
    expect(shown.stdout).toBe(`haproxy:${list}:\n  ${lab.certificate.fingerprint}\n`);
    // Again: nothing is to be done, and that is a success.
    expect((await cli(['backend', 'remove', two, '--yes', ...named])).code).toBe(0);
  });

  test('--reload runs for each store, and its failure leaves the former content', async () => {
    const one = file('one.pem', old.certificate.pem);
    const add = file('add.pem', next.certificate.pem);
    const marker = join(directory, 'reloaded');
    const words = ['backend', 'add', add, '--trust', `pem-bundle:${one}`, '--reload'];
    const failed = await cli([...words, 'echo "\u001b[31mno" >&2; false']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).not.toContain('\u001b');
    expect(readFileSync(one, 'utf8')).toBe(old.certificate.pem);
    const done = await cli([...words, `touch ${marker}`]);
    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(marker, 'utf8')).toBe('');
  });

  test('a root is added, shown and removed with the name of its certificates, and with a name alone', async () => {
    const authority = await mintAuthority();
    const list = file('list.pem', old.certificate.pem);
    const root = file('root.pem', authority.root.pem);
    const trust = ['--trust', `pem-bundle:${list}`];
    const named = ['--ca', root, '--subject', 'cn=gateway, O=Example'];
    const { fingerprintSha256 } = authority.entry({ subject: 'CN=gateway' }).ca;
    const state = { trustStore: `pem-bundle:${list}`, state: 'known', fingerprintsSha256: [print(old)] };
    const added = await cli(['backend', 'add', ...named, ...trust, '--output', 'json']);
    expect(added.json()).toEqual({
      items: [{ ...state, authorities: [{ fingerprintSha256, subject: 'CN=gateway,O=Example' }] }],
    });
    expect((await cli(['backend', 'show', ...trust])).stdout).toBe(
      `pem-bundle:${list}:\n  ${print(old)}\n  ${fingerprintSha256} subject CN=gateway,O=Example\n`,
    );
    // No other program that reads PEM sees the root.
    expect(readBundle(readFileSync(list)).certificates).toHaveLength(1);
    const held = readFileSync(list, 'utf8');
    for (const [words, said] of [
      [['--ca', root], '--ca needs --subject or --san'],
      [['--subject', 'CN=a'], '--subject and --san need --ca'],
      [[], 'no certificate was specified'],
      [['--ca', root, '--subject', 'gateway'], 'cannot be compared: "gateway" is not TYPE=VALUE'],
      [['--ca', file('issuing.pem', authority.issuing.pem), '--subject', 'CN=a'], 'is not a root'],
      [['--ca', file('old.pem', old.certificate.pem), '--subject', 'CN=a'], 'is not the certificate of a CA'],
      [
        ['--ca', file('two.pem', authority.root.pem + authority.issuing.pem), '--subject', 'CN=a'],
        'does not hold one certificate',
      ],
      [['--ca', join(directory, 'none.pem'), '--subject', 'CN=a'], 'does not exist'],
      [[list], 'holds a root with a name'],
    ] as const) {
      const refused = await cli(['backend', 'add', ...words, ...trust]);
      expect({ said: refused.stderr.includes(said), code: refused.code === 0 }).toEqual({
        said: true,
        code: false,
      });
    }
    const both = ['--trust', `pem-bundle:${list}`, '--trust', `directory:${directory}`];
    const unable = await cli(['backend', 'add', '--ca', root, '--subject', 'CN=other', ...both]);
    expect(unable.stderr).toContain(`directory:${directory} cannot hold a root with a name`);
    expect(readFileSync(list, 'utf8')).toBe(held);
    expect(
      (await cli(['backend', 'remove', ...named, ...trust, '--yes', '--output', 'json'])).json(),
    ).toEqual({
      items: [state],
    });
    expect(readFileSync(list, 'utf8')).toBe(old.certificate.pem);
  });

  test('of several stores, those that are done are named when one fails; run again, it goes on', async () => {
    const [one, two] = [file('one'), join(directory, 'two')];
    const add = file('add.pem', next.certificate.pem);
    const words = ['backend', 'add', add, '--trust', `pem-bundle:${one}`, '--trust', `pem-bundle:${two}`];
    const failed = await cli(words);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/two does not exist; already changed: pem-bundle:.*one\n/);
    file('two');
    expect((await cli(words)).code).toBe(0);
    expect(readFileSync(two, 'utf8')).toContain(next.certificate.pem);
  });

  test('after a reload that failed, show says what the file holds, that it may not be in use, why, and what to do', async () => {
    const list = file('list', old.certificate.pem);
    const add = file('add.pem', next.certificate.pem);
    const trust = ['--trust', `pem-bundle:${list}`];
    const failed = await cli(['backend', 'add', add, ...trust, '--reload', 'echo "no route" >&2; exit 3']);
    expect(failed.stderr).toContain('the former content is back, but reloading it failed as well');
    const shown = await cli(['backend', 'show', ...trust]);
    expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 1, stderr: '' });
    const [name, held, unfinished, fix] = shown.stdout.split('\n');
    expect([name, held]).toEqual([`pem-bundle:${list}:`, `  ${print(old)}`]);
    expect(unfinished).toMatch(
      /^ {2}unfinished since 20\S+Z: the server may not have loaded this change: the former content was restored, but reloading it failed: .*exited with 3: no route$/,
    );
    expect(fix).toContain('fix: make its check and reload commands work');
    const { code, json } = await cli(['backend', 'show', ...trust, '--output', 'json']);
    expect(code).toBe(1);
    expect(json()).toMatchObject({
      items: [{ state: 'unfinished', fingerprintsSha256: [print(old)], reason: expect.any(String) }],
    });
    // Adding what it holds reloads it.
    const mended = await cli([
      'backend',
      'add',
      file('old.pem', old.certificate.pem),
      ...trust,
      '--reload',
      'true',
    ]);
    expect(mended.code).toBe(0);
    const again = await cli(['backend', 'show', ...trust]);
    expect({ code: again.code, stdout: again.stdout }).toEqual({
      code: 0,
      stdout: `pem-bundle:${list}:\n  ${print(old)}\n`,
    });
  });

  test('what cannot be looked into is unknown, and says why', async () => {
    const shown = await cli(['backend', 'show', '--trust', 'manual']);
    expect({ code: shown.code, stdout: shown.stdout }).toEqual({
      code: 0,
      stdout: 'manual: unknown: a person changes it, and only that person can look into it\n',
    });
    const json = await cli(['backend', 'show', '--trust', 'manual', '--output', 'json']);
    expect(json.json()).toMatchObject({ items: [{ state: 'unknown' }] });
    expect(json.stdout).not.toContain('fingerprintsSha256');
  });

  test.each([
    [
      ['backend', 'show', '--trust', 'nowhere'],
      2,
      /--trust "nowhere": unknown kind of trust store "nowhere"\n  fix: specify nginx:FILE/,
    ],
    [['backend', 'show', '--trust', 'lighttpd'], 2, /lighttpd cannot hold the old and the new/],
    [['backend', 'show', '--trust', 'nginx:/nonexistent/f'], 1, /does not exist\n {2}fix: /],
    [['backend', 'show', '--trust', 'manual', '--target', 'x'], 2, /cannot be used together/],
    [['backend', 'show'], 2, /no trust store was specified\n {2}fix: add --trust/],
    [['backend', 'add', '/nonexistent/x.pem', '--trust', 'manual'], 1, /does not exist/],
    [['backend', 'add', '/etc/passwd', '--trust', 'manual'], 1, /holds no certificate/],
  ])('%j', async (words, code, said) => {
    const result = await cli(words, { env });
    expect(result.stderr).toMatch(said);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
  });

  test('a private key is refused and not printed', async () => {
    const list = file('list');
    const key = file('key.pem', next.certificate.pem + next.privateKeyPem);
    const { code, stderr } = await cli(['backend', 'add', key, '--trust', `pem-bundle:${list}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/holds a private key/);
    expect(stderr).not.toContain(next.privateKeyPem.split('\n')[1]);
    expect(readFileSync(list, 'utf8')).toBe('');
  });
});

describe('backend config', () => {
  const defaultsOf = (server: string) => ({
    listen: '0.0.0.0:443',
    serverName: 'backend.example.com',
    certificateFile: '/etc/apigw-cert/server.pem',
    privateKeyFile: '/etc/apigw-cert/server.pem.key',
    trustFile: `/etc/apigw-cert/trusted-${server}`,
    upstream: '127.0.0.1:8080',
  });

  test('prints what compares the name of a certificate of a CA, or refuses a name that the server cannot compare', async () => {
    const authority = await mintAuthority();
    const root = file('root.pem', authority.root.pem);
    const listed = ['--file', file('old.pem', old.certificate.pem), '--output', 'json'];
    const config = async (server: string, ...name: string[]) =>
      (await cli(['backend', 'config', server, '--ca', root, ...name, ...listed])).json() as {
        configuration: string;
        trust: { content: string };
        ca?: { file: string; content: string };
      };
    const nginx = await config('nginx', '--subject', 'CN=a.b,O=Example');
    expect(nginx.ca?.file).toBe('/etc/apigw-cert/ca-nginx.pem');
    expect(
      readBundle(Buffer.from(nginx.ca?.content ?? '')).certificates.map(({ certificate }) => certificate.pem),
    ).toEqual([authority.root.pem, old.certificate.pem]);
    expect(nginx.configuration).toContain('"~^SUCCESS \\x43\\x4E\\x3D\\x61\\x2E\\x62\\x2C');
    const node = await config('node', '--subject', 'CN=a.b', '--san', 'DNS:a.b');
    expect(node.ca).toBeUndefined();
    expect(
      readBundle(Buffer.from(node.trust.content)).authorities.map(({ authority: { subject, san } }) => [
        subject,
        san,
      ]),
    ).toEqual([['CN=a.b', 'DNS:a.b']]);
    for (const [server, name, said] of [
      ['nginx', ['--san', 'DNS:a.b'], 'compares subjects only'],
      ['caddy', ['--subject', 'CN=a'], 'compares a DNS name'],
      ['envoy', ['--subject', 'CN=a'], 'there is no configuration of envoy'],
      ['nginx', [], '--ca needs --subject or --san'],
    ] as const) {
      const refused = await cli(['backend', 'config', server, '--ca', root, ...name]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
    }
  });

  test('prints the recipe and the list, of the certificate that a stage presents and of files', async () => {
    const path = file('old.pem', old.certificate.pem);
    const { json } = await cli(
      ['backend', 'config', 'nginx', '--stage', 'orders/prod', '--file', path, '--output', 'json'],
      { env },
    );
    const config = json() as { trust: { content: string }; configuration: string };
    expect(config).toMatchObject({
      configuration: await recipes.nginx.configuration(defaultsOf('nginx')),
      trust: { trustStore: 'nginx:/etc/apigw-cert/trusted-nginx' },
      proved: expect.stringContaining('nginx 1.22'),
    });
    const entries = config.trust.content.split('\n').filter((line) => line.startsWith('"~^-----BEGIN'));
    expect(entries).toHaveLength(2);
    expect(config.trust.content).toContain(lab.certificate.id);
  });

  test('of a stage that presents an ACM certificate needs the root and the name that it has', async () => {
    const pki = await makePki();
    const acm = acmClientOf(lab.emulator);
    const arn = await importCertificate(acm, await pki.leaf(), { chain: pki.issuing.pem });
    acm.destroy();
    await attachCertificate(lab.client, lab.api, arn);
    try {
      const [root, other] = [file('root.pem', pki.root.pem), file('other.pem', (await makePki()).root.pem)];
      const config = (...words: string[]) =>
        cli(['backend', 'config', 'nginx', '--stage', 'orders/prod', '--output', 'json', ...words], { env });
      const covered = await config('--ca', root, '--subject', 'CN=orders-gateway');
      expect(covered.json()).toMatchObject({ trust: { content: expect.not.stringContaining('BEGIN') } });
      expect((await config()).json()).toMatchObject({
        error: {
          code: 'CertificateOfAcm',
          hint: "add both: --ca FILE --subject 'CN=orders-gateway'",
          details: { clientCertificateId: arn },
        },
      });
      for (const [ca, name] of [
        [other, 'CN=orders-gateway'],
        [root, 'CN=orders'],
      ] as const) {
        const refused = await config('--ca', ca, '--subject', name);
        expect(refused.code).toBe(1);
        expect(refused.json()).toMatchObject({ error: { code: 'CertificateUnsuitable' } });
      }
    } finally {
      await attachCertificate(lab.client, lab.api, lab.certificate.id);
    }
  });

  test.each(['configuration', 'trust-file'] as const)(
    '--only %s is that file and nothing else',
    async (part) => {
      const path = file('old.pem', old.certificate.pem);
      const { stdout, stderr } = await cli(['backend', 'config', 'envoy', '--file', path, '--only', part]);
      expect(parseYaml(stdout)).toHaveProperty(part === 'configuration' ? 'static_resources' : 'resources');
      expect(stderr).toMatch(
        /^warning: the configuration for envoy is based on its documentation and untested/,
      );
    },
  );

  test('what is printed for Caddy is indented by tabs, as it is written', async () => {
    const path = file('old.pem', old.certificate.pem);
    const { stdout } = await cli(['backend', 'config', 'caddy', '--file', path, '--only', 'configuration']);
    expect(stdout).toBe(await recipes.caddy.configuration(defaultsOf('caddy')));
  });

  test('an empty list is warned of', async () => {
    const { stderr, code } = await cli(['backend', 'config', 'haproxy']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/the list is empty/);
  });

  test.each([
    [['--listen', '127.0.0.1:1;}\nserver {'], /listen holds characters/],
    [['--server-name', "a'b"], /serverName holds characters/],
    [['--trust-file', '/a b'], /trustFile holds characters/],
    [['--api', 'orders'], /--api needs --stage/],
  ])('%j is refused', async (words, said) => {
    const { code, stdout, stderr } = await cli(['backend', 'config', 'node', ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
  });
});
