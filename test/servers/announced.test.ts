/** The CA names that real servers announce, under each name of a handshake, and those that lint takes from the configuration. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { apacheModel } from '../../src/lint/apache/model.js';
import type { Announced } from '../../src/lint/api-gateway.js';
import { localFiles } from '../../src/lint/files.js';
import { haproxyModel } from '../../src/lint/haproxy/model.js';
import { readNginx } from '../../src/lint/nginx/judge.js';
import { mintIdentity } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { newKey, openssl } from '../support/openssl.js';
import { BINARY, isInstalled, launch } from '../support/real-server.js';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-announced-'));
  chmodSync(folder, 0o755);
  const authority = (name: string, subject: string): string => {
    const pem = openssl(['req', '-x509', ...newKey(at(`${name}.key`)), '-subj', subject, '-days', '30']);
    writeFileSync(at(`${name}.pem`), pem);
    return pem;
  };
  const one = authority('one', '/C=DE/O=Acme/CN=Acme Root');
  const other = authority('other', '/O=Other/CN=Other Root');
  const { certificate } = await mintIdentity('a1b2c3');
  writeFileSync(at('agw.pem'), certificate.pem);
  writeFileSync(at('both.pem'), one + other + one);
  const own = authority('server', '/CN=localhost');
  writeFileSync(at('server-both.pem'), own + readFileSync(at('server.key'), 'utf8'));
  mkdirSync(at('dir'));
  const hash = openssl(['x509', '-hash', '-noout'], one).trim();
  writeFileSync(at(`dir/${hash}.0`), one);
  writeFileSync(at('dir/any-name.pem'), other);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What OpenSSL's client is told, sorted. */
function announced(port: number, sni: string): string[] {
  // It ends with an error where the server asks for a certificate in earnest.
  const { stdout: said } = spawnSync(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', sni],
    { input: '', encoding: 'utf8', timeout: 10_000 },
  );
  const [, names = ''] =
    /^Acceptable client certificate CA names\n((?:(?!Requested|Peer|Client Certificate|---).*\n)*)/m.exec(
      said,
    ) ?? [];
  return names
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll(' = ', '='))
    .sort();
}

interface Place {
  port: number;
  sni: string;
  computed: Announced;
}

function compared(places: readonly Place[]): { said: unknown[]; real: unknown[] } {
  return {
    said: places.map(({ port, sni, computed }) => [port, sni, [...computed.names].sort()]),
    real: places.map(({ port, sni }) => [port, sni, announced(port, sni)]),
  };
}

const ports = async (count: number): Promise<number[]> => {
  const found: number[] = [];
  while (found.length < count) found.push(await freePort());
  return found;
};

const whenInstalled = (kind: 'nginx' | 'haproxy' | 'apache') => (isInstalled(kind) ? test : test.skip);

whenInstalled('nginx')('nginx: ssl_client_certificate alone, of the server that the name means', async () => {
  const [port = 0] = await ports(1);
  const servers = [
    'ssl_client_certificate both.pem; ssl_verify_client on;',
    'ssl_client_certificate agw.pem; ssl_trusted_certificate one.pem; ssl_verify_client on;',
    'ssl_trusted_certificate one.pem; ssl_verify_client optional_no_ca;',
    'ssl_client_certificate one.pem; ssl_verify_client off;',
    'ssl_verify_client optional;',
  ].map((text, index) => `server { listen 127.0.0.1:${port} ssl; server_name h${index}.test; ${text} }`);
  const file = at('nginx.conf');
  writeFileSync(
    file,
    `pid ${at('pid')}; daemon off; user root; events {}
http { ssl_certificate server.pem; ssl_certificate_key server.key; ssl_client_certificate other.pem;
${servers.join('\n')} }`,
  );
  const server = await launch(BINARY.nginx, ['-p', folder, '-c', file, '-e', at('error.log')], {
    folder,
    port,
  });
  try {
    const model = readNginx({ file, text: readFileSync(file, 'utf8') }, localFiles());
    const places = model.listeners.flatMap((listener) =>
      listener.servers.map(({ names, tls }) => ({ port, sni: names[0] ?? '', computed: tls.announced })),
    );
    const { said, real } = compared(places);
    expect(said).toEqual(real);
    expect(real).toEqual([
      [port, 'h0.test', ['C=DE, O=Acme, CN=Acme Root', 'O=Other, CN=Other Root']],
      [port, 'h1.test', ['C=US, L=Seattle, CN=ApiGateway']],
      // Inherited from http.
      [port, 'h2.test', ['O=Other, CN=Other Root']],
      [port, 'h3.test', []],
      [port, 'h4.test', ['O=Other, CN=Other Root']],
    ]);
  } finally {
    await server.stop();
  }
});

whenInstalled('haproxy')('HAProxy: ca-file, not ca-verify-file, by each line of a crt-list', async () => {
  const options = [
    'crt server-both.pem verify required ca-file both.pem',
    'crt server-both.pem verify required ca-verify-file both.pem',
    'crt server-both.pem verify required ca-file one.pem ca-verify-file both.pem',
    'crt server-both.pem verify required ca-file one.pem no-ca-names',
    'crt server-both.pem verify none ca-file one.pem',
    'crt-list list.txt verify required ca-file one.pem',
    'crt-list list.txt verify optional ca-file one.pem no-ca-names',
  ];
  const all = await ports(options.length);
  writeFileSync(
    at('list.txt'),
    'server-both.pem a.test\nserver-both.pem [ca-file other.pem] b.test\nserver-both.pem [no-ca-names] c.test\nserver-both.pem [verify none] d.test\n',
  );
  const file = at('haproxy.cfg');
  const binds = options.map((each, index) => `  bind 127.0.0.1:${all[index] ?? 0} ssl ${each}`);
  writeFileSync(
    file,
    `defaults\n  mode http\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\nfrontend f\n${binds.join('\n')}\n`,
  );
  const server = await launch(BINARY.haproxy, ['-db', '-f', file], { folder, port: all[0] ?? 0 });
  try {
    const model = haproxyModel([{ file, text: readFileSync(file, 'utf8') }], localFiles());
    const places = model.frontends.flatMap(({ binds: found }) =>
      found.flatMap(({ addresses: [address = ''], ways }) =>
        ways.map((way) => ({
          port: Number(address.split(':')[1]),
          sni: way.names[0] ?? 'any.test',
          computed: way.announced,
        })),
      ),
    );
    const { said, real } = compared(places);
    expect(said).toEqual(real);
    expect(real).toHaveLength(13);
  } finally {
    await server.stop();
  }
});

whenInstalled('apache')(
  'Apache: SSLCADNRequest before SSLCACertificate, and nothing without the latter',
  async () => {
    const settings = [
      'SSLCACertificateFile both.pem',
      'SSLCACertificatePath dir',
      'SSLCACertificateFile one.pem\nSSLCADNRequestFile other.pem',
      'SSLCADNRequestFile other.pem',
      'SSLCACertificateFile one.pem\nSSLCACertificatePath dir',
      'SSLCACertificateFile agw.pem\nSSLCADNRequestPath dir',
      'SSLCADNRequestFile other.pem\nSSLCADNRequestPath dir\nSSLCACertificateFile agw.pem',
      'SSLVerifyClient none\nSSLCACertificateFile one.pem',
    ];
    const all = await ports(settings.length + 1);
    const named = all.at(-1) ?? 0;
    const host = (port: number, name: string, text: string): string =>
      `<VirtualHost 127.0.0.1:${port}>\nServerName ${name}\nSSLEngine on\nSSLCertificateFile server.pem\nSSLCertificateKeyFile server.key\nSSLVerifyClient optional_no_ca\n${text}\n</VirtualHost>`;
    const file = at('httpd.conf');
    writeFileSync(
      file,
      [
        `ServerRoot ${folder}`,
        ...['mpm_event', 'authz_core', 'ssl'].map(
          (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
        ),
        `PidFile ${at('pid')}\nErrorLog ${at('error.log')}\nDefaultRuntimeDir ${folder}`,
        'User www-data\nGroup www-data\nServerName localhost',
        ...all.map((port) => `Listen 127.0.0.1:${port}`),
        ...settings.map((text, index) => host(all[index] ?? 0, 'any.test', text)),
        host(named, 'a.test', 'SSLCACertificateFile one.pem'),
        host(named, 'b.test', 'SSLCACertificateFile other.pem'),
        '',
      ].join('\n'),
    );
    const server = await launch(BINARY.apache, ['-DFOREGROUND', '-f', file], { folder, port: all[0] ?? 0 });
    try {
      const model = apacheModel({ file, text: readFileSync(file, 'utf8') }, localFiles());
      const places = model.listeners.flatMap(({ address, hosts }) =>
        hosts.map(({ names, tls }) => ({
          port: Number(address.split(':')[1]),
          sni: names[0] ?? '',
          computed: tls.announced,
        })),
      );
      const { said, real } = compared(places);
      expect(said).toEqual(real);
      expect(real).toHaveLength(10);
    } finally {
      await server.stop();
    }
  },
);
