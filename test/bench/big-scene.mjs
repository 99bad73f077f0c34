// An account of many stages that share certificates which are all due, and one backend that obeys a PEM file, in a
// process of their own. argv: a folder, the number of APIs, of stages of each, and of certificates. Prints the
// environment for the tool as JSON once all is ready; AWS's limits apply from then on.
import { startAccount } from './account.mjs';

const [directory, apis, stages, certificates] = [process.argv[2], ...process.argv.slice(3).map(Number)];
/** What AWS lets an account have of each kind. */
const KINDS = [
  ['REGIONAL', 600],
  ['PRIVATE', 600],
  ['EDGE', 120],
];

// Room for those that rotations make.
const account = await startAccount(directory, { certificateQuota: 2 * certificates });
account.emulator.advanceClock(-340 * 86_400_000);
const made = await account.makeCertificates(certificates);
account.trust(made);
const kinds = KINDS.flatMap(([kind, most]) => Array(most).fill(kind));
for (let i = 0; i < apis; i++) {
  const api = await account.makeApi({ name: `api-${i}`, endpointConfiguration: { types: [kinds[i]] } });
  for (let s = 0; s < stages; s++) await account.makeStage(api, `s${s}`, made[i % certificates]);
}
account.emulator.setClock(new Date());
await account.request('PATCH', '/_emulator/config', { rateLimit: { perSecond: 10, burst: 40 } });
account.ready();
