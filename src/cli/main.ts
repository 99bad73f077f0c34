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
  void start();
}

async function start(): Promise<void> {
  const { useCompileCache } = await import('../platform/compile-cache.js');
  useCompileCache(VERSION);
  const { main } = await import('./program.js');
  await main(words);
}
