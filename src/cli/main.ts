import { useCompileCache } from '../platform/compile-cache.js';
import { VERSION } from '../platform/version.js';

const words = process.argv.slice(2);
const asksVersion = ['--version', '-V', '-v', 'version'].includes(words[0] ?? '');
const rest = words.slice(1).join(' ');
// Asked by scripts, and before anything else is known to work: answered without loading the rest.
if (asksVersion && rest === '') {
  process.stdout.write(`${VERSION}\n`);
} else if (asksVersion && /^--output[ =]json$/.test(rest)) {
  process.stdout.write(`${JSON.stringify({ version: VERSION }, null, 2)}\n`);
} else {
  useCompileCache(VERSION);
  void import('./program.js').then(({ main }) => main(words));
}
