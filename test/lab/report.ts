import type { JavaKind } from './java-client.js';
import { JAVA_VARIANTS, type Caller, type JavaVariant, type List } from './matrix.js';
import type { ChangeResult, TrafficResult } from './rotation.js';
import type { Form, LabServer, MissingServer } from './servers.js';

export interface MatrixRow {
  server: LabServer;
  form: Form;
  list: List;
  letIn: readonly Caller[];
  java: ReadonlyMap<JavaVariant, readonly Caller[]>;
}

export interface LabResults {
  rows: readonly MatrixRow[];
  rotations: readonly (TrafficResult & { server: LabServer })[];
  reloads: readonly (TrafficResult & { server: LabServer })[];
  changes: readonly (ChangeResult & { server: LabServer; kind: JavaKind })[];
  missing: readonly MissingServer[];
}

const CALLERS_PER_LIST = 5;

/** Whether exactly those of the list were let in. */
export const isRight = ({ list, letIn }: MatrixRow): boolean =>
  [...list].sort().join() === [...letIn].sort().join();

/** Whether each Java client, under each version of TLS, got in with those of the list and with nobody else. */
export const isRightForJava = ({ list, java }: MatrixRow): boolean =>
  JAVA_VARIANTS.every((variant) => [...list].sort().join() === [...(java.get(variant) ?? [])].sort().join());

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
    ? 'accepts expired certificates'
    : '**first only**: an outage';
}

const servers = (results: LabResults): LabServer[] => [...new Set(results.rows.map(({ server }) => server))];

function naiveTable(results: LabResults): string {
  return table(
    ['server', 'version', 'TLS library', 'old, new', 'new, old', 'so a CA bundle is', 'Java client'],
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
          javaDifference(rows),
        ];
      }),
  );
}

/** Cases in which a Java client was let in or refused as it should be. */
function javaRight(rows: readonly MatrixRow[]): number {
  let right = 0;
  for (const { list, java } of rows) {
    for (const variant of JAVA_VARIANTS) {
      const letIn = java.get(variant) ?? [];
      right += ALL_CALLERS.filter((caller) => letIn.includes(caller) === isListed(list, caller)).length;
    }
  }
  return right;
}

const ALL_CALLERS: readonly Caller[] = ['old', 'new', 'impostor', 'none', 'expired'];

const isListed = (list: List, caller: Caller): boolean => (list as readonly Caller[]).includes(caller);

/** What a Java client makes of a CA bundle, where that differs from Node.js. */
function javaDifference(rows: readonly MatrixRow[]): string {
  if (rows.every(({ java }) => java.size === 0)) return '–';
  const differing = rows.flatMap(({ list, letIn, java }) =>
    [...java].flatMap(([variant, by]) =>
      by.join() === letIn.join() ? [] : [`${list.join(', ')} by ${variant}: ${names(by)}`],
    ),
  );
  return differing.length === 0 ? 'the same' : differing.join('; ');
}

function changesTable(results: LabResults): string {
  return table(
    ['server', 'client', 'requests', 'POSTs lost', 'GETs lost'],
    results.changes.map(({ server, kind, requests, failedPosts, failedGets }) => [
      server.name,
      kind === 'sync' ? 'HttpClient' : 'HttpAsyncClient',
      String(requests),
      failedPosts === 0 ? '0' : `**${failedPosts}**`,
      String(failedGets),
    ]),
  );
}

function oursTable(results: LabResults): string {
  return table(
    [
      'server',
      'version',
      'TLS library',
      'cases right, Node.js',
      'cases right, Java (sync and async, TLS 1.2 and 1.3)',
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
          `${javaRight(rows)} of ${rows.length * CALLERS_PER_LIST * JAVA_VARIANTS.length}`,
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
      : `\nNot installed on the machine of this run: ${results.missing.map(({ name, reason }) => `${name} (${reason})`).join(', ')}.\n`;
  return `# Which servers survive a rotation

<!-- Written by \`npm run lab\`: change test/lab/report.ts, not this page. -->

All client certificates of Amazon API Gateway have the subject \`C=US, L=Seattle, CN=ApiGateway\` and no key identifiers.
During a rotation, a backend has to accept the old **and** the new certificate, and refuse every other caller. The behaviour of each
server was measured with TLS handshakes: each server is started with a list of certificates, and then called by five clients.

- \`old\`, \`new\`: the certificates of the rotation;
- \`impostor\`: the same subject with a different key;
- \`none\`: no certificate;
- \`expired\`: expired five weeks ago, and still at the end of every list.

The certificates are replicas of API Gateway's (RSA 2048, X.509 v3 without extensions). The client is Node.js ${process.versions.node} over loopback,
TLS 1.3; and a client like API Gateway's, OpenJDK 17 with Apache HttpClient 4.5.14 and HttpAsyncClient 4.1.5, under TLS 1.2 and 1.3, with
10 ms of latency each way. The messages in API Gateway's log are those of these libraries; its client itself was not available.

## With a CA bundle, as in most manuals

The callers that are accepted, by the order of the bundle:

${naiveTable(results)}

OpenSSL looks up the issuer of a self-signed certificate by its subject, finds the first one in the bundle, sees that it is a
different certificate, and refuses with error 18. A single certificate works, so the problem appears at the first rotation. Caddy
loads only the first certificate of a \`trusted_ca_cert_file\`. Java finds both, and accepts expired certificates.
[backends.md](backends.md) demonstrates this with \`openssl verify\`.

## With the configuration that \`apigw-cert backend config\` prints

The lists \`old\`; \`new\`; \`old, new\`; \`new, old\` × the five clients above, with the expired certificate in each list. A case is right
if exactly the listed certificates that are in date are accepted. Then a complete rotation with \`apigw-cert rotate\`, with all its
reloads, while clients call the stage through an emulated API Gateway that presents the old and the new certificate alternately.
Finally five reloads, one second apart, while clients continuously open new connections, each for ten requests.

${oursTable(results)}

## POSTs on kept connections

The list is changed five times through its trust store, one second apart, while a Java client sends POSTs on four kept connections
and GETs on four others, each idle for 200 ms between requests, with a certificate that stays in the list:

${changesTable(results)}

If a server closes idle connections during a reload, a request may already have been sent on such a connection. The synchronous
HttpClient does not repeat a POST (\`NoHttpResponseException\`), but repeats a GET; HttpAsyncClient notices that the connection is
closed. In the worst case, each reload loses one POST for each connection that is idle at that moment. API Gateway's messages are
those of HttpAsyncClient. Remedies:

- HAProxy: nothing. The printed configuration has \`option idle-close-on-response\`; with \`socket\` there is no reload at all.
- nginx 1.27.4 or later: \`keepalive_min_timeout 60s;\` in the server block, which is printed as a comment. Earlier versions: accept the
  loss, or set \`keepalive_timeout 0;\` for the days of a rotation, which costs a handshake for each request.
- Apache: accept the loss, or set \`KeepAlive Off\` in the virtual host for the days of a rotation.
- Caddy: accept the loss.
- Node.js, Python and Java as printed: nothing; no connection is closed.

A rotation reloads a server twice. Clients that retry requests, and API methods that are safe to retry, lose nothing.

stunnel, hitch and lighttpd have no configuration that accepts both on one host name; [trust-stores.md](trust-stores.md) describes
a workaround. Envoy and Traefik are in neither Debian 12 nor npm: their configurations are untested.
${missing}
`;
}
