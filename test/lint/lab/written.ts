/** Configurations as people write them, each on the real server, with the callers of the lab and what they ask. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lintBackend, type LintReport } from '../../../src/commands/backend/lint/run.js';
import { freePort } from '../../support/free-port.js';
import { BINARY, launch } from '../../support/real-server.js';
import { apacheHead } from './apache-head.js';
import { callAs, type Asked, type Target } from './calls.js';
import type { Lab } from './run.js';

export type Written = 'nginx' | 'haproxy' | 'apache';

/** What the real server does: `fine` admits listed callers that are in date alone, `trap` one of the two alone. */
export type Truth = 'open' | 'trap' | 'fine' | 'nobody';

export interface Measured {
  truth: Truth;
  /** Who was admitted by what: `impostor GET /x`. */
  admitted: string[];
  report: LintReport;
}

/** What stands before the configuration, in its file. */
const HEADS: Readonly<Record<Written, (folder: string) => string>> = {
  nginx: (folder) => `pid ${folder}/pid; daemon off; user root; error_log ${folder}/error.log; events {}\n`,
  haproxy: () =>
    'global\n  tune.ssl.default-dh-param 2048\ndefaults\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n',
  // mod_dir, as Debian has it.
  apache: (folder) => apacheHead(folder, ['dir']),
};

const ARGS: Readonly<Record<Written, (folder: string, file: string) => string[]>> = {
  nginx: (folder, file) => ['-p', folder, '-c', file, '-e', `${folder}/error.log`],
  haproxy: (_folder, file) => ['-db', '-f', file],
  apache: (_folder, file) => ['-DFOREGROUND', '-f', file],
};

/** `# ask: GET /x [Host: name] [SNI: name] [header: value] [port: 2] [plain]` */
interface Ask extends Asked {
  target: Omit<Target, 'port'> & { port: string };
}

function askOf(line: string): Ask {
  const { pathname, method, rest } = /^(?<method>\S+) (?<pathname>\S+)(?<rest>.*)$/.exec(line)?.groups ?? {};
  const option = (name: string): string | undefined =>
    new RegExp(`\\[${name}: ([^\\]]*)\\]`).exec(rest ?? '')?.[1];
  const name = option('Host') ?? 'localhost';
  const sni = option('SNI') ?? name;
  const header = option('header')?.split('=') as [string, string] | undefined;
  return {
    path: pathname ?? '/',
    method: method ?? 'GET',
    ...(header ? { headers: Object.fromEntries([header]) } : {}),
    target: {
      host: '127.0.0.1',
      port: option('port') ?? '',
      isTls: !(rest ?? '').includes('[plain]'),
      name,
      ...(sni === 'none' ? {} : { sni }),
    },
  };
}

/** Callers who must not be admitted. */
const HARMFUL = new Set(['none', 'impostor', 'stranger', 'unknown', 'expired']);

/** Runs a file of fixtures: `#--- name` begins another file beside it. */
export async function measure(kind: Written, source: string, { cast, app }: Lab): Promise<Measured> {
  const name = source.slice(source.lastIndexOf('/') + 1);
  const folder = join(cast.folder, `written-${name}`);
  mkdirSync(join(folder, 'htdocs'), { recursive: true });
  writeFileSync(join(folder, 'htdocs', 'x'), 'file\n');
  for (const each of [dirname(cast.folder), cast.folder]) chmodSync(each, 0o755);
  const ports = [await freePort(), await freePort()];
  const { a, b } = cast.pins;
  const values: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(cast.files).map(([key, path]) => [`TRUST_${key}`, path])),
    PORT: String(ports[0]),
    PORT2: String(ports[1]),
    APP: String(app.port),
    CERT: cast.serverPem,
    KEY: cast.serverKey,
    DIR: folder,
    SHA1_a: a.sha1,
    SHA1_b: b.sha1,
    SHA256_a: a.sha256,
    SHA256_b: b.sha256,
    SERIAL_a: a.serial,
    SERIAL_b: b.serial,
    ESCAPED_a: encodeURIComponent(a.pem),
    ESCAPED_b: encodeURIComponent(b.pem),
    OTHER: join(cast.folder, 'other.pem'),
  };
  const text = readFileSync(source, 'utf8').replace(/@(\w+)@/g, (all, key: string) => values[key] ?? all);
  const [main = '', ...others] = text.split(/^#--- /m);
  for (const each of others) {
    const end = each.indexOf('\n');
    const path = join(folder, each.slice(0, end).trim());
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, each.slice(end + 1));
  }
  const file = join(folder, kind === 'haproxy' ? 'haproxy.cfg' : `${kind}.conf`);
  writeFileSync(file, HEADS[kind](folder) + main);
  const report = await lintBackend(
    { file, bytes: readFileSync(file), format: kind, consumer: 'openssl-ca-bundle' },
    () => new Date(),
  );
  const asks = [...main.matchAll(/^# ask: (.*)$/gm)].map(([, line = '']) => askOf(line));
  const server = await launch(BINARY[kind], ARGS[kind](folder, file), { folder, port: ports[0] ?? 0 });
  const admitted: string[] = [];
  try {
    for (const asked of asks) {
      const target = { ...asked.target, port: ports[asked.target.port === '2' ? 1 : 0] ?? 0 };
      for (const caller of cast.callers) {
        const [result] = await callAs(target, caller, [asked], app);
        if (result === true)
          admitted.push(
            `${caller.id} ${asked.method} ${asked.path}${target.name === 'localhost' ? '' : ` ${target.name}`}`,
          );
        else if (result !== false) throw new Error(`${name}: ${String(result)}`);
      }
    }
  } finally {
    await server.stop();
  }
  const who = new Set(admitted.map((each) => each.split(' ')[0] ?? ''));
  const isTrap = text.includes(values['TRUST_two'] ?? '') && who.has('a') && !who.has('b');
  const truth = [...who].some((each) => HARMFUL.has(each))
    ? 'open'
    : who.size === 0
      ? 'nobody'
      : isTrap
        ? 'trap'
        : 'fine';
  return { truth, admitted, report };
}
