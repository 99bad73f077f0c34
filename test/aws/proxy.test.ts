import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { proxyFor } from '../../src/net/proxy.js';
import { startAwsRecorder, type AwsRecorder } from '../support/aws-recorder.js';
import { cli } from '../support/cli.js';
import { rotateWords } from '../support/rotate-cli.js';
import { startRotationLab } from '../support/rotation.js';
import { startProxy, type Proxy, type ProxyOptions } from '../support/proxy.js';
import { startTlsServer } from '../support/tls-server.js';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' };

let recorder: AwsRecorder;
let bundle: string;
const open: Proxy[] = [];

beforeAll(async () => {
  recorder = await startAwsRecorder(['ONE']);
  bundle = join(await mkdtemp(join(tmpdir(), 'apigw-cert-ca-')), 'ca.pem');
  await writeFile(bundle, recorder.proxy.caPem);
});
afterAll(() => recorder.close());
afterEach(async () => {
  recorder.take();
  await Promise.all(open.splice(0).map((proxy) => proxy.close()));
});

async function proxy(options?: ProxyOptions): Promise<Proxy> {
  const started = await startProxy(options);
  open.push(started);
  return started;
}

describe('which proxy', () => {
  const target = new URL('https://apigateway.eu-west-1.amazonaws.com/');
  const P = 'http://proxy:3128';
  test.each([
    [{ HTTPS_PROXY: P }, 'proxy:3128'],
    [{ https_proxy: P }, 'proxy:3128'],
    [{ https_proxy: 'http://lower:1', HTTPS_PROXY: P }, 'lower:1'],
    [{ https_proxy: '', HTTPS_PROXY: P }, undefined],
    [{ HTTP_PROXY: P }, undefined],
    [{ HTTPS_PROXY: 'proxy:3128' }, 'proxy:3128'],
    [{ HTTPS_PROXY: P, NO_PROXY: '*' }, undefined],
    [{ HTTPS_PROXY: P, NO_PROXY: 'other, .amazonaws.com' }, undefined],
    [{ HTTPS_PROXY: P, no_proxy: 'amazonaws.com:443' }, undefined],
    [{ HTTPS_PROXY: P, no_proxy: 'amazonaws.com:8443' }, 'proxy:3128'],
    [{ HTTPS_PROXY: P, no_proxy: 'zonaws.com' }, 'proxy:3128'],
    [{ HTTPS_PROXY: P, no_proxy: '', NO_PROXY: 'amazonaws.com' }, 'proxy:3128'],
  ])('%j', (env: Record<string, string>, host) => {
    expect(proxyFor(target, env)?.url.host).toBe(host);
  });

  test('a host is excepted by itself and by each domain that it is in, and by nothing else', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 4 }),
        fc.array(label, { minLength: 1, maxLength: 4 }),
        (host, entry) => {
          const isIn = host.slice(-entry.length).join('.') === entry.join('.');
          const env = { HTTPS_PROXY: P, NO_PROXY: entry.join('.') };
          expect(proxyFor(new URL(`https://${host.join('.')}/`), env) === undefined).toBe(isIn);
        },
      ),
    );
  });

  test('what names no http proxy is refused by its variable', () => {
    expect(() => proxyFor(target, { https_proxy: 'socks5://x:1' })).toThrow(
      'https_proxy is not the URL of an http or https proxy',
    );
  });
});

describe('AWS is called', () => {
  test('through a proxy that opens TLS, with AWS_CA_BUNDLE', async () => {
    const env = { ...KEYS, HTTPS_PROXY: recorder.proxy.url, AWS_CA_BUNDLE: bundle };
    const { code } = await cli(['list'], { env });
    expect(code).toBe(0);
    expect(recorder.take()).toMatchObject([{ where: 'apigateway.eu-west-1.amazonaws.com' }]);
    expect(recorder.proxy.seen.at(-1)).toBe('CONNECT apigateway.eu-west-1.amazonaws.com:443');
  });

  test('with ca_bundle of the profile', async () => {
    const config = join(await mkdtemp(join(tmpdir(), 'apigw-cert-')), 'config');
    await writeFile(config, `[profile corp]\nca_bundle = ${bundle}\n`);
    const env = { ...KEYS, https_proxy: recorder.proxy.url, AWS_CONFIG_FILE: config, AWS_PROFILE: 'corp' };
    expect(await cli(['list'], { env })).toMatchObject({ code: 0 });
  });

  test('without it, the variable that would help is named', async () => {
    const { code, stderr } = await cli(['list'], { env: { ...KEYS, HTTPS_PROXY: recorder.proxy.url } });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: apigateway\.eu-west-1\.amazonaws\.com presents a certificate that this machine does not trust/,
    );
    expect(stderr).toMatch(/\n {2}fix: .*AWS_CA_BUNDLE/);
  });

  test('a plain http endpoint through HTTP_PROXY, unless NO_PROXY names it', async () => {
    const plain = await proxy();
    const env = { ...KEYS, HTTP_PROXY: plain.url, AWS_ENDPOINT_URL: recorder.local['ONE'] ?? '' };
    expect(await cli(['list'], { env })).toMatchObject({ code: 0 });
    expect(plain.seen).toEqual([
      expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/clientcertificates\?limit=500$/),
    ]);
    expect(recorder.take()).toMatchObject([{ where: 'ONE' }]);
    expect(await cli(['list'], { env: { ...env, no_proxy: '127.0.0.1' } })).toMatchObject({ code: 0 });
    expect(plain.seen).toHaveLength(1);
  });

  test('with a user and a password', async () => {
    const asking = await proxy({ authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` });
    const env = { ...KEYS, AWS_ENDPOINT_URL: recorder.local['ONE'] ?? '' };
    const known = asking.url.replace('//', '//me:p%40ss@');
    expect(await cli(['list'], { env: { ...env, HTTP_PROXY: known } })).toMatchObject({ code: 0 });
    const { code, stderr } = await cli(['list'], { env: { ...env, HTTP_PROXY: asking.url } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/HTTP 407 .*\n {2}fix: the proxy requires authentication: set .*USER:PASSWORD/);
  });
});

describe('what is not AWS is named as such', () => {
  const page = '<html><title>Blocked</title></html>';
  test('the page of a proxy that refuses', async () => {
    const refusing = await proxy({ refuse: { status: 403, reason: 'Forbidden', body: page } });
    const { code, stderr } = await cli(['list'], { env: { ...KEYS, HTTPS_PROXY: refusing.url } });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: apigateway\.eu-west-1\.amazonaws\.com(:443)? did not answer; an intermediary returned HTTP 403 with an HTML page\n/,
    );
    expect(stderr).toContain(`HTTPS_PROXY=${new URL(refusing.url).host}`);
  });

  test.each([
    [403, 'application/json', '{"error":"blocked"}', 'HTTP 403 with an answer of type application/json'],
    [200, 'text/html', page, 'HTTP 200 with an HTML page'],
    [302, 'text/html', '<a href=x>', 'HTTP 302 with an HTML page redirecting to portal.example'],
  ])('%d %s', async (status, type, body, expected) => {
    const portal = await proxy({
      intercept: {
        dnsNames: ['*.eu-west-1.amazonaws.com'],
        answer: (_request, response) => {
          response.writeHead(status, { 'content-type': type, location: 'http://portal.example/' }).end(body);
        },
      },
    });
    await writeFile(`${bundle}.portal`, portal.caPem);
    const env = { ...KEYS, HTTPS_PROXY: portal.url, AWS_CA_BUNDLE: `${bundle}.portal` };
    const { code, stderr } = await cli(['list'], { env });
    expect(code).toBe(1);
    expect(stderr).toContain(expected);
  });

  test('a proxy that is not there', async () => {
    const { stderr } = await cli(['list'], { env: { ...KEYS, HTTPS_PROXY: 'http://u:secret@127.0.0.1:1' } });
    expect(stderr).toMatch(/did not answer GetClientCertificates: connect ECONNREFUSED 127\.0\.0\.1:1\n/);
    expect(stderr).toContain('the proxy (HTTPS_PROXY=127.0.0.1:1)');
    expect(stderr).not.toContain('secret');
  });
});

test('backend verify asks a backend through CONNECT', async () => {
  const backend = await startTlsServer();
  const plain = await proxy();
  try {
    const { code, stdout } = await cli(['backend', 'verify', backend.url], {
      env: { HTTPS_PROXY: plain.url },
    });
    expect(code).toBe(0);
    const asked = plain.seen.length;
    expect(new Set(plain.seen)).toEqual(new Set([`CONNECT ${new URL(backend.url).host}`]));
    const direct = await cli(['backend', 'verify', backend.url], {
      env: { HTTPS_PROXY: plain.url, NO_PROXY: 'localhost' },
    });
    const timeless = (text: string): string => text.replace(/\d+ ms/, '');
    expect(timeless(direct.stdout)).toBe(timeless(stdout));
    expect(plain.seen).toHaveLength(asked);
  } finally {
    await backend.close();
  }
});

test('a proxy that does not connect to a backend says nothing about the backend', async () => {
  const refusing = await proxy({ refuse: { status: 403, reason: 'Forbidden', body: '' } });
  const { code, stderr } = await cli(['backend', 'verify', 'https://orders.example.com'], {
    env: { HTTPS_PROXY: refusing.url },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /\nerror: the proxy 127\.0\.0\.1:\d+ does not connect to orders\.example\.com:443: 403 Forbidden\n {2}fix: check HTTPS_PROXY/,
  );
});

test('a webhook is told through the proxy', async () => {
  const backend = await startTlsServer();
  const tunnelling = await proxy();
  try {
    await writeFile(`${bundle}.hook`, backend.caPem);
    const { stderr } = await cli(
      [
        'check-expiry',
        '--all',
        '--notify',
        `webhook:${backend.url}`,
        '--warning',
        '364d',
        '--critical',
        '363d',
        'nothere',
      ],
      {
        env: {
          ...KEYS,
          AWS_ENDPOINT_URL: recorder.local['ONE'] ?? '',
          NO_PROXY: '127.0.0.1',
          HTTPS_PROXY: tunnelling.url,
          NODE_EXTRA_CA_CERTS: `${bundle}.hook`,
          XDG_STATE_HOME: await mkdtemp(join(tmpdir(), 'apigw-cert-')),
        },
      },
    );
    expect(stderr).toContain('notified webhook:localhost');
    expect(tunnelling.seen).toEqual([`CONNECT ${new URL(backend.url).host}`]);
  } finally {
    await backend.close();
  }
});

test('--probe-url is asked through the proxy', async () => {
  const backend = await startTlsServer();
  const tunnelling = await proxy();
  const lab = await startRotationLab();
  try {
    await writeFile(`${bundle}.probe`, backend.caPem);
    const { code, stderr } = await cli(rotateWords(lab, '--probe-url', backend.url), {
      env: {
        ...lab.env,
        NO_PROXY: '127.0.0.1',
        HTTPS_PROXY: tunnelling.url,
        NODE_EXTRA_CA_CERTS: `${bundle}.probe`,
      },
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(new Set(tunnelling.seen)).toEqual(new Set([`CONNECT ${new URL(backend.url).host}`]));
  } finally {
    await lab.close();
    await backend.close();
  }
});
