// Writes build/apigw-cert_VERSION_all.deb: what the npm package holds, where Debian looks for it, with systemd units,
// completion for three shells and manual pages.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync, constants } from 'node:zlib';
import { buildFolder, npmPack } from './pack.mjs';

/** Who maintains the package: Debian's own variables. */
const { DEBFULLNAME = 'apigw-cert maintainers', DEBEMAIL = 'maintainers@apigw-cert.example' } = process.env;

const write = (file, content) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
};
const copy = (from, to) => {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
};
const compressed = (text) => gzipSync(text, { level: constants.Z_BEST_COMPRESSION });

const everyFile = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** Modes do not depend on the umask of whoever builds. */
function setModes(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

function controlText({ name, version, description, homepage, engines }, installedOctets) {
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    'Section: net',
    'Priority: optional',
    'Architecture: all',
    `Maintainer: ${DEBFULLNAME} <${DEBEMAIL}>`,
    `Installed-Size: ${Math.ceil(installedOctets / 1024)}`,
    `Depends: nodejs (${engines.node.replace('>=', '>= ')})`,
    'Recommends: ca-certificates',
    ...(homepage ? [`Homepage: ${homepage}`] : []),
    `Description: ${description.split(':')[0]}`,
    ' Amazon API Gateway presents a client certificate to HTTP backends, which',
    ' expires after 365 days. This command generates, inspects, monitors and',
    ' rotates these certificates, and tests the backends before each switch.',
    '',
  ].join('\n');
}

function copyrightText({ name, homepage }) {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${name}
${homepage ? `Source: ${homepage}\n` : ''}Comment: The files below /usr/share/${name}/dist are bundled from further packages.
 Their names, copyrights and licenses are in
 /usr/share/doc/${name}/THIRD-PARTY-LICENSES.txt.gz.

Files: *
Copyright: 2026 the ${name} authors
License: Apache-2.0
 On Debian systems the full text of the license is in
 /usr/share/common-licenses/Apache-2.0.
`;
}

/** Debian's form of a changelog, of which the package has one entry: CHANGELOG.md is beside it. */
function changelogText({ name, version }, date) {
  return `${name} (${version}) unstable; urgency=medium

  * See CHANGELOG.md.

 -- ${DEBFULLNAME} <${DEBEMAIL}>  ${date.toUTCString().replace('GMT', '+0000')}
`;
}

/** @returns the file, its size, and the size of what is in it, both in octets */
export function writeDeb(npmPackage = npmPack().file) {
  const scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-deb-'));
  try {
    execFileSync('tar', ['-xzf', npmPackage, '-C', scratch]);
    const from = join(scratch, 'package');
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
    const { name } = manifest;
    // What comes before a release sorts before it.
    const version = manifest.version.replace('-', '~');
    const to = join(scratch, 'deb');
    const share = join(to, 'usr/share', name);
    const doc = join(to, 'usr/share/doc', name);
    const epoch = process.env.SOURCE_DATE_EPOCH;
    const date = epoch ? new Date(Number(epoch) * 1000) : new Date();

    // Types are for programs that import the npm package.
    cpSync(join(from, 'dist'), join(share, 'dist'), {
      recursive: true,
      filter: (source) => relative(from, source) !== 'dist/types',
    });
    const { type, license } = manifest;
    write(
      join(share, 'package.json'),
      `${JSON.stringify({ name, version: manifest.version, type, license }, null, 2)}\n`,
    );
    copy(join(from, 'bin/package.json'), join(share, 'bin/package.json'));
    const script = readFileSync(join(from, 'bin/apigw-cert.js'), 'utf8');
    write(join(share, 'bin/apigw-cert.js'), script.replace('#!/usr/bin/env node', '#!/usr/bin/node'));
    mkdirSync(join(to, 'usr/bin'), { recursive: true });
    symlinkSync(`../share/${name}/bin/apigw-cert.js`, join(to, 'usr/bin/apigw-cert'));

    for (const unit of readdirSync(join(from, 'systemd'))) {
      copy(join(from, 'systemd', unit), join(to, 'usr/lib/systemd/system', unit));
    }
    mkdirSync(join(to, 'etc', name), { recursive: true });
    for (const page of readdirSync(join(from, 'man'))) {
      write(join(to, 'usr/share/man/man1', `${page}.gz`), compressed(readFileSync(join(from, 'man', page))));
    }
    const completions = {
      bash: `usr/share/bash-completion/completions/${name}`,
      zsh: `usr/share/zsh/vendor-completions/_${name}`,
      fish: `usr/share/fish/vendor_completions.d/${name}.fish`,
    };
    for (const [shell, file] of Object.entries(completions)) {
      write(
        join(to, file),
        execFileSync(process.execPath, [join(from, 'bin/apigw-cert.js'), 'completion', shell]),
      );
    }
    cpSync(join(from, 'docs'), join(doc, 'docs'), { recursive: true });
    copy(join(from, 'README.md'), join(doc, 'README.md'));
    write(join(doc, 'copyright'), copyrightText(manifest));
    write(join(doc, 'changelog.gz'), compressed(changelogText({ name, version }, date)));
    for (const file of ['CHANGELOG.md', 'THIRD-PARTY-LICENSES.txt']) {
      write(join(doc, `${file}.gz`), compressed(readFileSync(join(from, file))));
    }

    const files = everyFile(to);
    const unpackedSize = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const sums = files.map(
      (file) => `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${relative(to, file)}\n`,
    );
    write(join(to, 'DEBIAN/control'), controlText({ ...manifest, version }, unpackedSize));
    write(join(to, 'DEBIAN/md5sums'), sums.join(''));
    setModes(to);
    chmodSync(join(share, 'bin/apigw-cert.js'), 0o755);

    mkdirSync(buildFolder, { recursive: true });
    const file = join(buildFolder, `${name}_${version}_all.deb`);
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', '-Zxz', to, file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { file, size: statSync(file).size, unpackedSize, entryCount: files.length };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { file, size, unpackedSize } = writeDeb();
  console.log(`${file}: ${size} octets, ${unpackedSize} unpacked`);
}
