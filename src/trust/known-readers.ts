import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where servers on OpenSSL keep their configuration, and the directives by which they read a file as a CA bundle. */
const READERS = [
  { kind: 'nginx', folder: '/etc/nginx', directive: /\bssl_(?:client|trusted)_certificate\s/ },
  { kind: 'haproxy', folder: '/etc/haproxy', directive: /\bca-file\s/ },
  { kind: 'apache', folder: '/etc/apache2', directive: /\bSSLCACertificateFile\s/i },
  { kind: 'apache', folder: '/etc/httpd', directive: /\bSSLCACertificateFile\s/i },
  { kind: 'stunnel', folder: '/etc/stunnel', directive: /\bCAfile\s*=/i },
  { kind: 'hitch', folder: '/etc/hitch', directive: /\bclient-verify-ca\s*=/ },
  { kind: 'lighttpd', folder: '/etc/lighttpd', directive: /\bssl\.(?:verifyclient\.)?ca-file\s*=/ },
] as const;

const MAX_BYTES = 1024 * 1024;

/** A server that reads a file as a CA bundle, and the line that says so. */
export interface KnownReader {
  kind: (typeof READERS)[number]['kind'];
  configuration: string;
  line: number;
}

async function texts(folder: string): Promise<{ path: string; text: string }[]> {
  // What cannot be read says nothing: this look is a help, and the proof before the switch is the guard.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    files.map(async (path) => ({ path, text: await readFile(path, 'latin1').catch(() => '') })),
  );
  return read.filter(({ text }) => text.length < MAX_BYTES);
}

/**
 * Looks for a server on this host that reads `file` as an OpenSSL CA bundle.
 * @param root the root of the file system, for tests
 */
export async function knownReader(file: string, root = '/'): Promise<KnownReader | undefined> {
  for (const { kind, folder, directive } of READERS) {
    for (const { path, text } of await texts(join(root, folder))) {
      if (!text.includes(file)) continue;
      const line = text.split('\n').findIndex((candidate) => {
        const [code = ''] = candidate.split('#');
        const words = code.split(/[\s"'=;]+/);
        return directive.test(code) && words.includes(file);
      });
      if (line !== -1) return { kind, configuration: path, line: line + 1 };
    }
  }
  return undefined;
}
