// What leaves this repository, checked as those who install it find it: the npm package by publint, by
// arethetypeswrong and in an empty folder; the Debian package by lintian, where there is one, and installed into a root
// of its own. Leaves both in build/, with the list of what is bundled.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { writeDeb } from './deb.mjs';
import { npmPack, root } from './pack.mjs';
import { writeSbom } from './sbom.mjs';

const { version, man, exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const run = (program, words, options = {}) =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
const has = (program) =>
  process.env.PATH.split(delimiter).some((directory) => existsSync(join(directory, program)));

function assertEqual(what, found, wanted) {
  if (found !== wanted)
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

/** Runs a check that prints only what it finds wrong. */
function quietly(program, words) {
  try {
    run(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  } catch ({ stdout, stderr }) {
    throw new Error(`${program} ${words.join(' ')}:\n${stdout}${stderr}`);
  }
}

function checkNpm(file, scratch) {
  const bin = (name) => join(root, 'node_modules/.bin', name);
  quietly(bin('publint'), ['--strict', file]);
  // Programs in CommonJS load ES modules with require from Node 20.19 on, which is the oldest supported. Resolution
  // without "exports", as before Node 12.7, is not supported.
  quietly(bin('attw'), [file, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm']);

  const folder = join(scratch, 'npm');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const common = ['--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...common, file], { cwd: folder });
  assertEqual('--version', run(join(folder, 'node_modules/.bin/apigw-cert'), ['--version']), `${version}\n`);

  const names = Object.keys(entries)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => `apigw-cert${entry.slice(1)}`);
  assertEqual('exports', names.length, 6);
  // Those whose packages are for whoever uses them to install say which.
  const needs = { 'apigw-cert/durable': '@aws/durable-execution-sdk-js', 'apigw-cert/cdk': 'aws-cdk-lib' };
  for (const [name, wanted] of Object.entries(needs)) {
    const missing = `await import('${name}').catch(({ message }) => console.log(message))`;
    const said = run(process.execPath, ['--input-type=module', '-e', missing], { cwd: folder });
    assertEqual(name, /Cannot find package '([^']+)'/.exec(said)?.[1], wanted);
  }
  for (const name of names.filter((each) => !(each in needs))) {
    const program = (load) =>
      `const loaded = ${load}; if (Object.keys(loaded).length === 0) process.exit(1);`;
    run(process.execPath, ['--input-type=module', '-e', program(`await import('${name}')`)], { cwd: folder });
    run(process.execPath, ['--no-warnings', '-e', program(`require('${name}')`)], { cwd: folder });
  }

  // As with sudo npm install --global: the command and its pages are where shells and man look.
  const prefix = join(scratch, 'global');
  run('npm', ['install', '--global', '--prefix', prefix, ...common, file]);
  assertEqual('--version', run(join(prefix, 'bin/apigw-cert'), ['--version']), `${version}\n`);
  const missingPages = man.filter(
    (page) => !existsSync(join(prefix, 'share/man/man1', page.split('/').at(-1))),
  );
  assertEqual('manual pages that npm did not install', missingPages.join(), '');
}

function checkDeb(file, scratch) {
  if (has('lintian')) quietly('lintian', ['--fail-on', 'error,warning', '--allow-root', file]);
  const target = join(scratch, 'root');
  const database = join(target, 'var/lib/dpkg');
  for (const folder of ['info', 'updates']) mkdirSync(join(database, folder), { recursive: true });
  writeFileSync(join(database, 'status'), '');
  // The root has no Node.js of its own; whoever builds need not be root, nor have /sbin on the PATH.
  const force = ['depends', 'not-root', 'script-chrootless', 'bad-path'].map((each) => `--force-${each}`);
  const options = [`--root=${target}`, `--log=${join(scratch, 'log')}`, ...force];
  quietly('dpkg', [...options, '--install', file]);
  assertEqual(
    'dpkg',
    run('dpkg-query', [`--admindir=${database}`, '-W', '-f', '${Status}', 'apigw-cert']),
    'install ok installed',
  );
  const command = join(target, 'usr/bin/apigw-cert');
  const start = readFileSync(command, 'utf8').split('\n')[0];
  assertEqual('interpreter', start, '#!/usr/bin/node');
  // By this Node: that of Debian may not be here.
  const apigwCert = (...words) => run(process.execPath, [command, ...words]);
  assertEqual('--version', apigwCert('--version'), `${version}\n`);
  for (const path of [
    'usr/lib/systemd/system/apigw-cert@.service',
    'usr/lib/systemd/system/apigw-cert-follow@.service',
    'usr/share/bash-completion/completions/apigw-cert',
    'usr/share/zsh/vendor-completions/_apigw-cert',
    'usr/share/fish/vendor_completions.d/apigw-cert.fish',
    ...man.map((page) => `usr/share/man/man1/${page.split('/').at(-1)}.gz`),
  ]) {
    if (!existsSync(join(target, path))) throw new Error(`the Debian package has no ${path}`);
  }
  assertEqual(
    'completion',
    readFileSync(join(target, 'usr/share/bash-completion/completions/apigw-cert'), 'utf8'),
    apigwCert('completion', 'bash'),
  );
  const configuration = join(scratch, 'apigw-cert.yaml');
  writeFileSync(configuration, 'region: eu-west-1\n');
  apigwCert('config', 'validate', configuration);
  quietly('dpkg', [...options, '--purge', 'apigw-cert']);
  if (existsSync(join(target, 'usr/bin/apigw-cert'))) throw new Error('the command is left after a purge');
}

const scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-packages-'));
try {
  const npm = npmPack();
  checkNpm(npm.file, scratch);
  const deb = writeDeb(npm.file);
  checkDeb(deb.file, scratch);
  const sbom = writeSbom();
  for (const { file, size, unpackedSize, entryCount } of [npm, deb]) {
    console.log(`${file}: ${size} octets, ${unpackedSize} unpacked, ${entryCount} files`);
  }
  console.log(`${sbom.file}: ${sbom.components} components`);
} finally {
  rmSync(scratch, { recursive: true });
}
