/** Generates configurations, and compares the interpreter with a real server in batches. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Cast, castIn } from './callers.js';
import { type App, startApp } from './calls.js';
import { add, type Comparison, emptyComparison } from './compare.js';
import { apacheGrammar, compareApache } from './apache.js';
import { caddyGrammar, compareCaddy } from './caddy.js';
import { compareHaproxy, haproxyGrammar } from './haproxy.js';
import { compareNginx, nginxGrammar } from './nginx.js';

export interface Lab {
  cast: Cast;
  app: App;
  close(): void;
}

export async function openLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-lint-lab-'));
  const [cast, app] = await Promise.all([castIn(folder), startApp()]);
  return {
    cast,
    app,
    close() {
      app.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Generated configurations of a server in batches, from a seed that is named where something differs. */
export async function compareGenerated(
  server: keyof typeof SERVERS,
  { count, batch, seed }: { count: number; batch: number; seed: number },
  { cast, app }: Lab,
): Promise<Comparison> {
  const total = emptyComparison();
  for (let done = 0, round = 0; done < count; round++) {
    const size = Math.min(batch, count - done);
    add(total, await SERVERS[server](cast, size, seed + round, app));
    done += size;
  }
  return total;
}

/** A second octet of loopback addresses that other runs on this machine do not use at the same time. */
const net = 2 + (process.pid % 200);

const SERVERS = {
  nginx: (cast: Cast, size: number, seed: number, app: App) =>
    compareNginx(fc.sample(nginxGrammar(cast), { numRuns: size, seed }), cast, app, net),
  haproxy: (cast: Cast, size: number, seed: number, app: App) =>
    compareHaproxy(fc.sample(haproxyGrammar(cast), { numRuns: size, seed }), cast, app, net),
  apache: (cast: Cast, size: number, seed: number, app: App) =>
    compareApache(fc.sample(apacheGrammar(cast), { numRuns: size, seed }), cast, app, net),
  caddy: (cast: Cast, size: number, seed: number, app: App) =>
    compareCaddy(fc.sample(caddyGrammar(cast), { numRuns: size, seed }), cast, app, net),
} as const;
