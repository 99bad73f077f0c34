/** Configurations of Caddy that are easily taken for something else: what the real server did, and the verdict on it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lintBackend, type LintReport } from '../../src/commands/backend/lint/run.js';
import { isInstalled } from '../support/real-server.js';
import { compareCaddy } from './lab/caddy.js';
import { type Cast, castIn } from './lab/callers.js';
import { type App, freePlace, startApp } from './lab/calls.js';

interface Case {
  /** Sites; `@CERT@` is the server's certificate and key, `@A@` and `@B@` the SHA-256 of listed certificates. */
  sites: string;
  options?: string;
  /** Of each listener, in their order. */
  verdicts: string[];
  codes?: string[];
  /** Caddy 2.6 does not know what is written there. */
  isNewer?: true;
}

const tls = (...lines: string[]): string => `tls @CERT@ {\n client_auth {\n ${lines.join('\n ')}\n }\n }`;

const PINNED = `@listed vars {tls_client_fingerprint} @A@ @B@`;

const CASES: Readonly<Record<string, Case>> = {
  'one line for each certificate: Go tries all of one subject': {
    sites: `a.test {\n ${tls('mode require_and_verify', 'trusted_ca_cert_file @FILES@/trust-a.pem', 'trusted_ca_cert_file @FILES@/trust-b.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces'],
  },
  'two certificates in one file: the first alone is loaded': {
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-two.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['trap'],
    codes: ['FirstOfFile'],
  },
  'a real authority first in the file': {
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-mixed2.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['open'],
    codes: ['CaTrustedWithoutName'],
  },
  'leaf certificates under mode require: dates are not checked': {
    sites: `a.test {\n ${tls('mode require', 'trusted_leaf_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['open'],
    codes: ['AdmitsExpired'],
  },
  'leaf certificates alone, verified: nobody is admitted': {
    sites: `a.test {\n ${tls('mode require_and_verify', 'trusted_leaf_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces'],
    codes: ['NobodyAdmitted'],
  },
  'mode require without anything to trust': {
    sites: `a.test {\n ${tls('mode require')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['open'],
  },
  'an empty client_auth asks for nothing': {
    sites: `a.test {\n ${tls('')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['open'],
  },
  'listed callers are handled, the others get 200 without a body': {
    sites: `a.test {\n ${tls('mode request')}\n ${PINNED}\n handle @listed {\n reverse_proxy 127.0.0.1:@APP@\n }\n}`,
    verdicts: ['open'],
  },
  'neighbouring blocks of one matcher both run': {
    sites: `a.test {\n ${tls('mode verify_if_given', 'trusted_ca_cert_file @FILES@/trust-a.pem')}\n @other not vars {tls_client_fingerprint} @A@\n handle @other {\n header X-Other 1\n }\n handle @other {\n respond 403\n }\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces'],
  },
  'an expression that fails is an error, and refuses': {
    sites: `a.test {\n ${tls('mode verify_if_given', 'trusted_ca_cert_file @FILES@/trust-a.pem')}\n @known expression {tls_client_fingerprint}.startsWith("@A@")\n route {\n reverse_proxy @known 127.0.0.1:@APP@\n respond 403\n }\n}`,
    verdicts: ['enforces'],
  },
  'the same with an error page: it is sent with 200': {
    sites: `a.test {\n ${tls('mode verify_if_given', 'trusted_ca_cert_file @FILES@/trust-a.pem')}\n @known expression {tls_client_fingerprint}.startsWith("@A@")\n route {\n reverse_proxy @known 127.0.0.1:@APP@\n respond 403\n }\n handle_errors {\n respond "sorry"\n }\n}`,
    verdicts: ['open'],
  },
  'a subject is asked for something: Caddy gives up on the whole expression': {
    sites: `a.test {\n ${tls('mode require')}\n @known \`{tls_client_subject}.startsWith('CN=Api') && path('/nowhere')\`\n route {\n reverse_proxy @known 127.0.0.1:@APP@\n respond 403\n }\n}`,
    verdicts: ['enforces'],
  },
  'directives are sorted: respond comes after handle': {
    sites: `a.test {\n ${tls('mode request')}\n @other not vars {tls_client_fingerprint} @A@\n respond @other 403\n handle {\n reverse_proxy 127.0.0.1:@APP@\n }\n}`,
    verdicts: ['open'],
  },
  'in a route they are not': {
    sites: `a.test {\n ${tls('mode verify_if_given', 'trusted_ca_cert_file @FILES@/trust-a.pem')}\n @other not vars {tls_client_fingerprint} @A@\n route {\n respond @other 403\n reverse_proxy 127.0.0.1:@APP@\n }\n}`,
    verdicts: ['enforces'],
  },
  'another site is open, and its name does not open this one': {
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}\nb.test {\n tls @CERT@\n respond "hello"\n}`,
    verdicts: ['enforces', 'open'],
  },
  'it does without strict_sni_host': {
    options: 'servers {\n strict_sni_host insecure_off\n }',
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}\nb.test {\n tls @CERT@\n respond 404\n}`,
    verdicts: ['open', 'enforces'],
  },
  'the same site over http': {
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}\nhttp://a.test {\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces', 'open'],
  },
  'a site of its own under a wildcard: versions differ': {
    sites: `*.w.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}\nin.w.test {\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['cannotTell', 'enforces'],
  },
  'a snippet with an argument': {
    sites: `(mtls) {\n ${tls('trusted_ca_cert_file {args.0}')}\n}\na.test {\n import mtls @FILES@/trust-a.pem\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces'],
  },
  'the application is told, and has to decide': {
    sites: `a.test {\n ${tls('mode request')}\n reverse_proxy 127.0.0.1:@APP@ {\n header_up X-Client {tls_client_fingerprint}\n }\n}`,
    verdicts: ['cannotTell'],
  },
  'a trust pool of later versions': {
    sites: `a.test {\n ${tls('trust_pool file @FILES@/trust-two.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces'],
    isNewer: true,
  },
  'a plugin': {
    sites: `a.test {\n ${tls('mode request')}\n rate_limit {\n zone x\n }\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['cannotTell'],
    isNewer: true,
  },
  'the environment says how it asks': {
    sites: `a.test {\n ${tls('mode {$MODE:require_and_verify}', 'trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['cannotTell'],
  },
  'another authority is announced: API Gateway withholds its certificate': {
    sites: `a.test {\n ${tls('mode request', 'trusted_ca_cert_file @FILES@/trust-onlyca.pem')}\n ${PINNED}\n route {\n reverse_proxy @listed 127.0.0.1:@APP@\n respond 403\n }\n}`,
    verdicts: ['open'],
    codes: ['AdmitsExpired', 'CertificateWithheld'],
  },
  'an administration that everybody can call': {
    options: 'admin 0.0.0.0:2019',
    sites: `a.test {\n ${tls('trusted_ca_cert_file @FILES@/trust-a.pem')}\n reverse_proxy 127.0.0.1:@APP@\n}`,
    verdicts: ['enforces', 'open'],
  },
};

let folder: string;
let cast: Cast;
let app: App;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-caddy-'));
  [cast, app] = await Promise.all([castIn(folder), startApp()]);
});

afterAll(() => {
  app.close();
  rmSync(folder, { recursive: true, force: true });
});

function textOf({ sites, options = '' }: Case): string {
  return `{\n http_port @HTTP@\n https_port @HTTPS@\n ${options}\n}\n${sites}\n`
    .replaceAll('@CERT@', `${cast.serverPem} ${cast.serverKey}`)
    .replaceAll('@FILES@', folder)
    .replaceAll('@A@', cast.pins.a.sha256)
    .replaceAll('@B@', cast.pins.b.sha256);
}

async function lint(name: string, text: string): Promise<LintReport> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return lintBackend({ file, bytes: Buffer.from(text), consumer: 'openssl-ca-bundle' }, () => new Date());
}

test.each(Object.entries(CASES))('%s', async (_, each) => {
  const report = await lint(
    'Caddyfile',
    textOf(each).replace('@HTTP@', '8080').replace('@HTTPS@', '8443').replaceAll('@APP@', '3000'),
  );
  expect(report.listeners.map(({ verdict }) => verdict)).toEqual(each.verdicts);
  const codes = report.findings.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(each.codes ?? []));
});

(isInstalled('caddy') ? describe : describe.skip)('the real server', () => {
  test('does with each of them what the interpreter says', async () => {
    const sites = Object.values(CASES)
      .filter(({ isNewer }) => isNewer !== true)
      .map((each) => ({ text: textOf(each), change: 'none' as const }));
    const { configurations, disagreements } = await compareCaddy(sites, cast, app, await freePlace(3));
    expect(disagreements).toEqual([]);
    expect(configurations).toBe(sites.length);
  });
});

test('JSON is read with its lines, and files in it as a whole', async () => {
  const text = JSON.stringify(
    {
      apps: {
        http: {
          servers: {
            main: {
              listen: [':443'],
              routes: [{ handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: '127.0.0.1:3000' }] }] }],
              tls_connection_policies: [
                { client_authentication: { trusted_ca_certs_pem_files: [join(folder, 'trust-two.pem')] } },
              ],
            },
            plain: {
              listen: [':8000'],
              routes: [{ handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: '127.0.0.1:3000' }] }] }],
            },
          },
        },
      },
    },
    null,
    2,
  );
  const { listeners } = await lint('caddy.json', text);
  expect(listeners.map(({ listener, verdict, isTls }) => ({ listener, verdict, isTls }))).toEqual([
    { listener: ':443', verdict: 'enforces', isTls: true },
    { listener: ':8000', verdict: 'open', isTls: false },
  ]);
  const later = 1 + text.split('\n').findLastIndex((each) => each.includes('"handler"'));
  expect(listeners[1]?.witness?.steps.map((step) => step.line)).toEqual([later - 1]);
});

test('what cannot be read is never silence', async () => {
  const missing = await lint(
    'Caddyfile',
    'a.test {\n tls {\n client_auth {\n trusted_ca_cert_file /nowhere.pem\n }\n }\n respond "hello"\n}\n',
  );
  expect(missing.verdict).toBe('cannotTell');
  expect(missing.findings.map(({ code, line }) => ({ code, line }))).toContainEqual({
    code: 'ReferenceUnreadable',
    line: 4,
  });
  const broken = await lint('Caddyfile', 'a.test {\n reverse_proxy 127.0.0.1:3000\n');
  expect(broken.verdict).toBe('cannotTell');
});
