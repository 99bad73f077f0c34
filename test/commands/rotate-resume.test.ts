import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile, appendFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cli, type CliResult } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate } from '../support/emulator.js';
import { rotateCli, rotateWords, startCli, stateOf } from '../support/rotate-cli.js';
import { REGION, startRotationLab, startTraffic, type RotationLab } from '../support/rotation.js';

let lab: RotationLab;
beforeEach(async () => {
  lab = await startRotationLab({ propagationDelayMs: 200 });
});
afterEach(() => lab.close());

const status = async (...words: string[]): Promise<CliResult> => cli(['status', ...words], { env: lab.env });

/** Switched, and soaking for longer than a test takes. */
async function soaking(): Promise<string> {
  const { code } = await rotateCli(lab, '--no-wait', '--soak', '1h');
  expect(code).toBe(75);
  const { presented = '' } = await stateOf(lab);
  expect(presented).not.toBe(lab.oldId);
  return presented;
}

async function expectRotatedTo(id: string | undefined): Promise<void> {
  expect(await stateOf(lab)).toEqual({ certificates: [id], presented: id, trusted: [id] });
}

const original = () => ({ certificates: [lab.oldId], presented: lab.oldId, trusted: [lab.oldId] });

describe('a rotation goes on', () => {
  test('after --no-wait, when the soak is over', async () => {
    const newId = await soaking();
    const early = await rotateCli(lab, '--no-wait', '--soak', '1h');
    expect(early.code).toBe(75);
    expect(early.stderr).toMatch(
      /not finished: orders\/prod \(\w+\): the new certificate is in use; the old one is removed after the soak, at \S+Z\n {2}next: run the same command again after that/,
    );
    const late = await rotateCli(lab, '--no-wait', '--soak', '1ms');
    expect(late.code).toBe(0);
    await expectRotatedTo(newId);
  });

  test('after the journal is gone, and says that it is', async () => {
    const newId = await soaking();
    await rm(join(lab.directory, 'state'), { recursive: true });
    const { code, stderr } = await rotateCli(lab);
    expect(code).toBe(0);
    expect(stderr).toContain('warning: the journal of this rotation is missing');
    await expectRotatedTo(newId);
  });

  test('after --keep-old, which a run that is too early leaves as it is', async () => {
    const kept = await rotateCli(lab, '--keep-old', '1h');
    const { presented, certificates, trusted } = await stateOf(lab);
    expect(kept.code).toBe(0);
    expect(kept.stdout).toMatch(/ is in use; the old \w{6} is kept until \S+Z\n$/);
    expect([certificates, trusted]).toEqual([[lab.oldId, presented].sort(), [lab.oldId, presented].sort()]);
    expect((await rotateCli(lab, '--keep-old', '1h')).code).toBe(0);
    expect((await stateOf(lab)).certificates).toHaveLength(2);
    // AWS's date of the switch has whole seconds: the time counts from the end of that second.
    do expect((await rotateCli(lab, '--keep-old', '1ms')).code).toBe(0);
    while ((await stateOf(lab)).certificates.length > 1);
    await expectRotatedTo(presented);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('after %s in the soak, which exits with 130', async (signal) => {
    const run = startCli(lab, rotateWords(lab, '--soak', '1h'));
    await run.says(/waiting until .* \(soak\)/);
    run.kill(signal);
    const { code, stdout, stderr } = await run.closed;
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      `error: orders/prod (${lab.api.restApiId}): stopped by a signal after the current step`,
    );
    const { presented } = await stateOf(lab);
    expect((await rotateCli(lab)).code).toBe(0);
    await expectRotatedTo(presented);
  });

  test('after SIGINT within a step, which is brought to its end first', async () => {
    lab.emulator.addFault({ operation: 'UpdateStage', kind: 'delay', ms: 1_500 });
    const run = startCli(lab, rotateWords(lab));
    await run.says(/✓ re-check/);
    run.kill('SIGINT');
    expect((await run.closed).code).toBe(130);
    const { presented } = await stateOf(lab);
    expect(presented).not.toBe(lab.oldId);
    const records = await journal();
    expect(records.at(-1)).toMatchObject({ type: 'done', step: 'switch' });
    expect((await rotateCli(lab)).code).toBe(0);
    await expectRotatedTo(presented);
  });

  test('and a second run meanwhile is told who is at work, and exits with 75', async () => {
    const run = startCli(lab, rotateWords(lab, '--soak', '1h'));
    await run.says(/waiting until/);
    const second = await rotateCli(lab);
    expect(second.code).toBe(75);
    expect(second.stderr).toMatch(
      /not finished: process \d+ on \S+, since \S+, is already working on access key AKIDTEST, eu-central-1, http/,
    );
    // To look is always allowed.
    expect((await rotateCli(lab, '--dry-run')).code).toBe(0);
    run.kill('SIGINT');
    await run.closed;
  });
});

async function journal(): Promise<Record<string, unknown>[]> {
  const directory = join(lab.directory, 'state', 'apigw-cert', 'rotations');
  const [file = ''] = await readdir(directory);
  return (await readFile(join(directory, file), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('--abort', () => {
  test('finds nothing to do where nothing is under way', async () => {
    const { code, stdout } = await rotateCli(lab, '--abort');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `orders/prod (${lab.api.restApiId}): no rotation is in progress; it presents ${lab.oldId}\n`,
    });
  });

  test('takes a rotation back from the soak, under traffic', async () => {
    await soaking();
    const traffic = startTraffic(`${lab.api.invokeUrl}/health`);
    const { code, stdout } = await rotateCli(lab, '--abort');
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `aborted: orders/prod (${lab.api.restApiId}) presents ${lab.oldId}\n`,
    });
    expect(await stateOf(lab)).toEqual(original());
    expect((await status()).stdout).toMatch(/^aborted /);
  });

  test.each([
    'GenerateClientCertificate',
    'TestInvokeMethod',
    'UpdateStage',
    'GetStage',
    'DeleteClientCertificate',
  ])('takes it back from where %s had stopped it', async (operation) => {
    lab.emulator.addFault({
      operation,
      kind: 'error',
      code: 'InternalFailure',
      status: 500,
      message: 'x',
      occurrence: 'every',
    });
    const { code } = await rotateCli(lab);
    expect(code).toBe(1);
    lab.emulator.clearFaults();
    expect((await rotateCli(lab, '--abort')).code).toBe(0);
    expect(await stateOf(lab)).toEqual(original());
  });

  test('says that there is no way back once the old certificate is deleted', async () => {
    await rotateCli(lab);
    const { presented } = await stateOf(lab);
    expect((await rotateCli(lab, '--abort')).stdout).toContain('no rotation is in progress');
    await expectRotatedTo(presented);
  });
});

describe('--only-stage and --to', () => {
  const second = async (): Promise<void> => {
    const client = clientOf(lab.emulator, { region: REGION });
    const { CreateStageCommand } = await import('@aws-sdk/client-api-gateway');
    const { deploymentId } = await lab.controlPlane.getStage({
      restApiId: lab.api.restApiId,
      stageName: 'prod',
    });
    await client.send(
      new CreateStageCommand({ restApiId: lab.api.restApiId, stageName: 'beta', deploymentId }),
    );
    await attachCertificate(client, { restApiId: lab.api.restApiId, stageName: 'beta' }, lab.oldId);
    client.destroy();
  };
  const beta = async (): Promise<string | undefined> =>
    (await lab.controlPlane.getStage({ restApiId: lab.api.restApiId, stageName: 'beta' }))
      .clientCertificateId;

  test('all stages that share the certificate move together', async () => {
    await second();
    const { code } = await rotateCli(lab);
    expect(code).toBe(0);
    const { presented } = await stateOf(lab);
    expect(await beta()).toBe(presented);
    await expectRotatedTo(presented);
  });

  test('--only-stage moves one and keeps the old one for the others; so does the next for its own', async () => {
    await second();
    expect((await rotateCli(lab, '--only-stage', '--no-wait', '--soak', '1h')).code).toBe(75);
    expect((await rotateCli(lab)).code).toBe(0);
    const first = await stateOf(lab);
    expect(await beta()).toBe(lab.oldId);
    expect(first.certificates).toEqual([lab.oldId, first.presented].sort());
    expect(first.trusted).toEqual(first.certificates);
    expect((await rotateCli(lab)).stdout).toContain('is not due');

    expect((await rotateCli(lab, '--only-stage', '--stage', 'orders/beta')).code).toBe(0);
    const both = await stateOf(lab);
    expect(both.presented).toBe(first.presented);
    expect(await beta()).not.toBe(first.presented);
    expect(await beta()).not.toBe(lab.oldId);
  });

  test('--to rotates to an existing certificate; abort keeps that, without a mark', async () => {
    const client = clientOf(lab.emulator, { region: REGION });
    const { id } = await generateCertificate(client);
    client.destroy();
    expect((await rotateCli(lab, '--to', id, '--no-wait', '--soak', '1h')).code).toBe(75);
    expect((await rotateCli(lab, '--to', id, '--abort')).code).toBe(2);
    expect((await rotateCli(lab, '--abort')).code).toBe(0);
    expect(await stateOf(lab)).toEqual({ ...original(), certificates: [lab.oldId, id].sort() });
    expect((await lab.controlPlane.getClientCertificate(id)).tags).toEqual({});
    expect((await rotateCli(lab, '--to', id)).code).toBe(0);
    await expectRotatedTo(id);
    // Said again, it has nothing to do.
    expect((await rotateCli(lab, '--to', id)).stdout).toContain('nothing to do');
  });

  test.each([['that does not exist', 'zzzzzz', 1, 'there is no client certificate zzzzzz']])(
    '--to one %s is refused and nothing is touched',
    async (_, id, exit, message) => {
      const { code, stderr } = await rotateCli(lab, '--to', id);
      expect(code).toBe(exit);
      expect(stderr).toContain(message);
      expect(await stateOf(lab)).toEqual(original());
    },
  );
});

/** The backend accepts the new certificate, but whoever calls this is refused as soon as the stage presents it. */
async function urlThatFailsAfterTheSwitch(): Promise<string> {
  const server = createServer((_request, response) => {
    const { restApiId, stageName } = lab.api;
    void lab.controlPlane.getStage({ restApiId, stageName }).then(({ clientCertificateId }) => {
      response.writeHead(clientCertificateId === lab.oldId ? 200 : 403).end();
    });
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('after a failure in use', () => {
  test('which a run that does not wait sees, too', async () => {
    const url = await urlThatFailsAfterTheSwitch();
    const { code, stderr } = await rotateCli(lab, '--no-wait', '--soak', '1h', '--probe-url', url);
    expect(code).toBe(1);
    expect(stderr).toContain('answered 403 3 times in a row after the switch');
    expect((await stateOf(lab)).presented).toBe(lab.oldId);
  });

  test('a URL that fails before the switch already is no failure of the new certificate', async () => {
    const url = `${lab.emulator.url}/nowhere`;
    const { code, stderr } = await rotateCli(lab, '--probe-url', url);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /nowhere answered 40\d 3 times in a row before anything was changed\n {2}fix: check --probe-url/,
    );
    expect(await stateOf(lab)).toEqual(original());
  });

  test('the stage is back, no timer tries again, --force does and --abort takes back', async () => {
    const url = await urlThatFailsAfterTheSwitch();
    const watched = ['--soak', '1h', '--probe-url', url];
    const { code, stderr } = await rotateCli(lab, ...watched);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: orders/prod (${lab.api.restApiId}): the stages present the old certificate ${lab.oldId} again: ${url} answered 40`,
    );
    const back = await stateOf(lab);
    expect(back.presented).toBe(lab.oldId);
    expect(back.certificates).toHaveLength(2);

    const timer = await rotateCli(lab);
    expect(timer.code).toBe(1);
    expect(timer.stderr).toContain('find out why the backend refused it, then run again with --force');
    expect(await stateOf(lab)).toEqual(back);

    // Tried again and failed again, it is rolled back again.
    expect((await rotateCli(lab, '--force', ...watched)).code).toBe(1);
    expect(await stateOf(lab)).toEqual(back);

    expect((await rotateCli(lab, '--force', '--no-wait', '--soak', '1h')).code).toBe(75);
    expect((await rotateCli(lab)).code).toBe(0);
    await expectRotatedTo(back.certificates.find((id) => id !== lab.oldId));
  });

  test('--abort takes back what was rolled back', async () => {
    const url = await urlThatFailsAfterTheSwitch();
    await rotateCli(lab, '--soak', '1h', '--probe-url', url);
    expect((await rotateCli(lab, '--abort')).code).toBe(0);
    expect(await stateOf(lab)).toEqual(original());
  });
});

describe('a way back', () => {
  const bare = (...words: string[]): Promise<CliResult> =>
    cli(['rotate', '--stage', 'orders/prod', '--settle', '5s', '--soak', '300ms', ...words], {
      env: lab.env,
    });

  test('is refused without the trust store that was changed, and nothing is touched', async () => {
    await soaking();
    const before = await stateOf(lab);
    const other = ['--trust', `pem-bundle:${lab.directory}/other.pem`];
    const changed = `this rotation has changed pem-bundle:${lab.trustFile}, which is no longer specified`;
    for (const [words, said] of [
      [['--abort'], 'no trust store is specified'],
      [['--abort', ...other], changed],
      [other, changed],
    ] as const) {
      const { code, stderr } = await bare(...words);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) as unknown });
      expect(await stateOf(lab)).toEqual(before);
    }
  });

  test('that cannot be gone leaves the way forward open', async () => {
    const config = join(lab.directory, 'c.yaml');
    const done = join(lab.directory, 'may-end');
    await writeFile(
      config,
      `targets: { t: { api: orders, stages: [prod], soak: 300ms, trust: [{ kind: pem-bundle, file: ${lab.trustFile} }], hooks: { done: [test, -f, ${done}] } } }\n`,
    );
    const run = (...words: string[]) => cli(['rotate', '--config', config, ...words], { env: lab.env });
    expect((await run()).code).toBe(1);
    const back = await run('--abort');
    expect(back.code).toBe(1);
    expect(back.stderr).toContain('the rotation can only be completed: run the same command without --abort');
    await writeFile(done, '');
    const forward = await run();
    expect({ code: forward.code, rollingBack: forward.stderr.includes('rolling back') }).toEqual({
      code: 0,
      rollingBack: false,
    });
    expect((await status()).stdout).toContain('0 in progress, 1 finished');
  });

  test('is shown by a dry run, and so is what is under way', async () => {
    const newId = await soaking();
    const before = await stateOf(lab);
    const forward = await rotateCli(lab, '--dry-run');
    expect(forward.stdout).toMatch(
      new RegExp(`^would resume rotation \\S+, ${lab.oldId} → ${newId}, of orders/prod`),
    );
    const back = await rotateCli(lab, '--abort', '--dry-run');
    expect(back.stdout).toMatch(
      new RegExp(
        `^would abort rotation \\S+, ${lab.oldId} → ${newId}, of orders/prod \\(\\w+\\):\n {3}1\\. withdraw the new certificate[^]*\n {3}4\\. switch the stage back: orders/prod [^]*\n {3}7\\. delete the new certificate: ${newId}\n {3}8\\. remove the new certificate from the trust store: [^]*${newId}\ncalls to backends:\n {2}GET /health → .*\nnothing was changed\n$`,
      ),
    );
    expect(await stateOf(lab)).toEqual(before);
  });

  test('that an earlier run began is finished by a run without --abort, which is not the rotation', async () => {
    lab.emulator.addFault({
      operation: 'UpdateStage',
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
    });
    lab.emulator.addFault({
      operation: 'DeleteClientCertificate',
      kind: 'error',
      code: 'AccessDeniedException',
      status: 403,
    });
    const first = await rotateCli(lab);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(
      /fix: allow apigateway:PATCH [^]*; allow apigateway:DELETE [^]*; then run the same command again: it resumes rolling back/,
    );
    lab.emulator.clearFaults();
    const second = await rotateCli(lab);
    expect(second.code).toBe(75);
    expect(second.stderr).toContain(`the earlier rotation was aborted; ${lab.oldId} is still due`);
    expect(await stateOf(lab)).toEqual(original());
    expect((await rotateCli(lab)).code).toBe(0);
  });
});

test('a switch of a clock that was ahead is soaked for once, and no longer', async () => {
  const newId = await soaking();
  const [journal = ''] = await readdir(join(lab.directory, 'state', 'apigw-cert', 'rotations'));
  const file = join(lab.directory, 'state', 'apigw-cert', 'rotations', journal);
  const lines = (await readFile(file, 'utf8')).split('\n');
  const ahead = lines.map((line) =>
    line.includes('"done"') && line.includes('"switch"') ? line.replace(/"at":"\d{4}/, '"at":"2999') : line,
  );
  await writeFile(file, ahead.join('\n'));
  expect((await rotateCli(lab, '--soak', '300ms')).code).toBe(0);
  await expectRotatedTo(newId);
});

test('--keep-old is a promise that runs without it keep, until it is taken back', async () => {
  await rotateCli(lab, '--keep-old', '1h');
  const before = await stateOf(lab);
  const later = await rotateCli(lab);
  expect(later.stdout).toContain(`the old ${lab.oldId} is kept until`);
  expect(await stateOf(lab)).toEqual(before);
  expect((await rotateCli(lab, '--keep-old', '0s')).code).toBe(0);
  await expectRotatedTo(before.presented);
});

test('a server that cannot be made to use its trust store leaves nothing behind', async () => {
  const { code, stderr } = await rotateCli(lab, '--reload', 'exit 3');
  expect(code).toBe(1);
  expect(stderr).toContain('is the server running, and are its commands right?');
  expect(stderr).toContain('rolling back');
  expect(await stateOf(lab)).toEqual(original());
  expect((await status()).stdout).toContain('0 in progress, 1 finished');
});

test('events into a pipe that nobody reads hold nothing up', async () => {
  const fifo = join(lab.directory, 'events');
  execFileSync('mkfifo', [fifo]);
  const { code, stderr } = await rotateCli(lab, '--events', fifo);
  expect(code).toBe(2);
  expect(stderr).toContain('that a pipe has a reader');
});

describe('status', () => {
  const rotations = async (): Promise<Record<string, unknown>[]> =>
    ((await status('--output', 'json')).json() as { items: Record<string, unknown>[] }).items;

  test('knows nothing on a new machine', async () => {
    expect((await status()).stdout).toBe('no rotation has been started on this machine\n');
    expect(await rotations()).toEqual([]);
  });

  test('lists what is in progress with each step, and what has ended in a line', async () => {
    const newId = await soaking();
    const inProgress = await status();
    expect(inProgress.stdout).toMatch(
      new RegExp(
        `^in progress \\S+: ${lab.oldId} → ${newId} for \\w+/prod in account of the access key AKIDTEST, Region eu-central-1, last at `,
      ),
    );
    expect(inProgress.stdout).toMatch(/✓ switch the stage: \w+\/prod /);
    expect(inProgress.stdout).toMatch(
      /\n {2}next: run the same command again to continue, or add --abort to abort\n1 in progress, 0 finished\n$/,
    );
    await rotateCli(lab);
    expect((await status()).stdout.split('\n')).toHaveLength(3);
    expect((await status('--all')).stdout).toContain('✓ delete the old certificate');
    expect(await rotations()).toMatchObject([
      { state: 'completed', oldCertificateId: lab.oldId, newCertificateId: newId, region: REGION },
    ]);
  });

  test('survives a torn last line, and says what a newer version wrote', async () => {
    await soaking();
    const directory = join(lab.directory, 'state', 'apigw-cert', 'rotations');
    const [file = ''] = await readdir(directory);
    await appendFile(join(directory, file), '{"type":"done","at":"2026-');
    await writeFile(join(directory, 'newer.jsonl'), '{"type":"started","version":4}\n');
    const { code, stdout } = await status();
    expect(code).toBe(0);
    expect(stdout).toContain('in progress ');
    expect(stdout).toMatch(/unreadable newer: .* has version 4; this apigw-cert supports up to version 3/);
    // The torn line was never acknowledged: the rotation goes on.
    expect((await rotateCli(lab)).code).toBe(0);
  });

  test('forgets what ended more than a year ago, of its own account and Region alone, when a rotation begins', async () => {
    await rotateCli(lab);
    const directory = join(lab.directory, 'state', 'apigw-cert', 'rotations');
    const [own = ''] = await readdir(directory);
    const text = await readFile(join(directory, own), 'utf8');
    const id = own.replace('.jsonl', '');
    const copy = (name: string, days: number, change: (text: string) => string = (same) => same) => {
      const at = new Date(Date.now() - days * 86_400_000).toISOString();
      const lines = text.replaceAll(id, name).trimEnd().split('\n').slice(0, -1);
      const ended = JSON.stringify({ type: 'ended', at, outcome: 'completed' });
      return writeFile(join(directory, `${name}.jsonl`), change([...lines, ended, ''].join('\n')));
    };
    await copy('old', 366);
    await copy('young', 364);
    await copy('torn', 366, (whole) => `${whole}{"type":`);
    await copy('unended', 366, (whole) => whole.split('\n').slice(0, -2).concat('').join('\n'));
    await copy('elsewhere', 366, (whole) => whole.replace(REGION, 'us-east-1'));
    await copy('anothers', 366, (whole) => whole.replace(/"account":"\w+"/, '"account":"999999999999"'));
    // Nothing is due: nothing begins, and nothing goes.
    expect((await rotateCli(lab)).code).toBe(0);
    expect(await readdir(directory)).toHaveLength(7);
    expect((await rotateCli(lab, '--force')).code).toBe(0);
    const left = (await readdir(directory)).filter((name) => !name.startsWith('20')).sort();
    expect(left).toEqual(['anothers.jsonl', 'elsewhere.jsonl', 'torn.jsonl', 'unended.jsonl', 'young.jsonl']);
  });

  test('takes a file that no record came into for no rotation, and says what to do with it', async () => {
    await soaking();
    const directory = join(lab.directory, 'state', 'apigw-cert', 'rotations');
    const [empty, torn] = [join(directory, 'empty.jsonl'), join(directory, 'torn.jsonl')];
    await writeFile(empty, '');
    await writeFile(torn, '{"type":"started","version":1,"at":"2026-');
    const { stdout } = await status();
    expect(stdout).toContain(
      `unreadable empty: ${empty} is not a rotation journal: it is empty\n  fix: delete it`,
    );
    expect(stdout).toContain(
      `unreadable torn: ${torn} is not a rotation journal: its first record is incomplete`,
    );
    expect(stdout).toMatch(/\n1 in progress, 0 finished, 2 unreadable\n$/);
    expect((await rotations()).filter(({ state }) => state === 'unreadable')).toMatchObject([
      { rotationId: 'empty', problem: { code: 'JournalBroken', file: empty } },
      { rotationId: 'torn', problem: { code: 'JournalBroken', file: torn } },
    ]);
    const { code, stderr } = await rotateCli(lab);
    expect({ code, warned: stderr.includes('journal') }).toEqual({ code: 0, warned: false });
  });
});
