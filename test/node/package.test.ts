import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  afterTest,
  bundle,
  call,
  directory,
  fingerprint,
  mintCast,
  replaceFile,
  serverOptions,
} from './fixture.js';
import { freePort } from '../support/free-port.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

let cast: Awaited<ReturnType<typeof mintCast>>;
beforeAll(async () => {
  cast = await mintCast();
});

function node(...args: string[]) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  afterTest(() => {
    child.kill();
  });
  return child;
}

async function outcome(child: ReturnType<typeof node>) {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0], stdout, stderr };
}

/** What the examples find in /etc/orders. */
function orders(): string {
  const path = directory();
  writeFileSync(join(path, 'server.key'), serverOptions.key);
  writeFileSync(join(path, 'server.pem'), serverOptions.cert);
  writeFileSync(join(path, 'apigw.pem'), bundle(cast.old, cast.fresh));
  return path;
}

describe('the package as installed', () => {
  test.each([
    ['require', ['-e', "const m = require('apigw-cert/node');"]],
    ['import', ['--input-type=module', '-e', "import * as m from 'apigw-cert/node';"]],
  ])('%s, and the watching does not keep the process alive', async (_way, [...args]) => {
    const file = join(orders(), 'apigw.pem');
    const script = `${args.pop() ?? ''} console.log(m.trustClientCertificates(${JSON.stringify(file)}).fingerprints.join())`;
    expect(await outcome(node('--no-warnings', ...args, script))).toEqual({
      code: 0,
      stdout: `${fingerprint(cast.old)},${fingerprint(cast.fresh)}\n`,
      stderr: '',
    });
  });

  test('a file that spoils is a process warning unless somebody listens', async () => {
    const file = join(orders(), 'apigw.pem');
    const script = `
      const { trustClientCertificates } = require('apigw-cert/node');
      trustClientCertificates(process.argv[1]);
      require('node:fs').writeFileSync(process.argv[1], '');
      const waiting = setInterval(() => {}, 1000);
      process.on('warning', ({ name, message }) => { console.log(name, message); clearInterval(waiting); });`;
    const { stdout } = await outcome(node('--no-warnings', '-e', script, file));
    expect(stdout).toContain(
      `ClientCertificateTrustWarning cannot use the client certificates in ${file}: it holds no certificate; still trusting the previous 2\n`,
    );
  });
});

describe('the examples of docs/node.md', () => {
  const blocks = [...readFileSync(join(root, 'docs/node.md'), 'utf8').matchAll(/```js\n([^]*?)```/g)].map(
    ([, code = '']) => code,
  );

  /** Runs a block as a program in this package, with the paths and the port of a test for those it names. */
  async function start(code: string, etc: string) {
    const port = await freePort();
    mkdirSync(join(root, 'build'), { recursive: true });
    const place = mkdtempSync(join(root, 'build', 'example-'));
    afterTest(() => {
      rmSync(place, { recursive: true });
    });
    const file = join(place, code.startsWith('import') ? 'example.mjs' : 'example.cjs');
    expect(code).toContain('8443');
    writeFileSync(file, code.replaceAll('/etc/orders', etc).replaceAll('8443', String(port)));
    const child = node('--no-warnings', file);
    let printed = '';
    const print = (data: Buffer): void => {
      printed += data.toString();
      child.emit('printed');
    };
    child.stdout.on('data', print);
    child.stderr.on('data', print);
    const says = async (words: string): Promise<void> => {
      while (!printed.includes(words)) {
        if (child.exitCode !== null) throw new Error(printed);
        await Promise.race([once(child, 'printed'), once(child, 'exit')]);
      }
    };
    await says('listening');
    return { port, says };
  }

  test('there are two', () => {
    expect(blocks).toHaveLength(2);
  });

  test('https', async () => {
    const etc = orders();
    const { port, says } = await start(blocks[0] ?? '', etc);
    expect(await call({ port, as: cast.old })).toMatchObject({
      status: 200,
      body: `hello, ${fingerprint(cast.old)}\n`,
    });
    expect(await call({ port, as: cast.fresh })).toMatchObject({ status: 200 });
    expect(await call({ port, as: cast.evil })).toMatchObject({ status: 403 });
    await says(`refused: CertificateNotListed ${fingerprint(cast.evil)}\n`);
    replaceFile(join(etc, 'apigw.pem'), bundle(cast.fresh));
    await says(`trusted now: ${fingerprint(cast.fresh)}\n`);
    expect(await call({ port, as: cast.old })).toMatchObject({ status: 403 });
  });

  test('express', async () => {
    const { port } = await start(blocks[1] ?? '', orders());
    const path = '/orders';
    expect(await call({ port, path, as: cast.old })).toMatchObject({
      status: 200,
      body: JSON.stringify({ calledWith: fingerprint(cast.old) }),
    });
    expect(await call({ port, path, as: cast.evil })).toMatchObject({ status: 403 });
    expect(await call({ port, path })).toMatchObject({ status: 403 });
    expect(await call({ port, path: '/healthz' })).toMatchObject({ status: 200, body: 'ok' });
  });
});
