import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateStageCommand, GetStageCommand, type APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Proof } from '../../src/rotation/rules/proof.js';
import type { RotationRecord } from '../../src/rotation/rules/record.js';
import { cli, type CliResult } from '../support/cli.js';
import { attachCertificate, clientOf, makeApi } from '../support/emulator.js';
import { rotateWords } from '../support/rotate-cli.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

const APIS = 20;
const STAGES = 10;
/** What fits a few lines of a terminal; the list of all 200 stages would take 5,000. */
const LONGEST = 450;

interface Account {
  lab: RotationLab;
  client: APIGatewayClient;
}

/** Gives an API of one stage nine more, with the same certificate. */
async function addStages({ lab, client }: Account, restApiId: string): Promise<void> {
  const { deploymentId } = await client.send(new GetStageCommand({ restApiId, stageName: 'prod' }));
  for (let i = 1; i < STAGES; i++) {
    const stageName = `version${i}`;
    await client.send(new CreateStageCommand({ restApiId, stageName, deploymentId }));
    await attachCertificate(client, { restApiId, stageName }, lab.oldId);
  }
}

/** An account whose APIs have ten stages each, all with one certificate that is due. */
async function accountOf(apis: number): Promise<Account> {
  const lab = await startRotationLab();
  const client = clientOf(lab.emulator, { region: REGION });
  await addStages({ lab, client }, lab.api.restApiId);
  for (let i = 1; i < apis; i++) {
    const name = `orders${i}`;
    const { restApiId, stageName } = await makeApi(lab.emulator, client, lab.backend.url, { name });
    await attachCertificate(client, { restApiId, stageName }, lab.oldId);
    await addStages({ lab, client }, restApiId);
  }
  return { lab, client };
}

async function close({ lab, client }: Account): Promise<void> {
  client.destroy();
  await lab.close();
}

let big: Account;
beforeAll(async () => {
  big = await accountOf(APIS);
});
afterAll(() => close(big));

/** Runs a command, whose lines have to stay short. */
async function short({ lab }: Account, ...words: string[]): Promise<CliResult> {
  const result = await cli(words, { env: lab.env });
  const long = [...result.stdout.split('\n'), ...result.stderr.split('\n')].filter(
    (line) => line.length > LONGEST,
  );
  expect({ words, long }).toEqual({ words, long: [] });
  return result;
}

const rotate = (account: Account, ...words: string[]): Promise<CliResult> =>
  short(account, ...rotateWords(account.lab, ...words));
const MANY = /200 stages in 20 APIs \([^)]+(\(\w+\))?, [^)]+(\(\w+\))? and 198 more\)/;

describe('one certificate on 200 stages', () => {
  test.each([
    [['list']],
    [['list', '--usage']],
    [['inventory']],
    [['check-expiry']],
    [['check-expiry', '--warning', '90d', '--output', 'nagios']],
    [['check-expiry', '--warning', '90d', '--output', 'github']],
    [['doctor', '--stage', 'orders/prod']],
    [['test-invoke', '--stage', 'orders/prod', 'GET', '/health']],
    [['prune']],
    [['attach', 'abcdef', '--stage', 'prod']],
  ])('%j writes short lines', async (words) => {
    const { stdout, stderr } = await short(big, ...words);
    expect(`${stdout}${stderr}`).not.toBe('');
  });

  test('check-expiry says how many present it', async () => {
    const { stdout } = await short(big, 'check-expiry', '--warning', '90d');
    expect(stdout).toMatch(MANY);
  });

  test('inspect names the first of them', async () => {
    const { stdout } = await short(big, 'inspect', big.lab.oldId);
    expect(stdout).toContain('and 190 more');
    expect(stdout.split('\n').length).toBeLessThan(60);
  });

  test('delete says how many present it, and names all of them in JSON', async () => {
    const { code, stderr } = await short(big, 'delete', big.lab.oldId, '--yes');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(MANY) });
    const json = await cli(['delete', big.lab.oldId, '--yes', '--output', 'json'], { env: big.lab.env });
    const { error } = json.json() as { error: { details: { stages: unknown[] } } };
    expect(error.details.stages).toHaveLength(200);
  });

  test('the plan of a rotation counts them', async () => {
    expect((await rotate(big, '--dry-run')).stdout).toMatch(MANY);
  });
});

test('a rotation counts its stages all the way, and its journal names them once', async () => {
  const account = await accountOf(2);
  try {
    const { lab, client } = account;
    const some = /20 stages in 2 APIs \([^)]+\(\w+\), [^)]+\(\w+\) and 18 more\)/;
    const question = await rotate(account, '--redeploy', 'always');
    expect({ code: question.code, stderr: question.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/20 stages in 2 APIs \([^,)]+, [^,)]+ and 18 more\)/),
    });
    const started = await rotate(account, '--no-wait', '--soak', '1h');
    expect({ code: started.code, stderr: started.stderr }).toEqual({
      code: 75,
      stderr: expect.stringMatching(some),
    });
    const inProgress = await short(account, 'status');
    expect(inProgress.stdout).toMatch(/20 stages in 2 APIs \(\w+\/\w+, \w+\/\w+ and 18 more\)/);
    const plan = await rotate(account, '--abort', '--dry-run');
    expect(plan.stdout).toMatch(/\d+\. switch the stages back: 20 stages in 2 APIs/);
    // Somebody sets one of them back: the rotation moves it again.
    await attachCertificate(client, { restApiId: lab.api.restApiId, stageName: 'version1' }, lab.oldId);
    const done = await rotate(account, '--soak', '1ms');
    expect({ code: done.code, stderr: done.stderr, stdout: done.stdout }).toEqual({
      code: 0,
      stderr: expect.stringMatching(some),
      stdout: expect.stringMatching(some),
    });
    await short(account, 'status', '--all');

    const directory = join(lab.directory, 'state', 'apigw-cert', 'rotations');
    const [file = ''] = await readdir(directory);
    const text = await readFile(join(directory, file), 'utf8');
    const [first, ...records] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RotationRecord);
    expect(first?.type === 'started' && first.stages).toHaveLength(20);
    const proofs = records.flatMap((record) =>
      record.type === 'done' && record.evidence?.['proof'] !== undefined
        ? [record.evidence['proof'] as Pick<Proof, 'results'>]
        : [],
    );
    expect(proofs.length).toBeGreaterThan(1);
    for (const { results } of proofs)
      for (const backend of results.flatMap(({ backends }) => backends))
        expect(backend).toMatchObject({ stages: { length: 5 }, moreStages: 5 });
  } finally {
    await close(account);
  }
});
