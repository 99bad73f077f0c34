// Changes files one place at a time and lists the changes that no test notices:
// `npm run test:mutation -- [--sample N] [--seed S] [--tests GLOB] [--at-most SECONDS] src/platform/order.ts …`. It works on a copy; the checkout
// is never touched. How it works, and which changes are known to change nothing: docs/mutation.md.
import { fork } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { changesOf, watched } from './mutation/changes.mjs';
import { typeCheck } from './mutation/type-check.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const EQUIVALENT = 'scripts/mutation/equivalent.json';
/** The tests that must notice a change of a file below a folder of `src`. */
const TESTS = new Map([
  ['src/commands/', 'test/commands'],
  ['src/certificates/', 'test/certificates'],
  ['src/control-plane/', 'test/control-plane'],
  ['src/findings/', 'test/findings'],
  ['src/rotation/rules/', 'test/rotation/rules'],
  ['src/rotation/engine/', 'test/rotation/engine'],
  ['src/rotation/journal/', 'test/rotation/journal'],
  ['src/trust/', 'test/trust'],
  ['src/platform/', 'test/platform'],
]);
/** Tests that take longer are run one by one, the others of a file together. In ms. */
const LONG = 300;

const { values: options, positionals: named } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    tests: { type: 'string', default: '**/*.test.ts' },
    'at-most': { type: 'string', default: 'Infinity' },
  },
});
/** A new process takes its time before the first test, the more on a busy machine. In ms. */
const LEAST_WAIT = 60_000;
/** How long tests may take for one change, in ms; the first goes in any case. */
const MOST = Number(options['at-most']) * 1000;

/** `FILE` or `FILE:LINE`; of a file without a line all changes are tried. */
const wanted = named.map((name) => /^(?<file>.+?)(?::(?<line>\d+))?$/.exec(name)?.groups ?? { file: name });
const files = [...new Set(wanted.map(({ file }) => file))];
const isWanted = (mutant) =>
  wanted.some(
    ({ file, line }) => file === mutant.file && (line === undefined || Number(line) === mutant.number),
  );
const folders = files.map((file) => [...TESTS].find(([folder]) => file.startsWith(folder))?.[1]);
if (files.length === 0 || folders.includes(undefined)) {
  console.error(
    'usage: npm run test:mutation -- [--sample N] [--seed S] [--tests GLOB] [--at-most SECONDS] FILE.ts[:LINE] …',
  );
  console.error(`FILE.ts lies below one of ${[...TESTS.keys()].join(', ')}`);
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), 'apigw-cert-mutation-'));
// Some tests go on as another user.
chmodSync(copy, 0o755);
let worker;
process.on('exit', () => {
  worker?.process.kill('SIGKILL');
  rmSync(copy, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
const COPIED = ['src', 'test', 'scripts', 'package.json', 'jest.config.mjs'];
for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
for (const name of readdirSync(root))
  if (!COPIED.includes(name) && name !== '.git') symlinkSync(join(root, name), join(copy, name));
const scratch = join(copy, '.tmp');
mkdirSync(scratch);

/** Has the worker run tests, in a new process where there is none or the last one has grown. `undefined`: no answer in time. */
async function run(request, timeout) {
  worker ??= await started();
  const { process: child } = worker;
  const answer = await new Promise((resolve) => {
    const timer = setTimeout(resolve, timeout);
    const settle = (value) => {
      clearTimeout(timer);
      resolve(value);
    };
    child.once('message', settle);
    child.once('exit', () => settle(undefined));
    child.send({
      paths: [],
      related: false,
      roots: [...new Set(folders)],
      tests: options.tests,
      ...request,
    });
  });
  child.removeAllListeners();
  if (!answer || answer.memory > 2e9) {
    child.kill('SIGKILL');
    worker = undefined;
  }
  return answer;
}

async function started() {
  const child = fork(join(copy, 'scripts/mutation/worker.mjs'), {
    cwd: copy,
    execArgv: ['--experimental-vm-modules', '--no-warnings'],
    env: { ...process.env, TMPDIR: scratch, NODE_ENV: 'test' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  child.removeAllListeners();
  return { process: child };
}

/** All of `list` in an order that depends on the seed alone. */
function shuffled(list, seed) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const mixed = [...list];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

// What is known to change nothing. An entry holds for a line as it is written: when the line changes, so must the entry.
const equivalents = JSON.parse(readFileSync(join(root, EQUIVALENT), 'utf8')).filter(({ file }) =>
  files.includes(file),
);
const isEntryOf = (mutant) => (entry) =>
  entry.file === mutant.file && entry.line === mutant.line && entry.change === mutant.change;

const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const all = [...texts].flatMap(([file, text]) => changesOf(file, text));
const stale = equivalents.filter((entry) => !all.some((mutant) => isEntryOf(mutant)(entry)));
for (const { file, line, change } of stale)
  console.log(`${EQUIVALENT}: no such change in ${file} any more: ${change} in ${line}`);
const open = all.filter((mutant) => isWanted(mutant) && !equivalents.some(isEntryOf(mutant)));
const mutants = options.sample
  ? shuffled(open, Number(options.seed))
      .slice(0, Number(options.sample))
      .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.from - b.from)
  : open;

// Which test passes through which body of the files?
const places = [];
for (const [file, text] of texts) {
  const seen = watched(file, text, places.length);
  places.push(...seen.places.map((place) => ({ file, ...place })));
  writeFileSync(join(copy, file), seen.text);
}
const unchanged = await run({ paths: files.map((file) => join(copy, file)), related: true }, 3_600_000);
if (!unchanged || unchanged.failed > 0 || unchanged.passed === 0)
  throw new Error(`the tests do not pass, or there are none\n${unchanged?.why ?? ''}`);
for (const [file, text] of texts) writeFileSync(join(copy, file), text);

/** What is run at once: the short tests of a file, or a long one. */
const batches = unchanged.files.flatMap(({ path, places: shared, tests }) => {
  const short = tests.filter(({ took }) => took <= LONG);
  const long = tests.filter(({ took }) => took > LONG).map((test) => [test]);
  return [short, ...long].map((members) => ({
    path,
    tests: members,
    shared: new Set(shared),
    runs: 0,
    kills: 0,
  }));
});

/** How a test notices the change: it fails, or does not come to an end. */
async function noticed({ file, from, to, by }) {
  const inner = places
    .map((place, number) => ({ ...place, number }))
    .filter((place) => place.file === file && place.from <= from && to <= place.to)
    .sort((a, b) => a.to - a.from - (b.to - b.from))[0].number;
  const left = batches.flatMap((batch) => {
    const tests = batch.shared.has(inner)
      ? batch.tests
      : batch.tests.filter(({ places: own }) => own.includes(inner));
    return tests.length === 0
      ? []
      : [{ batch, tests, cost: tests.reduce((sum, { took }) => sum + took, 200) }];
  });
  const text = texts.get(file);
  writeFileSync(join(copy, file), text.slice(0, from) + by + text.slice(to));
  const promise = ({ batch, cost }) => (batch.kills + 1) / (batch.runs + 2) / cost;
  left.sort((a, b) => promise(b) - promise(a));
  let spent = 0;
  try {
    for (const { batch, tests, cost } of left) {
      if (spent > 0 && spent + cost > MOST) continue;
      spent += cost;
      const answer = await run(
        { paths: [batch.path], chosen: tests.map(({ name }) => name) },
        LEAST_WAIT + 8 * cost,
      );
      batch.runs += 1;
      if (answer?.failed === 0) continue;
      batch.kills += 1;
      return answer ? 'failed' : 'endless';
    }
    return undefined;
  } finally {
    writeFileSync(join(copy, file), text);
  }
}

const refuses = typeCheck(root, files);
const results = new Map(files.map((file) => [file, { tests: 0, types: 0, nobody: 0 }]));
for (const mutant of mutants) {
  const { file, from, to, by, number, change, line } = mutant;
  const text = texts.get(file);
  const result = results.get(file);
  const how = await noticed(mutant);
  if (how === 'endless') console.log(`${file}:${number}: ${change}  in  ${line}  (the tests did not end)`);
  if (how) result.tests += 1;
  else if (refuses(file, text.slice(0, from) + by + text.slice(to))) result.types += 1;
  else {
    result.nobody += 1;
    console.log(`${file}:${number}: ${change}  in  ${line}`);
  }
}
for (const [file, { tests, types, nobody }] of results) {
  const known = equivalents.filter((entry) => entry.file === file).length;
  console.log(
    `${file}: ${tests + types + nobody} changes, noticed by tests ${tests}, by the type check ${types}, by nobody ${nobody}; ` +
      `besides, ${known} known to change nothing`,
  );
}
process.exit(stale.length > 0 || [...results.values()].some(({ nobody }) => nobody > 0) ? 1 : 0);
