import { mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetClientCertificateCommand, GetStageCommand } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { importNew } from '../support/acm.js';
import { cli, emulatorEnv, type CliResult } from '../support/cli.js';
import { generateCertificate, makeApi, startLab, type Lab } from '../support/emulator.js';
import { openssl } from '../support/openssl.js';

const DAY_MS = 86_400_000;
const UNKNOWN_ID = 'zzzzzz';

let lab: Lab;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'apigw-cert-test-'));
  lab = await startLab();
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await lab.close();
});

const run = (...words: string[]): Promise<CliResult> => cli(words, { env: emulatorEnv(lab.emulator) });

async function stageCertificate(): Promise<string | undefined> {
  const { restApiId, stageName } = lab.api;
  return (await lab.client.send(new GetStageCommand({ restApiId, stageName }))).clientCertificateId;
}

describe('generate', () => {
  test('makes a certificate with description and tags, and writes its PEM', async () => {
    const file = join(directory, 'new.pem');
    const words = ['--description', 'orders prod', '--tag', 'team=a', '--tag', 'empty=', '--out-file', file];
    const { code, json } = await run('generate', ...words, '--output', 'json');
    expect(code).toBe(0);
    const made = json() as { clientCertificateId: string; fingerprintSha256: string };
    expect(made).toMatchObject({
      description: 'orders prod',
      tags: { team: 'a', empty: '' },
      daysLeft: 364,
      status: 'ok',
      subject: 'C=US, L=Seattle, CN=ApiGateway',
      file,
    });
    const pem = readFileSync(file, 'utf8');
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[^\r]*\n-----END CERTIFICATE-----\n$/);
    expect(openssl(['x509', '-noout', '-fingerprint', '-sha256'], pem)).toContain(made.fingerprintSha256);
    const { clientCertificateId } = made;
    const kept = await lab.client.send(new GetClientCertificateCommand({ clientCertificateId }));
    expect(kept).toMatchObject({ description: 'orders prod', tags: { team: 'a', empty: '' } });
  });

  test('leaves a file that is there alone, and makes no certificate for it', async () => {
    const file = join(directory, 'there.pem');
    writeFileSync(file, 'what a backend trusts');
    lab.emulator.clearRequests();
    const { code, stderr } = await run('generate', '--out-file', file);
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} exists already`);
    expect(lab.emulator.requests()).toEqual([]);
    expect((await run('generate', '--out-file', file, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
  });

  test('leaves the file of a link alone as well; --force replaces that file, and the link stays', async () => {
    const [file, link] = [join(directory, 'linked.pem'), join(directory, 'link.pem')];
    writeFileSync(file, 'what a backend trusts');
    symlinkSync('linked.pem', link);
    lab.emulator.clearRequests();
    const { code, stderr } = await run('generate', '--out-file', link);
    expect(code).toBe(1);
    expect(stderr).toContain(`${link} exists already`);
    expect(lab.emulator.requests()).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('what a backend trusts');
    expect((await run('generate', '--out-file', link, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(readlinkSync(link)).toBe('linked.pem');
  });

  test.each([
    ['a folder', '.', 'it is a folder'],
    ['in a folder that does not exist', 'no/x.pem', 'its folder does not exist'],
    ['below a file', 'file/x.pem', 'is a file, not a folder'],
    ['a link to a folder that does not exist', 'astray.pem', 'its folder does not exist'],
  ])('finds out that the target is %s before it makes a certificate', async (_what, name, why) => {
    writeFileSync(join(directory, 'file'), 'x');
    rmSync(join(directory, 'astray.pem'), { force: true });
    symlinkSync('no/where.pem', join(directory, 'astray.pem'));
    for (const force of [[], ['--force']]) {
      lab.emulator.clearRequests();
      const { code, stderr } = await run('generate', '--out-file', join(directory, name), ...force);
      expect([code, stderr]).toEqual([1, expect.stringContaining(why)]);
      expect(lab.emulator.requests()).toEqual([]);
    }
  });

  test('a file that cannot be written after all does not lose sight of the certificate', async () => {
    const { code, json } = await run('generate', '--out-file', '/dev/full', '--output', 'json');
    const { error } = json() as {
      error: { code: string; hint: string; details: { clientCertificateId: string } };
    };
    expect({ code, error: error.code }).toEqual({ code: 1, error: 'FileNotWritable' });
    const { clientCertificateId } = error.details;
    expect(error.hint).toContain(`apigw-cert download ${clientCertificateId}`);
    await lab.client.send(new GetClientCertificateCommand({ clientCertificateId }));
  });

  test.each(['novalue', '=x', 'aws:owner=x'])(
    'the tag %s is refused before anything is made',
    async (tag) => {
      const before = lab.emulator.requests().length;
      const { code } = await run('generate', '--tag', tag);
      expect(code).toBe(2);
      expect(lab.emulator.requests()).toHaveLength(before);
    },
  );
});

describe('list', () => {
  test('is soonest expiry first, in one call', async () => {
    lab.emulator.advanceClock(-100 * DAY_MS);
    const older = await generateCertificate(lab.client);
    lab.emulator.advanceClock(100 * DAY_MS);
    lab.emulator.clearRequests();
    const { json } = await run('list', '--output', 'json');
    const { items } = json() as { items: { clientCertificateId: string; notAfter: string }[] };
    expect(items[0]?.clientCertificateId).toBe(older.id);
    const ends = items.map(({ notAfter }) => notAfter);
    expect(ends).toEqual([...ends].sort());
    expect(lab.emulator.requests().map(({ operation }) => operation)).toEqual(['GetClientCertificates']);
  });

  test('--usage tells the stages, the unused and the quota', async () => {
    const unused = await generateCertificate(lab.client);
    const { json } = await run('list', '--usage', '--output', 'json');
    const usage = json() as {
      items: { clientCertificateId: string; usedBy: unknown[] }[];
      sources: { unused: number; quotaLeft: number }[];
    };
    const { restApiId } = lab.api;
    const used = usage.items.find(({ clientCertificateId }) => clientCertificateId === lab.certificate.id);
    expect(used?.usedBy).toEqual([{ restApiId, apiName: 'orders', stageName: 'prod' }]);
    const idle = usage.items.filter(({ usedBy }) => usedBy.length === 0);
    expect(idle.map(({ clientCertificateId }) => clientCertificateId)).toContain(unused.id);
    expect(usage.sources).toMatchObject([{ unused: idle.length, quotaLeft: 60 - usage.items.length }]);

    const { stdout } = await run('list', '--usage');
    expect(stdout).toMatch(new RegExp(`^${lab.certificate.id} .* orders/prod \\(${restApiId}\\)`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${unused.id} .* unused`, 'm'));
  });

  test('shows what a description could do to a terminal instead of doing it', async () => {
    const hostile = 'a\u001b[31mred\u202edesrever\r\n\u0007\u009b2J';
    const { id } = await generateCertificate(lab.client);
    const updated = await run('update', id, '--description', hostile);
    const { stdout } = await run('list');
    for (const shown of [stdout, updated.stdout]) {
      expect(shown).toContain('a\\x1b[31mred\\u{202e}desrever\\x0d\\x0a\\x07\\x9b2J');
      expect(shown).not.toMatch(/[\u001b\u202e\u0007\u009b\r]/);
    }
    const { json } = await run('list', '--output', 'json');
    const { items } = json() as { items: { clientCertificateId: string; description?: string }[] };
    expect(items.find((item) => item.clientCertificateId === id)?.description).toBe(hostile);
  });
});

describe('update', () => {
  test('changes description and tags, and nothing else', async () => {
    const { id } = await generateCertificate(lab.client);
    await run('update', id, '--tag', 'keep=1', '--tag', 'drop=1');
    const { code, json } = await run(
      'update',
      id,
      '--description',
      'new',
      '--tag',
      'add=2',
      '--untag',
      'drop',
      '--output',
      'json',
    );
    expect(code).toBe(0);
    expect(json()).toMatchObject({ description: 'new', tags: { keep: '1', add: '2' } });
  });

  test.each([
    [[], 'nothing to change'],
    [['--tag', 'a=1', '--untag', 'a'], 'the tag "a" is both set and removed'],
  ])('with %j is refused', async (words, said) => {
    const { code, stderr } = await run('update', lab.certificate.id, ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe('attach and detach', () => {
  test('show before and after, and do nothing twice', async () => {
    const { id } = await generateCertificate(lab.client);
    const unasked = await run('attach', id, '--stage', 'orders/prod');
    expect(unasked.code).toBe(1);
    expect(unasked.stderr).toContain(`Use \`apigw-cert rotate --to ${id}\` to test it first`);
    expect(await stageCertificate()).toBe(lab.certificate.id);
    const attached = await run('attach', id, '--stage', 'orders/prod', '--yes', '--output', 'json');
    expect(attached.json()).toMatchObject({
      apiName: 'orders',
      stageName: 'prod',
      before: lab.certificate.id,
      after: id,
      changed: true,
    });
    expect(await stageCertificate()).toBe(id);

    lab.emulator.clearRequests();
    const again = await run('attach', id, '--api', 'orders', '--stage', 'prod');
    expect(again.stdout).toMatch(new RegExp(`^before +${id}\\nafter +${id} \\(nothing to do\\)`, 'm'));
    expect(lab.emulator.requests().map(({ operation }) => operation)).not.toContain('UpdateStage');

    expect((await run('detach', '--stage', 'prod')).code).toBe(1);
    expect(await stageCertificate()).toBe(id);
    const detached = await run('detach', '--stage', 'prod', '--yes', '--output', 'json');
    expect(detached.json()).toMatchObject({ before: id, changed: true });
    expect(detached.json()).not.toHaveProperty('after');
    expect(await stageCertificate()).toBeUndefined();
    await run('attach', lab.certificate.id, '--stage', 'prod');
    expect(await stageCertificate()).toBe(lab.certificate.id);
  });

  test('an ACM certificate is attached by its ARN', async () => {
    const acm = await importNew(lab.emulator);
    const { code } = await run('attach', acm, '--stage', 'orders/prod', '--yes');
    expect({ code, presents: await stageCertificate() }).toEqual({ code: 0, presents: acm });
    await run('attach', lab.certificate.id, '--stage', 'prod', '--yes');
  });

  test('an unknown certificate leaves the stage as it is', async () => {
    const { code, stderr } = await run('attach', UNKNOWN_ID, '--stage', 'orders/prod');
    expect(code).toBe(1);
    expect(stderr).toContain(`there is no client certificate ${UNKNOWN_ID}`);
    expect(await stageCertificate()).toBe(lab.certificate.id);
  });
});

describe('delete', () => {
  test.each([400, 409] as const)('refuses what stages present, naming them (AWS says %d)', async (status) => {
    lab.emulator.configure({ deleteInUseStatus: status });
    const { code, stderr } = await run('delete', '--yes', lab.certificate.id);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: the certificate ${lab.certificate.id} is not deleted: orders/prod (${lab.api.restApiId}) presents it\n`,
    );
  });

  test('asks first, and does nothing where nobody can be asked', async () => {
    const { id } = await generateCertificate(lab.client);
    const { code, stderr } = await run('delete', id);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: not confirmed: Delete the certificate \w+ in eu-central-1\?.*\n {2}fix: add --yes/,
    );
    expect((await run('inspect', id)).code).toBe(0);
    await run('delete', id, '--yes');
  });

  test('spares what a rotation in progress may go back to, and what it made', async () => {
    const old = lab.certificate.id;
    const { id: next } = await generateCertificate(lab.client);
    await run('update', next, '--tag', 'apigw-cert:rotation=r1', '--tag', `apigw-cert:replaces=${old}`);
    const made = await run('delete', next, '--yes');
    expect({ code: made.code, stderr: made.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the rotation of ${old} to it is in progress`),
    });
    await run('attach', next, '--stage', 'orders/prod', '--yes');
    const back = await run('delete', old, '--yes');
    expect({ code: back.code, stderr: back.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the rotation to ${next} may have to roll back to it`),
    });
    await run('attach', old, '--stage', 'orders/prod', '--yes');
    await run('update', next, '--untag', 'apigw-cert:rotation', '--untag', 'apigw-cert:replaces');
    expect((await run('delete', next, '--yes')).code).toBe(0);
  });

  test('deletes what nobody presents', async () => {
    const { id } = await generateCertificate(lab.client);
    const { code, json } = await run('delete', '--yes', id, '--output', 'json');
    expect({ code, result: json() }).toEqual({
      code: 0,
      result: { clientCertificateId: id, deleted: true },
    });
    expect((await run('delete', '--yes', id)).code).toBe(1);
  });
});

describe('test-invoke', () => {
  test('presents the certificate of the stage, or the one named, or none', async () => {
    const call = (...words: string[]): Promise<CliResult> =>
      run('test-invoke', '--stage', 'orders/prod', '--path', '/health', '--output', 'json', ...words);
    const stranger = await generateCertificate(lab.client);

    const own = await call();
    expect(own.code).toBe(0);
    expect(own.json()).toMatchObject({
      httpMethod: 'GET',
      path: '/health',
      clientCertificateId: lab.certificate.id,
      status: 200,
    });
    expect(lab.backend.accepted.get(lab.certificate.fingerprint)).toBe(1);

    const other = await call('--certificate', stranger.id);
    expect(other.code).toBe(1);
    expect(other.json()).toMatchObject({ clientCertificateId: stranger.id, status: 403 });
    expect(lab.backend.refused.get(stranger.fingerprint)).toBe(1);

    const none = await call('--certificate', 'none');
    expect(none.code).toBe(1);
    expect(none.json()).toMatchObject({ status: 403 });
    expect(none.json()).not.toHaveProperty('clientCertificateId');
    expect(lab.backend.refused.get('none')).toBe(1);
  });

  test('finds a method by path, also a greedy one, and says what there is', async () => {
    const { code, stdout } = await run(
      ...['test-invoke', '--api', 'orders', '--path', '/a/b?c=1', '--method', 'post'],
      ...['--certificate', lab.certificate.id],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^call +POST \/a\/b\?c=1\ncertificate +\w+\nstatus +200\nlatency +\d+ ms$/m);
    const missing = await run('test-invoke', '--api', 'orders', '--path', '/');
    expect(missing.stderr).toContain('has no method GET /\n  fix: available methods: ');
    expect(missing.stderr).toContain('GET /health');
  });

  test('words what API Gateway logs of a backend that is not there', async () => {
    const api = await makeApi(lab.emulator, lab.client, 'https://localhost:1', { name: 'down' });
    const { code, stdout } = await run('test-invoke', '--api', api.restApiId, '--path', '/health');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^status +504\n(.*\n)*log message +Execution failed due to a network error communicating with endpoint\n(.*\n)*likely cause +the network\nfix +check that/m,
    );
  });

  test.each([
    [['--path', '/health'], 'no API is specified'],
    [['--api', 'orders'], 'no path or resource is specified'],
  ])('with %j alone is refused', async (words, said) => {
    const { code, stderr } = await run('test-invoke', ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});
