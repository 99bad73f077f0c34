import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CA_BUNDLE_READERS } from '../../src/trust/kinds/index.js';
import { knownReader } from '../../src/trust/known-readers.js';

describe('servers that read a file as a CA bundle', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'apigw-cert-readers-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const configure = async (path: string, text: string): Promise<string> => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };

  test.each([
    ['nginx', 'etc/nginx/sites-enabled/x', 'server {\n  ssl_client_certificate "/etc/t.pem";\n}\n', 2],
    ['haproxy', 'etc/haproxy/haproxy.cfg', 'bind :443 ssl crt x ca-file /etc/t.pem verify required\n', 1],
    ['apache', 'etc/apache2/sites-enabled/x.conf', '\n\nSSLCACertificateFile /etc/t.pem\n', 3],
    ['stunnel', 'etc/stunnel/x.conf', 'CAfile = /etc/t.pem\n', 1],
    ['hitch', 'etc/hitch/hitch.conf', 'client-verify-ca = "/etc/t.pem"\n', 1],
    ['lighttpd', 'etc/lighttpd/lighttpd.conf', 'ssl.verifyclient.ca-file = "/etc/t.pem"\n', 1],
  ])('%s is found with its line', async (kind, path, text, line) => {
    const configuration = await configure(path, text);
    await expect(knownReader('/etc/t.pem', CA_BUNDLE_READERS, root)).resolves.toEqual({
      kind,
      configuration,
      line,
    });
  });

  test.each([
    ['a comment', '# ssl_client_certificate /etc/t.pem;\n'],
    ['another file', 'ssl_client_certificate /etc/t.pem.old;\n'],
    ['another directive', 'ssl_certificate /etc/t.pem;\n'],
  ])('%s does not count', async (_what, text) => {
    await configure('etc/nginx/nginx.conf', text);
    await expect(knownReader('/etc/t.pem', CA_BUNDLE_READERS, root)).resolves.toBeUndefined();
  });

  test('a host without any of them is fine', async () => {
    await expect(knownReader('/etc/t.pem', CA_BUNDLE_READERS, join(root, 'none'))).resolves.toBeUndefined();
  });
});
