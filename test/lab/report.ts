import type { Caller, List } from './matrix.js';
import type { TrafficResult } from './rotation.js';
import type { Form, LabServer, MissingServer } from './servers.js';

export interface MatrixRow {
  server: LabServer;
  form: Form;
  list: List;
  letIn: readonly Caller[];
}

export interface LabResults {
  rows: readonly MatrixRow[];
  rotations: readonly (TrafficResult & { server: LabServer })[];
  reloads: readonly (TrafficResult & { server: LabServer })[];
  missing: readonly MissingServer[];
}

const CALLERS_PER_LIST = 5;

/** Whether exactly those of the list were let in. */
export const isRight = ({ list, letIn }: MatrixRow): boolean =>
  [...list].sort().join() === [...letIn].sort().join();

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const names = (letIn: readonly Caller[]): string =>
  letIn.length === 0
    ? 'nobody'
    : letIn.map((caller) => (caller === 'expired' ? '**expired**' : caller)).join(', ');

function of(results: LabResults, server: LabServer, form: Form): readonly MatrixRow[] {
  return results.rows.filter((row) => row.server === server && row.form === form);
}

function cell(rows: readonly MatrixRow[], list: string): string {
  const row = rows.find((each) => each.list.join() === list);
  return row ? names(row.letIn) : '–';
}

function verdict(naive: readonly MatrixRow[]): string {
  if (naive.length === 0) return '–';
  if (naive.every(isRight)) return 'right';
  const both = naive.filter(({ list }) => list.length === 2);
  return both.every(({ letIn }) => letIn.includes('old') && letIn.includes('new'))
    ? 'lets in expired ones'
    : '**first only**: an outage';
}

const servers = (results: LabResults): LabServer[] => [...new Set(results.rows.map(({ server }) => server))];

function naiveTable(results: LabResults): string {
  return table(
    ['server', 'version', 'TLS library', 'old, new', 'new, old', 'so a CA bundle is'],
    servers(results)
      .filter(({ forms }) => forms.includes('naive'))
      .map((server) => {
        const rows = of(results, server, 'naive');
        return [
          server.name,
          server.version,
          server.tls,
          cell(rows, 'old,new'),
          cell(rows, 'new,old'),
          verdict(rows),
        ];
      }),
  );
}

function oursTable(results: LabResults): string {
  return table(
    [
      'server',
      'version',
      'TLS library',
      'cases right',
      'rotation: failed of requests',
      'reloads: failed of requests (a second)',
    ],
    servers(results)
      .filter(({ forms }) => forms.includes('ours'))
      .map((server) => {
        const rows = of(results, server, 'ours');
        const right = rows.filter(isRight).length * CALLERS_PER_LIST;
        const rotation = results.rotations.find((each) => each.server === server);
        const reload = results.reloads.find((each) => each.server === server);
        return [
          server.name,
          server.version,
          server.tls,
          `${right} of ${rows.length * CALLERS_PER_LIST}`,
          rotation ? `${rotation.failed.length} of ${rotation.requests}` : '–',
          reload
            ? `${reload.failed.length} of ${reload.requests} (${Math.round(reload.requests / reload.seconds)})`
            : '–',
        ];
      }),
  );
}

/** The page that people link to. Everything in its tables was measured by the run that wrote it. */
export function compatibilityPage(results: LabResults): string {
  const missing =
    results.missing.length === 0
      ? ''
      : `\nNot on the machine of this run: ${results.missing.map(({ name, reason }) => `${name} (${reason})`).join(', ')}.\n`;
  return `# Which servers survive a rotation

<!-- Written by \`npm run lab\`: change test/lab/report.ts, not this page. -->

All client certificates of Amazon API Gateway have one subject, \`C=US, L=Seattle, CN=ApiGateway\`, and no key identifiers.
While one is replaced, a backend has to accept the old **and** the new one, and nobody else. What each server really does
was measured by TLS handshakes: each is started with a list of certificates, and then called by five clients.

- \`old\`, \`new\`: the certificates of the rotation;
- \`impostor\`: the same subject with a key of its own;
- \`none\`: no certificate;
- \`expired\`: ended five weeks ago, and still in every list, behind the others.

The certificates are replicas of API Gateway's (RSA 2048, X.509 v3 without extensions). The client is Node.js ${process.versions.node} over loopback,
TLS 1.3. How API Gateway's own client behaves is not part of this.

## With a CA bundle, as manuals have it

Who is let in, by the order of the bundle:

${naiveTable(results)}

OpenSSL looks the issuer of a self-signed certificate up by its subject, finds the first of the bundle, sees that this is
another certificate, and refuses with error 18. With one certificate alone everything works, so this shows at the first
rotation. Caddy loads the first certificate of a \`trusted_ca_cert_file\` alone. Java finds both, and accepts expired ones.
[backends.md](backends.md) has the proof by \`openssl verify\`.

## With what \`apigw-cert backend config\` prints

The lists \`old\`; \`new\`; \`old, new\`; \`new, old\` × the five clients above, the expired certificate listed in each: right
is that the listed ones are let in and nobody else. Then a whole rotation by \`apigw-cert rotate\`, with all its reloads, while
clients call the stage through an emulated API Gateway that presents old and new in turns; and five reloads a second apart
while clients make new connections all the time, each for ten requests.

${oursTable(results)}

stunnel, hitch and lighttpd have no configuration that accepts both on one host name; [trust-stores.md](trust-stores.md) has the way
round. Envoy and Traefik are in neither Debian 12 nor npm: their configurations are unproven.
${missing}
`;
}
