/** Every command of the documents, run as it is printed. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfiguration } from '../../src/configuration/load.js';
import { isConfiguration, stepsIn } from './documents.js';
import { installPackage, startMachine, type Machine, type Run } from './machine.js';
import { blocksOf, commandsOf, crontab, inlineCommands, transcript, type Block } from './markdown.js';
import { misunderstood } from './parse.js';
import { PRINTED, startScene, type Scene, type SceneAccount } from './scene.js';
import { freePort } from '../support/free-port.js';

const SHELLS = new Set(['sh', 'bash', 'console', 'crontab', 'nagios', 'yaml']);
/** Languages of blocks that hold no command. */
const OTHERS = new Set(['table', 'prose', 'text', 'json', 'js', 'mermaid', 'dockerfile']);

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const names = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(repository, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
const documents = names.map((name) => {
  const text = readFileSync(join(repository, name), 'utf8');
  return { name, text, blocks: blocksOf(name, text) };
});
/** Those with something to run, and how many accounts they use up. */
const runnable = documents
  .filter(({ blocks }) => blocks.some(isRun))
  .map(({ name, blocks }) => ({
    name,
    blocks,
    accounts: 1 + blocks.filter(({ marks }) => marks.some(({ kind }) => kind === 'fresh account')).length,
  }));

const TOOLS: Readonly<Record<string, string[]>> = {
  'docs/backends.md': ['openssl'],
  'docs/kubernetes.md': ['kubectl'],
  'docs/emulator.md': ['openssl', 'jq', 'curl', 'aws'],
};

const figures = { run: 0, parsed: 0, excused: 0 };

function isRun({ language, marks }: Block): boolean {
  return SHELLS.has(language) || marks.some(({ kind }) => kind === 'run');
}

const slug = (name: string): string => name.replace(/\W/g, '').toUpperCase();
/** Twelve digits, others for each access key. */
const accountIdOf = (accessKeyId: string): string =>
  String(Buffer.from(accessKeyId).reduce((sum, octet) => (sum * 31 + octet) % 1e12, 0)).padStart(12, '1');
const CREDENTIALS = (id: string): string =>
  `aws_access_key_id = ${id}\naws_secret_access_key = secret\naws_account_id = ${accountIdOf(id)}\n`;

let folder: string;
let scene: Scene;
let installed: ReturnType<typeof installPackage>;
const accountsOf = new Map<string, SceneAccount[]>();
const profiles: string[] = ['shop', 'billing'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apigw-cert-docs-'));
  installed = installPackage(folder);
  const wanted = runnable.flatMap(({ name, accounts }) =>
    Array.from({ length: accounts }, (_, index) => ({
      name,
      accessKeyId: `AKID${slug(name)}${index}`,
      region: name === 'README.md' ? 'eu-west-1' : 'eu-central-1',
      trustFile: join(folder, slug(name), 'etc/orders/apigw.pem'),
    })),
  );
  const others = profiles.map((name) => ({
    accessKeyId: `AKID${slug(name)}`,
    region: 'eu-central-1',
    trustFile: join(folder, name, 'apigw.pem'),
    quiet: true,
  }));
  scene = await startScene(folder, [...wanted, ...others]);
  wanted.forEach(({ name }, index) => {
    const account = scene.accounts[index];
    if (account) accountsOf.set(name, [...(accountsOf.get(name) ?? []), account]);
  });
});
afterAll(async () => {
  await scene.close();
  const { run, parsed, excused } = figures;
  process.stderr.write(`commands of the documents: ${run} run, ${parsed} parsed, ${excused} excused\n`);
});

/** A machine whose default credentials are those of the account, with further profiles. */
async function machineFor(name: string): Promise<{ machine: Machine; fresh: () => SceneAccount }> {
  const emulatorPort = await freePort();
  const places = {
    'PATH/apigw-cert-': `${folder}/apigw-cert-`,
    '4599': String(emulatorPort),
    '8443': String(await freePort()),
  };
  const machine = startMachine(join(folder, slug(name)), installed, places, emulatorPort);
  const accounts = [...(accountsOf.get(name) ?? [])];
  const fresh = (): SceneAccount => {
    const account = accounts.shift();
    if (!account) throw new Error('no account is left');
    const { accessKeyId, region, trustFile, pem } = account;
    writeFileSync(trustFile, pem);
    if (name === 'docs/kubernetes.md') scene.follow(trustFile, scene.configMap(pem));
    if (name === 'docs/github-actions.md') scene.follow(trustFile, scene.bucket(pem));
    const home = join(machine.root, 'home');
    mkdirSync(join(home, '.aws'), { recursive: true });
    writeFileSync(join(home, '.aws/config'), `[default]\nregion = ${region}\n`);
    const sections = profiles.map((profile) => `[${profile}]\n${CREDENTIALS(`AKID${slug(profile)}`)}`);
    writeFileSync(
      join(home, '.aws/credentials'),
      `[default]\n${CREDENTIALS(accessKeyId)}\n${sections.join('\n')}`,
    );
    machine.setEnv({ ...scene.env, XDG_STATE_HOME: join(home, `state-${accounts.length}`) });
    return account;
  };
  return { machine, fresh };
}

/** What is wrong with a run, besides that nothing may be. */
function fault(run: Run, command: string): string | undefined {
  const calls = [...command.matchAll(/(?<![\w/@.-])(?:\/[\w/.-]+\/)?apigw-cert (?=[a-z-])/g)].length;
  if (run.calls.length < calls) return 'apigw-cert was not found';
  const allowed: Record<string, number[]> = { 'check-expiry': [0, 1, 2], rotate: [0, 75] };
  const bad = run.calls.find(({ name, code }) => !(allowed[name] ?? [0]).includes(code));
  if (bad) return `apigw-cert ${bad.name} exited with ${bad.code}`;
  const mayFail = run.calls.some(({ name, code }) => name === 'check-expiry' && code === run.code);
  return run.code === 0 || mayFail ? undefined : `exit code ${String(run.code)}`;
}

/** A transcript without what differs from run to run: ids, times, durations. */
function comparable(text: string, ids: readonly string[]): string[] {
  return (
    ids
      .reduce((made, id) => made.replaceAll(id, 'ID'), text)
      .replaceAll(/\b\d{12}\b/g, 'ACCOUNT')
      // The documents show AWS itself.
      .replaceAll(/(?<=^account .*), endpoint http:\S+$/gm, '')
      .replaceAll(/localhost:\d+|\w+\.example\.com(?=[ \n])/g, 'BACKEND')
      .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'ROTATION')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\d{4}-\d\d-\d\d/g, 'DATE')
      .replaceAll(/\d+(\.\d+)? (ms|s|m)( \d+ (ms|s))?$/gm, 'DURATION')
      .replaceAll(/[ \t]+/g, ' ')
      .trim()
      .split('\n')
  );
}

/** Whether a transcript is what is printed; `…` stands for lines that it leaves out. */
function isAs(seen: readonly string[], printed: readonly string[]): boolean {
  if (!printed.includes('…')) return seen.join('\n') === printed.join('\n');
  let from = 0;
  return printed.every((line) => {
    if (line === '…') return true;
    from = seen.indexOf(line, from) + 1;
    return from > 0;
  });
}

/** The ids that a transcript prints, besides those of the scene. */
const idsIn = (text: string): string[] => [...text.matchAll(/→ (\w{6})\b/g)].map(([, id = '']) => id);

// A document that needs a program which this machine lacks cannot be run; in CI all are installed, and a skip fails the run.
const runs = (name: string) => (lacking(name).length > 0 ? test.skip : test);

/** What a document uses beside apigw-cert and is not on this machine; in CI a skip fails the run. */
function lacking(name: string): string[] {
  const path = (process.env['PATH'] ?? '').split(':');
  return (TOOLS[name] ?? []).filter((tool) => !path.some((folder) => existsSync(join(folder, tool))));
}

describe.each(runnable)('the commands of $name', ({ name, blocks }) => {
  runs(name)('work as they are printed', async () => {
    const { machine, fresh } = await machineFor(name);
    const faults: string[] = [];
    let account = fresh();

    const record = (where: string, command: string, run: Run, found: string | undefined): void => {
      figures.run += 1;
      if (found !== undefined) faults.push(`${where}: ${command}\n  ${found}\n${run.output}`);
    };

    /** A rotation that nobody looks at has really taken place. */
    const unrotated = async (command: string): Promise<string | undefined> =>
      /apigw-cert'? '?rotate/.test(command) && (await scene.certificateIds(account)).includes(PRINTED.used)
        ? 'the certificate was not rotated'
        : undefined;

    async function block({ where, language, text, marks }: Block): Promise<void> {
      const marked = (kind: string) => marks.filter((mark) => mark.kind === kind);
      if (marked('fresh account').length > 0) account = fresh();
      for (const { text: script } of marked('setup')) {
        const run = await machine.run(['bash', '-e'], script);
        if (run.code !== 0) throw new Error(`${where}: the setup fails: ${run.output}`);
      }
      const reasons = marked('not run');
      /** Why a command is not run; what is left of it is parsed. */
      const excused = (command: string): boolean => {
        if (!reasons.some(({ about }) => about === undefined || command.startsWith(about))) return false;
        figures.excused += 1;
        return true;
      };
      const [readiness] = marked('until');
      switch (language) {
        case 'sh':
        case 'bash': {
          const commands = commandsOf(text);
          if (commands.length > 0 && commands.every(excused)) return;
          const left = commands.filter(
            (command) => !reasons.some(({ about = '' }) => command.startsWith(about)),
          );
          const run =
            readiness === undefined
              ? await machine.type(left.length === commands.length ? text : left.join('\n'))
              : await machine.start(text, readiness.text);
          figures.run += left.length - 1;
          record(
            where,
            left.join('\n'),
            run,
            readiness === undefined
              ? fault(run, left.join('\n'))
              : run.output.includes(readiness.text)
                ? undefined
                : 'it ends',
          );
          return;
        }
        case 'console':
          for (const { command, printed } of transcript(text)) {
            if (excused(command)) continue;
            const known = new Set([...Object.values(PRINTED), ...(await scene.certificateIds(account))]);
            const [folder] = marked('in');
            const run = await machine.run(['bash'], folder ? `cd ${folder.text}\n${command}` : command);
            for (const id of await scene.certificateIds(account)) known.add(id);
            const ids = [...known, ...idsIn(text), ...idsIn(run.output)];
            const seen = run.output.replaceAll(machine.root, '');
            const same = isAs(comparable(seen, ids), comparable(printed, ids));
            record(where, command, { ...run, output: seen }, same ? undefined : 'it prints otherwise:');
          }
          return;
        case 'crontab':
          for (const { command, env } of crontab(text)) {
            if (excused(command)) continue;
            const path = env['PATH'] ?? '/usr/bin:/bin';
            const run = await machine.run(['/bin/sh'], command, { ...env, PATH: machine.here(path) });
            record(where, command, run, fault(run, command) ?? (await unrotated(command)));
          }
          return;
        case 'nagios':
          for (const [, words = ''] of text.matchAll(/command = (\[.*\])/g)) {
            const command = (JSON.parse(words) as string[]).map((word) => `'${word}'`).join(' ');
            const run = await machine.run(['/bin/sh'], command);
            record(where, command, run, fault(run, command));
          }
          return;
        case 'yaml': {
          if (isConfiguration(text)) {
            const file = join(machine.root, 'looked-at.yaml');
            writeFileSync(file, text.startsWith('hooks:') ? inTarget(text) : text);
            await loadConfiguration({ file }).catch((error: unknown) => {
              faults.push(`${where}: ${String(error)}`);
            });
          }
          for (const { script, words, env, files } of stepsIn(text)) {
            for (const [file, content] of Object.entries(files)) {
              mkdirSync(dirname(machine.here(file)), { recursive: true });
              writeFileSync(machine.here(file), machine.here(content));
            }
            const command = script ?? (words ?? []).map((word) => `'${word}'`).join(' ');
            if (excused(command)) continue;
            const run = await machine.run(['bash', '--noprofile', '--norc', '-eo', 'pipefail'], command, env);
            record(where, command, run, fault(run, command) ?? (await unrotated(command)));
          }
          return;
        }
        default:
          for (const command of inlineCommands(text)) {
            if (excused(command)) continue;
            const run = await machine.run(['bash'], command);
            record(where, command, run, fault(run, command));
          }
      }
    }

    try {
      for (const { text, marks } of blocks) {
        for (const { kind, text: path } of marks) {
          if (kind !== 'file') continue;
          const file = resolve(machine.folder, machine.here(path));
          mkdirSync(dirname(file), { recursive: true });
          writeFileSync(file, machine.here(text));
        }
      }
      for (const one of blocks.filter(isRun)) await block(one);
    } finally {
      machine.close();
    }
    expect(faults).toEqual([]);
  });
});

/** A part of a target as a whole configuration. */
function inTarget(text: string): string {
  const target =
    'targets:\n  orders:\n    api: orders\n    stages: [prod]\n    trust: [{ kind: manual, instructions: see the wiki }]\n';
  return `${target}${text.replaceAll(/^/gm, '    ')}`;
}

test('every command of apigw-cert in the documents is one that there is', async () => {
  const faults: string[] = [];
  for (const { blocks } of documents) {
    for (const { where, language, text, marks } of blocks) {
      if (marks.some(({ kind }) => kind === 'no commands')) continue;
      const lines =
        language === 'console'
          ? transcript(text).map(({ command }) => command)
          : language === 'crontab'
            ? crontab(text).map(({ command }) => command)
            : language === 'yaml'
              ? stepsIn(text).flatMap(({ script, words = [] }) => script?.split('\n') ?? [words.join(' ')])
              : language === 'sh' || language === 'bash'
                ? commandsOf(text)
                : inlineCommands(text);
      for (const line of lines) {
        const command = /(?:^|[\s(])(?:\/[\w/.-]+\/)?(apigw-cert (?:--version|[a-z]).*)$/.exec(line)?.[1];
        if (command === undefined) continue;
        figures.parsed += 1;
        const found = await misunderstood(command);
        if (found !== undefined) faults.push(`${where}: ${command}\n  ${found}`);
      }
    }
  }
  expect(faults).toEqual([]);
});

test('every block says what it is, so that none with a command is overlooked', () => {
  const unknown = documents.flatMap(({ blocks }) =>
    blocks.flatMap(({ where, language, text }) =>
      !SHELLS.has(language) && !OTHERS.has(language)
        ? [`${where}: ${language}`]
        : language === 'text' && /^\s*(\$ )?apigw-cert [a-z]/m.test(text)
          ? [`${where}: a command in a text`]
          : [],
    ),
  );
  expect(unknown).toEqual([]);
});

test('nobody is told to fetch the package from a registry by a name that is not registered', () => {
  const told = documents.flatMap(({ name, text }) =>
    [...text.matchAll(/\b(?:npx|npm (?:install|i|exec)(?: -\S+| --\S+)*) apigw-cert\b(?!-)/g)].map(
      ([words]) => `${name}: ${words}`,
    ),
  );
  expect(told).toEqual([]);
});

test('the documents name the package as it is made', () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  const others = documents.flatMap(({ text }) =>
    [...text.matchAll(/apigw-cert-(\d[\w.-]*)\.tgz/g)]
      .map(([, found]) => found)
      .filter((one) => one !== version),
  );
  expect(others).toEqual([]);
});

const complete = runnable.every(({ name }) => lacking(name).length === 0);
// The minimums hold where every document could be run; in CI that is so, and a skip fails the run.
(complete ? test : test.skip)('none is lost', () => {
  expect(figures.run).toBeGreaterThanOrEqual(52);
  expect(figures.parsed).toBeGreaterThanOrEqual(58);
  expect(figures.excused).toBeLessThanOrEqual(18);
});
