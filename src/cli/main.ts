import { VERSION } from './version.js';

const words = process.argv.slice(2);
// Asked by scripts, and before anything else is known to work: answered without loading the rest.
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const { main } = await import('./program.js');
  await main(words);
}
