// `node test/bench/report.mjs`: `report` and the lists at the size of a big account. The figures are JSON on stdout; a
// goal that is missed makes the exit code 1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { median } from './figures.mjs';

const RUNS = 3;

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', '..', 'bin', 'apigw-cert.js');
const directory = mkdtempSync(join(tmpdir(), 'apigw-cert-bench-'));
const html = join(directory, 'report.html');
const ics = join(directory, 'report.ics');
const missed = [];
const round = (value, digits = 2) => Number(value.toFixed(digits));
/** Notes a goal that is not kept. */
function goal(name, value, limit) {
  if (value > limit) missed.push(`${name}: ${value}, and the goal is ${limit}`);
  return value;
}

/** Runs `work` against an account of that size. */
async function withAccount(size, work) {
  const child = spawn(process.execPath, [join(here, 'listings.mjs'), ...size.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [url] = await once(child.stdout, 'data');
    return await work(String(url).trim());
  } finally {
    child.kill();
  }
}

/** Runs the tool a few times, without a limit of its own: medians. */
async function tool(url, words) {
  const runs = [];
  for (let run = 0; run < RUNS; run++) {
    const file = join(directory, 'measure.json');
    const started = performance.now();
    const argv = ['--require', join(here, 'measure.cjs'), cli, ...words, '--rate', 'unlimited'];
    const child = spawn(process.execPath, argv, {
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        AWS_ENDPOINT_URL: url,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'AKIDBENCH',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_EC2_METADATA_DISABLED: 'true',
        BENCH_MEASURE: file,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${words.join(' ')}: exit ${code}`);
    runs.push({
      seconds: (performance.now() - started) / 1000,
      ...JSON.parse(readFileSync(file, 'utf8')),
    });
  }
  return {
    seconds: round(median(runs.map(({ seconds }) => seconds))),
    cpuSeconds: round(median(runs.map(({ cpuMs }) => cpuMs)) / 1000),
    peakMiB: round(median(runs.map(({ peakMiB }) => peakMiB)), 0),
  };
}

/** What a reader's browser makes of the page: medians in ms, and the sheets of A4. */
async function inBrowser() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(html).href);
    const { filter, sort } = await page.evaluate(`(async () => {
      const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const timed = async (work) => { const runs = []; for (let i = 0; i < 7; i++) { const from = performance.now(); work(i); await drawn(); runs.push(performance.now() - from) } return runs };
      const filter = document.getElementById('filter');
      return {
        filter: await timed((i) => { filter.value = ['team', 'team 3', 'orders', 'service 49', '2027', 't4', ''][i]; filter.dispatchEvent(new Event('input')) }),
        sort: await timed((i) => document.querySelectorAll('#certificates th button')[i].click()),
      };
    })()`);
    const pdf = await page.pdf({ format: 'A4' });
    return {
      filterMs: goal('filter, ms', round(median(filter), 0), 200),
      sortMs: goal('sort, ms', round(median(sort), 0), 200),
      sheets: pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length,
    };
  } finally {
    await browser.close();
  }
}

const figures = {};
try {
  await withAccount([60, 1320, 10], async (url) => {
    for (const words of [
      ['list', '--usage'],
      ['list', '--usage', '--output', 'json'],
      ['report', '--html', html],
      ['inventory', '--output', 'json'],
    ]) {
      const name = `${words.slice(0, 2).join(' ')}${words.includes('json') ? ' json' : ''}`;
      const measured = await tool(url, words);
      if (words[0] !== 'inventory') goal(`${name} of 13,200 stages, MiB`, measured.peakMiB, 120);
      figures[`60 certificates, 13,200 stages: ${name}`] = measured;
    }
    const shown = await inBrowser();
    if (shown?.sheets !== undefined) goal('sheets for 60 × 220 stages', shown.sheets, 20);
    figures['60 certificates, 13,200 stages: the page'] = {
      kB: round(statSync(html).size / 1000, 0),
      ...shown,
    };
  });
  await withAccount([5000, 500, 10], async (url) => {
    figures['5,000 certificates: report --html'] = await tool(url, ['report', '--html', html]);
    const calendar = await tool(url, ['report', '--ics', ics]);
    goal('report --ics of 5,000 certificates, s', calendar.seconds, 5);
    figures['5,000 certificates: report --ics'] = calendar;
    const kB = goal('page of 5,000 certificates, kB', round(statSync(html).size / 1000, 0), 2000);
    figures['5,000 certificates: the page'] = { kB, ...(await inBrowser()) };
  });
} finally {
  rmSync(directory, { recursive: true, force: true });
}

console.log(JSON.stringify(figures, null, 2));
for (const each of missed) process.stderr.write(`missed: ${each}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;
