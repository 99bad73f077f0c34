/** Configurations that trust a CA: the printed ones, and those that lack a part of them; what lint says, and the real server does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity } from '../../src/certificates/issue.js';
import { backendConfig } from '../../src/commands/backend/config/run.js';
import { lintBackend, type LintReport } from '../../src/commands/backend/lint/run.js';
import type { ServerOptions } from '../../src/trust/server-configuration.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { recipes } from '../support/recipes.js';
import { isInstalled, type ServerKind, startServer } from '../support/real-server.js';
import { statuses } from '../support/resumed.js';

const SUBJECT = 'CN=gateway,O=Example';
const DNS = 'gateway.example.com';

let folder: string;
let authority: TestAuthority;
let generated: TestIdentity;
/** Of the CA with another name; of another CA with the right one. */
let callers: { other: Identity; forged: Identity };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-lint-ca-'));
  const [own, stranger, listed] = await Promise.all([
    mintAuthority(),
    mintAuthority(),
    mintIdentity('gen111'),
  ]);
  authority = own;
  generated = listed;
  const issued = async (ca: TestAuthority, subject: string, dnsName: string): Promise<Identity> => {
    const { chainPem: pem, privateKeyPem } = await ca.issue(subject, { dnsNames: [dnsName] });
    return { pem, privateKeyPem };
  };
  callers = {
    other: await issued(own, 'CN=other,O=Example', 'other.example.com'),
    forged: await issued(stranger, SUBJECT, DNS),
  };
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Change = (configuration: string) => string;
const without =
  (...lines: RegExp[]): Change =>
  (text) =>
    lines.reduce((rest, line) => rest.replace(line, ''), text);

/** The printed configuration and its files, changed. */
async function printed(kind: ServerKind, options: ServerOptions, change: Change): Promise<string> {
  const caFile = `${options.trustFile}-ca.pem`;
  const entry = authority.entry(kind === 'caddy' ? { san: `DNS:${DNS}` } : { subject: SUBJECT });
  const config = await backendConfig(kind, options, [generated.certificate], { caFile, entry });
  writeFileSync(caFile, config.ca?.content ?? '');
  writeFileSync(options.trustFile, config.trust.content);
  return change(config.configuration);
}

async function lint(kind: ServerKind, change: Change): Promise<LintReport> {
  const options: ServerOptions = {
    listen: '0.0.0.0:443',
    serverName: 'backend.example.com',
    certificateFile: '/etc/server.pem',
    privateKeyFile: '/etc/server.pem.key',
    trustFile: join(folder, kind),
    upstream: '127.0.0.1:8080',
  };
  const text = await printed(kind, options, change);
  const file = join(folder, `${kind}.conf`);
  return lintBackend(
    { file, bytes: Buffer.from(text), format: kind, consumer: 'openssl-ca-bundle' },
    () => new Date(),
  );
}

/** The statuses of a first and a second connection that resumes its session, under TLS 1.2. */
async function onServer(kind: ServerKind, change: Change, caller: Identity): Promise<string[]> {
  const server = await startServer(kind, [generated.certificate], {
    trustFile: recipes[kind].trustFile,
    configuration: (options) => printed(kind, options, change),
  });
  try {
    return await statuses(server.port, caller, 'TLSv1.2');
  } finally {
    await server.stop();
  }
}

// A machine without the server has nothing to call; in CI all are installed, and a skip fails the run.
const onInstalled = (kind: ServerKind) => (isInstalled(kind) ? test : test.skip);

const KINDS = ['nginx', 'haproxy', 'apache', 'caddy'] as const;

test.each(KINDS)('%s: what is printed for a CA and a name enforces, without any finding', async (kind) => {
  const { verdict, findings } = await lint(kind, (text) => text);
  expect({ verdict, findings }).toEqual({ verdict: 'enforces', findings: [] });
});

/** The same without the name. */
const NAMELESS: Record<ServerKind, Change> = {
  nginx: (text) => text.replace(/"~\^SUCCESS [^"]*"/, '"~^SUCCESS "'),
  haproxy: (text) => text.replace('apigw_verified apigw_named', 'apigw_verified'),
  apache: without(/^.*SSL_CLIENT_S_DN.*\n/m),
  caddy: (text) => text.replace(/@apigw expression .*/, '@apigw not path /nowhere'),
};

describe.each(KINDS)('%s without a check of the name', (kind) => {
  test('is reported, with the CA', async () => {
    const { verdict, findings, listeners } = await lint(kind, NAMELESS[kind]);
    expect(verdict).toBe('open');
    expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
      'CaTrustedWithoutName critical',
    ]);
    expect(findings[0]?.message).toContain('CN=Example Root, O=Example: this CA is trusted without a name');
    expect(listeners[0]?.witness).toMatchObject({
      caller: 'stranger',
      authority: 'CN=Example Root, O=Example',
    });
  });

  onInstalled(kind)('the server accepts another certificate of that CA', async () => {
    expect((await onServer(kind, NAMELESS[kind], callers.other))[0]).toBe('200');
  });
});

/** The same without a check of what was verified. */
const UNVERIFIED: Record<ServerKind, Change> = {
  nginx: (text) =>
    text.replace('"$ssl_client_verify $ssl_client_s_dn"', '$ssl_client_s_dn').replace('"~^SUCCESS ', '"~^'),
  haproxy: (text) => text.replace('apigw_verified apigw_named', 'apigw_named'),
  apache: without(/^.*SSL_CLIENT_VERIFY.*\n/m),
  caddy: (text) =>
    text
      .replace('require_and_verify', 'require')
      .replace(
        /@apigw expression .*/,
        `@apigw expression \`{http.request.tls.client.subject} == "${SUBJECT}"\``,
      ),
};

describe.each(KINDS)('%s with a name that nobody verified', (kind) => {
  test('is reported', async () => {
    const { verdict, findings } = await lint(kind, UNVERIFIED[kind]);
    expect({ verdict, findings: findings.map(({ code, severity }) => `${code} ${severity}`) }).toEqual({
      verdict: 'open',
      findings: ['Open critical'],
    });
  });
});

describe.each(['nginx', 'apache', 'caddy'] as const)('%s with a name that nobody verified', (kind) => {
  onInstalled(kind)('accepts a forged certificate', async () => {
    expect((await onServer(kind, UNVERIFIED[kind], callers.forged))[0]).toBe('200');
    // Caddy refuses it in the handshake.
    expect((await onServer(kind, (text) => text, callers.forged))[0]).toBe(kind === 'caddy' ? '' : '403');
  });
});

/** A pattern in the map that compares what was verified together with the name. */
const pattern =
  (text: string): Change =>
  (configuration) =>
    configuration.replace(/"~\^SUCCESS [^"]*"/, `"${text}"`);

describe('nginx with a loose pattern over what was verified and the name', () => {
  test.each([
    ['~^SUCCESS CN=gateway,O=Example$', 'enforces', []],
    ['~^SUCCESS CN=gateway,O=Ex[a]mple$', 'enforces', []],
    // What was not verified fits as well.
    ['~CN=gateway', 'open', ['Open']],
    ['~CN=gateway,O=Example$', 'open', ['Open']],
    ['~SUCCESS CN=gateway', 'open', ['Open']],
    ['~^.* CN=gateway,O=Example$', 'open', ['Open']],
    // Other names of the CA do.
    ['~^SUCCESS CN=gateway', 'cannotTell', ['CannotTell']],
    ['~^SUCCESS .*CN=gateway,O=Example$', 'cannotTell', ['CannotTell']],
    ['~*^SUCCESS CN=gateway,O=Example$', 'cannotTell', ['CannotTell']],
    ['SUCCESS CN=gateway,O=Example', 'cannotTell', ['CannotTell']],
    // No text is seen that fits.
    ['~^SUCCESS (?=CN=gateway).*$', 'cannotTell', ['CannotTell']],
  ])('%s', async (text, verdict, findings) => {
    const report = await lint('nginx', pattern(text));
    expect([report.verdict, report.findings.map(({ code }) => code)]).toEqual([verdict, findings]);
  });

  onInstalled('nginx')('the server accepts a forged certificate', async () => {
    expect((await onServer('nginx', pattern('~CN=gateway'), callers.forged))[0]).toBe('200');
  });
});

const CHECK = /^.*SSL_SESSION_RESUMED.*\n/m;
const TICKETS = /^ *SSLSessionTickets.*\n/m;
const TIMEOUT = /^ *SSLSessionCacheTimeout.*\n/m;
/** As many have it for all their servers. */
const cached: Change = (text) =>
  text.replace('SSLEngine on', 'SSLEngine on\n    SSLSessionCache shmcb:/run/sessions');

describe('apache with optional_no_ca', () => {
  test.each<[string, Change, boolean]>([
    ['without the check, with tickets', without(CHECK, TICKETS), true],
    ['without the check, with a cache', (text) => cached(without(CHECK, TIMEOUT)(text)), true],
    ['without the check, without tickets and cache', (text) => cached(without(CHECK)(text)), false],
    ['with the check alone', (text) => cached(without(TICKETS, TIMEOUT)(text)), false],
    [
      'without the check, with TLS 1.3 alone',
      (text) => without(CHECK, TICKETS)(text).replace('+TLSv1.2 ', ''),
      false,
    ],
  ])('%s', async (_what, change, isTrap) => {
    const { verdict, findings, listeners } = await lint('apache', change);
    expect({ verdict, findings: findings.map(({ code }) => code) }).toEqual(
      isTrap
        ? { verdict: 'open', findings: ['UnverifiedSessionResumed'] }
        : { verdict: 'enforces', findings: [] },
    );
    if (isTrap)
      expect(listeners[0]?.witness).toMatchObject({
        resumes: true,
        request: expect.stringMatching(/resumed/),
      });
  });

  onInstalled('apache').each<[string, Change, string]>([
    ['tickets', without(CHECK, TICKETS), '200'],
    ['a cache', without(CHECK, TIMEOUT), '200'],
    ['neither', without(CHECK), '403'],
    ['the check alone', without(TICKETS, TIMEOUT), '403'],
  ])('the server, with %s: a forged certificate at its second connection', async (_what, change, status) => {
    expect(await onServer('apache', change, callers.forged)).toEqual(['403', status]);
  });
});
