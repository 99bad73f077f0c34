import { VERSION } from './version.js';

const words = process.argv.slice(2);
// Asked by scripts, and before anything else is known to work: answered without loading the rest.
if (words.length === 1 && ['--version', '-V', '-v', 'version'].includes(words[0] ?? '')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const { main } = await import('./program.js');
  await main(words);
}
