// Puts chunks that are loaded together into one file. Code splitting makes a chunk of every set of entries that share
// something, 76 for `list`; and to find, open and run a file costs Node as much as to compile several kB.
import { rmSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { rollup } from 'rollup';

/**
 * What is loaded when a command runs, by the sources that are imported when it does. What other commands load too is in `aws`,
 * `common`, and, where only `rotate` of these loads it, `rotation`.
 */
const LOADED = {
  common: ['src/terminal/account.ts', 'src/configuration/load.ts', 'src/terminal/table.ts'],
  calls: [
    'src/control-plane/aws.ts',
    'src/control-plane/pace.ts',
    'src/control-plane/aws-fleet.ts',
    'src/aws/credentials.ts',
    'src/aws/credential-source.ts',
  ],
  list: ['src/commands/list/command.ts', 'src/control-plane/list.ts'],
  'check-expiry': ['src/commands/check-expiry/command.ts', 'src/findings/check-expiry.ts'],
  rotate: ['src/commands/rotate/command.ts', 'src/commands/rotate/run.ts'],
};

/** In octets, not minified. What is smaller costs less where it is not needed than a file of its own where it is. */
const SMALL = 16_000;

const isOfSdk = (source) => /node_modules\/@(aws|aws-sdk|smithy)\//.test(source);

/** Which file each output of a build by esbuild goes to, by its path; none for those that stay as they are. */
function destinations({ outputs }, source) {
  const importsOf = (path, kinds) =>
    outputs[path].imports
      .filter(({ path: to, kind }) => to in outputs && kinds.includes(kind))
      .map(({ path: to }) => to);
  /** Everything that these import, directly or not, themselves included; nothing beyond `without`. */
  const reached = (from, kinds, without = new Set()) => {
    const found = new Set();
    const visit = (path) => {
      if (found.has(path) || without.has(path)) return;
      found.add(path);
      importsOf(path, kinds).forEach(visit);
    };
    from.forEach(visit);
    return found;
  };
  const entries = new Map(Object.entries(outputs).map(([path, { entryPoint }]) => [entryPoint, path]));
  const outputOf = (source) => {
    const path = entries.get(source);
    if (path === undefined)
      throw new Error(`${source} is not imported dynamically: correct LOADED in this script`);
    return path;
  };
  const found = new Map();
  for (const path of reached([outputOf(source)], ['import-statement'])) found.set(path, 'program');
  const usesSdk = (path) =>
    [...reached([path], ['import-statement'])].some((to) => Object.keys(outputs[to].inputs).some(isOfSdk));
  /** With all that it imports, since a file must not import one that imports it. */
  const isSmall = (path) =>
    found.get(path) === 'program' ||
    (outputs[path].bytes < SMALL && importsOf(path, ['import-statement']).every(isSmall));
  for (const [name, sources] of Object.entries(LOADED)) {
    const own = sources.map(outputOf);
    const elsewhere = reached([outputOf(source)], ['import-statement', 'dynamic-import'], new Set(own));
    for (const path of reached(own, ['import-statement'])) {
      if (found.has(path)) continue;
      if (name !== 'common' && !elsewhere.has(path)) found.set(path, name);
      else if (usesSdk(path)) found.set(path, 'aws');
      else if (isSmall(path)) found.set(path, name === 'rotate' ? 'rotation' : 'common');
    }
  }
  return found;
}

/**
 * Writes the files of a build by esbuild with code splitting, fewer and larger, as CommonJS.
 * @param metafile of that build
 * @param source of its entry, which may export more than it does
 * @param from its folder, which is deleted
 */
export async function mergeChunks({ metafile, source, from, to }) {
  const destinationOf = destinations(metafile, source);
  const bundle = await rollup({
    input: Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === source),
    preserveEntrySignatures: 'allow-extension',
    // Whatever is still named by a package is Node's own or optional.
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    treeshake: false,
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  const { output } = await bundle.write({
    dir: to,
    format: 'cjs',
    esModule: false,
    dynamicImportInCjs: false,
    minifyInternalExports: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    onlyExplicitManualChunks: true,
    manualChunks: (id) => destinationOf.get(relative(process.cwd(), id)),
  });
  await bundle.close();
  rmSync(from, { recursive: true });
  return output.map(({ fileName }) => join(to, fileName));
}
