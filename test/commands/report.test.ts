import { existsSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GenerateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import type { Browser, Page } from 'playwright-core';
import type { ExpiryReport } from '../../src/findings/check-expiry.js';
import { htmlPage } from '../../src/findings/formats/html/page.js';
import { DEFAULT_RENEW_BEFORE } from '../../src/certificates/expiry.js';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { CHROMIUM, launchChromium } from '../support/chromium.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { checked, reportOf, uses } from '../support/report.js';

const DAY = 86_400_000;
const HOSTILE = '<img src=x onerror="document.title=\'owned\'">\n"\'&,=1+1</script>';

let emulator: Emulator;
let directory: string;
let old: string, hostile: string;
let html: string, ics: string;
let browser: Browser | undefined;

// A machine without Chromium has nothing to look with; in CI it is installed, and a skip fails the run.
const describeInBrowser = CHROMIUM === undefined ? describe.skip : describe;

/** One browser for all: starting it takes longer than most of what is asked. */
async function newPage(width = 1280): Promise<Page> {
  browser ??= await launchChromium();
  return browser.newPage({ viewport: { width, height: 900 } });
}

beforeAll(async () => {
  emulator = await startEmulator({ rateLimit: false });
  const client = clientOf(emulator);
  emulator.setClock(new Date(Date.now() - 361 * DAY));
  old = (await generateCertificate(client)).id;
  emulator.setClock(new Date(Date.now() - 100 * DAY));
  const made = await client.send(
    new GenerateClientCertificateCommand({
      description: HOSTILE,
      tags: { 'apigw-cert:rotation': 'r', 'apigw-cert:replaces': old, team: HOSTILE.replace('\n', '') },
    }),
  );
  hostile = String(made.clientCertificateId);
  emulator.setClock(new Date());
  const api = await makeApi(emulator, client, 'https://b.invalid', { name: '<b>orders</b>' });
  const other = await makeApi(emulator, client, 'https://b.invalid', { name: 'users' });
  await attachCertificate(client, api, old);
  await attachCertificate(client, other, hostile);
  client.destroy();
  directory = await mkdtemp(join(tmpdir(), 'apigw-cert-report-'));
  html = join(directory, 'report.html');
  ics = join(directory, 'certificates.ics');
  const { code, stdout } = await cli(['report', '--html', html, '--ics', ics], {
    env: emulatorEnv(emulator),
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `written: ${html}, ${ics}\n` });
});
afterAll(async () => {
  await browser?.close();
  await emulator.close();
});

describeInBrowser('the page, in a browser', () => {
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    page = await newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(html).href);
  });
  afterAll(() => page.close());

  test('fetches nothing, breaks none of its own rules and runs nothing from the cloud', async () => {
    expect(requests).toEqual([pathToFileURL(html).href]);
    expect(complaints).toEqual([]);
    expect(await page.title()).toMatch(/^API Gateway client certificates, .*: critical$/);
    expect(await page.locator('img, main script, main b b, td b:not(.badge)').count()).toBe(0);
    expect(await page.locator(`tr:has-text("${hostile}") td`).nth(5).innerText()).toBe(
      HOSTILE.replace('\n', '\\x0a'),
    );
  });

  test('says what to do next, worst first, as a command that can be copied', async () => {
    const [first] = await page.locator('ol.next li').all();
    expect(await first?.innerText()).toMatch(
      new RegExp(`^critical\\s+${old} expires in \\d days, .* presented by <b>orders</b>/prod`),
    );
    expect(await first?.locator('code').innerText()).toMatch(
      /^apigw-cert doctor --stage [a-z0-9]+\/prod --region eu-central-1$/,
    );
  });

  test('draws a bar and a renewal window for each certificate, and the rotation', async () => {
    const wide = page.locator('figure .wide svg[role=img]');
    expect(await wide.locator('g.critical .bar, g.ok .bar').count()).toBe(4);
    expect(await wide.locator('.made').count()).toBe(1);
    expect(await wide.locator('.replaces').count()).toBe(1);
    expect(await wide.locator('.todays').allTextContents()).toEqual(['today']);
    const [old, hostile] = await wide.locator('.name').allTextContents();
    expect(old).toMatch(/^‼ [a-z0-9]{6} <b>orders<\/b>$/);
    expect(hostile).toMatch(/^✓ [a-z0-9]{6} users$/);
  });

  test('has the dates above the bars and below them', async () => {
    const ys = new Map<string, number[]>();
    for (const date of await page.locator('figure .wide .date').all()) {
      const words = await date.innerHTML();
      ys.set(words, [...(ys.get(words) ?? []), Number(await date.getAttribute('y'))]);
    }
    expect(ys.size).toBeGreaterThan(3);
    const [bar] = await page.locator('figure .wide .bar').all();
    const top = Number(await bar?.getAttribute('y'));
    for (const [above = Infinity, below = 0] of ys.values()) {
      expect(above).toBeLessThan(top);
      expect(below).toBeGreaterThan(top);
    }
  });

  test('is sorted and filtered by keyboard', async () => {
    const ids = async (): Promise<string[]> => page.locator('#certificates tbody tr th').allInnerTexts();
    expect(await ids()).toEqual([old, hostile]);
    const days = page.getByRole('button', { name: 'Days left' });
    await days.focus();
    await page.keyboard.press('Enter');
    expect(await ids()).toEqual([old, hostile]);
    await page.keyboard.press('Enter');
    expect(await ids()).toEqual([hostile, old]);
    expect(await page.locator('th[aria-sort=descending]').innerText()).toBe('Days left');
    await page.getByLabel('Filter').fill('users/prod');
    expect(await ids()).toEqual([hostile]);
    expect(await page.getByRole('status').innerText()).toBe('1 of 2 certificates');
    await page.getByLabel('Filter').fill('');
    await page.getByLabel('Status').selectOption('critical');
    expect(await ids()).toEqual([old]);
    await page.getByLabel('Status').selectOption('');
  });

  test.each([320, 375, 768, 1280])('fits %i pixels without scrolling sideways', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.locator('figure div svg:visible').count()).toBe(1);
  });

  test('has names and headings for a screen reader', async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual([
      'What to do next',
      'Timeline',
      '2 certificates, and the stages that present them',
      'Accounts and Regions',
    ]);
    expect(await page.getByRole('region').count()).toBe(4);
    expect(await page.getByRole('figure', { name: 'Timeline' }).count()).toBe(1);
    expect(await page.getByRole('img', { name: /^Timeline of 2 certificates/ }).count()).toBe(1);
    expect(await page.getByRole('table', { name: 'Certificates', exact: true }).count()).toBe(1);
    expect(await page.getByRole('table', { name: 'Accounts and Regions' }).count()).toBe(1);
    expect(await page.getByRole('rowheader').count()).toBe(3);
  });

  test('is a table of everything without a script', async () => {
    const context = await browser?.newContext({ javaScriptEnabled: false });
    const bare = await context?.newPage();
    await bare?.goto(pathToFileURL(html).href);
    expect(await bare?.locator('#certificates tbody th').allInnerTexts()).toEqual([old, hostile]);
    expect(await bare?.locator('.tools:visible, nav:visible, thead button').count()).toBe(0);
    await context?.close();
  });
});

/** Opens a report as a page of the browser. */
async function open(report: ExpiryReport, name: string): Promise<{ page: Page; bytes: number }> {
  const text = htmlPage(report, DEFAULT_RENEW_BEFORE);
  const file = join(directory, `${name}.html`);
  await writeFile(file, text);
  const page = await newPage();
  await page.goto(pathToFileURL(file).href);
  return { page, bytes: Buffer.byteLength(text) };
}

describeInBrowser('every state, in every way of looking', () => {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  let page: Page;

  beforeAll(async () => {
    const others = Array.from({ length: 98 }, (_, i) => checked(i, 130 + i, { usedBy: uses(1, 1, i) }));
    const report = reportOf(
      [
        checked(200, -3, { usedBy: uses(1, 2) }),
        checked(201, 5, { usedBy: uses(22, 10) }),
        checked(202, 20, { usedBy: uses(4, 1), tags: { a: '1', b: '2', c: '3', d: '4', e: '5' } }),
        checked(203, 60, { usedBy: uses(1, 1) }),
        checked(204, 364, { status: 'notYetValid', level: 'warning', usedBy: uses(1, 1) }),
        checked(205, 200),
        ...Array.from({ length: 20 }, (_, i) => checked(300 + i, 90 + i, { usedBy: uses(1, 1, i) })),
        ...others,
      ],
      {
        sources: [
          { account: 'production', region: 'eu-central-1', state: 'read', certificates: 124 },
          {
            account: 'staging',
            region: 'eu-west-1',
            state: 'unknown',
            error: { code: 'AccessDenied', message: 'not allowed' },
          },
        ],
      },
    );
    ({ page } = await open(report, 'states'));
    await page.evaluate(
      'for (const each of document.querySelectorAll("section>details,tr:nth-child(2) details")) each.open=true',
    );
    await page.evaluate(await readFile(axe, 'utf8'));
  });
  afterAll(() => page.close());

  const WAYS: [name: string, width: number, media: Parameters<Page['emulateMedia']>[0]][] = [
    ['light', 1280, { colorScheme: 'light' }],
    ['dark', 1280, { colorScheme: 'dark' }],
    ['forced colours', 1280, { colorScheme: 'dark', forcedColors: 'active' }],
    ['320 pixels', 320, { colorScheme: 'light', forcedColors: 'none' }],
  ];

  test.each(WAYS)('axe finds no violation: %s', async (_name, width, media) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia(media);
    const found: unknown = await page.evaluate(
      `axe.run().then(({ violations, passes }) => ({
        violations: violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
        looked: passes.length > 15,
      }))`,
    );
    expect(found).toEqual({ violations: [], looked: true });
  });

  test('each state is told by a sign and a pattern of its own', async () => {
    const looks: unknown = await page.evaluate(
      `[...document.querySelectorAll('figcaption .swatch')].map((each) => [
        each.parentElement.textContent,
        document.querySelector(each.firstElementChild.getAttribute('fill').slice(4, -1)).innerHTML,
      ])`,
    );
    const [words, patterns] = [0, 1].map((i) => (looks as string[][]).map((look) => look[i]));
    expect(words).toEqual(['✓ ok', '↻ renewal due', '! warning', '‼ critical or expired', '– not in use']);
    expect(new Set(patterns).size).toBe(5);
    const drawn = await page.locator('.wide g > text').allTextContents();
    expect(new Set(drawn.map((name) => name[0]))).toEqual(new Set(['✓', '↻', '!', '‼', '–']));
  });

  test.each(['light', 'dark'] as const)('has contrast, also in its picture: %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme, forcedColors: 'none' });
    const ratios: unknown = await page.evaluate(`(() => {
      const light = (c) => { const [r,g,b] = c.match(/[\\d.]+/g).map(Number).map((v) => (v/=255) <= .03928 ? v/12.92 : ((v+.055)/1.055)**2.4); return .2126*r+.7152*g+.0722*b };
      const ratio = (a, b) => (Math.max(a,b)+.05)/(Math.min(a,b)+.05);
      const style = (el) => getComputedStyle(el);
      const card = light(style(document.querySelector('figure')).backgroundColor), ground = light(style(document.body).backgroundColor);
      const least = (selector, property, behind) => Math.min(...[...document.querySelectorAll(selector)].map((el) => ratio(light(style(el)[property]), behind)));
      return {
        bars: least('.bar, .today, .made, .replaces', 'stroke', card),
        patterns: least('pattern rect, pattern circle', 'fill', card),
        lines: least('pattern path', 'stroke', card),
        words: least('figure text', 'fill', card),
        controls: least('input, select, nav button:not(:disabled)', 'borderTopColor', ground),
        lives: least('td i', 'borderTopColor', ground),
      };
    })()`);
    const { words, ...graphics } = ratios as Record<string, number>;
    expect(words).toBeGreaterThanOrEqual(4.5);
    for (const ratio of Object.values(graphics)) expect(ratio).toBeGreaterThanOrEqual(3);
  });

  test('a certificate in its renewal window is no plain ok, and is in what to do next', async () => {
    const row = page.locator('tr', {
      has: page.getByRole('rowheader', { name: checked(203, 60).clientCertificateId }),
    });
    expect(await row.locator('.badge').innerText()).toBe('renewal due');
    const next = page.locator('ol.next li', { hasText: checked(203, 60).clientCertificateId });
    expect(await next.innerText()).toMatch(
      /^due\s+cccc5n \(service 203 of team 16\) has been due for renewal since 2026-09-29 \(33% before it expires\), and expires in 60 days, presented by orders-service-0\/stage0 production\/eu-central-1\s+apigw-cert doctor --stage api0000000\/stage0 --profile production --region eu-central-1/,
    );
    await page.getByLabel('Status').selectOption('renewal due');
    expect(await page.getByRole('status').innerText()).toBe('21 of 124 certificates');
    await page.getByLabel('Status').selectOption('');
  });

  test('what to do next shows twenty, and how many more', async () => {
    expect(await page.locator('section > ol.next li').count()).toBe(20);
    expect(await page.locator('section > details > summary').innerText()).toBe(
      'and 5 more: 5 due for renewal',
    );
    expect(await page.locator('section > details li').count()).toBe(5);
  });

  test('many stages are a few lines, and open to all of them', async () => {
    const cell = page.locator('tr:nth-child(2) td').nth(4);
    expect(await cell.locator('summary').innerText()).toBe('220 stages in 22 APIs');
    expect(await cell.locator('details li').count()).toBe(22);
    expect(await cell.locator('> ul').isVisible()).toBe(false);
    await cell.locator('summary').click();
    expect((await cell.innerText()).split('\n')).toEqual([
      'orders-service-0: stage0, stage1, stage2 and 7 more',
      'orders-service-1: stage0, stage1, stage2 and 7 more',
      'orders-service-2: stage0, stage1, stage2 and 7 more',
      '220 stages in 22 APIs',
    ]);
  });
});

describeInBrowser('at the size of a fleet', () => {
  test('60 certificates on 220 stages each are at most 20 pages of paper', async () => {
    const items = Array.from({ length: 60 }, (_, i) =>
      checked(i, 2 + i * 6, { usedBy: uses(22, 10, 22 * i) }),
    );
    const { page } = await open(reportOf(items), 'paper');
    // Between the margins, A4 is 703 pixels wide.
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 703, height: 1000 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(703);
    const pdf = await page.pdf({ format: 'A4' });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(3);
    expect(pages).toBeLessThanOrEqual(20);
    await page.close();
  });

  test('5,000 certificates are under 2 MB, and are filtered and sorted in an instant', async () => {
    const items = Array.from({ length: 5000 }, (_, i) =>
      checked(i, 1 + (i % 364), { usedBy: uses(1, 1, i), account: `account-${i % 84}` }),
    );
    const { page, bytes } = await open(reportOf(items), 'large');
    expect(bytes).toBeLessThan(2_000_000);
    expect(await page.locator('tbody tr').count()).toBe(51);
    expect(await page.locator('nav span').innerText()).toBe('1–50 of 5000');
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await page.locator('nav span').innerText()).toBe('51–100 of 5000');

    // The first of the runs reads all rows, the fastest is what this machine does when nothing else is at work.
    const times: unknown = await page.evaluate(`(async () => {
      const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const timed = async (work) => { const runs = []; for (let i = 0; i < 4; i++) { const from = performance.now(); work(i); await drawn(); runs.push(performance.now() - from) } return Math.min(...runs) };
      const filter = document.getElementById('filter');
      return {
        filter: await timed((i) => { filter.value = ['team 3', 'orders', 'service 49', ''][i]; filter.dispatchEvent(new Event('input')) }),
        sort: await timed((i) => document.querySelectorAll('#certificates th button')[5].click()),
      };
    })()`);
    const { filter, sort } = times as { filter: number; sort: number };
    expect(filter).toBeLessThan(200);
    expect(sort).toBeLessThan(200);
    expect(await page.locator('section > details > summary').first().innerText()).toMatch(/^and \d+ more: /);
    expect(await page.locator('ol.next li').count()).toBe(200);

    await page.getByLabel('Filter').fill('team 3 account-7');
    const shown = await page.getByRole('status').innerText();
    const printed: unknown = await page.evaluate(
      `dispatchEvent(new Event('beforeprint')), document.querySelectorAll('#certificates tbody tr').length`,
    );
    expect(`${String(printed)} of 5000 certificates`).toBe(shown);
    await page.close();
  });
});

describe('the calendar', () => {
  test('has valid lines, and the same identities each time', async () => {
    const text = await readFile(ics, 'utf8');
    const lines = text.split('\r\n');
    expect(lines[0]).toBe('BEGIN:VCALENDAR');
    expect(lines.slice(-2)).toEqual(['END:VCALENDAR', '']);
    expect(lines.every((line) => Buffer.byteLength(line) <= 75 && !line.includes('\n'))).toBe(true);
    const unfolded = text.replaceAll('\r\n ', '').split('\r\n');
    const uids = unfolded.filter((line) => line.startsWith('UID:'));
    // The old certificate's window opened long ago: only its end is left.
    expect(uids).toHaveLength(3);
    expect(new Set(uids).size).toBe(3);
    expect(unfolded.filter((line) => line === 'BEGIN:VALARM')).toHaveLength(3 + 2 + 3);
    expect(text).not.toContain(HOSTILE.split('\n')[1]);

    const again = join(directory, 'again.ics');
    await cli(['report', '--ics', again], { env: emulatorEnv(emulator) });
    const uidsAgain = (await readFile(again, 'utf8')).replaceAll('\r\n ', '').split('\r\n');
    expect(uidsAgain.filter((line) => line.startsWith('UID:'))).toEqual(uids);
  });

  test('a filter that fits nothing writes no empty page', async () => {
    const page = join(directory, 'nothing.html');
    const { code, stdout, stderr } = await cli(['report', '--html', page, '--stage', 'nope'], {
      env: emulatorEnv(emulator),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^error: no certificate matches --tag, --description, --api and --stage\n  fix: nothing was written; /,
    );
    expect(existsSync(page)).toBe(false);
  });

  test('nothing to write is an error of use', async () => {
    const { code, stderr } = await cli(['report'], { env: emulatorEnv(emulator) });
    expect(code).toBe(2);
    expect(stderr).toContain('--html report.html');
  });
});
