/** Configurations of Caddy as people write them, and the server that runs a batch of them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { adaptCaddyfile } from '../../../src/lint/caddy/adapt.js';
import { handshakesFor, sitesOf } from '../../../src/lint/caddy/judge.js';
import { parseJson } from '../../../src/lint/caddy/json.js';
import { type CaddyModel, caddyModel, type Server } from '../../../src/lint/caddy/model.js';
import { walkCaddy } from '../../../src/lint/caddy/walk.js';
import { localFiles } from '../../../src/lint/files.js';
import { explore, type Outcome } from '../../../src/lint/outcome.js';
import { freePort } from '../../support/free-port.js';
import { BINARY, launch } from '../../support/real-server.js';
import type { Cast, LabCaller } from './callers.js';
import type { App, Asked, Place } from './calls.js';
import { compare, type Comparison, type LabSite } from './compare.js';

/** A Caddyfile with `@APP@` for the application, and what is changed in the JSON that Caddy makes of it. */
export interface CaddySite {
  text: string;
  change: 'none' | 'pemFiles' | 'looseSni' | 'noRest' | 'backwards';
}

const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

export function caddyGrammar({ pins, files, folder, serverPem, serverKey }: Cast): fc.Arbitrary<CaddySite> {
  const base64 = ({ pem }: { pem: string }): string => pem.replace(/-----[^-]+-----|\s/g, '');
  const decimal = (hex: string): string => BigInt(`0x${hex}`).toString();
  const imported = join(folder, 'caddy-trust');
  writeFileSync(imported, [pins.a, pins.b].map((pin) => `trusted_ca_cert ${base64(pin)}\n`).join(''));
  const bundle = one(...Object.values(files));
  const pinned = one(pins.a, pins.b, pins.expired);
  const trust = fc.oneof(
    { arbitrary: bundle.map((path) => `trusted_ca_cert_file ${path}`), weight: 5 },
    { arbitrary: pinned.map((pin) => `trusted_ca_cert ${base64(pin)}`), weight: 3 },
    { arbitrary: bundle.map((path) => `trusted_leaf_cert_file "${path}"`), weight: 2 },
    { arbitrary: pinned.map((pin) => `trusted_leaf_cert ${base64(pin)}`), weight: 2 },
    { arbitrary: fc.constant(`import ${imported}`), weight: 2 },
  );
  const mode = fc.oneof(
    { arbitrary: fc.constant(''), weight: 2 },
    { arbitrary: fc.constant('mode require_and_verify'), weight: 4 },
    { arbitrary: one('mode request', 'mode require', 'mode verify_if_given'), weight: 5 },
  );
  const clientAuth = fc.tuple(mode, fc.array(trust, { maxLength: 2 })).map(
    (lines) =>
      `client_auth {\n      ${lines
        .flat()
        .filter((line) => line !== '')
        .join('\n      ')}\n    }`,
  );
  const tls = fc.oneof(
    {
      arbitrary: clientAuth.map((auth) => `tls ${serverPem} ${serverKey} {\n    ${auth}\n  }`),
      weight: 7,
    },
    { arbitrary: fc.constant(`tls ${serverPem} ${serverKey}`), weight: 1 },
    { arbitrary: fc.constant(''), weight: 1 },
  );

  const print = one('{tls_client_fingerprint}', '{http.request.tls.client.fingerprint}');
  const dn = 'CN=ApiGateway,L=Seattle,C=US';
  const expression = fc.oneof(
    {
      arbitrary: fc
        .tuple(print, pinned, one('==', '!='))
        .map(([name, { sha256 }, sign]) => `${name} ${sign} "${sha256}"`),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(print, fc.array(pinned, { maxLength: 2 }), fc.boolean())
        .map(
          ([name, all, negated]) =>
            `${negated ? '!(' : ''}${name} in [${all.map(({ sha256 }) => `'${sha256}'`).join(', ')}]${negated ? ')' : ''}`,
        ),
      weight: 4,
    },
    {
      arbitrary: one(
        `{tls_client_subject} == '${dn}'`,
        `'${dn}' == {tls_client_subject}`,
        `{tls_client_subject} in ['${dn}']`,
        '{tls_client_subject} != null',
        "{tls_client_subject}.startsWith('CN=Api')",
        `{tls_client_serial} == '${decimal(pins.a.serial)}'`,
        `{tls_client_certificate_der_base64} == '${base64(pins.a)}'`,
        `{tls_client_fingerprint}.startsWith('${pins.b.sha256.slice(0, 12)}')`,
        `{tls_client_fingerprint}.matches('^${pins.a.sha256}$')`,
        "{tls_client_fingerprint} != ''",
        "{tls_client_issuer} == 'CN=Lab ca'",
      ),
      weight: 4,
    },
    {
      arbitrary: one(
        "path('/public/*')",
        "method('POST')",
        "{method} == 'GET'",
        "{path} == '/exact'",
        "{path}.startsWith('/api')",
        "{http.request.header.X-Nothing} == 'yes'",
        "remote_ip('127.0.0.0/8')",
        "protocol('https')",
        "!path('/public/*', '/exact')",
      ),
      weight: 2,
    },
  );
  const joined = fc.oneof(
    { arbitrary: expression, weight: 3 },
    {
      arbitrary: fc
        .tuple(expression, one('&&', '||'), expression)
        .map(([left, sign, right]) => `${left} ${sign} ${right}`),
      weight: 1,
    },
  );
  const single = fc.oneof(
    { arbitrary: joined.map((text) => `expression ${text}`), weight: 4 },
    { arbitrary: joined.map((text) => `expression \`${text}\``), weight: 2 },
    {
      arbitrary: fc
        .tuple(print, fc.array(pinned, { minLength: 1, maxLength: 2 }))
        .map(([name, all]) => `vars ${name} ${all.map(({ sha256 }) => sha256).join(' ')}`),
      weight: 5,
    },
    {
      arbitrary: one(
        `vars {tls_client_subject} "${dn}"`,
        `vars {tls_client_serial} ${decimal(pins.a.serial)}`,
        `vars {tls_client_certificate_der_base64} ${base64(pins.a)}`,
        'vars_regexp {tls_client_subject} CN=ApiGateway',
        `vars_regexp {tls_client_fingerprint} ^(${pins.a.sha256}|${pins.b.sha256})$`,
        'vars {tls_client_fingerprint} ""',
        'vars ok 1',
        'vars {vars.ok} 1',
        'vars {known} yes',
        'expression {known} == "yes"',
      ),
      weight: 5,
    },
    {
      arbitrary: one(
        'path /public/*',
        'path /exact /nested/in/*',
        'path *.php',
        'path_regexp ^/(public|pub)/',
        'method POST PUT',
        'header X-Nothing yes',
        'header !X-Nothing',
        'remote_ip 127.0.0.1',
        'remote_ip private_ranges',
        'remote_ip 10.0.0.0/8',
        'protocol https',
        'host a.test',
        'query a=b',
      ),
      weight: 4,
    },
  );
  const negatable = fc
    .tuple(single, fc.integer({ max: 3, min: 0 }))
    .map(([text, times]) => (times === 0 ? `not ${text}` : text));
  const matcher = fc.oneof(
    { arbitrary: negatable, weight: 4 },
    {
      arbitrary: fc
        .uniqueArray(negatable, { minLength: 2, maxLength: 2, selector: (text) => text.split(' ')[0] ?? '' })
        .map((all) => `{\n    ${all.join('\n    ')}\n  }`),
      weight: 1,
    },
    { arbitrary: joined.filter((text) => !text.includes('`')).map((text) => `\`${text}\``), weight: 1 },
  );

  const where = fc.oneof(
    { arbitrary: one('@m0 ', '@m1 '), weight: 6 },
    { arbitrary: one('/public/* ', '/exact ', '/api/* '), weight: 1 },
    { arbitrary: fc.constant(''), weight: 1 },
  );
  const leaf = fc.oneof(
    {
      arbitrary: fc
        .tuple(where, one('403', '401', '404', '200', '"no" 403', '"fine"', '204'))
        .map(([at, what]) => `respond ${at}${what}`),
      weight: 5,
    },
    { arbitrary: where.map((at) => `reverse_proxy ${at}127.0.0.1:@APP@`), weight: 5 },
    { arbitrary: where.map((at) => `abort ${at}`.trim()), weight: 2 },
    {
      arbitrary: fc.tuple(where, one('403', '"denied" 403', '404')).map(([at, what]) => `error ${at}${what}`),
      weight: 2,
    },
    {
      arbitrary: fc
        .tuple(where, one('https://elsewhere.test{uri}', 'https://elsewhere.test permanent', '/login html'))
        .map(([at, what]) => `redir ${at}${what}`),
      weight: 1,
    },
    {
      arbitrary: one(
        'header X-Lab 1',
        'encode gzip',
        'vars @m0 ok 1',
        'vars ok 1',
        'vars ok 0',
        'rewrite @m1 /exact',
        'rewrite /old/* /public{path}',
        'uri strip_prefix /api',
        'request_header X-Client {tls_client_fingerprint}',
        'request_header -X-Nothing',
        'basicauth @m0 {\n    user JDJhJDE0JHJvcW5GZ1BCNDJCdWdMYVVxb0tzOC5XeUdSM3hlcDVKZnhIVlpOVHFHTWVHZXYzbWhBeGdL\n  }',
        'map {tls_client_fingerprint} {known} {\n    default no\n    @A@ yes\n  }',
        'map {path} {known} {\n    ~^/public yes\n    /exact yes\n  }',
        'method @m1 GET',
      ),
      weight: 4,
    },
  );
  const { directive } = fc.letrec<{ directive: string; block: string }>((tie) => ({
    directive: fc.oneof(
      { maxDepth: 2 },
      { arbitrary: leaf, weight: 5 },
      {
        arbitrary: fc.tuple(where, tie('block')).map(([at, block]) => `handle ${at}{\n${block}\n  }`),
        weight: 4,
      },
      {
        arbitrary: fc.tuple(where, tie('block')).map(([at, block]) => `route ${at}{\n${block}\n  }`),
        weight: 2,
      },
      {
        arbitrary: fc
          .tuple(one('/api/*', '/public*', '/exact'), tie('block'))
          .map(([path, block]) => `handle_path ${path} {\n${block}\n  }`),
        weight: 1,
      },
    ),
    block: fc.array(tie('directive'), { minLength: 1, maxLength: 3 }).map((all) => all.join('\n')),
  }));
  const errors = one(
    '',
    '',
    '',
    '',
    'handle_errors {\n    respond "sorry"\n  }',
    'handle_errors {\n    respond 200\n  }',
    'handle_errors {\n    reverse_proxy 127.0.0.1:@APP@\n  }',
    'handle_errors {\n    @denied expression {err.status_code} == 403\n    respond @denied "no" 403\n  }',
    'handle_errors {\n    header X-Error 1\n  }',
  );
  const body = fc
    .tuple(tls, matcher, matcher, fc.array(directive, { minLength: 1, maxLength: 4 }), errors, fc.boolean())
    .map(([own, first, second, directives, onError, serves]) =>
      [
        own,
        `@m0 ${first}`,
        `@m1 ${second}`,
        ...directives,
        serves ? 'reverse_proxy 127.0.0.1:@APP@' : '',
        onError,
      ]
        .filter((line) => line !== '')
        .join('\n  ')
        .replaceAll('@A@', pins.a.sha256),
    );
  const options = one(
    '',
    '',
    '',
    '',
    'servers {\n    strict_sni_host insecure_off\n  }',
    'servers {\n    strict_sni_host on\n  }',
    'auto_https off',
    'order respond before handle',
  );
  const address = fc.oneof(
    { arbitrary: one('a.test', 'a.test', 'https://a.test', 'a.test, *.w.test', 'in.w.test'), weight: 5 },
    { arbitrary: one('https://', ':@HTTPS@'), weight: 2 },
    { arbitrary: one('http://a.test', ':@HTTP@'), weight: 1 },
  );
  const rest = one('b.test', '*.w.test', ':@HTTPS@', 'http://b.test', 'b.test:@HTTPS@, https://in.w.test');
  const plainHost = (text: string): string => text.replace(/tls [^\n{]+(?:\{\n[\s\S]*?\n {2}\})?\n/, '');
  const isPlain = (name: string): boolean => /^http:|^:@HTTP@/.test(name);
  const site = ([name, text]: [string, string]): string =>
    `${name} {\n  ${isPlain(name) ? plainHost(text) : text}\n}`;
  const sites = fc.oneof(
    { arbitrary: fc.tuple(address, body).map((pair) => [site(pair)]), weight: 4 },
    {
      arbitrary: fc
        .tuple(fc.tuple(address, body), fc.tuple(rest, body))
        .map(([first, second]) => [site(first), site(second)]),
      weight: 2,
    },
  );
  const change = fc.oneof(
    { arbitrary: fc.constant('none' as const), weight: 6 },
    {
      arbitrary: one('pemFiles' as const, 'looseSni' as const, 'noRest' as const, 'backwards' as const),
      weight: 2,
    },
  );
  return fc.tuple(options, sites, change).map(([option, all, changed]) => ({
    change: changed,
    text: `{\n  http_port @HTTP@\n  https_port @HTTPS@\n  ${option}\n}\n${all.join('\n')}\n`,
  }));
}

const ASKED: readonly Asked[] = [
  ...['/x', '/exact', '/public/x', '/api/exact', '/index.php', '/old/x', '/nested/in/x'].map((path) => ({
    path,
    method: 'GET',
  })),
  { path: '/x', method: 'POST' },
];

/** Asks Caddy's own API. */
function admin(
  port: number,
  path: string,
  type: string,
  body: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers: { 'content-type': type }, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What Caddy makes of a Caddyfile; `undefined` where it does not take it. */
async function adaptedBy(port: number, file: string, text: string): Promise<ConfigJson | undefined> {
  // A running Caddy 2.6 keeps the order for whatever it adapts afterwards.
  if (/^ *order /m.test(text)) {
    try {
      return JSON.parse(
        execFileSync(BINARY.caddy, ['adapt', '--adapter', 'caddyfile', '--config', file], {
          stdio: 'pipe',
        }).toString(),
      ) as ConfigJson;
    } catch {
      return undefined;
    }
  }
  const { status, text: answer } = await admin(port, '/adapt', 'text/caddyfile', text);
  return status === 200 ? (JSON.parse(answer) as { result: ConfigJson }).result : undefined;
}

interface ServerJson {
  listen: string[];
  tls_connection_policies?: { match?: unknown; client_authentication?: Record<string, unknown> }[];
  strict_sni_host?: boolean;
  automatic_https?: Record<string, unknown>;
}

interface ConfigJson {
  admin?: unknown;
  apps: { http: { servers: Record<string, ServerJson>; [name: string]: unknown }; [name: string]: unknown };
}

function changed(config: ConfigJson, change: CaddySite['change'], files: Cast['files']): ConfigJson {
  for (const server of Object.values(config.apps.http.servers)) {
    const policies = server.tls_connection_policies ?? [];
    switch (change) {
      case 'none':
        break;
      case 'looseSni':
        server.strict_sni_host = false;
        break;
      case 'noRest':
        if (policies.length > 1) server.tls_connection_policies = policies.slice(0, -1);
        break;
      case 'backwards':
        policies.reverse();
        break;
      case 'pemFiles':
        for (const { client_authentication: auth } of policies) {
          if (auth?.['trusted_ca_certs']) {
            delete auth['trusted_ca_certs'];
            auth['trusted_ca_certs_pem_files'] = [files['two'], files['onlyca']];
          }
        }
        break;
    }
  }
  return config;
}

/** One configuration that Caddy takes, with what the interpreter makes of it. */
interface Alive {
  at: number;
  text: string;
  config: ConfigJson;
  model: CaddyModel;
  /** Of the JSON that Caddy made, where `model` is of the Caddyfile. */
  twin?: CaddyModel;
}

function sitesFor({ text, twin }: Alive, server: Server, host: string, differences: string[]): LabSite[] {
  const kinds = [...new Set(server.addresses.map((address) => Number(/:(\d+)$/.exec(address)?.[1])))];
  const same = twin?.servers.find((each) => each.addresses.join() === server.addresses.join());
  const walk = (
    one_: Server,
    caller: LabCaller,
    name: string,
    sni: string,
    { path, method }: Asked,
  ): Outcome =>
    explore((ask) =>
      walkCaddy(
        one_,
        new Date(),
        caller.caller,
        { path, method, host: name, sni, address: '127.0.0.1' },
        ask,
      ),
    );
  return kinds.flatMap((port) =>
    sitesOf(server)
      .flatMap(({ hosts }) => hosts)
      .flatMap((name) =>
        handshakesFor(server, name)
          // A handshake without a name that a certificate is for needs a policy with a certificate of its own.
          .filter(
            (sni) =>
              !server.isTls ||
              (sni !== '' && !sni.endsWith('.invalid')) ||
              server.policies.every(({ at: policy }) =>
                JSON.stringify([...(policy.content as Map<string, unknown>).keys()]).includes(
                  'certificate_selection',
                ),
              ),
          )
          .map((sni): LabSite => ({
            text,
            target: { host, port, isTls: server.isTls, name, ...(sni === '' ? {} : { sni }) },
            asked: ASKED,
            predict: (caller, asked) => {
              const said = walk(server, caller, name, sni, asked);
              if (same) {
                const other = walk(same, caller, name, sni, asked);
                const differ =
                  said.result !== other.result && said.result !== 'unknown' && other.result !== 'unknown';
                if (differ)
                  differences.push(
                    `${caller.id} ${asked.method} ${asked.path} (SNI ${sni}, Host ${name}): ${said.result} by the Caddyfile, ${other.result} by its JSON\n${text}`,
                  );
              }
              return said;
            },
          })),
      ),
  );
}

/** Starts Caddy with all sites, each on a loopback address of its own, and compares. */
export async function compareCaddy(
  sites: readonly CaddySite[],
  cast: Cast,
  app: App,
  { net, port: https, plainPort: http }: Place,
): Promise<Comparison> {
  const folder = join(cast.folder, `caddy-${net}`);
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const address = (at: number): string => `127.${net}.${at >> 8}.${at & 255}`;
  const start = join(folder, 'start.json');
  const api = { listen: `127.0.0.1:${port}` };
  const logging = { logs: { default: { level: 'PANIC' } } };
  const storage = { module: 'file_system', root: join(folder, 'data') };
  writeFileSync(start, JSON.stringify({ admin: api, logging, storage }));
  const server = await launch(BINARY.caddy, ['run', '--config', start], { folder, port });
  try {
    const files = localFiles();
    let alive: Alive[] = [];
    for (const [at, site] of sites.entries()) {
      const text = site.text
        .replaceAll('@APP@', String(app.port))
        .replaceAll('@HTTPS@', String(https))
        .replaceAll('@HTTP@', String(http));
      const file = join(folder, `${at}.caddyfile`);
      writeFileSync(file, text);
      const result = await adaptedBy(port, file, text);
      if (!result) continue;
      const config = changed(result, site.change, cast.files);
      const json = JSON.stringify(config, null, 1);
      const twin = caddyModel(parseJson(file, json), files);
      const own = adaptCaddyfile({ file, text }, files);
      if (site.change === 'none' && !own.doubt)
        alive.push({ at, text, config, model: caddyModel(own.config, files), twin });
      else alive.push({ at, text: `${text}\n${json}`, config, model: twin });
    }
    for (;;) {
      const servers = Object.fromEntries(
        alive.flatMap(({ at, config }) =>
          Object.entries(config.apps.http.servers).map(([name, each]) => [
            `site${at}-${name}`,
            {
              ...each,
              listen: each.listen.map((listen) => `${address(at)}${listen}`),
              automatic_https: {
                ...each.automatic_https,
                disable_redirects: true,
                disable_certificates: true,
              },
              protocols: ['h1', 'h2'],
            },
          ]),
        ),
      );
      const config = {
        admin: api,
        logging,
        storage,
        apps: {
          http: { http_port: http, https_port: https, servers },
          tls: {
            certificates: {
              load_files: [{ certificate: cast.serverPem, key: cast.serverKey, tags: ['cert0'] }],
            },
          },
        },
      };
      const loaded = await admin(port, '/load', 'application/json', JSON.stringify(config));
      if (loaded.status === 200) break;
      const blamed = /site(\d+)-/.exec(loaded.text)?.[1];
      if (blamed === undefined) throw new Error(loaded.text.slice(0, 2000));
      alive = alive.filter(({ at }) => at !== Number(blamed));
    }
    const differences: string[] = [];
    const all = alive.flatMap((each) =>
      each.model.servers.flatMap((one_) => sitesFor(each, one_, address(each.at), differences)),
    );
    const compared = await compare(all, cast, app);
    return {
      ...compared,
      configurations: alive.length,
      wrong: compared.wrong + differences.length,
      disagreements: [...compared.disagreements, ...differences],
    };
  } finally {
    await server.stop();
  }
}
