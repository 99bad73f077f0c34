// Bundles the command line and the library entries with their dependencies, so that an installed package has
// nothing to resolve at run time and a cold start reads a handful of files (docs/dependencies.md says why). The command line
// is CommonJS: the loader of ES modules costs Node 10 ms, and code can be cached on Node 20 only for CommonJS. The libraries
// are ES modules, as bundlers want them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { writeManPages } from './man.mjs';
import { mergeChunks } from './merge-chunks.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

// CommonJS packages inside an ES module bundle still call require for Node's own modules, and name their own file.
const banner = {
  js: 'const require = process.getBuiltinModule;\nconst __filename = import.meta.filename;',
};
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

// Trust stores, state and stacks in other AWS services use clients that are optional to install.
const optional = [
  '@aws-sdk/client-cloudformation',
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-eks',
  '@aws-sdk/client-s3',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-ssm',
];

const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20.19', legalComments: 'none' };

// As ES modules the SDK's packages lose what is not used, two thirds of them. @peculiar/x509 stays CommonJS, since
// ES modules are all evaluated before the body that imports reflect-metadata, which it needs.
const withSdk = {
  mainFields: ['module', 'main'],
  alias: { '@peculiar/x509': './node_modules/@peculiar/x509/build/x509.cjs.js' },
  external: optional,
  banner,
  define: { __VERSION__: JSON.stringify(version) },
};

const program = await build({
  ...common,
  ...withSdk,
  banner: {},
  entryPoints: { program: 'src/cli/program.ts' },
  outdir: 'build/split',
  splitting: true,
  metafile: true,
});

const library = await build({
  ...common,
  ...withSdk,
  entryPoints: { index: 'src/index.ts', emulator: 'src/emulator/index.ts' },
  outdir: 'dist',
  splitting: true,
  chunkNames: 'library/[hash]',
  minify: true,
  metafile: true,
});

// In other people's processes: when it throws, Node shows the line, which is to be one that can be read.
await build({ ...common, entryPoints: { node: 'src/node/index.ts' }, outdir: 'dist' });

// A function is loaded as a whole: one file, which a package of its own can be made of.
const functions = await build({
  ...common,
  ...withSdk,
  entryPoints: { lambda: 'src/lambda/index.ts' },
  outdir: 'dist',
  minify: true,
  metafile: true,
});

// The SDK of durable functions is for whoever deploys one to install; it needs Node 22, as their runtimes have.
await build({
  ...common,
  entryPoints: { durable: 'src/durable/index.ts' },
  outdir: 'dist',
  external: ['@aws/durable-execution-sdk-js', '@aws-sdk/client-lambda'],
});

// What describes infrastructure comes from whoever uses it.
await build({
  ...common,
  entryPoints: { cdk: 'src/cdk/index.ts' },
  outdir: 'dist',
  external: ['aws-cdk-lib', 'constructs'],
});

const files = await mergeChunks({
  metafile: program.metafile,
  source: 'src/cli/program.ts',
  from: 'build/split',
  to: 'dist',
});
for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const { code } = await transform(text, {
    minify: true,
    format: 'cjs',
    target: common.target,
    legalComments: 'none',
  });
  writeFileSync(file, code);
}

// A file of its own, which answers --version without the rest.
await build({
  ...common,
  entryPoints: { cli: 'src/cli/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  minify: true,
  plugins: [
    {
      name: 'program',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\/program\.js$/ }, () => ({ path: './program.cjs', external: true })),
    },
  ],
  // With require, as the program's own files are.
  supported: { 'dynamic-import': false },
  define: { __VERSION__: JSON.stringify(version) },
});

const packageDirs = new Set();
for (const file of Object.keys({
  ...program.metafile.inputs,
  ...library.metafile.inputs,
  ...functions.metafile.inputs,
})) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (match) packageDirs.add(match[1]);
}
const bundled = [...packageDirs].sort().map((dir) => {
  const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  return { dir, name, version, license };
});
// For scripts/sbom.mjs: what is in dist/ and nothing else.
mkdirSync('build', { recursive: true });
writeFileSync('build/bundled.json', JSON.stringify(bundled.map(({ name, version }) => `${name}@${version}`)));
const notices = bundled.map(({ dir, name, version, license }) => {
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'License', 'LICENCE'].find((candidate) =>
    existsSync(join(dir, candidate)),
  );
  const text = file ? readFileSync(join(dir, file), 'utf8').trim() : '(the package ships no licence file)';
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(
  'THIRD-PARTY-LICENSES.txt',
  `Packages bundled into dist/:\n\n${notices.join(`\n${'-'.repeat(79)}\n\n`)}`,
);

await writeManPages(version);

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
