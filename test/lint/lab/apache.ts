/** Configurations of Apache as people write them, as virtual hosts of one real server. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { apacheModel } from '../../../src/lint/apache/model.js';
import { walkApache } from '../../../src/lint/apache/walk.js';
import { localFiles } from '../../../src/lint/files.js';
import { explore } from '../../../src/lint/outcome.js';
import { BINARY, launch } from '../../support/real-server.js';
import { acceptedParts } from './accepted.js';
import { apacheHead } from './apache-head.js';
import type { Cast } from './callers.js';
import type { App, Asked, Place } from './calls.js';
import { compare, type Comparison, emptyComparison, type LabSite } from './compare.js';

const PATHS = ['/', '/x', '/admin', '/admin/x', '/public/x', '/apigw-cert'];
const ASKED: readonly Asked[] = PATHS.flatMap((path) =>
  path === '/x'
    ? [
        { path, method: 'GET' },
        { path, method: 'POST' },
      ]
    : [{ path, method: 'GET' }],
);

/** One virtual host; `@LISTEN@` and `@APP@` are filled in when it is written. */
export function apacheGrammar(cast: Cast): fc.Arbitrary<string> {
  const { a, b } = cast.pins;
  const oneLine = (pem: string): string => pem.replace(/-----[A-Z ]+-----|\s/g, '');
  const pin = join(cast.folder, 'apache-pin.pem');
  writeFileSync(pin, a.pem);
  const expression = fc.oneof(
    fc.constantFrom(
      "%{SSL_CLIENT_VERIFY} == 'SUCCESS'",
      "%{SSL_CLIENT_VERIFY} != 'NONE'",
      '%{SSL_CLIENT_VERIFY} =~ /^(SUCCESS|GENEROUS)$/',
      "%{SSL_CLIENT_S_DN_CN} == 'ApiGateway'",
      '%{SSL_CLIENT_S_DN} =~ /ApiGateway/',
      `%{SSL_CLIENT_M_SERIAL} == '${a.serial.replace(/:/g, '').toUpperCase()}'`,
      `%{SSL_CLIENT_M_SERIAL} in { '${a.serial.replace(/:/g, '').toUpperCase()}', '${b.serial.replace(/:/g, '').toUpperCase()}' }`,
      `%{SSL_CLIENT_CERT} == file('${pin}')`,
      `%{SSL_CLIENT_CERT} == '${oneLine(a.pem)}'`,
      '%{REQUEST_URI} =~ m#^/admin#',
      "%{REQUEST_METHOD} == 'GET'",
      '-z %{SSL_CLIENT_CERT}',
      '-n %{SSL_CLIENT_S_DN}',
      "%{HTTPS} == 'on'",
      'true',
    ),
  );
  const compound = fc.oneof(
    { weight: 4, arbitrary: expression },
    fc.tuple(expression, fc.constantFrom('&&', '||'), expression).map(([x, op, y]) => `${x} ${op} ${y}`),
    expression.map((x) => `!(${x})`),
  );
  const requirement = fc.oneof(
    fc.constantFrom(
      'Require all granted',
      'Require all denied',
      'Require ssl-verify-client',
      'Require ssl',
      'Require env ok',
      'Require method GET',
      'Require ip 10.0.0.0/8',
      'Require local',
    ),
    compound.map((x) => `Require expr "${x}"`),
  );
  const negative = fc.constantFrom(
    'Require not ssl-verify-client',
    'Require not env ok',
    'Require not method POST',
    '<RequireNone>\nRequire method POST\n</RequireNone>',
    '<RequireNone>\nRequire ssl-verify-client\nRequire env ok\n</RequireNone>',
  );
  const { demands } = fc.letrec<{ demands: string }>((tie) => ({
    demands: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      requirement,
      fc
        .array(tie('demands'), { minLength: 1, maxLength: 3 })
        .map((inner) => `<RequireAny>\n${inner.join('\n')}\n</RequireAny>`),
      fc
        .tuple(fc.array(tie('demands'), { minLength: 1, maxLength: 2 }), fc.array(negative, { maxLength: 2 }))
        .map(([inner, not]) => `<RequireAll>\n${[...inner, ...not].join('\n')}\n</RequireAll>`),
    ),
  }));
  const old = fc.constantFrom(
    'Order deny,allow\nDeny from all',
    'Order allow,deny\nAllow from all',
    'Order deny,allow\nDeny from all\nSatisfy Any',
    'Satisfy Any',
  );
  const sslRequire = fc.constantFrom(
    'SSLRequire %{SSL_CLIENT_VERIFY} eq "SUCCESS"',
    'SSLRequire %{SSL_CLIENT_S_DN_CN} eq "ApiGateway"',
    'SSLRequire %{SSL_CLIENT_S_DN_CN} in {"ApiGateway", "other"}',
    'SSLRequireSSL',
  );
  const condition = fc.constantFrom(
    'RewriteCond %{SSL:SSL_CLIENT_VERIFY} !=SUCCESS',
    'RewriteCond %{SSL:SSL_CLIENT_VERIFY} !^SUCCESS$',
    'RewriteCond %{SSL:SSL_CLIENT_S_DN_CN} !=ApiGateway',
    'RewriteCond %{REQUEST_URI} ^/admin',
    'RewriteCond %{REQUEST_URI} !^/public',
    'RewriteCond %{REQUEST_METHOD} =POST [OR]',
    'RewriteCond %{SSL:SSL_CLIENT_VERIFY} =NONE [OR]',
    'RewriteCond %{ENV:ok} =1',
    'RewriteCond %{SSL_CLIENT_VERIFY} ^(NONE|FAILED)',
    'RewriteCond %{THE_REQUEST} " /admin"',
    `RewriteCond expr "%{SSL_CLIENT_VERIFY} == 'SUCCESS'"`,
  );
  const rule = fc
    .tuple(
      fc.array(condition, { maxLength: 2 }),
      fc.constantFrom(
        'RewriteRule .* - [F]',
        'RewriteRule ^ - [F,L]',
        'RewriteRule ^/admin - [F]',
        'RewriteRule ^/public - [L]',
        'RewriteRule !^/public - [F]',
        'RewriteRule ^/x$ /public/x [PT]',
        'RewriteRule ^/x$ /public/x [L]',
        'RewriteRule ^/admin/(.*)$ /public/$1',
        'RewriteRule ^ - [E=ok:1]',
      ),
    )
    .map(([conditions, rewrite]) => ['RewriteEngine on', ...conditions, rewrite].join('\n'));
  const inside = fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: demands },
        { weight: 1, arbitrary: old },
        { weight: 2, arbitrary: sslRequire },
        { weight: 1, arbitrary: compound.map((x) => `<If "${x}">\nRequire all denied\n</If>`) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(compound, requirement, requirement)
            .map(([x, y, z]) => `<If "${x}">\n${y}\n</If>\n<Else>\n${z}\n</Else>`),
        },
        { weight: 1, arbitrary: fc.constantFrom('AuthMerging And', 'AuthMerging Or') },
      ),
      { minLength: 1, maxLength: 2 },
    )
    .map((lines) => lines.join('\n'));
  const section = fc
    .tuple(
      fc.constantFrom(
        ['<Location />', '</Location>'],
        ['<Location /admin>', '</Location>'],
        ['<Location /public/>', '</Location>'],
        ['<Location ~ "^/adm">', '</Location>'],
        ['<LocationMatch "^/(x|admin)">', '</LocationMatch>'],
        ['<Directory />', '</Directory>'],
        ['<Proxy *>', '</Proxy>'],
        ['<Proxy "http://127.0.0.1:@APP@/*">', '</Proxy>'],
        ['<Location /public>\n<LimitExcept GET>', '</LimitExcept>\n</Location>'],
        ['<Location />\n<Limit POST>', '</Limit>\n</Location>'],
      ),
      inside,
    )
    .map(([[open, close], text]) => `${open}\n${text}\n${close}`);
  const part = fc.oneof(
    { weight: 5, arbitrary: section },
    { weight: 2, arbitrary: rule },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'SetEnvIf Request_URI ^/public ok',
        'SetEnvIf Request_Method ^GET$ ok=1',
        `SetEnvIfExpr "%{SSL_CLIENT_VERIFY} == 'SUCCESS'" ok`,
        'SetEnv ok 1',
        'Redirect gone /public',
        'Redirect permanent /admin https://localhost/x',
        'SSLOptions +StdEnvVars',
        'SSLOptions +FakeBasicAuth',
      ),
    },
    { weight: 1, arbitrary: compound.map((x) => `<If "${x}">\nRequire all denied\n</If>`) },
  );
  return fc
    .record({
      mode: fc.constantFrom(
        'require',
        'require',
        'optional',
        'optional',
        'optional_no_ca',
        'none',
        undefined,
      ),
      depth: fc.constantFrom(undefined, undefined, '0', '1', '3'),
      trust: fc.constantFrom(...Object.values(cast.files)),
      parts: fc.array(part, { maxLength: 4 }),
      proxy: fc.constantFrom(
        'ProxyPass / http://127.0.0.1:@APP@/',
        '<Location />\nProxyPass http://127.0.0.1:@APP@/\n</Location>',
        'ProxyPass /public !\nProxyPass / http://127.0.0.1:@APP@/',
        'ProxyPassMatch ^/(.*)$ http://127.0.0.1:@APP@/$1',
      ),
    })
    .map(({ mode, depth, trust, parts, proxy }) =>
      [
        '<VirtualHost @LISTEN@>',
        'ServerName localhost',
        'SSLEngine on',
        `SSLCertificateFile ${cast.serverPem}`,
        `SSLCertificateKeyFile ${cast.serverKey}`,
        `SSLCACertificateFile ${trust}`,
        ...(mode === undefined ? [] : [`SSLVerifyClient ${mode}`]),
        ...(depth === undefined ? [] : [`SSLVerifyDepth ${depth}`]),
        proxy,
        ...parts,
        '</VirtualHost>',
      ].join('\n'),
    );
}

/** Starts one Apache with all of them, without those that it does not take, and compares. */
export async function compareApache(
  sites: readonly string[],
  cast: Cast,
  app: App,
  { net, port }: Place,
): Promise<Comparison> {
  const folder = join(cast.folder, `apache-${net}`);
  mkdirSync(join(folder, 'htdocs'), { recursive: true });
  // Apache reads what expressions name as its own user.
  for (const each of [dirname(cast.folder), cast.folder]) chmodSync(each, 0o755);
  const file = join(folder, 'httpd.conf');
  const address = (at: number): string => `127.${net}.${at >> 8}.${at & 255}`;
  const settings = [
    `DocumentRoot ${folder}/htdocs`,
    'KeepAlive On',
    'MaxKeepAliveRequests 0',
    'SSLSessionCache none',
    'SSLSessionTickets off',
    '',
  ];
  const head = apacheHead(folder) + settings.join('\n');
  const parts = sites.map((site, at) => ({
    at,
    text: `Listen ${address(at)}:${port}\n${site}`
      .replaceAll('@APP@', String(app.port))
      .replaceAll('@LISTEN@', `${address(at)}:${port}`),
  }));
  const args = ['-f', file];
  const alive = acceptedParts(file, parts, {
    head,
    check: [BINARY.apache, ...args, '-t'],
    guilty: (said, partOf) => [partOf(Number(/on line (\d+) of/.exec(said)?.[1]))],
  });
  const [first] = alive;
  if (!first) return emptyComparison();
  const server = await launch(BINARY.apache, ['-DFOREGROUND', ...args], {
    folder,
    port,
    host: address(first.at),
  });
  try {
    const model = apacheModel({ file, text: readFileSync(file, 'latin1') }, localFiles());
    const texts = new Map(alive.map(({ at, text }) => [`${address(at)}:${port}`, text]));
    const now = new Date();
    const all = model.listeners.flatMap(({ address: listener, hosts }): LabSite[] => {
      const text = texts.get(listener);
      const [host] = hosts;
      if (text === undefined || !host) return [];
      return [
        {
          text,
          target: {
            host: listener.replace(/:\d+$/, ''),
            port,
            isTls: true,
            name: 'localhost',
            sni: 'localhost',
          },
          asked: ASKED,
          predict: ({ caller }, { path, method }) =>
            explore((ask) =>
              walkApache(model, host, now, caller, { path, method, address: '127.0.0.1' }, ask),
            ),
        },
      ];
    });
    const compared = await compare(all, cast, app);
    return { ...compared, configurations: all.length };
  } finally {
    await server.stop();
  }
}
