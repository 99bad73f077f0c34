/** The printed Python server: a connection that is kept does not outlive its certificate. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { programRecipes } from '../support/recipes.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { launch, prepareSite } from '../support/real-server.js';

const PYTHON = '/usr/bin/python3';

function post(port: number, agent: https.Agent): Promise<{ status: number | undefined; reused: boolean }> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      { method: 'POST', port, host: '127.0.0.1', servername: 'localhost', agent },
      (response) => {
        response.resume().once('end', () => {
          resolve({ status: response.statusCode, reused: request.reusedSocket });
        });
      },
    );
    request.on('error', reject);
    request.end('hello');
  });
}

const agentOf = ({ certificate, privateKeyPem }: TestIdentity): https.Agent =>
  new https.Agent({
    keepAlive: true,
    maxSockets: 1,
    rejectUnauthorized: false,
    cert: certificate.pem,
    key: privateKeyPem,
  });

(existsSync(PYTHON) ? test : test.skip)(
  'a removed certificate is refused on a connection that was kept, the other goes on',
  async () => {
    const [old, next] = await Promise.all([mintIdentity('oldold'), mintIdentity('newnew')]);
    const site = await prepareSite('python');
    const { port, folder, options } = site;
    const source = join(folder, 'backend.py');
    await writeFile(options.trustFile, programRecipes.python.trustFile([old.certificate, next.certificate]));
    await writeFile(source, programRecipes.python.configuration(options));
    const server = await launch(PYTHON, [source], { folder, port });
    const [ofOld, ofNext] = [agentOf(old), agentOf(next)];
    try {
      expect(await post(port, ofOld)).toEqual({ status: 200, reused: false });
      expect(await post(port, ofOld)).toEqual({ status: 200, reused: true });
      expect(await post(port, ofNext)).toEqual({ status: 200, reused: false });

      await writeFile(options.trustFile, programRecipes.python.trustFile([next.certificate]));
      process.kill(server.pid, 'SIGHUP');
      const deadline = performance.now() + 10_000;
      let answer = await post(port, ofOld);
      while (answer.status === 200 && performance.now() < deadline) {
        await sleep(20);
        answer = await post(port, ofOld);
      }
      expect(answer).toEqual({ status: 403, reused: true });
      expect(await post(port, ofNext)).toEqual({ status: 200, reused: true });
      await expect(post(port, ofOld)).rejects.toThrow();
      expect(await readFile(options.trustFile, 'utf8')).not.toContain(old.certificate.pem);
    } finally {
      ofOld.destroy();
      ofNext.destroy();
      await server.stop();
      await site.close();
    }
  },
  30_000,
);
