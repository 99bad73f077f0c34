import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GenerateClientCertificateCommand } from '@aws-sdk/client-api-gateway';
import { chromium, type Browser, type Page } from 'playwright-core';
import { startEmulator, type Emulator } from '../../src/emulator/index.js';
import { cli, emulatorEnv } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';

const DAY = 86_400_000;
const HOSTILE = '<img src=x onerror="document.title=\'owned\'">\n"\'&,=1+1</script>';

let emulator: Emulator;
let directory: string;
let old: string, hostile: string;
let html: string, ics: string;

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
afterAll(() => emulator.close());

describe('the page, in a browser', () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(html).href);
  });
  afterAll(() => browser.close());

  test('fetches nothing, breaks none of its own rules and runs nothing from the cloud', async () => {
    expect(requests).toEqual([pathToFileURL(html).href]);
    expect(complaints).toEqual([]);
    expect(await page.title()).toMatch(/^API Gateway client certificates, .*: critical$/);
    expect(await page.locator('img, main script, main b b, td b').count()).toBe(0);
    expect(await page.locator(`tr:has-text("${hostile}") td[data-label=Description]`).innerText()).toBe(
      HOSTILE.replace('\n', '\\x0a'),
    );
  });

  test('says what to do next, worst first, as a command that can be copied', async () => {
    const [first] = await page.locator('ol.next li').all();
    expect(await first?.innerText()).toMatch(
      new RegExp(`^critical\\s+${old} ends in \\d days, .* presented by <b>orders</b>/prod`),
    );
    expect(await first?.locator('code').innerText()).toMatch(
      /^apigw-cert doctor --stage [a-z0-9]+\/prod --region eu-central-1$/,
    );
  });

  test('draws a bar and a renewal window for each certificate, and the rotation', async () => {
    const wide = page.locator('figure .wide svg[role=img]');
    expect(await wide.locator('[aria-label=bar] rect').count()).toBe(4);
    expect(await wide.locator('[aria-label=dot] circle').count()).toBe(1);
    expect(await wide.locator('[aria-label=arrow] path').count()).toBe(1);
    expect(await wide.locator('text=today').count()).toBe(1);
  });

  test('is sorted and filtered by keyboard', async () => {
    const ids = async (): Promise<string[]> =>
      page.locator('#certificates tbody tr:not([hidden]) th').allInnerTexts();
    expect(await ids()).toEqual([old, hostile]);
    const days = page.getByRole('button', { name: 'Days left' });
    await days.focus();
    await page.keyboard.press('Enter');
    expect(await ids()).toEqual([old, hostile]);
    await page.keyboard.press('Enter');
    expect(await ids()).toEqual([hostile, old]);
    expect(await page.locator('th[aria-sort=descending]').innerText()).toBe('Days left');
    await page.getByLabel('Filter').fill('users');
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
    expect(await page.locator('figure svg:visible').count()).toBe(1);
  });

  test('is readable in dark as in light', async () => {
    const contrasts = async (): Promise<number> =>
      page.evaluate(`(() => {
        const light = (c) => { const [r,g,b] = c.match(/[\\d.]+/g).map(Number).map((v) => (v/=255) <= .03928 ? v/12.92 : ((v+.055)/1.055)**2.4); return .2126*r+.7152*g+.0722*b };
        const page = light(getComputedStyle(document.body).backgroundColor);
        const of = (el) => { const l = light(getComputedStyle(el).color); return (Math.max(l,page)+.05)/(Math.min(l,page)+.05) };
        return Math.min(...[...document.querySelectorAll('h1,p,.dim,.badge,td,code')].map(of));
      })()`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await contrasts()).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('has names and headings for a screen reader', async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual([
      'What to do next',
      'Their lives',
      '2 certificates, and who presents them',
      'Where it was looked',
    ]);
    expect(await page.getByRole('region').count()).toBe(4);
    expect(await page.getByRole('img', { name: /^Timeline/ }).count()).toBe(1);
    expect(await page.getByRole('rowheader').count()).toBe(3);
  });
});

describe('the calendar', () => {
  test('has valid lines, and the same identities each time', async () => {
    const text = await readFile(ics, 'utf8');
    const lines = text.split('\r\n');
    expect(lines[0]).toBe('BEGIN:VCALENDAR');
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

  test('nothing to write is an error of use', async () => {
    const { code, stderr } = await cli(['report'], { env: emulatorEnv(emulator) });
    expect(code).toBe(2);
    expect(stderr).toContain('--html report.html');
  });
});
