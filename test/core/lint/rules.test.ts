import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lintApache } from '../../../src/core/lint/apache-rules.js';
import type { LintResult, LintSource } from '../../../src/core/lint/finding.js';
import { lintHaproxy, lintHaproxyPins } from '../../../src/core/lint/haproxy-rules.js';
import { lintNginx } from '../../../src/core/lint/nginx-rules.js';

const nothing = (): undefined => undefined;
const source = (text: string): LintSource => ({ file: 'conf', text });
const nginx = (text: string): LintResult => lintNginx(source(text), nothing);
const apache = (text: string): LintResult => lintApache(source(text), nothing);
const haproxy = (text: string): LintResult => lintHaproxy(source(text));

const codes = ({ findings }: LintResult): string[] => findings.map(({ code, line }) => `${code} ${line}`);

const PIN_MAP = 'map $ssl_client_escaped_cert $ok { default ""; "-----BEGIN%20CERTIFICATE" a; }';

describe('nginx', () => {
  test.each([
    ['server { listen 80; }', ['NothingAsked 1']],
    ['server { ssl_verify_client off; }', ['NothingAsked 1']],
    ['server {\n ssl_verify_client optional;\n}', ['OptionalUnchecked 2']],
    ['http {\n ssl_verify_client optional;\n server { listen 443 ssl; }\n}', ['OptionalUnchecked 2']],
    ['server { ssl_verify_client optional; if ($ssl_client_verify != SUCCESS) { return 403; } }', []],
    [
      'server { ssl_verify_client optional; location / { if ($ssl_client_verify = NONE) { return 403; } } }',
      [],
    ],
    [
      'server { ssl_verify_client optional; proxy_set_header X-Verify $ssl_client_verify; }',
      ['CheckLeftToUpstream 1'],
    ],
    ['ssl_verify_client optional_no_ca;', ['UnpinnedAnyIssuer 1']],
    [
      'server { ssl_verify_client optional_no_ca; if ($ssl_client_verify = NONE) { return 403; } }',
      ['UnpinnedAnyIssuer 1'],
    ],
    ['server { ssl_verify_client optional_no_ca; if ($ssl_client_verify != SUCCESS) { return 403; } }', []],
    [
      'server { ssl_verify_client optional_no_ca; if ($ssl_client_s_dn != "CN=ApiGateway,L=Seattle,C=US") { return 403; } }',
      ['WeakPin 1'],
    ],
    [
      'map $ssl_client_serial $ok { default ""; 01 a; } server { ssl_verify_client optional_no_ca; if ($ok = "") { return 403; } }',
      ['WeakPin 1'],
    ],
    [
      'server { ssl_verify_client optional_no_ca; if ($ssl_client_fingerprint != "ab") { return 403; } }',
      ['Sha1Pin 1'],
    ],
    [`${PIN_MAP}\nserver { ssl_verify_client optional_no_ca; }`, ['UnpinnedAnyIssuer 2']],
    [`${PIN_MAP}\nserver { ssl_verify_client optional_no_ca; if ($ok = "") { return 403; } }`, []],
    [
      `js_set $who main.who;\nserver { ssl_verify_client optional_no_ca; if ($who = "") { return 403; } }`,
      [],
    ],
    ['map $ssl_client_escaped_cert $ok {\n default "";\n "" anybody;\n}', ['EmptyKeyAdmits 3']],
    ["map $ssl_client_escaped_cert $ok {\n default 0;\n '' anybody;\n}", ['EmptyKeyAdmits 3']],
    ['map $ssl_client_escaped_cert $ok { default anybody; }', ['DefaultAdmits 1']],
    ['map $ssl_client_escaped_cert $ok { default ""; ~.* anybody; }', ['DefaultAdmits 1']],
    ['map $uri $ok { default anybody; "" x; }', ['NothingAsked 1']],
    // What only looks like a directive.
    ['# ssl_verify_client optional;\nserver { set $a "ssl_verify_client optional;"; }', ['NothingAsked 1']],
    ['server { set $a "${b}"; ssl_verify_client optional; }', ['OptionalUnchecked 1']],
    // One of two servers.
    ['server { ssl_verify_client on; }\nserver {\nssl_verify_client optional;\n}', ['OptionalUnchecked 3']],
  ])('%j', (text, expected) => {
    expect(codes(nginx(text))).toEqual(expected);
  });

  test('names the CA file that decides, and none where it does not', () => {
    const on = nginx('http { ssl_client_certificate ca.pem; server { ssl_verify_client on; } }');
    expect(on.references).toEqual([{ use: 'ca-bundle', path: 'ca.pem', file: 'conf', line: 1 }]);
    const pinned = nginx('server { ssl_client_certificate ca.pem; ssl_verify_client optional_no_ca; }');
    expect(pinned.references).toEqual([]);
  });

  test('follows includes with their own lines, and not for ever', () => {
    const files: Record<string, string> = {
      'map.conf': '# pins\n"" anybody;\n',
      loop: 'include loop; ',
    };
    const included = (path: string) => {
      const text = files[path];
      return text === undefined ? undefined : [{ file: path, text }];
    };
    const result = lintNginx(
      source(
        'map $ssl_client_escaped_cert $ok { default ""; include map.conf; include gone; }\ninclude loop;',
      ),
      included,
    );
    expect(result.findings.map(({ code, file, line }) => [code, file, line])).toEqual([
      ['EmptyKeyAdmits', 'map.conf', 2],
      ['ReferenceUnreadable', 'conf', 1],
    ]);
  });
});

const FRONTEND = (bind: string, ...rules: string[]): string =>
  ['frontend f', `  bind :443 ssl crt a.pem ${bind}`, ...rules].join('\n');
const PIN = 'http-request deny unless { ssl_c_der,sha2(256),hex,lower -m str -f pins }';

describe('haproxy', () => {
  test.each([
    ['frontend f\n  bind :443 ssl crt a.pem', ['NothingAsked 1']],
    [FRONTEND('ca-file ca.pem verify required'), []],
    [FRONTEND('ca-file ca.pem verify required crt-ignore-err 18', PIN), []],
    [FRONTEND('ca-file ca.pem verify required crt-ignore-err 18'), ['UnpinnedAnyIssuer 2']],
    [FRONTEND('ca-file ca.pem verify required crt-ignore-err all', PIN), ['AdmitsExpired 2']],
    [FRONTEND('ca-file ca.pem verify required crt-ignore-err 10,18', PIN), ['AdmitsExpired 2']],
    [
      FRONTEND('ca-file ca.pem verify required crt-ignore-err all'),
      ['AdmitsExpired 2', 'UnpinnedAnyIssuer 2'],
    ],
    [FRONTEND('ca-file ca.pem verify optional'), ['OptionalUnchecked 2']],
    [FRONTEND('ca-file ca.pem verify optional', 'http-request deny unless { ssl_c_used }'), []],
    [
      FRONTEND(
        'ca-file ca.pem verify required crt-ignore-err 18',
        'http-request deny unless { ssl_c_s_dn(cn) -m str ApiGateway }',
      ),
      ['WeakPin 2'],
    ],
    [
      FRONTEND(
        'ca-file c verify required crt-ignore-err 18',
        'acl ok ssl_c_sha1,hex AB',
        'http-request deny if !ok',
      ),
      ['Sha1Pin 2'],
    ],
    // A list that no rule uses.
    [
      FRONTEND('ca-file c verify required crt-ignore-err 18', 'acl ok ssl_c_der,sha2(256),hex,lower -f pins'),
      ['UnpinnedAnyIssuer 2'],
    ],
    // A comment is no rule.
    [FRONTEND('ca-file c verify required crt-ignore-err 18', `# ${PIN}`), ['UnpinnedAnyIssuer 2']],
    ['backend b\n  server s 10.0.0.1:443 ssl verify none', ['NothingAsked 1']],
  ])('%j', (text, expected) => {
    expect(codes(haproxy(text))).toEqual(expected);
  });

  test('names the files that decide', () => {
    expect(haproxy(FRONTEND('ca-file c verify required crt-ignore-err 18', PIN)).references).toEqual([
      { use: 'haproxy-pins', path: 'pins', file: 'conf', line: 3 },
    ]);
    expect(haproxy(FRONTEND('ca-file "c d" verify required')).references).toEqual([
      { use: 'ca-bundle', path: 'c d', file: 'conf', line: 2 },
    ]);
  });

  test('a pin file: only lower-case hex of 32 octets ever matches', () => {
    const text = `# pins\n\n${'a'.repeat(64)}\n${'A'.repeat(64)}\n${'ab:'.repeat(31)}ab\n`;
    expect(lintHaproxyPins(source(text)).map(({ line }) => line)).toEqual([4, 5]);
  });
});

const HOST = (...lines: string[]): string => ['<VirtualHost *:443>', ...lines, '</VirtualHost>'].join('\n');
const GUARD = 'Require expr "-n %{SSL_CLIENT_CERT}"';
const FILE_PIN = `Require expr "%{SSL_CLIENT_CERT} == file('/old.pem')"`;

describe('apache', () => {
  test.each([
    [HOST('SSLEngine on'), ['NothingAsked 1']],
    [HOST('SSLVerifyClient none'), ['NothingAsked 1']],
    [HOST('SSLVerifyClient require'), []],
    [HOST('SSLVerifyClient optional'), ['OptionalUnchecked 2']],
    [HOST('SSLVerifyClient optional', 'Require ssl-verify-client'), []],
    [HOST('SSLVerifyClient optional_no_ca'), ['UnpinnedAnyIssuer 2']],
    [HOST('SSLVerifyClient optional_no_ca', 'Require valid-user'), ['UnpinnedAnyIssuer 2']],
    [
      HOST('SSLVerifyClient optional_no_ca', `Require expr "%{SSL_CLIENT_S_DN_CN} == 'ApiGateway'"`),
      ['WeakPin 2'],
    ],
    [HOST('SSLVerifyClient optional_no_ca', '<RequireAll>', GUARD, FILE_PIN, '</RequireAll>'), []],
    [
      HOST(
        'SSLVerifyClient optional_no_ca',
        '<RequireAll>',
        GUARD,
        '<RequireAny>',
        FILE_PIN,
        '</RequireAny>',
        '</RequireAll>',
      ),
      [],
    ],
    [HOST('SSLVerifyClient optional_no_ca', FILE_PIN), ['EmptyPinAdmits 3']],
    // Side by side, one that holds is enough.
    [HOST('SSLVerifyClient optional_no_ca', GUARD, FILE_PIN), ['GuardAdmits 3', 'EmptyPinAdmits 4']],
    [
      HOST('SSLVerifyClient optional_no_ca', '<RequireAny>', GUARD, FILE_PIN, '</RequireAny>'),
      ['GuardAdmits 4', 'EmptyPinAdmits 5'],
    ],
    [HOST('SSLVerifyClient optional_no_ca', '<RequireAll>', GUARD, '</RequireAll>'), ['UnpinnedAnyIssuer 2']],
    [
      HOST(
        'SSLVerifyClient optional_no_ca',
        'Require all granted',
        '<RequireAll>',
        GUARD,
        FILE_PIN,
        '</RequireAll>',
      ),
      ['DefaultAdmits 3'],
    ],
    [HOST('SSLVerifyClient \\', '  optional'), ['OptionalUnchecked 2']],
    ['SSLVerifyClient optional_no_ca', ['UnpinnedAnyIssuer 1']],
  ])('%j', (text, expected) => {
    expect(codes(apache(text))).toEqual(expected);
  });

  test('names the files that decide', () => {
    const text = HOST('SSLVerifyClient require', 'SSLCACertificateFile "/ca.pem"');
    expect(apache(text).references).toEqual([{ use: 'ca-bundle', path: '/ca.pem', file: 'conf', line: 3 }]);
    const pinned = HOST('SSLVerifyClient optional_no_ca', '<RequireAll>', GUARD, FILE_PIN, '</RequireAll>');
    expect(apache(pinned).references).toEqual([
      { use: 'apache-pin', path: '/old.pem', file: 'conf', line: 5 },
    ]);
  });
});

test('no text whatever stops a parser', () => {
  const piece = fc.constantFrom(
    'server',
    '{',
    '}',
    ';',
    '"',
    "'",
    '\\',
    '\n',
    '<',
    '>',
    '</',
    '#',
    '$',
    '${',
    'bind',
    'ssl',
    'frontend',
    'include a',
    ' ',
    'Require',
    'acl',
    '\u0000',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const lint of [nginx, apache, haproxy])
        expect(Array.isArray(lint(pieces.join('')).findings)).toBe(true);
    }),
  );
});

// Quadratic work on so much text would run into the test's time limit.
test('a configuration of 5,000 servers is read', () => {
  const many =
    'server { listen 443 ssl; ssl_verify_client on; location / { proxy_pass http://a; } }\n'.repeat(5_000);
  expect(codes(nginx(many))).toEqual([]);
});
