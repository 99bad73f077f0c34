// Runs commands of the built command line one after another in one process, each with its own environment, input and
// output: Node.js is started once.
import { writeSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { main } from '../../dist/program.cjs';

const BINARY = fileURLToPath(new URL('../../bin/apigw-cert.js', import.meta.url));

const HERE = process.cwd();

/** Thrown in place of the exit of a command that calls `process.exit`. */
class Exit extends Error {}

function collector() {
  const chunks = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, octets: () => Buffer.concat(chunks) };
}

const put = (name, value) =>
  Object.defineProperty(process, name, { value, configurable: true, writable: true });

/** What keeps a process from ending: connections, timers, children. */
const awaited = () => process.getActiveResourcesInfo().length;

const own = new Set(process.eventNames().flatMap((name) => process.listeners(name)));
const send = (answer) => new Promise((resolve) => process.send(answer, resolve));

/** As at the end of a process: emits `exit`, and removes the listeners that the command has added. */
function endListeners(code) {
  process.emit('exit', code);
  for (const name of process.eventNames()) {
    for (const listener of process.rawListeners(name)) {
      if (!own.has(listener.listener ?? listener)) process.removeListener(name, listener);
    }
  }
}

async function run({ words, env, input, cwd }) {
  process.chdir(cwd ?? HERE);
  const stdout = collector();
  const stderr = collector();
  put('stdout', stdout.stream);
  put('stderr', stderr.stream);
  put('stdin', Readable.from(input === undefined ? [] : [Buffer.from(input, 'base64')]));
  put('argv', [process.argv[0], BINARY, ...words]);
  // Changed in place, not replaced: os.homedir() reads the environment of the process.
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = undefined;
  const before = awaited();
  let ended = false;
  const answer = async (isClean) => {
    if (ended) return;
    ended = true;
    const code = process.exitCode ?? 0;
    endListeners(code);
    await send({
      code: process.exitCode ?? code,
      stdout: stdout.octets().toString('base64'),
      stderr: stderr.octets().toString('base64'),
      isClean,
    });
  };
  process.exit = (code = process.exitCode) => {
    process.exitCode = code;
    void answer(false);
    throw new Exit();
  };
  try {
    await main(words);
  } catch (error) {
    if (error instanceof Exit) return;
    throw error;
  }
  // A command may call process.exit once its result is written. Otherwise a process ends when nothing keeps it alive.
  await setImmediate();
  while (!ended && awaited() > before) await setTimeout(5);
  await answer(true);
}

process.on('message', (call) => void run(call));
process.on('disconnect', () => process.reallyExit(0));
process.on('uncaughtException', (error) => {
  if (error instanceof Exit) return;
  writeSync(2, `${error.stack}\n`);
  process.reallyExit(1);
});
for (const name of ['message', 'disconnect', 'uncaughtException'])
  process.listeners(name).forEach((listener) => own.add(listener));
await send({ isReady: true });
