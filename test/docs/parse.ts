import { execFileSync } from 'node:child_process';

/** The words of a command line, as a shell splits them; nothing is run. */
function shellWords(line: string): string[] {
  const script = `apigw-cert() { printf '%s\\0' "$@"; exit; }\n${line}`;
  const output = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: '/', env: {} });
  return output.split('\0').slice(0, -1);
}

/**
 * What keeps the command line from being understood: a command, an option or a value that there is not; nothing
 * otherwise. It is not run.
 *
 * @param line begins with `apigw-cert`; what follows the command (`| …`, `&& …`) is not looked at
 */
export async function misunderstood(line: string): Promise<string | undefined> {
  const words = shellWords(line.replace(/ (\||&&|>|<).*$/, ''));
  if (words.length === 1 && words[0] === '--version') return undefined;
  try {
    // Put in by the build otherwise.
    Object.assign(globalThis, { __VERSION__: 'of a test' });
    const { createProgram } = await import('../../src/cli/program.js');
    let command = await createProgram(words);
    let rest = words;
    for (;;) {
      const next = command.commands.find((one) => one.name() === rest[0]);
      if (!next) break;
      command = next;
      rest = rest.slice(1);
    }
    if (command.parent === null) return `there is no command ${rest[0] ?? ''}`;
    const { operands, unknown } = command.parseOptions(rest);
    if (unknown.length > 0 && !/^(-h|--help)$/.test(unknown[0] ?? '')) {
      return `${command.name()} has no option ${unknown.join(' ')}`;
    }
    if (command.commands.length > 0)
      return operands.length > 0 ? `no command ${operands.join(' ')}` : undefined;
    const accepted = command.registeredArguments;
    const most = accepted.some(({ variadic }) => variadic) ? Infinity : accepted.length;
    return operands.length > most ? `too many words: ${operands.join(' ')}` : undefined;
  } catch (error) {
    return String(error);
  }
}
