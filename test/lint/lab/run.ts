/** Generates configurations, and compares the interpreter with a real server in batches. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Cast, castIn } from './callers.js';
import { type App, freePlace, type Place, startApp } from './calls.js';
import { add, type Comparison, emptyComparison } from './compare.js';
import { apacheGrammar, compareApache } from './apache.js';
import { caddyGrammar, compareCaddy } from './caddy.js';
import { compareHaproxy, haproxyGrammar } from './haproxy.js';
import { compareNginx, nginxGrammar } from './nginx.js';

export interface Lab {
  cast: Cast;
  app: App;
  place: Place;
  close(): void;
}

export async function openLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-lint-lab-'));
  const [cast, app, place] = await Promise.all([castIn(folder), startApp(), freePlace(2)]);
  return {
    cast,
    app,
    place,
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
  { cast, app, place }: Lab,
): Promise<Comparison> {
  const total = emptyComparison();
  for (let done = 0, round = 0; done < count; round++) {
    const size = Math.min(batch, count - done);
    add(total, await SERVERS[server](cast, size, seed + round, app, place));
    done += size;
  }
  return total;
}

const SERVERS = {
  nginx: (cast: Cast, size: number, seed: number, app: App, place: Place) =>
    compareNginx(fc.sample(nginxGrammar(cast), { numRuns: size, seed }), cast, app, place),
  haproxy: (cast: Cast, size: number, seed: number, app: App, place: Place) =>
    compareHaproxy(fc.sample(haproxyGrammar(cast), { numRuns: size, seed }), cast, app, place),
  apache: (cast: Cast, size: number, seed: number, app: App, place: Place) =>
    compareApache(fc.sample(apacheGrammar(cast), { numRuns: size, seed }), cast, app, place),
  caddy: (cast: Cast, size: number, seed: number, app: App, place: Place) =>
    compareCaddy(fc.sample(caddyGrammar(cast), { numRuns: size, seed }), cast, app, place),
} as const;
