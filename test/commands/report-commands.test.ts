/** What a report says to do next, pasted into a shell. */
import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenerateClientCertificateCommand, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { BINARY, cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { keys, profilesEnv } from '../support/fleet.js';
import { REGION, startRotationLab, type RotationLab } from '../support/rotation.js';

const PROFILE = "acme's shop";

let lab: RotationLab;
let home: string;
let env: Record<string, string>;

beforeAll(async () => {
  lab = await startRotationLab();
  const client = clientOf(lab.emulator, { region: REGION });
  await client.send(new GenerateClientCertificateCommand({ description: 'left over' }));
  await makeApi(lab.emulator, client, lab.backend.url, { name: 'bare' });
  client.destroy();
  home = await mkdtemp(join(tmpdir(), 'apigw-cert-paste-'));
  await mkdir(join(home, 'bin'));
  await symlink(BINARY, join(home, 'bin', 'apigw-cert'));
  await symlink(process.execPath, join(home, 'bin', 'node'));
  env = {
    ...(await profilesEnv(lab.emulator, { [`"${PROFILE}"`]: keys('AKIDTEST'), other: keys('AKIDOTHER') })),
    PATH: `${join(home, 'bin')}:/usr/bin:/bin`,
    // What the shell of whoever pastes says otherwise must not count.
    AWS_PROFILE: 'other',
    AWS_REGION: 'us-west-2',
    XDG_STATE_HOME: join(home, 'state'),
  };
});
afterAll(() => lab.close());

/** The commands of a report, worst first. */
async function commandsOf(...words: string[]): Promise<string[]> {
  const page = join(home, 'report.html');
  const { code, stderr } = await cli(
    ['report', '--html', page, '--compliance', '--profile', PROFILE, '--region', REGION, ...words],
    { env, cwd: home },
  );
  const endpoint = lab.emulator.url.replace('127.0.0.1', 'localhost');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `account ${PROFILE}, Region ${REGION}, endpoint ${endpoint}\n`,
  });
  const next = /<ol class="next">(.*?)<\/ol>/s.exec(await readFile(page, 'utf8'))?.[1] ?? '';
  return [...next.matchAll(/<code>(.*?)<\/code>/g)].map(([, text = '']) =>
    text
      .replaceAll('&#39;', "'")
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );
}

/** Runs a line in a shell on a terminal, as whoever pastes it. */
async function paste(line: string, input = ''): Promise<{ code: number | undefined; output: string }> {
  const { exitCode, stdout } = await execa('script', ['-qec', line, '/dev/null'], {
    env: { ...env, SHELL: '/bin/bash' },
    extendEnv: false,
    cwd: tmpdir(),
    input,
    reject: false,
  });
  return { code: exitCode, output: stdout };
}

test('each command reaches the account and Region of its finding, whatever the shell has', async () => {
  const at = ` --profile 'acme'\\''s shop' --region ${REGION}`;
  const commands = await commandsOf();
  const bare = commands.find((command) => command.includes('generate')) ?? '';
  const drop = commands.find((command) => command.includes('delete')) ?? '';
  expect(commands).toEqual([
    expect.stringMatching(/^apigw-cert generate --description [a-z0-9]{10}\/prod /) as unknown,
    `apigw-cert doctor --stage ${lab.api.restApiId}/prod${at}`,
    expect.stringMatching(/^apigw-cert delete [a-z0-9]{6} /) as unknown,
  ]);
  expect([bare, drop].every((command) => command.endsWith(at))).toBe(true);

  const doctor = await paste(commands[1] ?? '');
  expect(doctor).toEqual({ code: 0, output: expect.stringContaining(lab.oldId) as unknown });
  const deleted = await paste(drop, 'y\n');
  expect(deleted.code).toBe(0);
  const client = clientOf(lab.emulator, { region: REGION });
  const left = await client.send(new GetClientCertificatesCommand({}));
  expect(left.items?.map(({ clientCertificateId }) => clientCertificateId)).toEqual([lab.oldId]);
  expect((await paste(bare)).code).toBe(0);
  const made = await client.send(new GetClientCertificatesCommand({}));
  expect(made.items?.map(({ description }) => description)).toContain(/description (\S+)/.exec(bare)?.[1]);
  client.destroy();
});

test('a stage of the configuration is rotated by its target, from any folder', async () => {
  const file = join(home, "the team's.yaml");
  await writeFile(
    file,
    `profile: "${PROFILE}"
region: ${REGION}
targets:
  orders: { api: orders, stages: [prod], trust: [{ kind: pem-bundle, file: ${lab.trustFile} }] }
`,
  );
  const [, command = ''] = await commandsOf('--config', file, '--endpoint-url', lab.emulator.url);
  expect(command).toBe(
    `apigw-cert rotate --config '${home}/the team'\\''s.yaml' --target orders --endpoint-url ${lab.emulator.url} --dry-run`,
  );
  const { code, output } = await paste(command);
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringContaining('nothing was changed') as unknown,
  });
  expect(existsSync(join(home, 'state'))).toBe(false);
});

test('a stage in use without a target, and one that is not, are told apart', async () => {
  const client = clientOf(lab.emulator, { region: REGION });
  lab.emulator.setClock(new Date(Date.now() - 350 * 86_400_000));
  const other = await generateCertificate(client);
  lab.emulator.setClock(new Date());
  const api = await makeApi(lab.emulator, client, lab.backend.url, { name: 'pay' });
  await attachCertificate(client, api, other.id);
  client.destroy();
  const doctors = (await commandsOf()).filter((command) => command.includes(' doctor '));
  expect(doctors.map((command) => command.split(' ')[3]).sort()).toEqual(
    [`${api.restApiId}/prod`, `${lab.api.restApiId}/prod`].sort(),
  );
});
