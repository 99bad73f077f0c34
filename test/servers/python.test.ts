/** The printed Python server: a connection that is kept does not outlive the trust in its certificate, or in its CA. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { writeAuthority } from '../../src/certificates/bundle.js';
import { mintClientCertificate } from '../../src/certificates/mint.js';
import type { Identity } from '../../src/certificates/issue.js';
import { mintAuthority } from '../support/authority.js';
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

const agentOf = ({ pem, privateKeyPem }: Identity): https.Agent =>
  new https.Agent({
    keepAlive: true,
    maxSockets: 1,
    rejectUnauthorized: false,
    cert: pem,
    key: privateKeyPem,
  });
const generated = ({ certificate: { pem }, privateKeyPem }: TestIdentity): Identity => ({
  pem,
  privateKeyPem,
});

(existsSync(PYTHON) ? test : test.skip)(
  'what is not trusted any more is refused on a connection that was kept, the others go on',
  async () => {
    const [old, next, authority, successor] = await Promise.all([
      mintIdentity('oldold'),
      mintIdentity('newnew'),
      mintAuthority(),
      mintAuthority(),
    ]);
    const named = { subject: 'CN=gateway,O=Example' };
    const roots = writeAuthority(authority.entry(named)) + writeAuthority(successor.entry(named));
    const [{ chainPem, privateKeyPem }, selfMade] = await Promise.all([
      authority.issue(named.subject),
      mintClientCertificate({ notBefore: new Date(Date.now() - 60_000), subject: 'O=Example, CN=gateway' }),
    ]);
    const site = await prepareSite('python');
    const { port, folder, options } = site;
    const source = join(folder, 'backend.py');
    const list = (...texts: string[]): Promise<void> => writeFile(options.trustFile, texts.join(''));
    await list(
      old.certificate.pem,
      next.certificate.pem,
      selfMade.pem,
      writeAuthority(authority.entry(named)),
    );
    await writeFile(source, await programRecipes.python.configuration(options));
    const server = await launch(PYTHON, [source], { folder, port });
    const ofOld = agentOf(generated(old));
    const ofNext = agentOf(generated(next));
    const ofCa = agentOf({ pem: chainPem, privateKeyPem });
    const ofSelfMade = agentOf(selfMade);
    const relist = async (refused: https.Agent, ...texts: string[]): Promise<void> => {
      await list(...texts);
      process.kill(server.pid, 'SIGHUP');
      const deadline = performance.now() + 300_000;
      let answer = await post(port, refused);
      while (answer.status === 200 && performance.now() < deadline) {
        await sleep(20);
        answer = await post(port, refused);
      }
      expect(answer).toEqual({ status: 403, reused: true });
      await expect(post(port, refused)).rejects.toThrow();
    };
    try {
      expect(await post(port, ofOld)).toEqual({ status: 200, reused: false });
      expect(await post(port, ofOld)).toEqual({ status: 200, reused: true });
      for (const agent of [ofNext, ofCa, ofSelfMade])
        expect(await post(port, agent)).toEqual({ status: 200, reused: false });

      await relist(ofOld, next.certificate.pem, selfMade.pem, roots);
      for (const agent of [ofNext, ofCa, ofSelfMade])
        expect(await post(port, agent)).toEqual({ status: 200, reused: true });
      // Its name is trusted of a CA still.
      await relist(ofSelfMade, next.certificate.pem, roots);
      expect(await post(port, ofCa)).toEqual({ status: 200, reused: true });
      await relist(ofCa, next.certificate.pem, writeAuthority(successor.entry(named)));
      expect(await post(port, ofNext)).toEqual({ status: 200, reused: true });
    } finally {
      for (const agent of [ofOld, ofNext, ofCa, ofSelfMade]) agent.destroy();
      await server.stop();
      await site.close();
    }
  },
);
