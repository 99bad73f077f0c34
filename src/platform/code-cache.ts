import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** Loads a file into its module. */
type Loader = (module: NodeJS.Module, file: string) => void;

/** By the end of a file's name; also known as `require.extensions`. */
const { _extensions } = module as unknown as { _extensions: Record<string, Loader> };

/** A CommonJS file as a function. */
type Body = (
  this: unknown,
  exports: unknown,
  require: (id: string) => unknown,
  module: NodeJS.Module,
  file: string,
  directory: string,
) => void;

const bodyOf = (text: string): string =>
  `(function (exports, require, module, __filename, __dirname) {${text}\n})`;

const digest = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

const DIGEST_LENGTH = 32;

/** V8 itself does not notice when code is damaged, or is that of another source or processor. */
function readCode(path: string): Buffer | undefined {
  try {
    const kept = readFileSync(path);
    const code = kept.subarray(DIGEST_LENGTH);
    return digest(code).equals(kept.subarray(0, DIGEST_LENGTH)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the compiled code of this package's files (`.cjs`; no other has such a name) when the process exits, and uses
 * what was kept before. To be removed together with the support of Node.js 20.
 *
 * Our own, since v8-compile-cache changes how all files are compiled, and keeps code where others can put theirs.
 *
 * @param directory where nobody else can write: what is in it is run
 */
export function keepCode(directory: string): void {
  const compiled = new Map<string, Script>();
  _extensions['.cjs'] = (module, file) => {
    const source = bodyOf(readFileSync(file, 'utf8'));
    const path = join(directory, digest(process.version, process.arch, source).toString('hex'));
    const cachedData = readCode(path);
    const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) });
    if (script.cachedDataRejected !== false) compiled.set(path, script);
    const body = script.runInThisContext() as Body;
    const require = (id: string): unknown => module.require(id);
    body.call(module.exports, module.exports, require, module, file, dirname(file));
  };
  process.once('exit', () => {
    try {
      for (const [path, script] of compiled) {
        const code = script.createCachedData();
        writeFileSync(path, Buffer.concat([digest(code), code]), { mode: 0o600 });
      }
    } catch {
      // The next start compiles again.
    }
  });
}
