// `node test/bench/fleet.mjs [part…]`: reading accounts at the speed that AWS allows, and beyond. Parts: limits,
// unlimited, fleet, awscli. The figures are JSON on stdout; a goal that is missed makes the exit code 1.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { call } from './control-plane.mjs';
import { median } from './figures.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', '..', 'bin', 'apigw-cert.js');
const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
const parts = process.argv.slice(2);
const wanted = (part) => parts.length === 0 || parts.includes(part);
const say = (text) => process.stderr.write(`${text}\n`);

const emulator = spawn(process.execPath, [join(here, 'emulator.mjs')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [first] = await once(emulator.stdout, 'data');
const url = String(first).trim();
const accountKey = (i) => `AKIDBENCH${i}`;

const base = {
  PATH: process.env.PATH,
  HOME: directory,
  AWS_ENDPOINT_URL: url,
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};
const envOf = (i) => ({ ...base, AWS_ACCESS_KEY_ID: accountKey(i), AWS_SECRET_ACCESS_KEY: 'secret' });

const request = (method, path, body, key = accountKey(0)) => call(url, key, method, path, body);

/** Runs `work` for 0 … count − 1, some at a time. */
async function each(count, work) {
  const left = Array.from({ length: count }, (_, i) => i).values();
  const worker = async () => {
    for (const i of left) await work(i);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

async function makeApi(name, stages, key) {
  const api = await request('POST', '/restapis', { name }, key);
  const method = `/restapis/${api.id}/resources/${api.rootResourceId}/methods/GET`;
  await request('PUT', method, { authorizationType: 'NONE' }, key);
  await request(
    'PUT',
    `${method}/integration`,
    { type: 'HTTP_PROXY', httpMethod: 'GET', uri: 'https://b.invalid/' },
    key,
  );
  const deployment = await request('POST', `/restapis/${api.id}/deployments`, {}, key);
  for (let i = 0; i < stages; i++) {
    await request(
      'POST',
      `/restapis/${api.id}/stages`,
      { stageName: `s${i}`, deploymentId: deployment.id },
      key,
    );
  }
}

const limit = (rateLimit) => request('PATCH', '/_emulator/config', { rateLimit });
const clearLog = () => request('DELETE', '/_emulator/requests');
const log = () => request('GET', '/_emulator/requests');

/** Runs the tool once: wall time, CPU, peak memory, and the exit code. */
async function tool(words, env) {
  const file = join(directory, 'measure.json');
  const started = performance.now();
  const child = spawn(process.execPath, ['--require', join(here, 'measure.cjs'), cli, ...words], {
    env: { ...env, BENCH_MEASURE: file },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - started) / 1000;
  // 1 and 2 are what check-expiry found, and no failure.
  if (code !== 0 && (words[0] !== 'check-expiry' || code > 2)) {
    throw new Error(`${words.join(' ')}: exit ${code}\n${errors}`);
  }
  return { seconds, ...JSON.parse(readFileSync(file, 'utf8')) };
}

const round = (value, digits = 2) => Number(value.toFixed(digits));
const figures = {};
const missed = [];
const goal = (name, ok) => {
  if (!ok) missed.push(name);
  return ok;
};

try {
  if (wanted('limits') || wanted('unlimited')) {
    say('seeding one account: 60 certificates, 600 REST APIs with 10 stages');
    await each(60, () => request('POST', '/clientcertificates', {}));
    await each(600, (i) => makeApi(`api-${i}`, 10));
  }

  if (wanted('unlimited')) {
    const runs = [];
    for (let i = 0; i < 5; i++) {
      await clearLog();
      const run = await tool(['inventory', '--output', 'json', '--rate', 'unlimited'], envOf(0));
      runs.push({ ...run, calls: (await log()).length });
    }
    const calls = runs[0].calls;
    const seconds = median(runs.map((run) => run.seconds));
    const peakMiB = median(runs.map((run) => run.peakMiB));
    figures.unlimited = {
      calls,
      seconds: round(seconds),
      callsPerSecond: round(calls / seconds, 0),
      cpuMsPerCall: round(median(runs.map((run) => run.cpuMs)) / calls),
      peakMiB: round(peakMiB, 0),
      goalUnder120MiB: goal('peak memory under 120 MiB for 6,000 stages', peakMiB < 120),
    };
  }

  if (wanted('limits')) {
    await limit({ perSecond: 10, burst: 40 });
    for (const rate of ['100%', '80%']) {
      say(`inventory at ${rate} of the limit: about a minute`);
      await request('PATCH', '/_emulator/config', { rateLimit: { perSecond: 10, burst: 40 } });
      await clearLog();
      const { seconds } = await tool(['inventory', '--output', 'json', '--rate', rate], envOf(0));
      const requests = await log();
      const throttled = requests.filter(({ status }) => status === 429).length;
      const least = (requests.length - 40) / 10;
      const ratio = seconds / least;
      figures[`limits ${rate}`] = {
        calls: requests.length,
        throttled,
        leastSeconds: least,
        seconds: round(seconds),
        ratio: round(ratio, 3),
        ...(rate === '100%' ? { goalWithin1_03: goal('within 1.03 of the limit', ratio <= 1.03) } : {}),
        goalNoThrottle: goal(`no throttled answer at ${rate}`, throttled === 0),
      };
    }
    await limit(false);
  }

  if (wanted('fleet')) {
    const SOURCES = 200;
    say(`seeding ${SOURCES} accounts with 20 REST APIs`);
    await each(SOURCES, async (i) => {
      for (let n = 0; n < 20; n++) await makeApi(`api-${n}`, 1, accountKey(1000 + i));
    });
    const profiles = Array.from({ length: SOURCES }, (_, i) => `p${i}`);
    const config = join(directory, 'config');
    writeFileSync(
      config,
      profiles
        .map(
          (name, i) =>
            `[profile ${name}]\naws_access_key_id=${accountKey(1000 + i)}\naws_secret_access_key=x\n`,
        )
        .join(''),
    );
    const env = { ...base, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(directory, 'none') };
    const words = (count, rate) => [
      'inventory',
      '--output',
      'json',
      '--rate',
      rate,
      '--profile',
      profiles.slice(0, count).join(','),
    ];
    const sizes = [];
    for (const count of [1, 50, 100, SOURCES]) {
      await limit({ perSecond: 10, burst: 40 });
      await clearLog();
      const run = await tool(words(count, '100%'), env);
      const throttled = (await log()).filter(({ status }) => status === 429).length;
      say(`${count} sources: ${round(run.seconds)} s`);
      sizes.push({
        sources: count,
        seconds: round(run.seconds),
        cpuMs: round(run.cpuMs, 0),
        peakMiB: round(run.peakMiB, 0),
        throttled,
      });
    }
    const [one, , , all] = sizes;
    const perSource = (key) => (all[key] - one[key]) / (SOURCES - 1);
    say('the same at --rate 10%, so that the pace and not this machine decides');
    await limit({ perSecond: 10, burst: 40 });
    const alone = await tool(words(1, '10%'), env);
    await limit({ perSecond: 10, burst: 40 });
    await clearLog();
    const together = await tool(words(SOURCES, '10%'), env);
    const throttled = (await log()).filter(({ status }) => status === 429).length;
    await limit(false);
    const ratio = together.seconds / alone.seconds;
    figures.fleet = {
      withinTheBurst: sizes,
      kiBPerSource: round(perSource('peakMiB') * 1024, 0),
      cpuMsPerSource: round(perSource('cpuMs'), 1),
      tenThousandSources: {
        // 256 are read at a time: their clients are what takes memory.
        peakMiBOfClients: round(one.peakMiB + 256 * perSource('peakMiB'), 0),
        cpuSeconds: round((perSource('cpuMs') * 10_000) / 1000, 0),
      },
      paceDecides: {
        aloneSeconds: round(alone.seconds),
        togetherSeconds: round(together.seconds),
        ratio: round(ratio, 3),
        throttled,
      },
      goalWithin1_2: goal('200 sources within 1.2 times one', ratio <= 1.2),
    };
  }

  if (wanted('awscli') && spawnSync('aws', ['--version']).status === 0) {
    const key = 2;
    await each(60, () => request('POST', '/clientcertificates', {}, accountKey(key)));
    await each(20, (i) => makeApi(`api-${i}`, 2, accountKey(key)));
    const loop = `set -e
aws apigateway get-client-certificates --output json
for id in $(aws apigateway get-rest-apis --query 'items[].id' --output text); do aws apigateway get-stages --rest-api-id $id --output json; done`;
    const timed = async (run) => {
      const started = performance.now();
      await run();
      return (performance.now() - started) / 1000;
    };
    const shell = (script) => () => {
      const { status } = spawnSync('bash', ['-c', script], { env: envOf(key), stdio: 'ignore' });
      if (status !== 0) throw new Error(`exit ${status}: ${script}`);
    };
    const pairs = { inventory: [], checkExpiry: [] };
    for (let i = 0; i < 3; i++) {
      pairs.inventory.push([
        await timed(shell(loop)),
        (await tool(['inventory', '--output', 'json', '--rate', '100%'], envOf(key))).seconds,
      ]);
    }
    for (let i = 0; i < 7; i++) {
      pairs.checkExpiry.push([
        await timed(shell('aws apigateway get-client-certificates')),
        (await tool(['check-expiry'], envOf(key))).seconds,
      ]);
    }
    figures.awscli = Object.fromEntries(
      Object.entries(pairs).map(([name, runs]) => {
        const aws = median(runs.map(([each]) => each));
        const ours = median(runs.map(([, each]) => each));
        return [name, { awsSeconds: round(aws), seconds: round(ours), ratio: round(ours / aws) }];
      }),
    );
  }
} finally {
  emulator.kill();
  rmSync(directory, { recursive: true, force: true });
}

process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
for (const name of missed) say(`goal missed: ${name}`);
process.exitCode = missed.length > 0 ? 1 : 0;
