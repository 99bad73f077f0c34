// A control plane that only answers listings, with as much in them as an account can have, in a process of its own.
// argv: certificates, REST APIs, stages an API. Prints its URL. The emulator would take minutes to make 5,000 keys.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';

const DAY = 86_400_000;
const [certificates, apis, stages] = process.argv.slice(2).map(Number);

const pem = execFileSync(
  'openssl',
  // prettier-ignore
  ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-days', '365', '-subj', '/C=US/L=Seattle/CN=ApiGateway'],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
);
const model = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
/** Where the serial number (INTEGER after the version) and the first of the two times (UTCTime) are. */
const serialAt = model.indexOf(Buffer.from('a003020102', 'hex')) + 5;
const timesAt = model.indexOf(Buffer.from([0x17, 13]));
const utcTime = (time) =>
  new Date(time)
    .toISOString()
    .replace(/[-:T]|\.\d+/g, '')
    .slice(2);

/** The model with another serial number and other times: nobody verifies the signature of a list. */
function certificate(i) {
  const notBefore = Math.floor((Date.now() - ((i * 364.5) / certificates) * DAY) / 1000) * 1000;
  const der = Buffer.from(model);
  der.writeUInt32BE(i + 1, serialAt + 2 + der[serialAt + 1] - 4);
  der.write(utcTime(notBefore), timesAt + 2, 'latin1');
  der.write(utcTime(notBefore + 365 * DAY), timesAt + 17, 'latin1');
  const lines = der.toString('base64').match(/.{1,64}/g);
  return {
    clientCertificateId: i.toString(36).padStart(6, 'c'),
    description: `service ${i} of team ${i % 17}`,
    pemEncodedCertificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join(
      '\r\n',
    ),
    createdDate: notBefore / 1000,
    expirationDate: notBefore / 1000 + 365 * 86_400,
    tags: { team: `t${i % 17}` },
  };
}

const many = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const all = many(certificates, certificate);
const restApis = many(apis, (i) => ({
  id: i.toString(36).padStart(10, 'a'),
  name: `orders-service-${i}`,
  createdDate: 1.7e9,
  endpointConfiguration: { types: ['REGIONAL'] },
}));
const index = new Map(restApis.map(({ id }, i) => [id, i]));
const perCertificate = Math.ceil((apis * stages) / certificates);

/** As AWS answers a stage that has been deployed a few times. */
const stage = (api, i) => ({
  deploymentId: 'dep001',
  clientCertificateId: all[Math.floor((api * stages + i) / perCertificate)]?.clientCertificateId,
  stageName: `stage${i}`,
  description: 'deployed by the pipeline',
  cacheClusterEnabled: false,
  cacheClusterStatus: 'NOT_AVAILABLE',
  methodSettings: {
    '*/*': {
      metricsEnabled: true,
      loggingLevel: 'INFO',
      dataTraceEnabled: false,
      throttlingBurstLimit: 5000,
      throttlingRateLimit: 10000,
      cachingEnabled: false,
      cacheTtlInSeconds: 300,
      cacheDataEncrypted: false,
      requireAuthorizationForCacheControl: true,
      unauthorizedCacheControlHeaderStrategy: 'SUCCEED_WITH_RESPONSE_HEADER',
    },
  },
  variables: { backend: `orders-${api}.internal.example.com`, level: 'info' },
  tracingEnabled: false,
  createdDate: 1.7e9,
  lastUpdatedDate: 1.7e9,
  tags: { team: 'orders', environment: `stage${i}`, 'aws:cloudformation:stack-name': `orders-${api}` },
});

function page(items, { searchParams }) {
  const from = Number(searchParams.get('position') ?? 0);
  const to = from + Number(searchParams.get('limit') ?? 25);
  return { item: items.slice(from, to), ...(to < items.length ? { position: String(to) } : {}) };
}

function answer(url) {
  const api = /^\/restapis\/([^/]+)\/stages$/.exec(url.pathname)?.[1];
  if (api !== undefined) return { item: many(stages, (i) => stage(index.get(api), i)) };
  if (url.pathname === '/clientcertificates') return page(all, url);
  return url.pathname === '/restapis' ? page(restApis, url) : { items: [] };
}

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer(new URL(request.url, 'http://localhost'))));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
