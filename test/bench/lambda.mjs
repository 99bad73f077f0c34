// `node test/bench/lambda.mjs`: what a round of the function costs, counted against the emulator and a DynamoDB in memory,
// and from it the figures of docs/scale.md. Calls and units are exact; times are those of this machine without a network,
// so that each call is counted with the latency that is given here. The figures are JSON on stdout.
import { createServer } from 'node:http';
import { request as ask } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dynalite from 'dynalite';
import { build } from 'esbuild';
import { root } from '../../scripts/load-source.mjs';

/** Milliseconds that a call takes in AWS, from a function in the same Region. */
const LATENCY = { apigateway: 80, test: 150, dynamodb: 6, sts: 60, s3: 30 };

/** US dollars, us-east-1, on demand, 2026: docs/scale.md. */
const PRICE = {
  lambdaRequest: 0.2e-6,
  gbSecond: 16.6667e-6,
  durableOperation: 8e-6,
  stateTransition: 25e-6,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
  s3Request: 5e-6,
  metric: 0.3,
  alarm: 0.1,
  logGb: 0.5,
};
/** Of one vCPU, which a function has with 1,769 MB. */
const MEMORY = { mb: 256, gb: 0.25, cpu: 256 / 1769 };
const FLEET = { places: 10_000, certificates: 50_000, days: 30.4 };
/** Days after which a certificate of 365 days is due by default (33 %). */
const DUE_AFTER = 365 * 0.67;

/**
 * A month of the fleet.
 * @param rounds the figures of single requests @param targets of one configuration
 */
function month(rounds, targets) {
  const of = (name) => rounds.find((round) => round.name === name);
  const seconds = ({ cpuMs, awsMs }) => (cpuMs / MEMORY.cpu + awsMs) / 1_000;
  const own = rounds.filter(({ name }) => name.startsWith('rotate: ') && name !== 'rotate: not due');
  const sum = (key) => own.reduce((total, round) => total + round[key], 0);
  const rotations = (FLEET.certificates / DUE_AFTER) * FLEET.days;
  const idle = of('plan, due: nothing due');
  const looks = FLEET.certificates * FLEET.days;
  const pages = Math.ceil(FLEET.certificates / 100) * FLEET.days;
  const checks = FLEET.places * FLEET.days;
  const perRotation = own.reduce((total, round) => total + seconds(round), 0);
  // Each target of a page is looked at as if alone, though those of an account share its look; ten wait side by side.
  const looking = looks * (idle.cpuMs / MEMORY.cpu / 1_000 + idle.awsMs / 10_000);
  const checking = checks * (of('check').cpuMs / MEMORY.cpu / 1_000 + of('check').awsMs / 100_000);
  const gbSeconds = (rotations * perRotation + looking + checking) * MEMORY.gb;
  const operations = rotations * (2 * own.length + 2) + 2 * pages;
  const [reads, writes] = [
    rotations * sum('readUnits') + looks * idle.readUnits,
    rotations * sum('writeUnits'),
  ];
  const invocations = rotations * (own.length + 1) + pages;
  const functions = Math.ceil(FLEET.certificates / targets);
  const logGb = (rotations * 30 + pages * 2 + functions * FLEET.days) * 500e-9;
  const cost = {
    lambda: invocations * PRICE.lambdaRequest + gbSeconds * PRICE.gbSecond,
    durableOperations: operations * PRICE.durableOperation,
    dynamoDb: reads * PRICE.readUnit + writes * PRICE.writeUnit,
    s3: rotations * sum('s3') * PRICE.s3Request,
    cloudWatch: 12 * PRICE.metric + 4 * functions * PRICE.alarm + logGb * PRICE.logGb,
  };
  const total = Object.values(cost).reduce((a, b) => a + b, 0);
  const rounded = (values) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.round(value * 100) / 100]));
  return rounded({
    functions,
    rotations,
    invocations,
    gbSeconds,
    secondsOfARotation: perRotation,
    operations,
    readUnits: reads,
    writeUnits: writes,
    apiGatewayCalls: rotations * (sum('apiGateway') + sum('testCalls')) + looks * idle.apiGateway + checks,
    stateTransitions: rotations * (3 * own.length + 1),
    stepFunctions: rotations * (3 * own.length + 1) * PRICE.stateTransition,
    ...cost,
    total,
    // In one request, with 256 MB and 300 s.
    mostPlacesOfACheck: 285_000 / (of('check').cpuMs / MEMORY.cpu + of('check').awsMs / 100),
  });
}

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};

/** DynamoDB's units of a request: a write each begun KB, a strongly consistent read each begun 4 KB. */
function countingDynamoDb(inner, units) {
  return createServer(async (incoming, response) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1);
    const sent = JSON.stringify({ ...body, ReturnConsumedCapacity: 'TOTAL' });
    const headers = {
      ...incoming.headers,
      host: `127.0.0.1:${inner}`,
      'content-length': Buffer.byteLength(sent),
    };
    // The signature is of another body; dynalite does not verify it.
    ask({ port: inner, host: '127.0.0.1', method: 'POST', path: '/', headers }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      const text = Buffer.concat(parts);
      const capacity = JSON.parse(text.toString()).ConsumedCapacity?.CapacityUnits ?? 1;
      units.calls += 1;
      // A condition that does not hold is paid like a write.
      if (operation === 'PutItem' || operation === 'DeleteItem') units.writes += capacity;
      else units.reads += capacity;
      response.writeHead(answer.statusCode, { ...answer.headers, 'content-length': text.length });
      response.end(text);
    }).end(sent);
  });
}

// In the project's folder, where the packages are that it imports.
const outfile = join(root, 'build', 'bench-lambda.mjs');
await build({
  absWorkingDir: root,
  stdin: {
    contents:
      "export { startServiceLab } from './test/support/service-lab.ts'; export { createTable } from './src/state/create.ts';",
    resolveDir: root,
  },
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  define: { __VERSION__: '"0.0.0-bench"' },
});
const { createTable, startServiceLab } = await import(outfile);
const lab = await startServiceLab();
const units = { calls: 0, reads: 0, writes: 0 };
const inner = dynalite({ createTableMs: 0 });
const counting = countingDynamoDb(await listen(inner), units);
process.env.AWS_ENDPOINT_URL_DYNAMODB = `http://127.0.0.1:${await listen(counting)}`;
await createTable('apigw-cert', {});

const figures = [];
/** Counts what one request does. */
async function measure(name, event, config) {
  lab.emulator.clearRequests();
  Object.assign(units, { calls: 0, reads: 0, writes: 0 });
  lab.services.operations.length = 0;
  lab.roles.length = 0;
  const started = performance.now();
  const cpu = process.cpuUsage();
  const answer = await lab.ask(event, { config, left: 280_000 });
  const { user, system } = process.cpuUsage(cpu);
  const own = Math.round(performance.now() - started);
  const requests = lab.emulator.requests().filter(({ operation }) => operation !== 'Invoke');
  const tests = requests.filter(({ operation }) => operation === 'TestInvokeMethod').length;
  const calls = requests.length - tests;
  const [s3, sts] = [lab.services.operations.length, lab.roles.length];
  const awsMs =
    calls * LATENCY.apigateway +
    tests * LATENCY.test +
    units.calls * LATENCY.dynamodb +
    sts * LATENCY.sts +
    s3 * LATENCY.s3;
  figures.push({
    name,
    status: answer.status ?? `${answer.jobs?.length ?? answer.certificates} found`,
    code: answer.code ?? answer.outcome,
    apiGateway: calls,
    testCalls: tests,
    dynamoDb: units.calls,
    readUnits: units.reads,
    writeUnits: units.writes,
    s3,
    sts,
    ownMs: own,
    cpuMs: Math.round((user + system) / 1_000),
    awsMs,
  });
  return answer;
}

try {
  const roleArn = 'arn:aws:iam::111111111111:role/apigw-cert';
  const config =
    await lab.configure(`${lab.target(`    soak: 5m\n    keepOld: 7d\n    roleArn: "${roleArn}"`).replace('count: 2', 'count: 5')}
accounts:
  - { name: shop, roleArn: "${roleArn}", regions: [eu-central-1] }
`);
  const rotate = { request: 'rotate', job: { target: 'orders' } };
  // The first request of a process loads and compiles what the others use.
  await lab.ask({ request: 'check' }, { config });
  await measure('plan, due', { request: 'plan', due: true }, config);
  let answer = await measure('rotate: generate, trust, test, switch', rotate, config);
  lab.pass(answer.until);
  answer = await measure('rotate: after the soak', rotate, config);
  lab.pass(answer.until);
  answer = await measure('rotate: after keepOld', rotate, config);
  if (answer.status !== 'done') throw new Error(JSON.stringify(answer));
  await measure('rotate: not due', rotate, config);
  await measure('plan, due: nothing due', { request: 'plan', due: true }, config);
  await measure('check', { request: 'check' }, config);

  // How large a configuration may be.
  const scratch = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
  const file = join(scratch, 'apigw-cert.yaml');
  const entry = (n) =>
    `  t${n}: { api: orders-${n}, stages: [prod], roleArn: "arn:aws:iam::${String(100000000000 + n)}:role/apigw-cert", externalId: external-${n}, probe: { path: /health }, trust: [{ kind: s3, bucket: trust-${n}, key: list.pem, roleArn: "arn:aws:iam::${String(100000000000 + n)}:role/apigw-cert", externalId: external-${n} }] }\n`;
  const head = 'state: dynamodb:apigw-cert\nregion: eu-central-1\ntargets:\n';
  const targets = Math.floor((1024 * 1024 - head.length) / entry(9_999).length);
  writeFileSync(file, head + Array.from({ length: targets }, (_, n) => entry(n)).join(''), { mode: 0o600 });
  const started = performance.now();
  let pages = 0;
  for (let after; ;) {
    const plan = await lab.ask({ request: 'plan', ...(after ? { after } : {}) }, { config: file });
    pages += 1;
    after = plan.next;
    if (after === undefined) break;
  }
  const configuration = { targets, pages, msEach: Math.round((performance.now() - started) / pages) };
  rmSync(scratch, { recursive: true });
  rmSync(outfile);
  process.stdout.write(
    `${JSON.stringify({ latency: LATENCY, rounds: figures, configuration, month: month(figures, targets) }, null, 2)}\n`,
  );
} finally {
  counting.closeAllConnections();
  counting.close();
  inner.close();
  await lab.close();
}
