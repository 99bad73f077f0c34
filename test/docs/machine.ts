/** A machine of a reader's: a folder in the place of `/`, with apigw-cert installed, where commands run as printed. */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** No command of the documents takes longer, but for those that never end. */
const LONGEST_MS = 60_000;

/** Installs the package as its tarball, once for all machines. @returns npm's prefix, and what stands for /usr/bin */
export function installPackage(folder: string): { prefix: string; systemBin: string } {
  const npm = (...words: string[]): string =>
    execFileSync('npm', words, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const packed = npm('pack', '--silent', '--ignore-scripts', '--pack-destination', folder).trim();
  const tarball = join(folder, packed);
  const prefix = join(folder, 'prefix');
  npm('install', '--global', '--offline', '--silent', '--prefix', prefix, tarball);
  // What the documents install beside it.
  symlinkSync(join(repository, 'node_modules', '@aws-sdk'), join(prefix, 'lib', 'node_modules', '@aws-sdk'));
  // Node is not in cron's PATH, as on a machine where it comes from its makers or from a version manager. What reloads
  // a server that is none of the documents' business is a stand-in.
  const systemBin = join(folder, 'bin');
  mkdirSync(systemBin);
  for (const name of ['systemctl', 'nginx']) {
    writeFileSync(join(systemBin, name), '#!/bin/sh\nexit 0\n');
    chmodSync(join(systemBin, name), 0o755);
  }
  for (const name of readdirSync('/usr/bin')) {
    if (/^(node|nodejs|npm|npx|apigw-cert)$/.test(name) || existsSync(join(systemBin, name))) continue;
    symlinkSync(join('/usr/bin', name), join(systemBin, name));
  }
  return { prefix, systemBin };
}

export interface Run {
  code: number | null;
  /** stdout and stderr, as they came. */
  output: string;
  /** The exit codes of apigw-cert, with its subcommand, as often as it was started. */
  calls: { name: string; code: number }[];
}

export interface Machine {
  root: string;
  /** Where its commands run. */
  folder: string;
  /** A text of the documents with the paths of this machine: `/etc/orders` is in its root. */
  here(text: string): string;
  /** Runs a script in a shell of its own. */
  run(shell: readonly string[], script: string, env?: Readonly<Record<string, string>>): Promise<Run>;
  /** Runs a script in the one shell of a terminal that stays open, with its variables and background jobs. */
  type(script: string): Promise<Run>;
  /** Starts what goes on until the machine is closed; resolves when it prints this. */
  start(script: string, says: string): Promise<Run>;
  setEnv(env: Readonly<Record<string, string>>): void;
  close(): void;
}

/**
 * @param places what stands for words of the documents, such as a port
 * @param emulatorPort what the documents' emulator listens at
 */
export function startMachine(
  root: string,
  { prefix, systemBin }: ReturnType<typeof installPackage>,
  places: Readonly<Record<string, string>>,
  emulatorPort: number,
): Machine {
  const bin = join(root, 'usr/local/bin');
  const folder = join(root, 'home/work');
  const log = join(root, 'calls');
  mkdirSync(bin, { recursive: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, 'var/lib/node_exporter'), { recursive: true });
  writeFileSync(log, '');
  // The waits of a rotation are shortened, and the emulator's port is a free one: here and nowhere else, so that each
  // command stays as it is printed.
  writeFileSync(
    join(bin, 'apigw-cert'),
    `#!/bin/sh
name=$1
case "$name" in
  rotate) set -- "$@" --soak 2s --splay 0s ;;
  emulator) set -- "$@" --port ${emulatorPort} ;;
esac
'${prefix}/bin/apigw-cert' "$@"
code=$?
echo "$name $code" >> '${log}'
exit $code
`,
  );
  chmodSync(join(bin, 'apigw-cert'), 0o755);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(join(prefix, 'lib'), join(root, 'usr/local/lib'));
  symlinkSync(systemBin, join(root, 'usr/bin'));

  const paths = /(?<![\w.~-])\/(etc|usr\/local|usr\/bin|var\/lib|srv)(?=[/:\s'"]|$)/g;
  const here = (text: string): string =>
    Object.entries(places).reduce(
      (made, [word, place]) => made.replaceAll(word, place),
      text.replaceAll(paths, (path) => `${root}${path}`),
    );
  let environment: Record<string, string> = {};
  const bare = (): Record<string, string> => ({
    PATH: `${bin}:${systemBin}:${process.env['PATH'] ?? ''}`,
    HOME: join(root, 'home'),
    npm_config_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    TMPDIR: process.env['TMPDIR'] ?? '/tmp',
    ...environment,
  });

  const open: ChildProcess[] = [];
  let count = 0;
  const launch = (
    shell: readonly string[],
    env: Readonly<Record<string, string>>,
    stdin: 'ignore' | 'pipe',
  ) => {
    count += 1;
    const file = join(root, `output-${count}`);
    const output = openSync(file, 'w');
    const [program = '', ...words] = shell;
    const child = spawn(program, words, {
      cwd: folder,
      env: { ...bare(), ...env },
      stdio: [stdin, output, output],
      detached: true,
    });
    closeSync(output);
    open.push(child);
    return { child, printed: () => readFileSync(file, 'utf8') };
  };
  const callsSince = (seen: number): Run['calls'] =>
    readFileSync(log, 'utf8')
      .slice(seen)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', code = ''] = line.split(' ');
        return { name, code: Number(code) };
      });
  const seen = (): number => readFileSync(log, 'utf8').length;
  const write = (script: string): string => {
    count += 1;
    const file = join(root, `script-${count}.sh`);
    writeFileSync(file, `${here(script)}\n`);
    return file;
  };
  /** Waits until a process has printed something, or has ended. */
  const until = async (child: ChildProcess, happened: () => boolean): Promise<void> => {
    const end = Date.now() + LONGEST_MS;
    while (!happened() && Date.now() < end) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  let terminal: ReturnType<typeof launch> | undefined;

  return {
    root,
    folder,
    here,
    async run(shell, script, env = {}) {
      const before = seen();
      const { child, printed } = launch([...shell, write(script)], env, 'ignore');
      await until(child, () => false);
      return { code: child.exitCode, output: printed(), calls: callsSince(before) };
    },
    async type(script) {
      const before = seen();
      terminal ??= launch(['bash', '--norc', '-O', 'expand_aliases'], {}, 'pipe');
      const { child, printed } = terminal;
      const start = printed().length;
      const done = join(root, `done-${count}`);
      child.stdin?.write(`set -e -o pipefail; . '${write(script)}' </dev/null; set +e; echo > '${done}'\n`);
      await until(child, () => existsSync(done));
      const code = child.exitCode ?? (existsSync(done) ? 0 : null);
      return { code, output: printed().slice(start), calls: callsSince(before) };
    },
    async start(script, says) {
      const { child, printed } = launch(['bash', '-e', write(script)], {}, 'ignore');
      await until(child, () => printed().includes(says));
      return { code: child.exitCode ?? 0, output: printed(), calls: [] };
    },
    setEnv(env) {
      environment = { ...env };
    },
    close() {
      // The whole group of each: what a shell left in the background too.
      for (const { pid } of open) {
        try {
          if (pid !== undefined) process.kill(-pid, 'SIGKILL');
        } catch {
          // It has ended.
        }
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}
