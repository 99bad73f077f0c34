/** Configurations of nginx as people write them, and the server that runs a batch of them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { localFiles } from '../../../src/lint/files.js';
import type { Listener, NginxModel, Server } from '../../../src/lint/nginx/model.js';
import { readNginx } from '../../../src/lint/nginx/judge.js';
import { walkNginx } from '../../../src/lint/nginx/walk.js';
import { explore } from '../../../src/lint/outcome.js';
import { BINARY, launch } from '../../support/real-server.js';
import { acceptedParts } from './accepted.js';
import type { Cast } from './callers.js';
import type { App, Asked, Place } from './calls.js';
import { compare, type Comparison, type LabSite } from './compare.js';

/** Text with `@N@` for the number of the site, `@APP@` for the application, and `@LISTEN@` for its address. */
export interface NginxSite {
  maps: string[];
  servers: string[];
}

const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const DN = 'CN=ApiGateway,L=Seattle,C=US';

function grammar({ pins, files }: Cast): fc.Arbitrary<NginxSite> {
  const escaped = (name: 'a' | 'b' | 'expired'): string => encodeURIComponent(pins[name].pem);
  const pinned = one<'a' | 'b' | 'expired'>('a', 'b', 'expired');
  const flag = one('1', '0', '""', 'ok', 'deny');
  const status = one('403', '403', '401', '404', '444', '200', '204', '301 https://elsewhere/', '403 "no"');

  const certMap = fc
    .tuple(
      one('whole', 'sha1', 'raw', 'serial'),
      fc.array(fc.tuple(pinned, flag), { maxLength: 3 }),
      fc.option(flag),
      fc.boolean(),
    )
    .map(([kind, entries, fallback, empty]) => {
      const source =
        {
          whole: '$ssl_client_escaped_cert',
          sha1: '$ssl_client_fingerprint',
          raw: '$ssl_client_raw_cert',
          serial: '$ssl_client_serial',
        }[kind] ?? '';
      const key = (name: 'a' | 'b' | 'expired'): string =>
        ({
          whole: `"${escaped(name)}"`,
          sha1: pins[name].sha1,
          raw: `"${pins[name].pem}"`,
          serial: pins[name].serial,
        })[kind] ?? '';
      const seen = new Set<string>();
      const lines = entries.flatMap(([name, value]) =>
        seen.has(name) ? [] : (seen.add(name), [`${key(name)} ${value};`]),
      );
      return {
        source,
        lines: [
          ...(fallback === null ? [] : [`default ${fallback};`]),
          ...(empty ? ['"" 1;'] : []),
          ...lines,
        ],
      };
    });
  const wordMap = one(
    { source: '$ssl_client_verify', lines: ['default 0;', 'SUCCESS 1;'] },
    { source: '$ssl_client_verify', lines: ['~^FAILED 1;', 'NONE 1;'] },
    { source: '$ssl_client_verify', lines: ['SUCCESS "";', 'default deny;', '~*self.signed ok;'] },
    { source: '$ssl_client_s_dn', lines: ['default 0;', `"${DN}" 1;`] },
    { source: '$ssl_client_s_dn', lines: ['default 0;', '~CN=ApiGateway 1;'] },
    {
      source: '"$ssl_client_verify:$ssl_client_fingerprint"',
      lines: ['default 0;', `"SUCCESS:${pins.a.sha1}" 1;`, `~^FAILED.*:${pins.b.sha1}$ 1;`],
    },
    { source: '$request_uri', lines: ['default 1;', '~^/public 0;', '/exact "";'] },
    { source: '$uri', lines: ['default 0;', '/x 1;', '~*^/API 1;'] },
    { source: '$request_method', lines: ['default 0;', 'POST 1;'] },
    { source: '$http_x_nothing', lines: ['default deny;', '"" ok;'] },
  );
  const map = fc.oneof({ arbitrary: certMap, weight: 3 }, { arbitrary: wordMap, weight: 2 });
  // The second map may be of the first.
  const maps = fc
    .tuple(fc.array(map, { minLength: 1, maxLength: 2 }), fc.boolean())
    .map(([all, chained]) =>
      all.map(({ source, lines }, at) =>
        chained && at === 1
          ? 'map $m@N@_0 $m@N@_1 { default 0; 1 ok; ok 1; "" deny; }'
          : `map ${source} $m@N@_${at} { ${lines.join('\n ')} }`,
      ),
    );

  const subject = one('$m@N@_0', '$m@N@_1', '$ok');
  const condition = fc.oneof(
    {
      arbitrary: one(
        '$ssl_client_verify = NONE',
        '$ssl_client_verify != SUCCESS',
        '$ssl_client_verify = SUCCESS',
        '$ssl_client_verify ~ ^FAILED',
        '$ssl_client_verify !~ ^(SUCCESS|FAILED)',
        '$ssl_client_escaped_cert = ""',
        '$ssl_client_verify',
      ),
      weight: 3,
    },
    {
      arbitrary: fc
        .tuple(subject, one('', '= 1', '= 0', '= ""', '!= 1', '!= ok', '~ ^(1|ok)$', '!~ ok', '= deny'))
        .map((words) => words.join(' ')),
      weight: 5,
    },
    {
      arbitrary: one(
        `$ssl_client_fingerprint = ${pins.a.sha1}`,
        `$ssl_client_fingerprint != ${pins.b.sha1}`,
        `$ssl_client_serial != ${pins.a.serial}`,
        `$ssl_client_s_dn != "${DN}"`,
        '$ssl_client_s_dn ~ CN=ApiGateway',
        '$ssl_client_i_dn !~* apigateway',
      ),
      weight: 2,
    },
    {
      arbitrary: one(
        '$request_uri ~ ^/public',
        '$uri = /exact',
        '$request_method = POST',
        '$request_method !~ ^(GET|HEAD)$',
        '$uri ~* \\.PHP$',
        '$http_x_nothing',
        '$https = on',
        '$scheme = http',
      ),
      weight: 2,
    },
  );
  const act = fc.oneof(
    { arbitrary: status.map((code) => `return ${code};`), weight: 5 },
    { arbitrary: one('set $ok 1;', 'set $ok 0;', 'set $ok "${ok}1";', 'set $ok "";'), weight: 3 },
    {
      arbitrary: one(
        'break;',
        'rewrite ^ /exact;',
        'rewrite ^/(.*)$ /public/$1 break;',
        'rewrite ^/old/(.*) /pub/$1 last;',
      ),
      weight: 1,
    },
  );
  const statement = fc.oneof(
    { arbitrary: fc.tuple(condition, act).map(([when, then]) => `if (${when}) { ${then} }`), weight: 7 },
    {
      arbitrary: one('set $ok 0;', 'set $ok 1;', 'set $ok "$ssl_client_verify";', 'set $ok $m@N@_0;'),
      weight: 2,
    },
    {
      arbitrary: one(
        'rewrite ^/old/(.*)$ /new/$1 last;',
        'rewrite ^/old/(.*)$ /$1;',
        'rewrite ^/old /exact break;',
        'rewrite ^/away https://elsewhere/ redirect;',
      ),
      weight: 1,
    },
  );
  const errorPage = one(
    'error_page 403 /denied;',
    'error_page 403 =200 /exact;',
    'error_page 495 496 = @named;',
    'error_page 495 496 =200 /x;',
    'error_page 403 404 = @named;',
    'error_page 400 495 496 /denied;',
    'error_page 403 @named;',
    'error_page 495 =403 /denied;',
    'error_page 403 =204 /missing;',
    'error_page 496 https://elsewhere/;',
  );
  const access = one(
    'deny all;',
    'allow all;',
    'allow 127.0.0.1; deny all;',
    'deny 127.0.0.0/8;',
    'satisfy any; allow 10.0.0.0/8; deny all;',
    'allow 10.0.0.0/8; deny all;',
    'auth_basic x; auth_basic_user_file /dev/null;',
    'satisfy any; allow 127.0.0.1; deny all; auth_basic x;',
  );
  const handler = fc.oneof(
    { arbitrary: one('proxy_pass http://127.0.0.1:@APP@;'), weight: 6 },
    {
      arbitrary: one(
        'return 200 ok;',
        'return 204;',
        'return 403;',
        'return 404;',
        'try_files /missing @named;',
        'try_files /missing =404;',
        'try_files /missing /exact;',
      ),
      weight: 2,
    },
    {
      arbitrary: one(
        'limit_except GET { deny all; } proxy_pass http://127.0.0.1:@APP@;',
        'limit_except POST { allow 127.0.0.1; deny all; } proxy_pass http://127.0.0.1:@APP@;',
        'internal; proxy_pass http://127.0.0.1:@APP@;',
      ),
      weight: 1,
    },
  );
  const body = fc
    .tuple(
      fc.array(statement, { maxLength: 2 }),
      fc.option(access, { freq: 3 }),
      handler,
      fc.option(errorPage, { freq: 6 }),
    )
    .map(([statements, rule, what, page]) =>
      [...(rule === null ? [] : [rule]), ...(page === null ? [] : [page]), ...statements, what].join(
        '\n    ',
      ),
    );
  const nestedIn = (prefix: string) =>
    fc
      .tuple(body, body)
      .map(([outer, inner]) => `location ${prefix} { ${outer}\n location ${prefix}in/ { ${inner} } }`);
  const location = fc.oneof(
    {
      arbitrary: fc
        .tuple(
          one(
            '= /exact',
            '^~ /pub/',
            '/public',
            '/public/',
            '~ \\.php$',
            '~* ^/API/v\\d+/',
            '/new/',
            '= /denied',
            '/api',
          ),
          body,
        )
        .map(([where, what]) => `location ${where} { ${what} }`),
      weight: 5,
    },
    { arbitrary: nestedIn('/nested/'), weight: 1 },
  );
  const where = (text: string): string => /^location ([^{]*)/.exec(text)?.[1] ?? text;
  const locations = fc
    .tuple(fc.uniqueArray(location, { maxLength: 3, selector: where }), body, body)
    .map(([some, root, named]) =>
      [...some, `location / { ${root} }`, `location @named { ${named.replaceAll('internal;', '')} }`].join(
        '\n  ',
      ),
    );
  const bundle = fc.constantFrom(...Object.values(files));
  const tls = fc
    .tuple(
      one(
        'off',
        'on',
        'on',
        'optional',
        'optional',
        'optional_no_ca',
        'optional_no_ca',
        'optional_no_ca',
        '',
      ),
      bundle,
      fc.option(bundle, { freq: 4 }),
      fc.boolean(),
      one('', '', '', 'ssl_verify_depth 0;', 'ssl_verify_depth 2;'),
    )
    .map(([mode, ca, trusted, names, depth]) =>
      [
        mode === '' ? '' : `ssl_verify_client ${mode};`,
        mode === 'on' || mode === 'optional' || names ? `ssl_client_certificate ${ca};` : '',
        trusted === null ? '' : `ssl_trusted_certificate ${trusted};`,
        depth,
      ].join(' '),
    );
  const server = fc
    .tuple(
      one(' ssl', ' ssl', ' ssl', ' ssl', ' ssl', ' ssl', ''),
      tls,
      fc.array(statement, { maxLength: 4 }),
      fc.option(errorPage, { freq: 3 }),
      locations,
    )
    .map(
      ([ssl, security, statements, page, places]) =>
        `server { listen @LISTEN@${ssl}; server_name @NAME@;\n  ${security}\n  ${page ?? ''}\n  ${statements.join('\n  ')}\n  ${places}\n}`,
    );
  return fc.record({
    maps,
    servers: fc.oneof(
      { arbitrary: fc.array(server, { minLength: 1, maxLength: 1 }), weight: 4 },
      { arbitrary: fc.array(server, { minLength: 2, maxLength: 2 }), weight: 1 },
    ),
  });
}

export { grammar as nginxGrammar };

const ASKED: readonly Asked[] = [
  ...[
    '/x',
    '/exact',
    '/pub/x',
    '/public/x',
    '/index.php',
    '/api/v1/x',
    '/nested/in/x',
    '/old/x',
    '/denied',
  ].map((path) => ({ path, method: 'GET' })),
  { path: '/x', method: 'POST' },
  { path: '/exact', method: 'POST' },
];

/** Starts nginx with all sites, each on a loopback address of its own, and compares. */
export async function compareNginx(
  sites: readonly NginxSite[],
  cast: Cast,
  app: App,
  { net, port }: Place,
): Promise<Comparison> {
  const folder = join(cast.folder, `nginx-${net}`);
  mkdirSync(join(folder, 'html'), { recursive: true });
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'html', 'x'), 'file\n');
  const file = join(folder, 'nginx.conf');
  const address = (at: number): string => `127.${net}.${at >> 8}.${at & 255}`;
  const textOf = (site: NginxSite, at: number): string =>
    [
      ...site.maps,
      // A second map is mentioned in any case.
      ...(site.maps.length < 2 ? ['map $m@N@_0 $m@N@_1 { default $m@N@_0; }'] : []),
      ...site.servers.map((server, index) => server.replaceAll('@NAME@', `s${at}-${index}.test`)),
    ]
      .join('\n')
      .replaceAll('@N@', String(at))
      .replaceAll('@APP@', String(app.port))
      .replaceAll('@LISTEN@', `${address(at)}:${port}`);
  const head = `pid ${folder}/pid; daemon off; worker_processes 1; error_log ${folder}/error.log crit; events { worker_connections 8192; }\nhttp { access_log off; keepalive_requests 100000; map_hash_bucket_size 4096; map_hash_max_size 4096; variables_hash_max_size 16384; server_names_hash_max_size 16384;\n`;
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/tmp;`)
    .join(' ');
  const common = `${temp} ssl_certificate ${cast.serverPem}; ssl_certificate_key ${cast.serverKey}; ssl_session_cache off; ssl_session_tickets off;\n`;
  const args = ['-p', folder, '-c', file, '-e', `${folder}/error.log`];
  const parts = sites.map((site, at) => ({ at, text: textOf(site, at) }));
  const alive = acceptedParts(file, parts, {
    head: head + common,
    // `set` makes a variable known to all of nginx.
    tail: `server { listen ${address(65000)}:${port}; set $ok ""; }\n}\n`,
    check: [BINARY.nginx, ...args, '-t'],
    guilty: (said, partOf) => [partOf(Number(/nginx\.conf:(\d+)/.exec(said)?.[1]))],
  });
  const server = await launch(BINARY.nginx, args, { folder, port, host: address(alive[0]?.at ?? 0) });
  try {
    const files = localFiles();
    const read = files.read(file);
    const model = readNginx(
      { file, text: 'bytes' in read ? Buffer.from(read.bytes).toString('latin1') : '' },
      files,
    );
    const listeners = new Map(
      model.listeners.map((listener) => [listener.address.split(':')[0] ?? '', listener]),
    );
    const all = alive.flatMap(({ at, text }): LabSite[] => {
      const listener = listeners.get(address(at));
      return listener ? sitesOf(model, listener, { host: address(at), port }, text) : [];
    });
    const compared = await compare(all, cast, app);
    return { ...compared, configurations: alive.length };
  } finally {
    await server.stop();
  }
}

/** Each server by its own name in handshake and Host, and by its Host alone. */
function sitesOf(
  model: NginxModel,
  listener: Listener,
  { host, port }: { host: string; port: number },
  text: string,
): LabSite[] {
  const site = (server: Server, handshake: Server, sni: string | undefined): LabSite => ({
    text,
    target: {
      host,
      port,
      isTls: listener.isTls,
      name: server.names[0] ?? '',
      ...(sni === undefined ? {} : { sni }),
    },
    asked: ASKED,
    predict: ({ caller }, { path, method }) =>
      explore((ask) =>
        walkNginx(
          model,
          { isTls: listener.isTls, handshake, server, now: new Date() },
          caller,
          { uri: path, method, address: '127.0.0.1' },
          ask,
        ),
      ),
  });
  return listener.servers.flatMap((server) => [
    site(server, server, server.names[0]),
    ...(listener.isTls && listener.servers.length > 1 ? [site(server, listener.fallback, undefined)] : []),
  ]);
}
