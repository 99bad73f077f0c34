import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { cli, emulatorEnv } from '../support/cli.js';
import { startLab, type Lab } from '../support/emulator.js';

const has = (program: string): boolean => {
  try {
    execFileSync('which', [program]);
    return true;
  } catch {
    return false;
  }
};

let lab: Lab;
let home: string;
let env: Record<string, string>;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  lab = await startLab();
  home = await mkdtemp(join(tmpdir(), 'apigw-cert-completion-'));
  await mkdir(join(home, '.aws'));
  await mkdir(join(home, 'bin'));
  await writeFile(
    join(home, '.aws', 'config'),
    '[default]\nregion = eu-west-1\n[profile prod]\nregion = us-east-2\n[sso-session s]\n',
  );
  // What the script starts in the background is noted, and does nothing.
  await writeFile(join(home, 'bin', 'apigw-cert'), `#!/bin/sh\necho "$@" >> ${home}/started\n`);
  await chmod(join(home, 'bin', 'apigw-cert'), 0o755);
  env = { HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}` };
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await cli(['completion', shell]);
    scripts[shell] = join(home, `script.${shell}`);
    await writeFile(scripts[shell], stdout);
  }
  const { code, stderr } = await cli(['completion', 'refresh'], {
    env: { ...emulatorEnv(lab.emulator), HOME: home },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
afterAll(() => lab.close());

/** What a shell offers for a line whose last word is being typed. */
const ASK: Readonly<Record<string, (words: readonly string[]) => Promise<string[]>>> = {
  async bash(words) {
    const list = words.map((word) => `'${word}'`).join(' ');
    const program = `source ${scripts['bash'] ?? ''}; COMP_WORDS=(apigw-cert ${list}); COMP_CWORD=${words.length}; _apigw_cert; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(await execa('bash', ['--norc', '-c', program], { env, extendEnv: false }));
  },
  async zsh(words) {
    const list = words.map((word) => `'${word}'`).join(' ');
    // The widgets of zsh's own completion, as far as the script uses them.
    const program = `compdef() { : }; compset() { : }; _files() { print -l -- *(N) }
compadd() { shift; print -l -- "$@" }; _describe() { print -l -- "\${(@)\${(P)2}%%:*}" }
source ${scripts['zsh'] ?? ''}; words=(apigw-cert ${list}); CURRENT=${words.length + 1}; _apigw_cert`;
    const last = (words.at(-1) ?? '').replace(/^--.*=/, '');
    const all = lines(await execa('zsh', ['-f', '-c', program], { env, extendEnv: false }));
    return all.filter((word) => word.startsWith(last));
  },
  async fish(words) {
    const program = `source ${scripts['fish'] ?? ''}; complete -C '${['apigw-cert', ...words].join(' ')}'`;
    const all = lines(await execa('fish', ['--no-config', '-c', program], { env, extendEnv: false }));
    return all.map((line) => line.split('\t')[0] ?? '');
  },
};

const lines = ({ stdout }: { stdout: string }): string[] => stdout.split('\n').filter((line) => line !== '');

describe.each(['bash', 'zsh', 'fish'])('%s', (shell) => {
  // In CI all three are installed, and a skip fails the run.
  const shellTest = has(shell) ? test : test.skip;
  const ask = (...words: string[]): Promise<string[]> => ASK[shell]?.(words) ?? Promise.resolve([]);

  shellTest('commands, and commands below them', async () => {
    expect((await ask('de')).sort()).toEqual(['delete', 'demo', 'detach']);
    expect((await ask('backend', 've')).sort()).toEqual(['verify']);
  });

  shellTest('options of the command, and their choices', async () => {
    expect(await ask('list', '--us')).toEqual(['--usage']);
    expect(await ask('list', '--output', 'j')).toEqual(['json']);
    expect(await ask('backend', 'config', '--f')).toContain('--file');
  });

  shellTest('profiles, Regions, stages and certificates', async () => {
    expect((await ask('list', '--profile', '')).sort()).toEqual(['default', 'prod']);
    expect((await ask('list', '--region', '')).sort()).toEqual([
      'all',
      'eu-central-1',
      'eu-west-1',
      'us-east-2',
    ]);
    expect((await ask('rotate', '--stage', 'or')).sort()).toEqual(['orders/prod']);
    expect(await ask('inspect', '')).toEqual([lab.certificate.id]);
  });

  shellTest('no network at a key: names that are old are looked for in the background', async () => {
    const started = join(home, 'started');
    await writeFile(started, '');
    await ask('inspect', '');
    expect(await readFile(started, 'utf8')).toBe('');
    const old = new Date(Date.now() - 3_600_000);
    const { utimes } = await import('node:fs/promises');
    const directory = join(home, '.cache', 'apigw-cert', 'completion');
    for (const file of await readdir(directory)) await utimes(join(directory, file), old, old);
    expect(await ask('inspect', '')).toEqual([lab.certificate.id]);
    for (let i = 0; i < 200 && (await readFile(started, 'utf8')) === ''; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await readFile(started, 'utf8')).toBe('completion refresh\n');
    const now = new Date();
    for (const file of await readdir(directory)) await utimes(join(directory, file), now, now);
  });
});

test('every command is in every script', async () => {
  const { stdout } = await cli(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map(([, name = '']) => name);
  expect(commands).toContain('rotate');
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const script = (await cli(['completion', shell])).stdout;
    for (const name of commands.filter((each) => !['apigw-cert', 'help'].includes(each)))
      expect(script).toContain(name);
  }
});
