import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';

const HOST = join(dirname(fileURLToPath(import.meta.url)), 'cli-host.mjs');

interface Call {
  words: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Base64. */
  input?: string;
  cwd?: string;
}

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
  isClean: boolean;
}

/** Hosts without a command; each runs one at a time. */
const idle: ChildProcess[] = [];
afterAll(() => {
  for (const host of idle.splice(0)) host.kill();
});

async function startHost(): Promise<ChildProcess> {
  const host = fork(HOST, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: {}, execArgv: [] });
  await once(host, 'message');
  return host;
}

/**
 * Has a command run by a process that is free, or by a new one.
 * @throws Error where the command would have crashed
 */
export async function inHost(call: Call): Promise<Answer> {
  const host = idle.pop() ?? (await startHost());
  host.ref();
  host.channel?.ref();
  host.send(call);
  const done = new AbortController();
  const [answer] = (await Promise.race([
    once(host, 'message', done),
    once(host, 'exit', done).then(() => {
      throw new Error(`apigw-cert ${call.words.join(' ')} crashed`);
    }),
  ])) as [Answer];
  done.abort();
  if (answer.isClean) {
    host.unref();
    host.channel?.unref();
    idle.push(host);
  } else host.kill();
  return answer;
}
