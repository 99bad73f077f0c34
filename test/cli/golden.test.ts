import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { certificateFacts } from '../../src/certificates/parse.js';
import { COMMANDS } from '../../src/cli/commands.js';
import { cli } from '../support/cli.js';
import { attachCertificate, clientOf, generateCertificate, makeApi } from '../support/emulator.js';
import { startRotationLab, type RotationLab } from '../support/rotation.js';

/*
 * The output that people and scripts read, byte for byte: every change of it is in the diff of a commit, after
 * `npm test -- test/cli/golden -u`. What differs from run to run is replaced by a name, such as CERT01 or TIME.
 */

let lab: RotationLab;
let directory: string;
/** What differs with each run, and the name that replaces it. */
const names: [string | RegExp, string][] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'apigw-cert-golden-'));
  lab = await startRotationLab({ ageDays: 340 });
  const client = clientOf(lab.emulator);
  lab.emulator.setClock(new Date(Date.now() - 40 * 86_400_000));
  const spare = await generateCertificate(client);
  const internal = await makeApi(lab.emulator, client, lab.backend.url, {
    name: 'internal',
    stageName: 'test',
  });
  lab.emulator.setClock(new Date());
  const young = await generateCertificate(client);
  const payments = await makeApi(lab.emulator, client, lab.backend.url, {
    name: 'payments',
    stageName: 'live',
  });
  await attachCertificate(client, payments, young.id);
  const old = (await lab.controlPlane.getClientCertificate(lab.oldId)).pemEncodedCertificate;
  const pems = [old, spare.pem, young.pem];
  for (const [index, pem] of pems.entries()) {
    const { serialNumber, fingerprintSha256 } = certificateFacts(pem);
    names.push([fingerprintSha256, `SHA256-${index + 1}`], [serialNumber, `SERIAL${index + 1}`]);
  }
  [lab.oldId, spare.id, young.id].forEach((id, index) => names.push([id, `CERT0${index + 1}`]));
  [lab.api, internal, payments].forEach(({ restApiId }, index) =>
    names.push([restApiId, `API000000${index + 1}`]),
  );
  names.push([lab.trustFile, 'TRUST'], [lab.directory, 'LAB'], [directory, 'DIRECTORY']);
  await writeFile(join(directory, 'old.pem'), old);
});
afterAll(async () => {
  await lab.close();
  await rm(directory, { recursive: true });
});

const QUICK = ['--probe-count', '1', '--in-flight', '1s', '--soak', '1s'];

/** Of each command, and of those below a command. */
const HELP: readonly (readonly string[])[] = [[], ...Object.keys(COMMANDS).map((name) => [name])].map(
  (words) => [...words, '--help'],
);

/** In this order: what later ones show is what earlier ones left. */
const CALLS: readonly (readonly string[])[] = [
  ...HELP,

  ['nonsense'],
  ['list'],
  ['list', '--usage'],
  ['list', '--output', 'json'],
  ['list', '--nonsense'],
  ['inspect', 'CERT01'],
  ['inspect', 'DIRECTORY/old.pem'],
  ['inspect', 'nope00'],
  ['check-expiry'],
  ['check-expiry', '--usage'],
  ['check-expiry', '--output', 'nagios'],
  ['check-expiry', '--output', 'github'],
  ['check-expiry', '--output', 'junit'],
  ['check-expiry', '--output', 'csv'],
  ['check-expiry', '--output', 'prometheus'],
  ['check-expiry', '--output', 'sarif'],
  ['inventory'],
  ['report'],
  ['report', '--output', 'json'],
  ['doctor', '--stage', 'orders/prod'],
  ['doctor', '--stage', 'internal/test'],
  ['test-invoke', '--stage', 'orders/prod', '--path', '/health'],
  ['download', 'CERT01'],
  ['download', 'CERT01', '--out', 'DIRECTORY/downloaded.pem'],
  ['backend', 'show', '--trust', 'pem-bundle:TRUST'],
  ['backend', 'add', 'CERT02', '--trust', 'pem-bundle:TRUST'],
  ['backend', 'remove', 'CERT02', '--trust', 'pem-bundle:TRUST'],
  ['backend', 'remove', 'CERT02', '--trust', 'pem-bundle:TRUST', '--yes'],
  ['rotate', '--stage', 'payments/live', '--trust', 'pem-bundle:TRUST'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'pem-bundle:TRUST', '--dry-run'],
  ['rotate', '--stage', 'orders/nope', '--trust', 'pem-bundle:TRUST'],
  ['update', 'CERT02', '--description', 'spare \u001b[31m'],
  ['attach', 'CERT02', '--stage', 'internal/test'],
  ['detach', '--stage', 'internal/test'],
  ['detach', '--stage', 'internal/test', '--yes'],
  ['delete', 'CERT01', '--yes'],
  ['prune'],
  ['status'],
  ['delete', 'CERT02', '--yes'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'pem-bundle:TRUST', ...QUICK, '--no-wait'],
  ['status'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'pem-bundle:TRUST', ...QUICK, '--abort'],
  ['rotate', '--stage', 'orders/prod', '--trust', 'pem-bundle:TRUST', ...QUICK, '--output', 'json'],
  ['status', '--output', 'json'],
];

const named = (text: string): string =>
  [...names, ...RUNS].reduce((sofar, [what, name]) => sofar.replaceAll(what, name), text);
const real = (word: string): string =>
  names.reduce(
    (sofar, [what, name]) => (typeof what === 'string' ? sofar.replaceAll(name, what) : sofar),
    word,
  );

/** What differs with the machine and the time. */
const RUNS: readonly [RegExp, string][] = [
  [/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g, 'PEM'],
  [/\b(localhost|127\.0\.0\.1):\d+/g, 'HOST'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g, 'TIME'],
  [/\b20\d\d-\d\d-\d\d\b/g, 'DATE'],
  [/(?<=expires_in_seconds\{.*\} )\d+|\b\d{10}(\.\d+)?\b/g, 'SECONDS'],
  [/\b[A-Za-z0-9+/]{43}=/g, 'BASE64'],
  [/\b\d+ ms\b|(?<=✓ .*)\b\d+(\.\d+)? s$/gm, 'DURATION'],
  [/\b\d{8}T\d{6}Z-[0-9a-f]{8}\b/g, 'ROTATION'],
  [/(?<="ms": )\d+/g, 'DURATION'],
  [/\b[0-9A-F]{2}(:[0-9A-F]{2}){15,}\b/g, 'HEX'],
  [/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'UUID'],
];

test.each(CALLS.map((words) => [words.join(' ').replaceAll('\u001b', 'ESC'), words] as const))(
  'apigw-cert %s',
  async (_title, words) => {
    const { code, stdout, stderr } = await cli(words.map(real), { env: lab.env });
    for (const { clientCertificateId: id } of await lab.controlPlane.getClientCertificates())
      if (!names.some(([known]) => known === id)) names.push([id, 'CERT04']);
    expect(named(`exit ${String(code)}\n--- stdout\n${stdout}--- stderr\n${stderr}`)).toMatchSnapshot();
  },
);
