/** Configurations of HAProxy as people write them, and the server that runs a batch of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { localFiles } from '../../../src/lint/files.js';
import { haproxyModel } from '../../../src/lint/haproxy/model.js';
import { walkHaproxy } from '../../../src/lint/haproxy/walk.js';
import { explore } from '../../../src/lint/outcome.js';
import { BINARY, launch } from '../../support/real-server.js';
import { acceptedParts } from './accepted.js';
import type { Cast } from './callers.js';
import type { App, Asked, Place } from './calls.js';
import { compare, type Comparison, type LabSite } from './compare.js';

/** Texts with `@N@` for the number of the site, `@APP@` for the application, `@LISTEN@` for its address. */
export interface HaproxySite {
  text: string;
  crtList?: string;
}

const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

export function haproxyGrammar({ pins, files, serverPem, folder }: Cast): fc.Arbitrary<HaproxySite> {
  const list = (name: string, ...lines: string[]): string => {
    const path = join(folder, `pins-${name}.lst`);
    writeFileSync(path, lines.map((each) => `${each}\n`).join(''));
    return path;
  };
  const lists = [
    list('a', '# the first', pins.a.sha256),
    list('ab', pins.a.sha256, pins.b.sha256),
    list('abx', pins.a.sha256, pins.b.sha256, pins.expired.sha256),
    list('empty'),
    list('upper', pins.a.sha256.toUpperCase()),
  ];
  const sha1 = list('sha1', pins.a.sha1, pins.b.sha1);
  const map = list('map', `${pins.a.sha256} good@N@`, `${pins.b.sha256} bad@N@`);
  const pinList = fc.constantFrom(...lists);
  const criterion = fc.oneof(
    { arbitrary: pinList.map((path) => `ssl_c_der,sha2(256),hex,lower -m str -f ${path}`), weight: 5 },
    {
      arbitrary: one(
        `ssl_c_sha1 -m bin -f ${sha1}`,
        `ssl_c_sha1,hex,lower -f ${sha1}`,
        `ssl_c_sha1 ${pins.a.sha1}`,
        `ssl_c_sha1,hex -i -m str ${pins.b.sha1}`,
        `ssl_c_der,sha2(256) -m bin ${pins.a.sha256}`,
        `ssl_c_der,sha1,hex,lower -m beg ${pins.a.sha1.slice(0, 8)}`,
      ),
      weight: 2,
    },
    {
      arbitrary: one(
        'ssl_c_used',
        'ssl_fc_has_crt',
        'ssl_c_verify 0',
        'ssl_c_verify eq 0',
        'ssl_c_verify gt 0',
        'ssl_c_verify 18',
        'ssl_c_err 0',
        'ssl_c_err 18 20 21',
        'ssl_c_verify -m int 0:20',
        'ssl_fc',
        'ssl_c_used,not',
        'ssl_c_der -m found',
        'ssl_c_ca_err 0',
      ),
      weight: 4,
    },
    {
      arbitrary: one(
        'ssl_c_s_dn(CN) -m str ApiGateway',
        'ssl_c_s_dn(CN) -i apigateway',
        'ssl_c_s_dn -m sub CN=ApiGateway',
        'ssl_c_i_dn(CN) -m beg Lab',
        `ssl_c_serial,hex -m str ${pins.a.serial}`,
        'ssl_c_s_dn(OU) -m found',
        'ssl_c_s_dn /C=US/L=Seattle/CN=ApiGateway',
      ),
      weight: 3,
    },
    {
      arbitrary: one(
        'path_beg /public',
        'path /exact',
        'path_end .php',
        'path -m reg ^/api/v[0-9]+',
        'path_dir in',
        'method POST',
        'method GET HEAD',
        'hdr(x-nothing) -m found',
        'src 127.0.0.0/8',
        'src 10.0.0.0/8',
        'hdr_cnt(x-nothing) gt 0',
        'always_true',
        'always_false',
        'var(txn.ok) -m bool',
        'var(txn.pin) -m found',
        'var(txn.pin) -m str 1',
        'path -i /EXACT',
        'path_sub b',
      ),
      weight: 4,
    },
  );
  const acl = fc
    .tuple(one('known', 'known', 'fine', 'open'), criterion)
    .map(([name, what]) => `acl ${name} ${what}`);
  const term = fc.oneof(
    {
      arbitrary: fc.tuple(one('', '', '!'), one('known', 'fine', 'open')).map((words) => words.join('')),
      weight: 5,
    },
    { arbitrary: fc.tuple(one('', '', '!'), criterion).map(([not, what]) => `${not}{ ${what} }`), weight: 4 },
    { arbitrary: one('METH_POST', '!METH_GET', 'TRUE', '!FALSE', 'LOCALHOST'), weight: 1 },
  );
  const condition = fc
    .tuple(
      one('if', 'if', 'unless'),
      fc.array(term, { minLength: 1, maxLength: 3 }),
      one(' ', ' ', ' || ', ' or '),
    )
    .map(([word, terms, glue]) => `${word} ${terms.join(glue)}`);
  const conditional = fc.oneof({ arbitrary: condition, weight: 8 }, { arbitrary: one(''), weight: 1 });
  const http = fc
    .tuple(
      one(
        'deny',
        'deny',
        'deny',
        'deny deny_status 404',
        'reject',
        'silent-drop',
        'return status 200 content-type text/plain string ok',
        'return status 403',
        'allow',
        'redirect location https://elsewhere/',
        'set-var(txn.ok) bool(true)',
        'set-var(txn.pin) ssl_c_der,sha2(256),hex',
        'set-var(txn.pin) str(1)',
        'set-header X-A b',
        'set-path /exact',
        'capture path len 10',
      ),
      conditional,
    )
    .map(([action, when]) => `http-request ${action} ${when}`);
  const tcp = fc
    .tuple(one('accept', 'reject', 'reject'), condition)
    .map(([action, when]) => `tcp-request content ${action} ${when}`);
  const rule = fc.oneof(
    { arbitrary: http, weight: 8 },
    { arbitrary: tcp, weight: 1 },
    { arbitrary: condition.map((when) => `redirect location https://elsewhere/ ${when}`), weight: 1 },
  );
  const use = fc
    .tuple(
      one('good@N@', 'bad@N@', 'none@N@', `%[ssl_c_der,sha2(256),hex,lower,map(${map},none@N@)]`),
      condition,
    )
    .map(([name, when]) => `use_backend ${name} ${when}`);
  const bundle = fc.constantFrom(...Object.values(files));
  const verify = fc
    .tuple(
      one('none', 'required', 'required', 'required', 'optional', 'optional'),
      bundle,
      one(
        '',
        '',
        'crt-ignore-err 18',
        'crt-ignore-err 18',
        'crt-ignore-err all',
        'crt-ignore-err 18,20,21',
        'ca-ignore-err all',
        'crt-ignore-err 10,18',
        'crt-ignore-err all ca-ignore-err all',
      ),
      fc.option(bundle, { freq: 5 }),
    )
    .map(
      ([mode, ca, ignore, more]) =>
        `verify ${mode} ca-file ${ca} ${ignore} ${more === null ? '' : `ca-verify-file ${more}`}`,
    );
  const backendRules = fc.array(rule, { maxLength: 1 });
  return fc
    .record({
      mode: one('http', 'http', 'http', 'http', 'tcp'),
      verify,
      acls: fc.array(acl, { minLength: 1, maxLength: 4 }),
      rules: fc.array(rule, { maxLength: 4 }),
      uses: fc.array(use, { maxLength: 2 }),
      fallback: one('good', 'good', 'good', 'bad', 'none', ''),
      good: backendRules,
      bad: backendRules,
      list: fc.boolean(),
      kind: one('frontend', 'frontend', 'frontend', 'listen'),
      plain: fc.integer({ min: 0, max: 12 }),
      monitor: one('', '', '', '', 'monitor-uri /denied'),
    })
    .map(
      ({
        mode,
        verify: asks,
        acls,
        rules,
        uses,
        fallback,
        good,
        bad,
        list: isList,
        kind,
        plain,
        monitor,
      }): HaproxySite => {
        const isTcp = mode === 'tcp';
        // A name without an ACL of its own does not load.
        const missing = ['known', 'fine', 'open'].filter(
          (name) => !acls.some((each) => each.startsWith(`acl ${name} `)),
        );
        const all = [...acls, ...missing.map((name) => `acl ${name} ssl_c_used`)];
        const isHttpOnly = (line: string): boolean =>
          /^(?:http-request|redirect)/.test(line) || /\b(?:path|method|hdr|METH_|txn)/.test(line);
        const keep = (lines: readonly string[]): string[] =>
          isTcp ? lines.filter((line) => !isHttpOnly(line)) : [...lines];
        const kept = keep(all);
        const named = (lines: readonly string[]): string[] =>
          keep(lines).filter(
            (line) =>
              !isTcp ||
              ['known', 'fine', 'open'].every(
                (name) => !line.includes(name) || kept.some((each) => each.startsWith(`acl ${name} `)),
              ),
          );
        const back = (name: string, lines: readonly string[], hasServer: boolean): string =>
          [
            `backend ${name}@N@`,
            `mode ${mode}`,
            ...all.filter((line) => kept.includes(line)),
            ...named(lines),
            ...(hasServer ? ['server app 127.0.0.1:@APP@'] : []),
          ].join('\n  ');
        const isPlain = plain === 0 && !isTcp;
        const tls = isList ? 'ssl crt-list @LIST@' : `ssl crt ${serverPem} ${asks}`;
        return {
          text: [
            [
              `${kind} f@N@`,
              `mode ${mode}`,
              `bind @LISTEN@ ${isPlain ? '' : tls}`,
              ...kept,
              ...(isTcp ? [] : [monitor].filter((each) => each !== '')),
              ...named(rules),
              ...named(uses),
              ...(fallback === '' ? [] : [`default_backend ${fallback}@N@`]),
              ...(kind === 'listen' ? ['server app 127.0.0.1:@APP@'] : []),
            ].join('\n  '),
            back('good', good, true),
            back('bad', bad, true),
            back('none', [], false),
          ].join('\n'),
          ...(isList && !isPlain ? { crtList: `${serverPem} [${asks}]\n` } : {}),
        };
      },
    );
}

const ASKED: readonly Asked[] = [
  ...['/x', '/exact', '/public/x', '/index.php', '/api/v1/x', '/nested/in/x', '/denied'].map((path) => ({
    path,
    method: 'GET',
  })),
  { path: '/x', method: 'POST' },
];

export async function compareHaproxy(
  sites: readonly HaproxySite[],
  cast: Cast,
  app: App,
  { net, port }: Place,
): Promise<Comparison> {
  const folder = join(cast.folder, `haproxy-${net}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'haproxy.cfg');
  const address = (at: number): string => `127.${net}.${at >> 8}.${at & 255}`;
  const parts = sites.map((site, at) => {
    const crtList = join(folder, `crt-list-${at}.txt`);
    if (site.crtList !== undefined) writeFileSync(crtList, site.crtList);
    const text = site.text
      .replaceAll('@N@', String(at))
      .replaceAll('@APP@', String(app.port))
      .replaceAll('@LISTEN@', `${address(at)}:${port}`)
      .replaceAll('@LIST@', crtList);
    return { at, text };
  });
  const head =
    'global\n  maxconn 4000\n  tune.ssl.cachesize 0\n  tune.ssl.default-dh-param 2048\ndefaults\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n';
  const args = ['-f', file];
  const alive = acceptedParts(file, parts, {
    head,
    check: [BINARY.haproxy, '-c', ...args],
    guilty: (said, partOf) => [
      ...[...said.matchAll(/\[ALERT\][^\n]*haproxy\.cfg:(\d+)/g)].map(([, line]) => partOf(Number(line))),
      ...[...said.matchAll(/\[ALERT\][^\n]*'[a-z]+?(\d+)'/g)].map(([, site]) => Number(site)),
    ],
  });
  const server = await launch(BINARY.haproxy, ['-db', ...args], {
    folder,
    port,
    host: address(alive[0]?.at ?? 0),
  });
  try {
    const files = localFiles();
    const read = files.read(file);
    const model = haproxyModel(
      [{ file, text: 'bytes' in read ? Buffer.from(read.bytes).toString('latin1') : '' }],
      files,
    );
    const texts = new Map(alive.map(({ at, text }) => [`f${at}`, { at, text }]));
    const all = model.frontends.flatMap((frontend): LabSite[] => {
      const site = texts.get(frontend.name);
      const [bind] = frontend.binds;
      if (!site || !bind) return [];
      const [way] = bind.ways;
      return [
        {
          text: site.text,
          target: { host: address(site.at), port, isTls: bind.isTls, name: 'localhost' },
          asked: ASKED,
          predict: ({ caller }, { path, method }) =>
            explore((ask) =>
              walkHaproxy(
                model,
                { frontend, bind, now: new Date(), ...(way ? { way } : {}) },
                caller,
                { path, method, address: '127.0.0.1' },
                ask,
              ),
            ),
        },
      ];
    });
    const compared = await compare(all, cast, app);
    return { ...compared, configurations: alive.length };
  } finally {
    await server.stop();
  }
}
